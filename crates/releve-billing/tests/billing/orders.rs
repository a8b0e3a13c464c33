//! Does a document name the order that it fits, and is one that fits none held back where the customer wants one?

use expect_test::expect;
use releve_billing::{
    Draft, Issued, Number, Outcome, Stamp, Subject, correct,
    orders::{OpenOrder, OrderRef, PurchaseOrder, drawn, order_for},
    rate,
    tax::{Ground, Vat},
};
use releve_types::{
    AccountId, Currency, InvoiceId, Money,
    ids::{IssuerId, PurchaseOrderId},
};
use uuid::Uuid;

use crate::sheet::{Sheet, instant, may, named};

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::Eur).expect("an amount")
}

/// `PO-1 100.00 drawn 20.00 until 05-16`; an amount of `-` is none.
fn order(text: &str) -> OpenOrder {
    let words: Vec<&str> = text.split_whitespace().collect();
    let after = |word| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
    let amount = (words[1] != "-").then(|| euros(words[1]));
    let from = instant(after("from").unwrap_or("01-01"));
    let id = PurchaseOrderId::from_uuid(named(words[0]));
    let order = PurchaseOrder::new(id, words[0].to_owned(), amount, from, after("until").map(instant));
    OpenOrder { order: order.expect("an order"), drawn: euros(after("drawn").unwrap_or("0.00")) }
}

/// The next document of May, of so many hours at 2.00.
fn draft(hours: u32, before: &[Issued]) -> Draft {
    let sheet = Sheet::read(&format!("price h100 from 05-01 2.00\nuse acme/train h100 05-01..06-01 {hours}h"));
    let rated = rate(&sheet.contract(), may(), &sheet.usage).expect("rated");
    let (account, issuer) = (AccountId::from_uuid(named("account")), IssuerId::from_uuid(named("issuer")));
    let book = i32::try_from(before.len()).expect("few") + 1;
    let subject = Subject { account, issuer, period: may(), book };
    let vat = |_| Ok(Vat { ground: Ground::Domestic, rate: "20".parse().expect("a rate") });
    match correct(subject, rated, before, &vat, vec![]).expect("adds up") {
        Outcome::Draft(draft) => draft,
        other => panic!("{other:?}"),
    }
}

fn issued(draft: Draft, order: Option<OrderRef>) -> Issued {
    let serial = i64::from(draft.content().book);
    draft.ordered(order).issue(Stamp {
        id: InvoiceId::from_uuid(Uuid::from_u128(u128::try_from(serial).expect("above zero"))),
        number: Number::new("REL", 2020, serial).expect("a number"),
        issued_at: instant("06-03"),
        due_at: instant("07-03"),
        digest: [7; 32],
    })
}

/// Which order it names, or why it is held back.
fn under(orders: &[&str], hours: u32, before: &[Issued], required: bool) -> String {
    let orders: Vec<OpenOrder> = orders.iter().map(|text| order(text)).collect();
    match order_for(&orders, draft(hours, before).content(), before, required) {
        Ok(found) => found.map_or_else(|| "none".to_owned(), |order| order.number),
        Err(hold) => format!("{}: {}", hold.kind, hold.detail),
    }
}

#[test]
fn the_first_that_holds_and_has_room() {
    for (orders, named) in [
        (&["PO-1 200.00"][..], "PO-1"),
        (&["PO-1 199.99", "PO-2 500.00"], "PO-2"),
        (&["PO-2 500.00 from 02-01", "PO-1 500.00 from 03-01"], "PO-2"),
        (&["PO-1 500.00 drawn 300.00"], "PO-1"),
        (&["PO-1 500.00 drawn 300.01"], "none"),
        (&["PO-1 - drawn 9999.99"], "PO-1"),
        (&["PO-1 500.00 until 05-01", "PO-2 500.00 from 06-01"], "none"),
        (&["PO-1 500.00 until 05-02"], "PO-1"),
        (&[], "none"),
    ] {
        assert_eq!(under(orders, 100, &[], false), named, "{orders:?}");
    }
}

