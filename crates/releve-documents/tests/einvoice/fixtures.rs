//! Which documents do we issue? One of each kind, valid to the letter, to be written, checked and broken.

use releve_documents::einvoice::*;
use releve_types::{Currency, Money};
use rust_decimal::Decimal;

pub fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn id(scheme: &str, value: &str) -> Identifier {
    Identifier { value: value.to_owned(), scheme: some(scheme) }
}

pub fn note(subject: NoteSubject, text: &str) -> Note {
    Note { subject: Some(subject), text: text.to_owned() }
}

pub fn rate(category: VatCategory, percent: &str) -> VatRate {
    VatRate { category, rate: Some(dec(percent)) }
}

fn address(street: &str, city: &str, post_code: &str, country: &str) -> Address {
    Address {
        lines: [some(street), None, None],
        city: some(city),
        post_code: some(post_code),
        subdivision: None,
        country: country.to_owned(),
    }
}

fn seller() -> Seller {
    let party = Party {
        name: "Hélios Calcul SAS".to_owned(),
        trade_name: some("Hélios"),
        ids: vec![id("0009", "12345678200010")],
        legal_id: Some(id("0002", "123456782")),
        vat_id: some("FR32123456782"),
        endpoint: Some(id("0225", "123456782")),
        address: address("1 rue des Volts", "Grenoble", "38000", "FR"),
        contact: Some(Contact {
            name: some("Facturation"),
            phone: some("+33 4 00 00 00 00"),
            mail: some("factures@helios.example"),
        }),
    };
    Seller {
        party, tax_registration: None, legal_form: some("SAS au capital de 100 000 €, RCS Grenoble 123 456 782")
    }
}

fn french_buyer() -> Party {
    Party {
        name: "Laboratoire <Ampère> & Fils".to_owned(),
        legal_id: Some(id("0002", "987654324")),
        vat_id: some("FR45987654324"),
        endpoint: Some(id("0225", "987654324")),
        address: address("2 quai de l'Ohm", "Lyon", "69002", "FR"),
        ..Party::default()
    }
}

fn foreign_buyer(name: &str, country: &str, vat_id: Option<&str>) -> Party {
    Party {
        name: name.to_owned(),
        vat_id: vat_id.map(str::to_owned),
        endpoint: Some(id("EM", "invoices@buyer.example")),
        address: address("3 Main Street", "Elsewhere", "10115", country),
        ..Party::default()
    }
}

/// GPU time: seconds at a price per hour.
fn gpu_time(id: &str, seconds: &str, price: &str, net: &str, vat: VatRate) -> Line {
    Line {
        id: id.to_owned(),
        note: None,
        quantity: dec(seconds),
        unit: UnitCode::Second,
        period: Some(Span { first: day("2026-09-01"), last: day("2026-09-30") }),
        allowances: Vec::new(),
        charges: Vec::new(),
        price: dec(price),
        base_quantity: BaseQuantity::Of(dec("3600")),
        name: "GPU time, NVIDIA H100 80GB".to_owned(),
        description: some("pretraining, whole GPU, eu-west"),
        seller_item_id: some("gpu/nvidia-h100-80gb-hbm3/whole/1:1/standard/eu-west"),
        attributes: vec![ItemAttribute { name: "Project".to_owned(), value: "pretraining".to_owned() }],
        vat,
        net: dec(net),
    }
}

/// Adds up lines, allowances and charges to a breakdown and totals, with a reason where a category wants one.
pub fn totalled(mut invoice: EInvoice) -> EInvoice {
    let mut parts: Vec<(VatRate, Decimal)> = Vec::new();
    let lines = invoice.lines.iter().map(|l| (l.vat, l.net));
    let allowances = invoice.allowances.iter().map(|a| (a.vat, -a.amount));
    let charges = invoice.charges.iter().map(|c| (c.vat, c.amount));
    for (vat, amount) in lines.chain(allowances).chain(charges) {
        match parts.iter_mut().find(|(known, _)| *known == vat) {
            Some((_, sum)) => *sum += amount,
            None => parts.push((vat, amount)),
        }
    }
    let part = |(vat, base): &(VatRate, Decimal)| {
        let exact = base * vat.rate.unwrap_or_default() / dec("100");
        let tax = Money::round_line(exact, Currency::Eur).expect("small").amount();
        let (reason, code) = reason(vat.category);
        VatBreakdown {
            vat: *vat,
            base: *base,
            tax,
            reason: reason.map(str::to_owned),
            reason_code: code.map(str::to_owned),
        }
    };
    invoice.vat = parts.iter().map(part).collect();
    let t = &mut invoice.totals;
    t.lines = invoice.lines.iter().map(|l| l.net).sum();
    t.allowances = invoice.allowances.iter().map(|a| a.amount).sum();
    t.charges = invoice.charges.iter().map(|c| c.amount).sum();
    t.net = t.lines - t.allowances + t.charges;
    t.vat = invoice.vat.iter().map(|v| v.tax).sum();
    t.gross = t.net + t.vat;
    t.due = t.gross - t.paid + t.rounding;
    invoice
}

