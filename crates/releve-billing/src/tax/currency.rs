//! In which currency is VAT stated? The national one of where it is owed, whatever the invoice is in (Art. 230).

use releve_types::Currency;

use super::{Missing, Seller, Vat};

/// Refuses VAT that would be charged in another currency than the seller's country's: what it comes to there takes a rate
/// of exchange, of which none is known. Elsewhere than in the Union, Switzerland, Norway and the United Kingdom, nobody is asked.
pub fn in_national_currency(seller: &Seller, vat: Vat, currency: Currency) -> Result<Vat, Vec<Missing>> {
    match national(&seller.country) {
        Some(national) if vat.ground.is_charged() && national != currency.code() => Err(vec![Missing {
            field: "account.currency",
            why: format!(
                "VAT that is owed in {} is stated in {national} (Art. 230), and this account is billed in {currency}: \
                 bill it in {national}, or by a seller elsewhere",
                seller.country
            ),
        }]),
        _ => Ok(vat),
    }
}

/// The code of a country's currency, as far as it is asked for.
fn national(country: &str) -> Option<&'static str> {
    match country {
        "AT" | "BE" | "BG" | "CY" | "DE" | "EE" | "ES" | "FI" | "FR" | "GR" | "HR" | "IE" | "IT" | "LT" | "LU"
        | "LV" | "MC" | "MT" | "NL" | "PT" | "SI" | "SK" => Some("EUR"),
        "CH" | "LI" => Some("CHF"),
        "CZ" => Some("CZK"),
        "DK" => Some("DKK"),
        "GB" | "IM" => Some("GBP"),
        "HU" => Some("HUF"),
        "NO" => Some("NOK"),
        "PL" => Some("PLN"),
        "RO" => Some("RON"),
        "SE" => Some("SEK"),
        _ => None,
    }
}
