//! Which VAT does whom? A table that an accountant can follow: the seller is French, unless a row says otherwise.

use expect_test::{Expect, expect};
use releve_billing::tax::{
    Buyer, BuyerKind, DatedRate, Ground, RateClass, Scheme, Seller, TaxError, Vat, VatRate, check_new_rate, decide,
    in_national_currency, stated_in, tax,
};
use releve_types::{Currency, Hour, Money, Timestamp};
use rust_decimal::Decimal;

const ADDRESS: &str = "1 rue de l'Exemple";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn rate(country: &str, class: RateClass, from: &str, percent: &str) -> DatedRate {
    let from = instant(from).hour();
    DatedRate { country: country.to_owned(), class, from, rate: percent.parse().expect("a rate") }
}

/// `FR FR83404833048` or `FR -`, for a seller; a buyer may end in `business` or `consumer`.
fn words(text: &str) -> (String, String, Option<BuyerKind>) {
    let mut words = text.split(' ');
    let mut next = || words.next().filter(|w| *w != "-").unwrap_or_default().to_owned();
    let (country, vat_id, kind) = (next(), next(), next());
    (country, vat_id, (!kind.is_empty()).then(|| kind.parse().expect("a kind")))
}

fn seller(scheme: Option<Scheme>, text: &str) -> Seller {
    let (country, vat_id, _) = words(text);
    let rates = vec![
        rate("FR", RateClass::Standard, "1970-01-01T00:00:00Z", "19.6"),
        rate("FR", RateClass::Standard, "2013-12-31T23:00:00Z", "20"),
        rate("FR", RateClass::Reduced, "1970-01-01T00:00:00Z", "5.5"),
        rate("ES", RateClass::Standard, "1970-01-01T00:00:00Z", "21"),
        rate("IE", RateClass::Reduced, "1970-01-01T00:00:00Z", "0"),
    ];
    let legal_id = if country == "FR" { "404833048".to_owned() } else { String::new() };
    Seller { scheme, country, vat_id, legal_id, address: ADDRESS.to_owned(), rates }
}

fn decided(seller: &Seller, buyer: &str, class: RateClass, at: &str) -> String {
    let (country, vat_id, kind) = words(buyer);
    match decide(
        seller,
        &Buyer { legal_id: vat_id.chars().skip(4).collect(), country, vat_id, address: ADDRESS.to_owned(), kind },
        class,
        instant(at),
    ) {
        Ok(Vat { ground, rate }) => format!("{} {rate} % {ground}", ground.category().code()),
        Err(missing) => missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
    }
}

#[track_caller]
fn table(seller: &Seller, buyers: &[&str], expected: Expect) {
    let row = |buyer: &&str| {
        format!("{buyer:<34}{}", decided(seller, buyer, RateClass::Standard, "2026-10-31T22:59:59.999Z"))
    };
    expected.assert_eq(&buyers.iter().map(row).collect::<Vec<_>>().join("\n"));
}

const FRENCH: &str = "FR FR83404833048";