fn reason(category: VatCategory) -> (Option<&'static str>, Option<&'static str>) {
    match category {
        VatCategory::Standard | VatCategory::Zero => (None, None),
        VatCategory::ReverseCharge => (Some("Reverse charge"), Some("VATEX-EU-AE")),
        VatCategory::IntraCommunity => (Some("Intra-Community supply"), Some("VATEX-EU-IC")),
        VatCategory::Export => (Some("Export outside the EU"), Some("VATEX-EU-G")),
        VatCategory::OutOfScope => (Some("Not subject to VAT"), Some("VATEX-EU-O")),
        VatCategory::Exempt => (Some("Exempt, article 132 of Directive 2006/112/EC"), Some("VATEX-EU-132")),
    }
}

/// A French company's invoice to another for a month of GPU time at 20 %.
pub fn domestic() -> EInvoice {
    let zero = Decimal::ZERO;
    totalled(EInvoice {
        profile: Profile::FranceCtc,
        process: some("S1"),
        number: "HEL-2026-000001".to_owned(),
        issue_date: day("2026-10-01"),
        due_date: Some(day("2026-10-31")),
        document_type: DocumentType::Invoice,
        currency: Currency::Eur,
        accounting_tax: None,
        vat_point: Some(VatPoint::Payment),
        notes: vec![
            note(NoteSubject::RecoveryCost, "Indemnité forfaitaire pour frais de recouvrement : 40 €"),
            note(NoteSubject::LatePenalty, "Pénalités de retard : trois fois le taux d'intérêt légal"),
            note(NoteSubject::PaymentTerm, "Pas d'escompte pour paiement anticipé"),
            note(NoteSubject::Treatment, "B2B"),
        ],
        buyer_reference: some("SERVICE-42"),
        purchase_order: some("PO-7"),
        contract: None,
        preceding: Vec::new(),
        seller: seller(),
        buyer: french_buyer(),
        delivery: None,
        period: Some(Span { first: day("2026-09-01"), last: day("2026-09-30") }),
        payment: Some(PaymentMeans {
            means: MeansCode::SepaCreditTransfer,
            remittance: some("HEL-2026-000001"),
            accounts: vec![PaymentAccount {
                iban: "FR7630006000011234567890189".to_owned(),
                name: some("Hélios Calcul"),
                bic: some("AGRIFRPP"),
            }],
        }),
        payment_terms: some("30 days"),
        allowances: Vec::new(),
        charges: Vec::new(),
        totals: Totals {
            lines: zero,
            allowances: zero,
            charges: zero,
            net: zero,
            vat: zero,
            gross: zero,
            paid: zero,
            rounding: zero,
            due: zero,
        },
        vat: Vec::new(),
        lines: vec![
            gpu_time("1", "11308192.653", "2.40", "7538.80", rate(VatCategory::Standard, "20")),
            gpu_time("2", "43200", "0.199999", "2.40", rate(VatCategory::Standard, "20")),
        ],
    })
}

/// Every optional term that we can write, two rates, allowances and charges on both levels.
pub fn two_rates() -> EInvoice {
    let mut invoice = domestic();
    let (standard, reduced) = (rate(VatCategory::Standard, "20"), rate(VatCategory::Standard, "5.5"));
    let tenth = Some(AdjustmentBase { amount: dec("100.00"), percentage: dec("10") });
    let by = |amount: &str, reason: &str| LineAdjustment { amount: dec(amount), base: None, reason: reason.to_owned() };
    let mut support = gpu_time("3", "2", "50.00", "95.01", reduced);
    support.unit = UnitCode::Hour;
    support.base_quantity = BaseQuantity::One;
    support.note = some("On site");
    support.allowances = vec![LineAdjustment { amount: dec("10.00"), base: tenth, reason: "Discount".to_owned() }];
    support.charges = vec![by("5.01", "Travel")];
    invoice.lines.push(support);
    let adjustment = |amount: &str, base, reason: &str, vat| Adjustment {
        amount: dec(amount),
        base,
        reason: reason.to_owned(),
        vat,
    };
    invoice.allowances =
        vec![adjustment("10.00", tenth, "Loyalty", standard), adjustment("0.01", None, "Cent", reduced)];
    invoice.charges = vec![adjustment("3.33", None, "Handling", standard)];
    invoice.contract = some("C-2026-17");
    invoice.seller.party.address.lines = [some("1 rue des Volts"), some("Bâtiment B"), some("3e étage")];
    invoice.seller.party.address.subdivision = some("Isère");
    invoice.buyer.contact = Some(Contact { mail: some("compta@ampere.example"), ..Contact::default() });
    invoice.totals.paid = dec("100.00");
    invoice.totals.rounding = dec("0.03");
    totalled(invoice)
}

