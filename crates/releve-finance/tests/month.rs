//! What is earned when usage comes late, what an advance makes of the books, and is a number that is missing found?

use std::collections::BTreeMap;

use expect_test::expect;
use releve_billing::{
    Kind, Number,
    tax::{Ground, Subtotal, Vat},
};
use releve_finance::{
    Cell, Table,
    journal::{Chart, entries},
    month::{
        AccrualKey, Accruals, Customer, Document, GivenUp, Month, Move, Paid, Seller, Settled, Wallet, WalletEntry,
    },
    pack::{Focus, Pack, pack},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Money, Timestamp, Zone,
    ids::{CreditId, IssuerId, PaymentId},
};
use uuid::Uuid;

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn account() -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(2))
}

fn accrued(of: &[(&str, &str)]) -> Accruals {
    let accrual = |(month, amount): &(&str, &str)| {
        let (account, currency) = (account(), Currency::Eur);
        let month = month.parse().expect("a month");
        let key = AccrualKey { account, month, sku: "gpu/x".to_owned(), kind: "usage".to_owned(), currency };
        (key, euros(amount))
    };
    of.iter().map(accrual).collect()
}

/// March of a seller with one customer.
fn march() -> Month {
    let customer = Customer { name: "Omega".to_owned(), country: "DE".to_owned(), vat_id: "DE123456788".to_owned() };
    Month {
        seller: Seller {
            id: IssuerId::from_uuid(Uuid::from_u128(1)),
            name: "Nuage".to_owned(),
            legal_id: String::new(),
            zone: Zone::utc(),
        },
        month: "2026-03".parse().expect("a month"),
        period: Zone::utc().month("2026-03".parse().expect("a month")),
        customers: BTreeMap::from([(account(), customer)]),
        buyers: BTreeMap::new(),
        documents: Vec::new(),
        whole: BTreeMap::new(),
        payments: Vec::new(),
        settlements: Vec::new(),
        write_offs: Vec::new(),
        wallets: BTreeMap::new(),
        wallet_entries: Vec::new(),
        opening: Accruals::new(),
        closing: Accruals::new(),
    }
}

fn document(serial: i64, issued: &str, net: &str, tax: &str) -> Document {
    let (total, tax) = (euros(net), euros(tax));
    let vat = Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") };
    Document {
        id: InvoiceId::from_uuid(Uuid::from_u128(u128::try_from(serial).expect("small"))),
        account: account(),
        number: Number::new("R", 2026, serial).expect("a number"),
        kind: Kind::Invoice,
        period: Zone::utc().month("2026-02".parse().expect("a month")),
        credit: None,
        issued_at: at(issued),
        due_at: at(issued).plus_millis(30 * 86_400_000),
        total,
        payable: total.checked_add(tax).expect("adds"),
        prepaid: euros("0"),
        subtotals: vec![Subtotal { vat, base: total, tax }],
    }
}

fn packed(month: &Month) -> Pack {
    let chart = Chart::default();
    let entries = entries(month, &chart).expect("entries");
    let made = pack(month, &entries, &chart, &Focus::default()).expect("a pack");
    made.tables.iter().try_for_each(Table::check).expect("rows that keep to their columns");
    made
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Decimal(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Date(day) => day.to_string(),
        other => format!("{other:?}"),
    }
}

fn table(pack: &Pack, name: &str, from: usize) -> String {
    let table = pack.tables.iter().find(|table| table.schema.name == name).expect("a table");
    let rows = table.rows.iter().map(|row| row[from..].iter().map(text).collect::<Vec<_>>().join(" | "));
    rows.collect::<Vec<_>>().join("\n")
}

