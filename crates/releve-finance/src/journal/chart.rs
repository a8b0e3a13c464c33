//! On which accounts is it booked? Numbers of the French chart (PCG) unless a seller says others.

use releve_billing::tax::Ground;

/// An account with its label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ledger {
    pub number: String,
    pub label: String,
}

impl Ledger {
    fn new(number: &str, label: &str) -> Self {
        Self { number: number.to_owned(), label: label.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    #[error(
        "{field}: '{value}' is no account: it begins with three digits and has at most {LEDGER_CHARS_MAX} characters"
    )]
    Number { field: String, value: String },
    #[error("{field}: a label is one line of at most {LABEL_CHARS_MAX} characters")]
    Label { field: String },
    #[error("{0}: there is no such account; there are: {known}", known = Chart::NAMES.join(", "))]
    Unknown(String),
}

/// The longest account number, in characters.
pub const LEDGER_CHARS_MAX: usize = 12;

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// Which account is for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    customers: Ledger,
    advances: Ledger,
    bank: Ledger,
    clearing: Ledger,
    vat: Ledger,
    revenue: Ledger,
    revenue_reverse_charge: Ledger,
    revenue_outside: Ledger,
    revenue_untaxed: Ledger,
    bad_debts: Ledger,
    expired_advances: Ledger,
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            customers: Ledger::new("411000", "Clients"),
            advances: Ledger::new("419100", "Clients - avances et acomptes"),
            bank: Ledger::new("512000", "Banque"),
            clearing: Ledger::new("471000", "Encaissements à affecter"),
            vat: Ledger::new("445710", "TVA collectée"),
            revenue: Ledger::new("706000", "Prestations de services"),
            revenue_reverse_charge: Ledger::new("706200", "Prestations de services - autoliquidation UE"),
            revenue_outside: Ledger::new("706300", "Prestations de services - hors champ"),
            revenue_untaxed: Ledger::new("706400", "Prestations de services - sans TVA"),
            bad_debts: Ledger::new("654000", "Pertes sur créances irrécouvrables"),
            expired_advances: Ledger::new("758000", "Produits divers - avances expirées"),
        }
    }
}

impl Chart {
    pub const NAMES: [&'static str; 11] = [
        "customers",
        "advances",
        "bank",
        "clearing",
        "vat",
        "revenue",
        "revenue_reverse_charge",
        "revenue_outside",
        "revenue_untaxed",
        "bad_debts",
        "expired_advances",
    ];

    fn named(&mut self, name: &str) -> Option<&mut Ledger> {
        Some(match name {
            "customers" => &mut self.customers,
            "advances" => &mut self.advances,
            "bank" => &mut self.bank,
            "clearing" => &mut self.clearing,
            "vat" => &mut self.vat,
            "revenue" => &mut self.revenue,
            "revenue_reverse_charge" => &mut self.revenue_reverse_charge,
            "revenue_outside" => &mut self.revenue_outside,
            "revenue_untaxed" => &mut self.revenue_untaxed,
            "bad_debts" => &mut self.bad_debts,
            "expired_advances" => &mut self.expired_advances,
            _ => return None,
        })
    }

    /// Puts a seller's own number in place; its label stays ours where none is given.
    pub fn set(&mut self, name: &str, number: &str, label: Option<&str>) -> Result<(), ChartError> {
        let ledger = self.named(name).ok_or_else(|| ChartError::Unknown(name.chars().take(40).collect()))?;
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let plain = number.bytes().all(|b| b.is_ascii_alphanumeric());
        if digits < 3 || !plain || number.len() > LEDGER_CHARS_MAX {
            let value = number.chars().take(40).collect();
            return Err(ChartError::Number { field: name.to_owned(), value });
        }
        let line = |label: &str| label.chars().count() <= LABEL_CHARS_MAX && !label.chars().any(char::is_control);
        if !label.is_none_or(line) {
            return Err(ChartError::Label { field: name.to_owned() });
        }
        number.clone_into(&mut ledger.number);
        if let Some(label) = label.filter(|label| !label.trim().is_empty()) {
            label.clone_into(&mut ledger.label);
        }
        Ok(())
    }

    pub const fn customers(&self) -> &Ledger {
        &self.customers
    }

    pub const fn advances(&self) -> &Ledger {
        &self.advances
    }

    pub const fn bank(&self) -> &Ledger {
        &self.bank
    }

    /// Money that is set against nothing yet.
    pub const fn clearing(&self) -> &Ledger {
        &self.clearing
    }

    pub const fn vat(&self) -> &Ledger {
        &self.vat
    }

    pub const fn bad_debts(&self) -> &Ledger {
        &self.bad_debts
    }

    pub const fn expired_advances(&self) -> &Ledger {
        &self.expired_advances
    }

    /// What is taxed differently is declared differently, so it is booked apart.
    pub const fn revenue(&self, ground: Ground) -> &Ledger {
        match ground {
            Ground::Domestic | Ground::OneStopShop => &self.revenue,
            Ground::ReverseCharge | Ground::IntraCommunityGoods => &self.revenue_reverse_charge,
            Ground::OutsideTerritory | Ground::ExportOfGoods => &self.revenue_outside,
            Ground::ZeroRated | Ground::SmallEnterprise | Ground::NotTaxable => &self.revenue_untaxed,
        }
    }

    pub fn is_revenue(&self, number: &str) -> bool {
        [&self.revenue, &self.revenue_reverse_charge, &self.revenue_outside, &self.revenue_untaxed]
            .iter()
            .any(|ledger| ledger.number == number)
    }
}