#[test]
fn a_registered_seller_in_france() {
    let buyers = [
        "FR FR25900000019 business",
        "FR - business",
        "FR - consumer",
        "FR -",
        "MC -",
        "DE DE123456788",
        "DE DE123456788 business",
        "DE DE123456789 business",
        "DE - business",
        "DE -",
        "DE - consumer",
        "ES - consumer",
        "DE FR25900000019 business",
        "US - business",
        "US - consumer",
        "GB - business",
        "CH -",
        "- -",
    ];
    table(
        &seller(Some(Scheme::Registered), FRENCH),
        &buyers,
        expect![[r#"
            FR FR25900000019 business         S 20 % domestic
            FR - business                     account.legal_id: an invoice between businesses in France says the customer's SIREN
            FR - consumer                     S 20 % domestic
            FR -                              S 20 % domestic
            MC -                              S 20 % domestic
            DE DE123456788                    AE 0 % reverse_charge
            DE DE123456788 business           AE 0 % reverse_charge
            DE DE123456789 business           account.vat_id: the check digits of the VAT id DE123456789 don't fit
            DE - business                     account.vat_id: a business in another member state shows by it that it owes the VAT
            DE -                              account.customer_kind: business or consumer decides who owes the VAT
            DE - consumer                     issuer.vat_rates: no standard rate of DE holds at 2026-10-31T22:59:59.999Z
            ES - consumer                     S 21 % one_stop_shop
            DE FR25900000019 business         account.vat_id: FR25900000019 is not of another member state, and the customer is in DE
            US - business                     O 0 % outside_territory
            US - consumer                     O 0 % outside_territory
            GB - business                     O 0 % outside_territory
            CH -                              O 0 % outside_territory
            - -                               account.country: where the customer is decides whose VAT it is"#]],
    );
}

#[test]
fn a_small_enterprise_is_exempt_where_it_is() {
    let buyers = [
        "FR FR25900000019 business",
        "FR FR25900000019",
        "FR -",
        "DE - consumer",
        "DE DE123456788",
        "DE -",
        "US -",
        "RE -",
    ];
    let small = |text| seller(Some(Scheme::SmallEnterprise), text);
    table(
        &small("FR -"),
        &buyers,
        expect![[r#"
            FR FR25900000019 business         E 0 % small_enterprise
            FR FR25900000019                  E 0 % small_enterprise
            FR -                              E 0 % small_enterprise
            DE - consumer                     E 0 % small_enterprise
            DE DE123456788                    issuer.vat_id: a registered seller prints its VAT id (Art. 226(3))
            DE -                              account.customer_kind: business or consumer decides who owes the VAT
            US -                              O 0 % outside_territory
            RE -                              E 0 % small_enterprise"#]],
    );
    table(
        &small("FR FR83404833048"),
        &["DE DE123456788", "FR -"],
        expect![[r#"
        DE DE123456788                    AE 0 % reverse_charge
        FR -                              E 0 % small_enterprise"#]],
    );
}

#[test]
fn contradictions_and_places_of_their_own() {
    table(
        &seller(Some(Scheme::Registered), FRENCH),
        &["DE DE123456788 consumer", "RE -", "GP -", "NC -", "IM -", "IE - consumer"],
        expect![[r#"
            DE DE123456788 consumer           account.vat_id: DE123456788 is a business's, and the customer is said to be a consumer | account.legal_id: 3456788 is a business's, and the customer is said to be a consumer
            RE -                              issuer.vat_rates: no standard rate of RE holds at 2026-10-31T22:59:59.999Z
            GP -                              issuer.vat_rates: no standard rate of GP holds at 2026-10-31T22:59:59.999Z
            NC -                              O 0 % outside_territory
            IM -                              O 0 % outside_territory
            IE - consumer                     issuer.vat_rates: no standard rate of IE holds at 2026-10-31T22:59:59.999Z"#]],
    );
    table(
        &seller(Some(Scheme::Registered), "CH CHE107787577MWST"),
        &["LI -", "FR - consumer", "FR FR25900000019", "FR -", "US -"],
        expect![[r#"
            LI -                              issuer.vat_rates: no standard rate of CH holds at 2026-10-31T22:59:59.999Z
            FR - consumer                     S 20 % one_stop_shop
            FR FR25900000019                  O 0 % outside_territory
            FR -                              account.customer_kind: business or consumer decides who owes the VAT
            US -                              O 0 % outside_territory"#]],
    );
}

/// Art. 230: what is owed to France is stated in euros, what is owed to Romania in lei, which nobody can bill in here.
#[test]
fn vat_is_stated_in_the_national_currency() {
    let french = seller(Some(Scheme::Registered), FRENCH);
    let standard = Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") };
    assert_eq!(stated_in(&french, Currency::Eur), None);
    assert_eq!(stated_in(&french, Currency::Usd), Some(Currency::Eur));
    assert_eq!(in_national_currency(&french, standard, Currency::Usd), Ok(standard));
    let romanian = Seller { country: "RO".to_owned(), ..french };
    let refused = in_national_currency(&romanian, standard, Currency::Eur).expect_err("in euros");
    assert_eq!(refused[0].field, "account.currency");
    let free = Vat::free(Ground::OutsideTerritory);
    assert_eq!(in_national_currency(&romanian, free, Currency::Eur), Ok(free));
}

#[test]
fn what_a_registered_seller_has_to_say_of_itself() {
    let buyers = ["FR -"];
    table(
        &seller(None, FRENCH),
        &buyers,
        expect!["FR -                              issuer.vat_scheme: says whether the seller charges VAT at all"],
    );
    table(
        &seller(Some(Scheme::Registered), "FR -"),
        &buyers,
        expect!["FR -                              issuer.vat_id: a registered seller prints its VAT id (Art. 226(3))"],
    );
    table(
        &seller(Some(Scheme::Registered), "- -"),
        &["- -"],
        expect![
            "- -                               issuer.country: where the seller is decides whose VAT it is | account.country: where the customer is decides whose VAT it is | issuer.vat_id: a registered seller prints its VAT id (Art. 226(3))"
        ],
    );
    table(
        &seller(Some(Scheme::Registered), "FR FR84404833048"),
        &buyers,
        expect![
            "FR -                              issuer.vat_id: the check digits of the VAT id FR84404833048 don't fit"
        ],
    );
    table(
        &seller(Some(Scheme::Registered), "FR DE123456788"),
        &buyers,
        expect!["FR -                              issuer.vat_id: DE123456788 is not of FR, where the seller is"],
    );
    table(
        &seller(Some(Scheme::Registered), "IT IT00743110157"),
        &["IT -", "FR FR25900000019"],
        expect![[r#"
        IT -                              issuer.vat_rates: no standard rate of IT holds at 2026-10-31T22:59:59.999Z
        FR FR25900000019                  AE 0 % reverse_charge"#]],
    );
    table(
        &seller(Some(Scheme::SmallEnterprise), "FR -"),
        &["FR -", "US -", "- -"],
        expect![[r#"
            FR -                              E 0 % small_enterprise
            US -                              O 0 % outside_territory
            - -                               account.country: where the customer is decides whose VAT it is"#]],
    );
    table(
        &seller(Some(Scheme::NotTaxable), "- -"),
        &["FR -", "- -"],
        expect![[r#"
        FR -                              O 0 % not_taxable
        - -                               O 0 % not_taxable"#]],
    );
}

/// The rate is that of the instant at which the period ends, and of the class of what is sold.
#[test]
fn rates_are_dated_and_of_a_class() {
    let seller = seller(Some(Scheme::Registered), FRENCH);
    let of = |class, at| decided(&seller, "FR -", class, at);
    assert_eq!(of(RateClass::Standard, "2013-12-31T22:59:59.999Z"), "S 19.6 % domestic");
    assert_eq!(of(RateClass::Standard, "2013-12-31T23:00:00Z"), "S 20 % domestic");
    assert_eq!(of(RateClass::Reduced, "2026-01-01T00:00:00Z"), "S 5.5 % domestic");
    assert_eq!(decided(&seller, "IE - consumer", RateClass::Reduced, "2026-01-01T00:00:00Z"), "Z 0 % zero_rated");
}

#[test]
fn a_rate_that_has_begun_does_not_change() {
    let known = seller(None, FRENCH).rates;
    let now = instant("2026-11-05T10:30:00Z");
    let may = |country: &str, from: &str| {
        let new = rate(country, RateClass::Standard, from, "22");
        check_new_rate(&known, &new, now).map_or_else(|e| format!("{}: {e}", e.code()), |()| "may".to_owned())
    };
    assert_eq!(may("FR", "2026-11-05T11:00:00Z"), "may");
    assert_eq!(may("IT", "2020-01-01T00:00:00Z"), "may", "a past without a rate may be filled");
    expect!["rate_in_the_past: the standard rate of FR at 2026-11-05T10:00:00Z has begun: a rate changes from 2026-11-05T10:30:00Z on, never before"]
        .assert_eq(&may("FR", "2026-11-05T10:00:00Z"));
    expect!["two_rates_at_once: FR already has a standard rate from 2013-12-31T23:00:00Z"]
        .assert_eq(&may("FR", "2013-12-31T23:00:00Z"));
    for (text, code) in [
        ("20,5", "not_a_decimal"),
        ("", "not_a_decimal"),
        ("100.01", "out_of_range"),
        ("5.555", "out_of_range"),
        ("-1", "not_a_decimal"),
    ] {
        assert_eq!(text.parse::<VatRate>().map_err(|e| e.code()), Err(code), "{text}");
    }
}

#[test]
fn every_ground_has_its_name_and_a_category() {
    for ground in Ground::ALL {
        assert_eq!(ground.name().parse(), Ok(ground));
        assert_eq!(ground.is_charged(), ground.category().code() == "S");
    }
    assert!(Hour::from_index(0) < instant("2026-01-01T00:00:00Z").hour());
}

fn euros(cents: i64) -> Money {
    Money::exact(Decimal::new(cents, 2), Currency::Eur).expect("cents")
}

/// Two rates on one invoice: each taxed once, on the sum of its lines.
#[test]
fn vat_is_summed_by_ground_and_rate() {
    let at = |percent: &str| Vat { ground: Ground::Domestic, rate: percent.parse().expect("a rate") };
    let lines = [(at("20"), euros(1_001)), (at("5.5"), euros(909)), (at("20"), euros(1_001)), (at("20"), euros(-2))];
    let taxes = tax(Currency::Eur, lines).expect("taxed");
    let rows: Vec<String> =
        taxes.subtotals.iter().map(|s| format!("{} % of {} = {}", s.vat.rate, s.base, s.tax)).collect();
    assert_eq!(rows, ["5.5 % of 9.09 EUR = 0.50 EUR", "20 % of 20.00 EUR = 4.00 EUR"]);
    assert_eq!((taxes.tax, taxes.payable, taxes.lines.len()), (euros(450), euros(3_359), 4));
}

#[test]
fn what_can_not_stand_on_one_invoice() {
    let domestic = Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") };
    let mixed = tax(Currency::Eur, [(domestic, euros(1)), (Vat::free(Ground::OutsideTerritory), euros(1))]);
    assert_eq!(mixed, Err(TaxError::OutsideScopeIsAlone(Ground::Domestic)));
    let charged = tax(Currency::Eur, [(Vat { ground: Ground::ReverseCharge, ..domestic }, euros(1))]);
    assert!(matches!(charged, Err(TaxError::RateOfGround { ground: Ground::ReverseCharge, .. })));
    let free = tax(Currency::Eur, [(Vat::free(Ground::Domestic), euros(1))]);
    assert!(matches!(free, Err(TaxError::RateOfGround { ground: Ground::Domestic, .. })));
    let currencies = tax(Currency::Eur, [(domestic, Money::zero(Currency::Usd))]);
    assert!(matches!(currencies, Err(TaxError::Money(_))));
}

#[test]
fn an_invoice_says_where_both_are() {
    let at = instant("2026-10-31T22:59:59.999Z");
    let buyer = |address: &str| Buyer { country: "FR".to_owned(), address: address.to_owned(), ..Buyer::default() };
    let lacks = |seller: &Seller, buyer: &Buyer| match decide(seller, buyer, RateClass::Standard, at) {
        Ok(_) => Vec::new(),
        Err(missing) => missing.iter().map(|m| m.field).collect(),
    };
    let known = seller(Some(Scheme::Registered), FRENCH);
    assert_eq!(lacks(&known, &buyer(ADDRESS)), [""; 0]);
    assert_eq!(lacks(&known, &buyer(" ")), ["account.address"]);
    let unknown = Seller { address: String::new(), ..known };
    assert_eq!(lacks(&unknown, &buyer("")), ["issuer.address", "account.address"]);
    // Who is no taxable person sends no invoice in the sense of the directive.
    let recharges = Seller { scheme: Some(Scheme::NotTaxable), ..unknown };
    assert_eq!(lacks(&recharges, &buyer("")), [""; 0]);
}