/// Thirty came late for February after it was closed: it is earned in March, under February.
#[test]
fn what_comes_late_is_earned_when_it_comes() {
    let mut month = march();
    month.opening = accrued(&[("2026-02", "100.00")]);
    month.closing = accrued(&[("2026-02", "130.00"), ("2026-03", "500.00")]);
    let pack = packed(&month);
    expect!["EUR | 100.00 | 530.00 | 0.00 | 630.00"].assert_eq(&table(&pack, "unbilled_roll_forward", 2));
    expect!["2026-02 | EUR | 30.00"].assert_eq(&table(&pack, "late_usage", 2));
    expect![[r#"
        2026-02 | gpu/x | usage | EUR | 130.00
        2026-03 | gpu/x | usage | EUR | 500.00"#]]
    .assert_eq(&table(&pack, "unbilled_at_close", 2));
}

#[test]
fn a_number_that_is_missing_breaks_the_register() {
    let mut month = march();
    month.documents = vec![
        document(1, "2026-02-03T06:00:00Z", "10.00", "2.00"),
        document(3, "2026-03-03T06:00:00Z", "10.00", "2.00"),
    ];
    let pack = packed(&month);
    expect!["R | 2026 | 1 | 3 | 3 | 1 | 1"].assert_eq(&table(&pack, "register_proof", 0));
    assert!(!pack.holds());
    let broken = pack.ties.iter().find(|tie| tie.breaks.is_some()).expect("a tie-out that breaks");
    assert_eq!((broken.tie, broken.breaks.as_deref()), ("register: numbers missing", Some("R-2026: 1 missing")));
    // The other one is paid for nothing yet; what is not due is not overdue.
    expect![[r#"
        R-2026-000001 | 2026-02-03 | 2026-03-05 | 26 | 1-30 | EUR | 12.00
        R-2026-000003 | 2026-03-03 | 2026-04-02 | 0 | not due | EUR | 12.00"#]]
    .assert_eq(&table(&pack, "receivables_ageing", 2));
}

/// 120 are paid in advance with a deposit invoice of 100 and its VAT; an invoice of 60 draws 72 of them.
#[test]
fn an_advance_runs_through_the_books() {
    let mut month = march();
    let credit = CreditId::from_uuid(Uuid::from_u128(9));
    let deposit = Document {
        kind: Kind::Deposit,
        credit: Some(credit),
        prepaid: euros("120.00"),
        ..document(1, "2026-03-02T10:00:00Z", "100.00", "20.00")
    };
    let invoice = Document { prepaid: euros("72.00"), ..document(2, "2026-03-20T10:00:00Z", "60.00", "12.00") };
    let wallet = Wallet {
        account: account(),
        paid: true,
        description: "Top-up".to_owned(),
        expires: None,
        deposit: Some(deposit.id),
    };
    let moved = |moved, amount: &str, invoice, when: &str| WalletEntry {
        credit,
        moved,
        amount: euros(amount),
        invoice: Some(invoice),
        at: at(when),
    };
    month.wallets = BTreeMap::from([(credit, wallet)]);
    month.wallet_entries = vec![
        moved(Move::Opened, "120.00", deposit.id, "2026-03-02T10:00:00Z"),
        moved(Move::Drawn, "72.00", invoice.id, "2026-03-20T10:00:00Z"),
    ];
    let payment = PaymentId::from_uuid(Uuid::from_u128(7));
    month.payments = vec![Paid {
        id: payment,
        amount: euros("125.00"),
        paid_on: "2026-02-28".parse().expect("a day"),
        payer: "Omega".to_owned(),
        reference: "bank-1".to_owned(),
        recorded_at: at("2026-03-02T09:00:00Z"),
    }];
    let (account, invoice_id) = (account(), invoice.id);
    month.documents = vec![deposit, invoice];
    let booked = entries(&month, &Chart::default()).expect("balanced");
    let shown = booked.iter().map(|entry| {
        let postings = entry.postings.iter().map(|p| format!("{} {}", p.ledger.number, p.amount.amount()));
        format!("{} {} {}: {}", entry.number, entry.piece, entry.piece_date, postings.collect::<Vec<_>>().join(", "))
    });
    expect![[r#"
        VE-202603-000001 R-2026-000001 2026-03-02: 411000 120.00, 419100 -100.00, 445710 -20.00
        VE-202603-000002 R-2026-000002 2026-03-20: 411000 72.00, 706000 -60.00, 445710 -12.00
        BQ-202603-000001 bank-1 2026-02-28: 512000 125.00, 471000 -125.00
        OD-202603-000001 R-2026-000001 2026-03-02: 471000 120.00, 411000 -120.00
        OD-202603-000002 R-2026-000002 2026-03-20: 419100 60.00, 445710 12.00, 411000 -72.00"#]]
    .assert_eq(&shown.collect::<Vec<_>>().join("\n"));
    let pack = packed(&month);
    assert!(
        pack.ties.iter().all(|tie| tie.holds() || tie.tie.starts_with("journal revenue = earned")),
        "{:?}",
        pack.ties
    );
    expect!["EUR | - | 0.00 | 120.00 | 72.00 | 0.00 | 0.00 | 0.00 | 48.00"].assert_eq(&table(
        &pack,
        "advances_roll_forward",
        4,
    ));
    assert_eq!(table(&pack, "grants_roll_forward", 0), "");
    // What moves nothing is no entry.
    let settled_at = at("2026-03-21T10:00:00Z");
    month.settlements = vec![Settled { payment, account, invoice: invoice_id, amount: euros("0.00"), settled_at }];
    assert_eq!(entries(&month, &Chart::default()).expect("balanced").len(), booked.len());
}

/// Sixty of a hundred are given up, then seventy are paid: thirty stay given up.
#[test]
fn what_is_paid_after_all_is_not_given_up() {
    let mut month = march();
    month.documents = vec![document(1, "2026-02-03T06:00:00Z", "100.00", "0.00")];
    let (account, invoice) = (account(), month.documents[0].id);
    let amount = euros("60.00");
    month.write_offs = vec![GivenUp { account, invoice, amount, at: at("2026-02-20T06:00:00Z") }];
    let payment = PaymentId::from_uuid(Uuid::from_u128(7));
    let settled_at = at("2026-03-10T06:00:00Z");
    month.settlements = vec![Settled { payment, account, invoice, amount: euros("70.00"), settled_at }];
    let pack = packed(&month);
    expect![[r#"
        2026-03-01 | opening | - | 0.00 | 0.00 | 40.00
        2026-03-10 | payment | R-2026-000001 | 0.00 | 70.00 | -30.00
        2026-03-10 | written_off | R-2026-000001 | 30.00 | 0.00 | 0.00
        2026-03-31 | closing | - | 0.00 | 0.00 | 0.00"#]]
    .assert_eq(&table(&pack, "statements_of_account", 3));
    assert!(pack.holds(), "{:?}", pack.ties);
}

#[test]
fn own_accounts_take_the_place_of_the_charts() {
    let mut chart = Chart::default();
    chart.set("revenue", "706100", Some("GPU")).expect("an account");
    assert!(chart.is_revenue("706100") && !chart.is_revenue("706000"));
    for (name, number) in [("revenue", "70"), ("revenue", "70A100"), ("revenue", "706 100"), ("profit", "706100")] {
        assert!(chart.set(name, number, None).is_err(), "{name} {number}");
    }
}
