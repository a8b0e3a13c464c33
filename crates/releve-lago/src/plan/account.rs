//! Which account does a customer become? Its legal entity, what VAT asks of it, and a tenant.

use std::collections::BTreeSet;

use releve_billing::tax::{
    BuyerKind,
    id::{Siren, VatId},
};
use releve_types::{Currency, Language};

use super::{NewAccount, NewBook, Notes, Seller};
use crate::rows::{Customer, Place, Row};

/// The longest name and line, in bytes.
const LINE_BYTES_MAX: usize = 128;

pub(super) fn account(
    row: &Row<Customer>,
    book: Option<&NewBook>,
    seller: &Seller,
    names: &mut BTreeSet<String>,
    notes: &mut Notes,
) -> Option<NewAccount> {
    let (customer, place) = (&row.what, &row.place);
    let external_id = customer.external_id.trim().to_owned();
    if external_id.is_empty() || external_id.len() > LINE_BYTES_MAX || !is_a_name(&external_id) {
        notes.reject(place, "external_id", "it names the tenant: 1 to 128 bytes, no slash and no control character");
        return None;
    }
    let currency = currency(customer, book, place, notes)?;
    let name = name(customer, place, names, notes);
    let vat_id = vat_id(customer, place, notes);
    beside(customer, seller, place, notes);
    let kind = match customer.customer_type.as_str() {
        _ if !vat_id.is_empty() => Some(BuyerKind::Business),
        "company" => Some(BuyerKind::Business),
        "individual" => Some(BuyerKind::Consumer),
        _ => None,
    };
    let mut line = |field: &str, text: &str| {
        let fits = text.len() <= LINE_BYTES_MAX && !text.chars().any(char::is_control);
        if !fits {
            notes.leave_out(place, field, "it is no line of at most 128 bytes");
        }
        if fits { text.to_owned() } else { String::new() }
    };
    let (postcode, city, email) =
        (line("zipcode", &customer.zipcode), line("city", &customer.city), line("email", &customer.email));
    let lines = [&customer.address_line1, &customer.address_line2, &customer.state];
    let address: Vec<&str> = lines.into_iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let country = country(customer, place, notes);
    let legal_id = legal_id(customer, &country, place, notes);
    let language = language(customer, place, notes);
    let address = address.join("\n");
    Some(NewAccount {
        external_id,
        name,
        address,
        postcode,
        city,
        country,
        vat_id,
        legal_id,
        email,
        kind,
        currency,
        language,
    })
}

fn is_a_name(text: &str) -> bool {
    let hex = |rest: &str| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit());
    let like_an_id = text.split_once('_').is_some_and(|(prefix, rest)| prefix.len() == 3 && hex(rest));
    !like_an_id && !text.chars().any(|c| c.is_control() || c == '/')
}

/// The customer's own; of one that names none, its plan's.
fn currency(customer: &Customer, book: Option<&NewBook>, place: &Place, notes: &mut Notes) -> Option<Currency> {
    if customer.currency.is_empty() {
        if book.is_none() {
            notes.reject(place, "currency", "the customer has none, and no plan that would tell");
        }
        return book.map(|book| book.currency);
    }
    customer.currency.parse().map_err(|error| notes.reject(place, "currency", error)).ok()
}

/// The legal name, else the name. Accounts are told apart by it, so a second one of the name bears its external id too.
fn name(customer: &Customer, place: &Place, names: &mut BTreeSet<String>, notes: &mut Notes) -> String {
    let said = [&customer.legal_name, &customer.name, &customer.external_id];
    let said = said.into_iter().find(|name| !name.is_empty()).map_or("", String::as_str);
    // A division slash: a Danish A/S keeps looking like one, and paths stay unambiguous.
    let mut name: String = said.chars().filter(|c| !c.is_control()).map(|c| if c == '/' { '∕' } else { c }).collect();
    if name != said {
        notes.ignore_field(place, "legal_name", "its slash became a division slash: a name is part of paths");
    }
    while name.len() > LINE_BYTES_MAX - 40 {
        name.pop();
    }
    let mut name = name.trim().to_owned();
    if !is_a_name(&name) || name.is_empty() {
        name = format!("customer {}", customer.external_id);
    }
    if !names.insert(name.clone()) {
        let suffix: String = customer.external_id.chars().take(30).collect();
        notes.ignore_field(place, "name", "another customer has this name: its external id is added");
        name = format!("{name} ({suffix})");
        names.insert(name.clone());
    }
    name
}

/// Who has a VAT id that can't be one is taken over without it: its invoices wait, rather than bear the wrong VAT.
fn vat_id(customer: &Customer, place: &Place, notes: &mut Notes) -> String {
    if customer.tax_identification_number.is_empty() {
        return String::new();
    }
    match customer.tax_identification_number.parse::<VatId>() {
        Ok(id) => id.to_string(),
        Err(error) => {
            notes.leave_out(place, "tax_identification_number", error);
            String::new()
        }
    }
}

fn country(customer: &Customer, place: &Place, notes: &mut Notes) -> String {
    let country = &customer.country;
    if country.is_empty() || (country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase())) {
        return country.clone();
    }
    notes.leave_out(place, "country", "two capital letters (ISO 3166 alpha-2)");
    String::new()
}

/// In France a SIREN; of a SIRET, which names an establishment, the company's part.
fn legal_id(customer: &Customer, country: &str, place: &Place, notes: &mut Notes) -> String {
    let said: String = customer.legal_number.chars().take(LINE_BYTES_MAX / 4).filter(|c| !c.is_control()).collect();
    if country != "FR" || said.is_empty() {
        return said;
    }
    let digits: String = said.chars().filter(char::is_ascii_digit).collect();
    let siren = digits.get(..9).filter(|_| matches!(digits.len(), 9 | 14)).and_then(|nine| nine.parse::<Siren>().ok());
    match siren {
        Some(siren) => {
            if digits.len() == 14 {
                notes.ignore_field(place, "legal_number", "of the SIRET, the SIREN: an account is a company");
            }
            siren.to_string()
        }
        None => {
            notes.leave_out(
                place,
                "legal_number",
                "in France, a SIREN: nine digits, the last of which checks the others",
            );
            String::new()
        }
    }
}

fn language(customer: &Customer, place: &Place, notes: &mut Notes) -> Language {
    let locale = customer.billing_configuration.as_ref().map_or("", |c| c.document_locale.as_str());
    let code: String = locale.chars().take(2).collect();
    if code.is_empty() {
        return Language::default();
    }
    code.parse().unwrap_or_else(|error| {
        notes.leave_out(place, "billing_configuration.document_locale", error);
        Language::default()
    })
}

/// What decides when and until when is the seller's here.
fn beside(customer: &Customer, seller: &Seller, place: &Place, notes: &mut Notes) {
    if !customer.timezone.is_empty() && customer.timezone != seller.zone {
        notes.leave_out(place, "timezone", format!("months begin at the seller's midnight, in {}", seller.zone));
    }
    if customer.net_payment_term.is_some_and(|days| days != seller.due_days) {
        notes.leave_out(
            place,
            "net_payment_term",
            format!("invoices are due as the seller says: in {} days", seller.due_days),
        );
    }
}
