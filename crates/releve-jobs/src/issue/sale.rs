//! How is what an account buys taxed, and who stands on its documents? Asked of what a period is billed, and of what is paid in advance.

use std::collections::BTreeMap;

use releve_billing::{
    Draft, Hold, HoldKind, InvoiceError, Parked,
    tax::{self, Buyer, ExchangeRate, Missing, RATE_AGE_DAYS_MAX, RateClass, Seller, Vat},
};
use releve_documents::Parties;
use releve_store::{
    customers::{self, Account, Issuer},
    documents::Named,
    exchange_rates,
};
use releve_types::{Currency, Timestamp};
use sqlx::PgConnection;

use crate::{JobError, documents};

/// Who sells to whom, and when.
#[derive(Clone, Copy)]
pub(crate) struct Sale<'a> {
    pub issuer: &'a Issuer,
    /// The issuer, as far as VAT asks.
    pub seller: &'a Seller,
    pub buyer: &'a Account,
    pub currency: Currency,
    /// When VAT becomes chargeable.
    pub at: Timestamp,
    /// By which rates VAT may be stated in another currency, on that day.
    pub rates: &'a [ExchangeRate],
}

/// The seller, as far as VAT asks.
pub(crate) async fn seller(conn: &mut PgConnection, issuer: &Issuer) -> Result<Seller, JobError> {
    let rates = customers::vat_rates(conn, issuer.id).await?;
    let customers::Party { country, vat_id, legal_id, address, .. } = issuer.party.clone();
    Ok(Seller { scheme: issuer.terms.vat_scheme, country, vat_id, legal_id, address, rates })
}

/// By which rates VAT may be stated in another currency, on the seller's day of this instant.
pub(crate) async fn rates(
    conn: &mut PgConnection,
    issuer: &Issuer,
    at: Timestamp,
) -> Result<Vec<ExchangeRate>, JobError> {
    match issuer.zone.date(at).parse() {
        Ok(day) => Ok(exchange_rates::on(conn, day).await?),
        Err(_) => Ok(Vec::new()),
    }
}

impl Sale<'_> {
    /// All that is billed is a service.
    pub fn vat(&self, class: RateClass) -> Result<Vat, Vec<Missing>> {
        let customers::Party { country, vat_id, legal_id, address, .. } = self.buyer.party.clone();
        let buyer = Buyer { country, vat_id, legal_id, address, kind: self.buyer.customer_kind };
        let vat = tax::decide(self.seller, &buyer, class, self.at)?;
        tax::in_national_currency(self.seller, vat, self.currency)
    }

    /// With its VAT in the currency of where it is owed, if that is another; parked, if no rate is known.
    pub fn stated(&self, draft: Draft) -> Result<Result<Draft, Parked>, InvoiceError> {
        let currency = self.currency;
        let national = tax::stated_in(self.seller, currency).filter(|_| draft.taxes().is_charged());
        let Some(national) = national else { return Ok(Ok(draft)) };
        if let Some(rate) = self.rates.iter().find(|rate| rate.other(national) == Some(currency)) {
            return draft.stated(rate.clone()).map(Ok);
        }
        let day = self.issuer.zone.date(self.at);
        let hold = Hold {
            kind: HoldKind::Tax,
            detail: format!("exchange_rate: what VAT in {currency} comes to in {national} on {day}"),
            to_do: format!(
                "add the rate of {national} and {currency} of {day}, or of at most {RATE_AGE_DAYS_MAX} days before; then run again"
            ),
            gpu_ms: None,
        };
        draft.hold(vec![hold]).map(Err)
    }

    /// Who will stand on its documents. Tenants go by their ids: their names break no rule.
    pub fn parties(&self) -> Parties {
        let named = Named {
            issuer: self.issuer.party.clone(),
            terms: self.issuer.terms.clone(),
            brand: None,
            account: self.buyer.party.clone(),
            buyer_reference: self.buyer.buyer_reference.clone(),
            language: self.buyer.language,
            tenants: BTreeMap::new(),
            missing_gpu_ms: None,
        };
        documents::parties(&self.issuer.zone, named)
    }
}
