//! What does an electronic invoice say? The terms of EN 16931-1 that our documents use, each under its number.
//!
//! Optional terms are `Option`; an empty text counts as none. Amounts are in the document's currency with at most two
//! decimals, and computed before: nothing here or in the writers adds, multiplies or rounds.

use releve_types::Currency;
use rust_decimal::Decimal;

use super::{Address, Date, DocumentType, Line, MeansCode, NoteSubject, Party, Profile, Seller, VatCategory, VatPoint};

/// An invoice or credit note. A credit note (381) has positive amounts; what it gives back is said by its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EInvoice {
    /// Which rules it is made for; gives the specification identifier (BT-24).
    pub profile: Profile,
    /// Business process (BT-23); in France the billing framework: `S1` services, `S2` paid already, `S4` after a deposit.
    pub process: Option<String>,
    /// Invoice number (BT-1).
    pub number: String,
    /// Issue date (BT-2).
    pub issue_date: Date,
    /// Payment due date (BT-9).
    pub due_date: Option<Date>,
    /// Invoice type code (BT-3).
    pub document_type: DocumentType,
    /// Invoice currency code (BT-5).
    pub currency: Currency,
    /// VAT in the currency that the seller's VAT is accounted in, where that is another one.
    pub accounting_tax: Option<AccountingTax>,
    /// Value added tax point date code (BT-8).
    pub vat_point: Option<VatPoint>,
    /// Notes (BG-1).
    pub notes: Vec<Note>,
    /// Buyer reference (BT-10).
    pub buyer_reference: Option<String>,
    /// Purchase order reference (BT-13).
    pub purchase_order: Option<String>,
    /// Contract reference (BT-12).
    pub contract: Option<String>,
    /// Preceding invoices (BG-3).
    pub preceding: Vec<Preceding>,
    /// Seller (BG-4).
    pub seller: Seller,
    /// Buyer (BG-7).
    pub buyer: Party,
    /// Delivery (BG-13), for goods.
    pub delivery: Option<Delivery>,
    /// Invoicing period (BG-14).
    pub period: Option<Span>,
    /// Payment instructions (BG-16).
    pub payment: Option<PaymentMeans>,
    /// Payment terms (BT-20).
    pub payment_terms: Option<String>,
    /// Document level allowances (BG-20).
    pub allowances: Vec<Adjustment>,
    /// Document level charges (BG-21).
    pub charges: Vec<Adjustment>,
    /// Document totals (BG-22).
    pub totals: Totals,
    /// VAT breakdown (BG-23), one per category and rate.
    pub vat: Vec<VatBreakdown>,
    /// Invoice lines (BG-25).
    pub lines: Vec<Line>,
}

/// VAT accounting currency (BT-6) and the total VAT in it (BT-111): neither is of use without the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountingTax {
    pub currency: Currency,
    pub vat: Decimal,
}

/// Invoice note (BG-1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Subject code (BT-21).
    pub subject: Option<NoteSubject>,
    /// Text (BT-22).
    pub text: String,
}

/// Preceding invoice reference (BG-3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preceding {
    /// Number (BT-25).
    pub number: String,
    /// Issue date (BT-26).
    pub issue_date: Option<Date>,
}

/// First and last day, both included: invoicing period (BG-14: BT-73, BT-74) or line period (BG-26: BT-134, BT-135).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub first: Date,
    pub last: Date,
}

/// Delivery information (BG-13).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Delivery {
    /// Actual delivery date (BT-72).
    pub date: Option<Date>,
    /// Deliver to address (BG-15).
    pub address: Option<Address>,
}

/// Payment instructions (BG-16).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentMeans {
    /// Payment means type code (BT-81).
    pub means: MeansCode,
    /// Remittance information (BT-83): what the payer is asked to quote.
    pub remittance: Option<String>,
    /// Credit transfers (BG-17): any one of the accounts.
    pub accounts: Vec<PaymentAccount>,
}

/// Credit transfer (BG-17).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PaymentAccount {
    /// Payment account identifier (BT-84), without spaces.
    pub iban: String,
    /// Payment account name (BT-85).
    pub name: Option<String>,
    /// Payment service provider identifier (BT-86).
    pub bic: Option<String>,
}

/// Document level allowance (BG-20) or charge (BG-21).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adjustment {
    /// Amount (BT-92, BT-99).
    pub amount: Decimal,
    /// What it is a part of (BT-93, BT-94; BT-100, BT-101).
    pub base: Option<AdjustmentBase>,
    /// Reason (BT-97, BT-104).
    pub reason: String,
    /// VAT category and rate (BT-95, BT-96; BT-102, BT-103).
    pub vat: VatRate,
}

/// An amount and how many percent of it are taken off or added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdjustmentBase {
    pub amount: Decimal,
    pub percentage: Decimal,
}

/// VAT category and, unless the category is out of scope, its rate in percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VatRate {
    pub category: VatCategory,
    pub rate: Option<Decimal>,
}

/// VAT breakdown (BG-23): what all lines, allowances and charges of one category and rate come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VatBreakdown {
    /// Category (BT-118) and rate (BT-119).
    pub vat: VatRate,
    /// Taxable amount (BT-116).
    pub base: Decimal,
    /// Tax amount (BT-117).
    pub tax: Decimal,
    /// Exemption reason text (BT-120).
    pub reason: Option<String>,
    /// Exemption reason code (BT-121), of the VATEX list.
    pub reason_code: Option<String>,
}

/// Document totals (BG-22).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Sum of line net amounts (BT-106).
    pub lines: Decimal,
    /// Sum of document level allowances (BT-107).
    pub allowances: Decimal,
    /// Sum of document level charges (BT-108).
    pub charges: Decimal,
    /// Total without VAT (BT-109).
    pub net: Decimal,
    /// Total VAT (BT-110).
    pub vat: Decimal,
    /// Total with VAT (BT-112).
    pub gross: Decimal,
    /// Paid amount (BT-113).
    pub paid: Decimal,
    /// Rounding amount (BT-114).
    pub rounding: Decimal,
    /// Amount due for payment (BT-115).
    pub due: Decimal,
}