fn abroad(buyer: Party, vat: VatRate) -> EInvoice {
    let mut invoice = domestic();
    invoice.notes[3].text = "B2BINT".to_owned();
    invoice.buyer = buyer;
    for line in &mut invoice.lines {
        line.vat = vat;
    }
    totalled(invoice)
}

/// To a German company, which owes the VAT.
pub fn reverse_charge() -> EInvoice {
    abroad(foreign_buyer("Funken GmbH", "DE", Some("DE123456789")), rate(VatCategory::ReverseCharge, "0"))
}

/// Services to the United States: outside the scope, so no VAT number may stand anywhere.
pub fn out_of_scope() -> EInvoice {
    let vat = VatRate { category: VatCategory::OutOfScope, rate: None };
    let mut invoice = abroad(foreign_buyer("Sparks, Inc.", "US", None), vat);
    invoice.seller.party.vat_id = None;
    invoice
}

pub fn export() -> EInvoice {
    abroad(foreign_buyer("Blitz AG", "CH", None), rate(VatCategory::Export, "0"))
}

/// Goods to Belgium, delivered there.
pub fn intra_community() -> EInvoice {
    let mut invoice =
        abroad(foreign_buyer("Étincelle SA", "BE", Some("BE0123456749")), rate(VatCategory::IntraCommunity, "0"));
    let to = address("4 rue du Watt", "Liège", "4000", "BE");
    invoice.delivery = Some(Delivery { date: Some(day("2026-09-30")), address: Some(to) });
    invoice
}

/// Outside France's rules: nothing but EN 16931.
pub fn exempt_and_zero() -> EInvoice {
    let mut invoice = domestic();
    invoice.profile = Profile::En16931;
    invoice.process = None;
    invoice.notes = vec![Note { subject: None, text: "Thank you".to_owned() }];
    invoice.vat_point = Some(VatPoint::Issue);
    invoice.lines[0].vat = rate(VatCategory::Exempt, "0");
    invoice.lines[1].vat = rate(VatCategory::Zero, "0");
    totalled(invoice)
}

/// Paid in advance, wholly.
pub fn prepaid() -> EInvoice {
    let mut invoice = domestic();
    invoice.process = some("S2");
    invoice.due_date = Some(day("2026-09-15"));
    invoice.payment = Some(PaymentMeans { means: MeansCode::Online, remittance: None, accounts: Vec::new() });
    invoice.totals.paid = invoice.totals.gross;
    totalled(invoice)
}

fn preceding() -> Vec<Preceding> {
    vec![Preceding { number: "HEL-2026-000001".to_owned(), issue_date: Some(day("2026-10-01")) }]
}

pub fn credit_note() -> EInvoice {
    let mut invoice = domestic();
    invoice.document_type = DocumentType::CreditNote;
    invoice.number = "HEL-2026-000002".to_owned();
    invoice.preceding = preceding();
    invoice.lines.truncate(1);
    totalled(invoice)
}

/// Usage that came late: an invoice like any other, which names the one that it adds to.
pub fn correction() -> EInvoice {
    let mut invoice = domestic();
    invoice.number = "HEL-2026-000003".to_owned();
    invoice.preceding = preceding();
    invoice.lines.remove(0);
    // One part takes back: the quantity is negative, the price never.
    invoice.lines.push(gpu_time("3", "-3600", "0.50", "-0.50", rate(VatCategory::Standard, "20")));
    totalled(invoice)
}

/// Takes the place of the first invoice.
pub fn corrected() -> EInvoice {
    let mut invoice = correction();
    invoice.document_type = DocumentType::Corrected;
    invoice
}

pub fn deposit() -> EInvoice {
    let mut invoice = domestic();
    invoice.document_type = DocumentType::Prepayment;
    invoice.vat_point = Some(VatPoint::Payment);
    invoice.lines.truncate(1);
    let line = &mut invoice.lines[0];
    (line.quantity, line.unit, line.base_quantity) = (dec("1"), UnitCode::One, BaseQuantity::One);
    (line.price, line.net) = (dec("5000"), dec("5000.00"));
    totalled(invoice)
}

/// In dollars; the VAT is accounted in euros.
pub fn dollars() -> EInvoice {
    let mut invoice = domestic();
    invoice.currency = Currency::Usd;
    invoice.accounting_tax = Some(AccountingTax { currency: Currency::Eur, vat: dec("1391.05") });
    invoice
}

pub fn all() -> Vec<(&'static str, EInvoice)> {
    vec![
        ("domestic", domestic()),
        ("two-rates", two_rates()),
        ("reverse-charge", reverse_charge()),
        ("out-of-scope", out_of_scope()),
        ("export", export()),
        ("intra-community", intra_community()),
        ("exempt-and-zero", exempt_and_zero()),
        ("prepaid", prepaid()),
        ("credit-note", credit_note()),
        ("correction", correction()),
        ("corrected", corrected()),
        ("deposit", deposit()),
        ("dollars", dollars()),
    ]
}
