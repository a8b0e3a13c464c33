//! Who plays in the demo? A French seller, its price list, and a customer for each way in which VAT is decided.

use anyhow::Context;
use releve_billing::{
    Model, Rounding, Tier,
    tax::{BuyerKind, DatedRate, RateClass, Scheme},
};
use releve_sim::fleet;
use releve_store::customers::{IssuerTerms, Party};
use releve_types::{Currency, Hour, Language, Period, Sku, TenantKey, Unit, sku::Share};

use crate::{
    cast::{Cast, Player},
    demo_terms::{UNKNOWN_HOME, agreed, credited},
};

pub const ACTOR: &str = "demo";

/// The demo's customers and what they pay. One price of each kind that there is.
pub fn cast(period: Period) -> anyhow::Result<Cast> {
    let quarter = Share { num: 1, den: fleet::REPLICAS };
    let gpu = |model: &str, profile: Option<&str>, share, spot, region: &str, price: &str, rounding| {
        let sku = Sku::gpu(model, profile, share, spot, region)?;
        anyhow::Ok((sku, Unit::GpuMs, Model::PerUnit { price: price.parse()? }, rounding))
    };
    let (west, north) = (fleet::REGION_WEST, fleet::REGION_NORTH);
    let tier = |up_to, price: &str| anyhow::Ok(Tier { up_to, price: price.parse()? });
    // The first 10 TiB over a month of 30 days cost more than what is beyond.
    let storage = Model::Graduated { tiers: vec![tier(Some(10_240 * 2_592_000), "0.00011")?, tier(None, "0.000085")?] };
    Ok(Cast {
        actor: ACTOR,
        issuer: Party {
            name: "Demo Cloud".to_owned(),
            address: "1 rue de l'Exemple".to_owned(),
            postcode: "75002".to_owned(),
            city: "Paris".to_owned(),
            country: "FR".to_owned(),
            vat_id: "FR83404833048".to_owned(),
            legal_id: "404833048".to_owned(),
            email: "billing@demo.example".to_owned(),
        },
        terms: IssuerTerms {
            vat_scheme: Some(Scheme::Registered),
            vat_on_debits: true,
            legal_mentions: "SAS au capital de 10 000 €, RCS Paris 404 833 048".to_owned(),
            iban: "FR7630006000011234567890189".to_owned(),
            bic: "AGRIFRPP".to_owned(),
            late_penalty: String::new(),
        },
        vat_on_prepayment: true,
        vat_rates: vec![
            rate("FR", RateClass::Standard, "20")?,
            rate("FR", RateClass::Reduced, "5.5")?,
            rate("ES", RateClass::Standard, "21")?,
        ],
        series: "DEMO",
        currency: Currency::Eur,
        players: fleet::TENANTS
            .iter()
            .map(|tenant| player(tenant.name, tenant.key))
            .chain([player(UNKNOWN_HOME, "static:isola")])
            .collect::<anyhow::Result<_>>()?,
        prices: vec![
            gpu(fleet::H100, None, Share::WHOLE, false, west, "2.45", Rounding::Exact)?,
            gpu(fleet::H100, None, Share::WHOLE, true, west, "1.10", Rounding::SecondMin60)?,
            gpu(fleet::H200, None, Share::WHOLE, false, north, "2.95", Rounding::Second)?,
            gpu(fleet::A100, Some(fleet::SLICE), Share::WHOLE, false, west, "0.29", Rounding::Exact)?,
            gpu(fleet::L40S, None, quarter, false, west, "0.24", Rounding::StartedMinute)?,
            (Sku::meter(fleet::STORAGE, west)?, Unit::GibSecond, storage, Rounding::Exact),
        ],
        agreed: agreed(period)?,
        credits: credited(period)?,
    })
}

fn rate(country: &str, class: RateClass, percent: &str) -> anyhow::Result<DatedRate> {
    let from = Hour::from_index(0);
    Ok(DatedRate { country: country.to_owned(), class, from, rate: percent.parse()? })
}

/// A made-up customer: country, postcode, city, VAT id and number in the register.
type Home = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// By the names of `fleet::TENANTS`, and of one that uses nothing.
const HOMES: [(&str, Home); 9] = [
    ("Aurora Models", ("FR", "69002", "Lyon", "FR25900000019", "900000019")),
    ("Brio Studio", ("FR", "33000", "Bordeaux", "FR49900000027", "900000027")),
    // In another member state: reverse charge.
    ("Caldera Labs", ("DE", "10115", "Berlin", "DE123456788", "")),
    ("Delta Search", ("FR", "59000", "Lille", "FR73900000035", "900000035")),
    // A consumer in another member state: that state's rate, by the one-stop shop.
    ("Ember Games", ("ES", "28001", "Madrid", "", "")),
    ("Fjord Weather", ("NO", "0150", "Oslo", "", "")),
    // Outside the Union: outside the scope of VAT.
    ("Gale Robotics", ("US", "94107", "San Francisco", "", "")),
    // Monaco is France to VAT.
    ("Harbor Archive", ("MC", "98000", "Monaco", "FR53000004605", "")),
    (UNKNOWN_HOME, ("", "", "", "", "")),
];

fn player(name: &str, key: &str) -> anyhow::Result<Player> {
    let home = HOMES.iter().find(|(known, _)| *known == name).map(|(_, home)| *home);
    let (country, postcode, city, vat_id, legal_id) = home.with_context(|| format!("{name} lives nowhere"))?;
    let kind = if country == "ES" { BuyerKind::Consumer } else { BuyerKind::Business };
    let party = Party {
        name: name.to_owned(),
        address: "2 Example Street".to_owned(),
        postcode: postcode.to_owned(),
        city: city.to_owned(),
        country: country.to_owned(),
        vat_id: vat_id.to_owned(),
        legal_id: legal_id.to_owned(),
        email: format!("invoices@{}.example", key.rsplit('/').next().unwrap_or("demo")),
    };
    let language = if ["FR", "MC"].contains(&country) { Language::French } else { Language::English };
    Ok(Player { key: TenantKey::new(key)?, party, kind: Some(kind), language })
}
