//! Who sells and who buys? Parties in the standard's terms; the first number is the seller's, the second the buyer's.

/// An identifier and the list that it is from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identifier {
    pub value: String,
    /// ISO 6523 ICD: `0002` SIREN, `0009` SIRET. For an electronic address, EAS: `0225` France's directory, `EM` mail.
    pub scheme: Option<String>,
}

/// Seller (BG-4) or buyer (BG-7).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    /// Name (BT-27, BT-44).
    pub name: String,
    /// Trading name (BT-28, BT-45).
    pub trade_name: Option<String>,
    /// Other identifiers (BT-29, BT-46), such as a SIRET. EN 16931 takes one of a buyer.
    pub ids: Vec<Identifier>,
    /// Legal registration identifier (BT-30, BT-47).
    pub legal_id: Option<Identifier>,
    /// VAT identifier (BT-31, BT-48), with the country's prefix.
    pub vat_id: Option<String>,
    /// Electronic address (BT-34, BT-49): where the network delivers.
    pub endpoint: Option<Identifier>,
    /// Postal address (BG-5, BG-8).
    pub address: Address,
    /// Contact (BG-6, BG-9).
    pub contact: Option<Contact>,
}

/// What only a seller has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seller {
    pub party: Party,
    /// Tax registration identifier (BT-32): a local tax number, where there is no VAT identifier.
    pub tax_registration: Option<String>,
    /// Additional legal information (BT-33): legal form, capital, register.
    pub legal_form: Option<String>,
}

/// A postal address (BG-5, BG-8, BG-15).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// Lines 1 to 3 (BT-35, BT-36, BT-162; BT-50, BT-51, BT-163; BT-75, BT-76, BT-165).
    pub lines: [Option<String>; 3],
    /// City (BT-37, BT-52, BT-77).
    pub city: Option<String>,
    /// Post code (BT-38, BT-53, BT-78).
    pub post_code: Option<String>,
    /// Country subdivision (BT-39, BT-54, BT-79).
    pub subdivision: Option<String>,
    /// Country code (BT-40, BT-55, BT-80), ISO 3166-1 alpha-2.
    pub country: String,
}

/// Whom to ask (BG-6, BG-9).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contact {
    /// Contact point (BT-41, BT-56).
    pub name: Option<String>,
    /// Telephone number (BT-42, BT-57).
    pub phone: Option<String>,
    /// E-mail address (BT-43, BT-58).
    pub mail: Option<String>,
}
