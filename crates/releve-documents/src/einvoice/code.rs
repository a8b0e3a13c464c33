//! Which codes of the standard's lists do our documents use? One enum per list; each variant is one code.

/// Which rules the document is made for. Each adds to EN 16931, none takes away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// EN 16931 alone.
    En16931,
    /// What France's platforms take between its companies (XP Z12-012, rules BR-FR).
    FranceCtc,
}

impl Profile {
    /// Specification identifier (BT-24). France's rules are checked on plain EN 16931 documents.
    pub const fn specification(self) -> &'static str {
        match self {
            Self::En16931 | Self::FranceCtc => "urn:cen.eu:en16931:2017",
        }
    }
}

/// Invoice type code (BT-3, UNTDID 1001).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentType {
    Invoice,
    /// Amounts are positive: the type says that they are given back.
    CreditNote,
    /// Replaces one preceding invoice.
    Corrected,
    /// Asks for money before anything was used.
    Prepayment,
}

impl DocumentType {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invoice => "380",
            Self::CreditNote => "381",
            Self::Corrected => "384",
            Self::Prepayment => "386",
        }
    }
}

/// VAT category code (UNCL 5305). France takes these and no others (BR-FR-15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum VatCategory {
    /// S: taxed at a rate above zero.
    Standard,
    /// AE: the buyer owes the VAT.
    ReverseCharge,
    /// K: goods to another member state.
    IntraCommunity,
    /// G: export, not taxed.
    Export,
    /// O: outside the scope of VAT.
    OutOfScope,
    /// E: exempt.
    Exempt,
    /// Z: taxed at zero.
    Zero,
}

impl VatCategory {
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::ReverseCharge,
        Self::IntraCommunity,
        Self::Export,
        Self::OutOfScope,
        Self::Exempt,
        Self::Zero,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Standard => "S",
            Self::ReverseCharge => "AE",
            Self::IntraCommunity => "K",
            Self::Export => "G",
            Self::OutOfScope => "O",
            Self::Exempt => "E",
            Self::Zero => "Z",
        }
    }
}

/// When the VAT falls due: value added tax point date code (BT-8, a part of UNTDID 2005).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VatPoint {
    /// When the invoice is issued: in France the option for the debits.
    Issue,
    /// When it is delivered.
    Delivery,
    /// When it is paid: in France the rule for services.
    Payment,
}

impl VatPoint {
    /// UBL's spelling (EN 16931-3-2, InvoicePeriod/DescriptionCode).
    pub const fn ubl(self) -> &'static str {
        match self {
            Self::Issue => "3",
            Self::Delivery => "35",
            Self::Payment => "432",
        }
    }

    /// CII's spelling (EN 16931-3-3, DueDateTypeCode): the same three of another list, UNTDID 2475.
    pub const fn cii(self) -> &'static str {
        match self {
            Self::Issue => "5",
            Self::Delivery => "29",
            Self::Payment => "72",
        }
    }
}

/// What a note is about: invoice note subject code (BT-21, UNTDID 4451).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoteSubject {
    /// AAB: discount for early payment, or that there is none.
    PaymentTerm,
    /// AAI: anything.
    General,
    /// ABL: what the law wants named of a company.
    Legal,
    /// BAR: which French flow the document belongs to (`B2B`, `B2BINT`, …).
    Treatment,
    /// PMD: penalties for late payment.
    LatePenalty,
    /// PMT: fixed compensation for recovery costs.
    RecoveryCost,
    /// REG: what a rule wants said.
    Regulatory,
    /// TXD: a statement on tax.
    Tax,
}

impl NoteSubject {
    pub const fn code(self) -> &'static str {
        match self {
            Self::PaymentTerm => "AAB",
            Self::General => "AAI",
            Self::Legal => "ABL",
            Self::Treatment => "BAR",
            Self::LatePenalty => "PMD",
            Self::RecoveryCost => "PMT",
            Self::Regulatory => "REG",
            Self::Tax => "TXD",
        }
    }
}

/// How it is to be paid, or was: payment means type code (BT-81, UNTDID 4461).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeansCode {
    /// 30: credit transfer.
    CreditTransfer,
    /// 48: card.
    Card,
    /// 58: SEPA credit transfer.
    SepaCreditTransfer,
    /// 68: an online payment service.
    Online,
}

impl MeansCode {
    pub const fn code(self) -> &'static str {
        match self {
            Self::CreditTransfer => "30",
            Self::Card => "48",
            Self::SepaCreditTransfer => "58",
            Self::Online => "68",
        }
    }
}

/// What a quantity counts: unit of measure code (BT-130, UN/ECE Recommendation 20).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitCode {
    /// AD: byte.
    Byte,
    /// C62: one.
    One,
    /// DAY.
    Day,
    /// HUR: hour.
    Hour,
    /// KWH: kilowatt-hour.
    KilowattHour,
    /// MON: month.
    Month,
    /// SEC: second. GPU time is counted in seconds and priced per 3600 of them: a second is 0.000277… h, and France
    /// takes four decimals of a quantity at most.
    Second,
}

impl UnitCode {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Byte => "AD",
            Self::One => "C62",
            Self::Day => "DAY",
            Self::Hour => "HUR",
            Self::KilowattHour => "KWH",
            Self::Month => "MON",
            Self::Second => "SEC",
        }
    }
}