#[test]
fn where_one_is_wanted_none_is_a_hold() {
    let held = [under(&[], 100, &[], true), under(&["PO-1 150.00", "PO-2 500.00 drawn 400.00"], 100, &[], true)];
    expect![[r#"
        purchase_order: the customer takes no invoice without a purchase order, and none holds in 2020-05-01T00:00:00Z to 2020-06-01T00:00:00Z
        purchase_order: 200.00 EUR without VAT is more than any purchase order has left: PO-1 has 150.00 EUR left, PO-2 has 100.00 EUR left"#]]
    .assert_eq(&held.join("\n"));
    assert_eq!(under(&["PO-1 150.00", "PO-2 200.00"], 100, &[], true), "PO-2");
}

#[test]
fn what_is_corrected_stays_under_its_order() {
    let orders = ["PO-1 900.00", "PO-2 300.00 drawn 200.00"];
    let named = |number: &str| OrderRef { id: PurchaseOrderId::from_uuid(named(number)), number: number.to_owned() };
    let first = [issued(draft(100, &[]), Some(named("PO-2")))];
    // More fits there; much more fits elsewhere; less goes back to where it was drawn, though it no longer holds.
    assert_eq!(under(&orders, 150, &first, true), "PO-2");
    assert_eq!(under(&orders, 151, &first, true), "PO-1");
    assert_eq!(under(&["PO-1 900.00", "PO-2 300.00 until 02-01"], 90, &first, true), "PO-2");
    // A credit note is never held back for want of an order.
    assert_eq!(under(&[], 90, &first, true), "none");
}

/// What is given back goes to the order drawn last, then to the one before it.
#[test]
fn what_is_given_back_is_no_longer_drawn() {
    let (one, two) = (PurchaseOrderId::from_uuid(named("PO-1")), PurchaseOrderId::from_uuid(named("PO-2")));
    let shown = |documents: &[(Option<PurchaseOrderId>, &str)]| {
        let documents: Vec<_> = documents.iter().map(|(order, total)| (*order, euros(total))).collect();
        let drawn = drawn(&documents).expect("small");
        [one, two].map(|order| drawn.get(&order).map_or_else(|| "0".to_owned(), |sum| sum.amount().to_string()))
    };
    assert_eq!(shown(&[(Some(one), "5.00"), (Some(two), "2.50")]), ["5.00", "2.50"]);
    assert_eq!(shown(&[(Some(one), "5.00"), (Some(two), "2.50"), (Some(two), "-3.00")]), ["4.50", "0"]);
    assert_eq!(shown(&[(Some(one), "5.00"), (None, "2.50"), (Some(one), "-3.00")]), ["4.50", "0"]);
    assert_eq!(
        shown(&[(Some(one), "5.00"), (Some(two), "2.50"), (Some(two), "-7.50"), (Some(two), "4.00")]),
        ["0", "4.00"]
    );
}

#[test]
fn an_order_that_contradicts_itself_is_refused() {
    let refused = |number: &str, amount: Option<&str>, from: i64, until: Option<i64>| {
        let at = |hours: i64| instant("05-01").plus_millis(hours * 1_800_000);
        let id = PurchaseOrderId::from_uuid(named("order"));
        let order = PurchaseOrder::new(id, number.to_owned(), amount.map(euros), at(from), until.map(at));
        order.expect_err("refused").to_string()
    };
    let refusals = [
        refused(" ", None, 0, None),
        refused(&"9".repeat(51), None, 0, None),
        refused("PO", Some("0.00"), 0, None),
        refused("PO", None, 1, None),
        refused("PO", None, 2, Some(2)),
    ];
    expect![[r#"
        number: the number of an order has 1 to 50 characters, not 1
        number: the number of an order has 1 to 50 characters, not 51
        amount: nothing would be owed: it is above zero
        from: what is agreed starts and ends on a whole UTC hour, 2020-05-01T00:30:00Z does not
        until: it would end at 2020-05-01T01:00:00Z, not after 2020-05-01T01:00:00Z, when it starts"#]]
    .assert_eq(&refusals.join("\n"));
}
