//! What may be known of a legal entity, seller or customer, and how is it taken over?

use releve_billing::tax::id::Siren;
use releve_store::customers::Party;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    input::{Country, Line, Lines, VatIdText},
};

/// The facts that an invoice prints of an entity and its VAT is decided by. Absent fields stay as they are.
#[derive(Default)]
pub(super) struct PartyFields {
    pub address: Option<Lines>,
    pub postcode: Option<Line>,
    pub city: Option<Line>,
    pub country: Option<Country>,
    pub vat_id: Option<VatIdText>,
    pub legal_id: Option<Line>,
    pub email: Option<Line>,
}

/// The party's fields of an input that has them beside others.
macro_rules! party_fields {
    ($input:ident) => {
        $crate::resource::party::PartyFields {
            address: $input.address,
            postcode: $input.postcode,
            city: $input.city,
            country: $input.country,
            vat_id: $input.vat_id,
            legal_id: $input.legal_id,
            email: $input.email,
        }
    };
}
pub(super) use party_fields;

impl PartyFields {
    pub fn onto(self, party: Party) -> Result<Party, Problem> {
        let party = Party {
            name: party.name,
            address: self.address.map_or(party.address, |v| v.0),
            postcode: self.postcode.map_or(party.postcode, |v| v.0),
            city: self.city.map_or(party.city, |v| v.0),
            country: self.country.map_or(party.country, |v| v.0),
            vat_id: self.vat_id.map_or(party.vat_id, |v| v.0),
            legal_id: self.legal_id.map_or(party.legal_id, |v| v.0),
            email: self.email.map_or(party.email, |v| v.0),
        };
        if party.country == "FR"
            && !party.legal_id.is_empty()
            && !party.legal_id.parse::<Siren>().is_ok_and(|siren| siren.to_string() == party.legal_id)
        {
            return Err(Problem::field(
                "legal_id",
                "in France, a SIREN: nine digits, the last of which checks the others",
            ));
        }
        Ok(party)
    }

    pub fn named(self, name: String) -> Result<Party, Problem> {
        self.onto(Party { name, ..Party::default() })
    }
}

/// An entity as it stands on the next document. What is empty is not known.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct PartyView {
    /// Street and house, in lines.
    pub address: String,
    pub postcode: String,
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub vat_id: String,
    /// The number in the register of companies: in France, the SIREN.
    pub legal_id: String,
    pub email: String,
}

impl From<&Party> for PartyView {
    fn from(party: &Party) -> Self {
        let Party { name: _, address, postcode, city, country, vat_id, legal_id, email } = party.clone();
        Self { address, postcode, city, country, vat_id, legal_id, email }
    }
}
