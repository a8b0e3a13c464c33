//! Which terms does an electronic invoice have? Those of EN 16931-1 that we print, each with its number there.
//!
//! Dates are `YYYY-MM-DD`. Amounts have at most two decimals (BR-DEC), prices at most six and quantities at most four
//! (XP Z12-012, BR-FR-DEC). A credit note's amounts are what it gives back, without a sign.

use releve_billing::tax::Category;
use rust_decimal::Decimal;

/// An invoice or a credit note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EInvoice {
    /// BT-1.
    pub number: String,
    /// BT-2.
    pub issue_date: String,
    /// BT-3.
    pub type_code: TypeCode,
    /// BT-5: ISO 4217.
    pub currency: &'static str,
    /// BT-8: when VAT is due, where it is charged and that is not when it is supplied.
    pub vat_point: Option<VatPoint>,
    /// BT-9. UBL's credit note has none.
    pub due_date: String,
    /// BT-10: what the buyer wants to read.
    pub buyer_reference: Option<String>,
    /// BT-20.
    pub payment_terms: Option<String>,
    /// BG-1.
    pub notes: Vec<Note>,
    /// BT-23: the French framework of billing, `S1` for services to be paid.
    pub process: Option<&'static str>,
    /// BT-24.
    pub specification: &'static str,
    /// BG-3: number and date of each document that this one corrects.
    pub preceding: Vec<(String, String)>,
    /// BG-4.
    pub seller: EParty,
    /// BG-7.
    pub buyer: EParty,
    /// BG-14: first and last day. A service that goes on is supplied when its period ends, so the last is BT-72 too.
    pub period: (String, String),
    /// BG-16.
    pub payment: Option<Payment>,
    /// BG-23.
    pub vat: Vec<VatBreakdown>,
    /// BG-25.
    pub lines: Vec<ELine>,
    /// BT-106 and BT-109, which are one without allowances on the document.
    pub net: Decimal,
    /// BT-110.
    pub tax: Decimal,
    /// BT-112 and BT-115, which are one where nothing was paid before.
    pub payable: Decimal,
}

/// UNTDID 1001.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeCode {
    /// 380; also one that bills more for a period that was billed.
    Invoice,
    /// 381.
    CreditNote,
}

impl TypeCode {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invoice => "380",
            Self::CreditNote => "381",
        }
    }
}

/// When VAT becomes due. The two syntaxes have codes of their own (UNTDID 2005 and 2475).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VatPoint {
    /// With the invoice: French sellers call it "les débits".
    Invoice,
    /// With the payment.
    Payment,
}

/// BG-1: a text and the code of its subject (UNTDID 4451), where it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    pub subject: Option<&'static str>,
    pub text: String,
}

/// A seller or a buyer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EParty {
    /// BT-27, BT-44.
    pub name: String,
    /// BT-30, BT-47 and its scheme (ISO 6523): `0002` for the SIREN.
    pub legal_id: Option<(String, Option<&'static str>)>,
    /// BT-31, BT-48. Nobody's where VAT is not in scope (BR-O-02).
    pub vat_id: Option<String>,
    /// BT-33, of a seller: legal form, capital, register.
    pub legal_mentions: Option<String>,
    /// BT-34, BT-49.
    pub endpoint: Option<Endpoint>,
    /// BT-35, BT-36, BT-162; BT-50, BT-51, BT-163: at most three.
    pub street: Vec<String>,
    /// BT-37, BT-52.
    pub city: Option<String>,
    /// BT-38, BT-53.
    pub postcode: Option<String>,
    /// BT-40, BT-55: ISO 3166 alpha-2.
    pub country: String,
}

/// An electronic address: a value and its scheme (EAS).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub scheme: &'static str,
    pub value: String,
}

/// BG-17: a transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// BT-84.
    pub iban: String,
    /// BT-86.
    pub bic: Option<String>,
    /// BT-83: what to name.
    pub remittance: String,
}

/// BG-23.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VatBreakdown {
    /// BT-118.
    pub category: Category,
    /// BT-119, in percent.
    pub rate: Decimal,
    /// BT-116.
    pub base: Decimal,
    /// BT-117.
    pub tax: Decimal,
    /// BT-120.
    pub reason: Option<&'static str>,
    /// BT-121.
    pub reason_code: Option<&'static str>,
}

/// BG-25.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ELine {
    /// BT-126.
    pub id: String,
    /// BT-127.
    pub note: Option<String>,
    /// BT-129. Below zero for what is taken back; a price never is.
    pub quantity: Decimal,
    /// BT-130: UN/ECE recommendation 20.
    pub unit: &'static str,
    /// BT-131.
    pub net: Decimal,
    /// BT-134, BT-135.
    pub period: (String, String),
    /// BT-146.
    pub price: Decimal,
    /// BT-149, in the unit of the quantity.
    pub base_quantity: i64,
    /// BT-151.
    pub category: Category,
    /// BT-152, in percent.
    pub rate: Decimal,
    /// BT-153.
    pub name: String,
    /// BT-155: the SKU.
    pub item_id: String,
    /// BG-32: names and values.
    pub attributes: Vec<(&'static str, String)>,
}
