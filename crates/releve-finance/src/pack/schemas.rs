//! Which columns do the tables of the pack have?

use crate::table::{Column, ColumnType, Schema};

const MONEY: ColumnType = ColumnType::Decimal(2);

const fn text(name: &'static str) -> Column {
    Column::new(name, ColumnType::Text)
}

const fn money(name: &'static str) -> Column {
    Column::new(name, MONEY)
}

/// What was earned in the month, by customer and SKU: invoiced in it, and not invoiced at its end more than at its start.
pub const REVENUE: Schema = Schema {
    name: "earned_revenue",
    columns: &[
        text("account_id"),
        text("account"),
        text("sku"),
        text("kind"),
        text("currency"),
        money("opening_unbilled"),
        money("invoiced"),
        money("closing_unbilled"),
        money("earned"),
    ],
};

/// What was used and not invoiced, from the month's start to its end.
pub const ROLL_FORWARD: Schema = Schema {
    name: "unbilled_roll_forward",
    columns: &[
        text("account_id"),
        text("account"),
        text("currency"),
        money("opening"),
        money("earned"),
        money("invoiced"),
        money("closing"),
    ],
};

pub const CLOSING: Schema = Schema {
    name: "unbilled_at_close",
    columns: &[
        text("account_id"),
        text("account"),
        text("usage_month"),
        text("sku"),
        text("kind"),
        text("currency"),
        money("amount"),
    ],
};

/// What was earned in the month for usage of earlier ones: what came late, and what was taken back.
pub const LATE: Schema = Schema {
    name: "late_usage",
    columns: &[text("account_id"), text("account"), text("usage_month"), text("currency"), money("earned")],
};

/// What reservations came to: used, and paid for without being used.
pub const COMMITMENTS: Schema = Schema {
    name: "commitments",
    columns: &[
        text("account_id"),
        text("account"),
        text("sku"),
        text("currency"),
        money("used"),
        money("unused"),
        money("amortised"),
    ],
};

/// What was paid in advance and what was given, from the month's start to its end: the one is money, the other is none.
pub const ADVANCES: Schema = Schema { name: "advances_roll_forward", columns: &ROLLED };
pub const GRANTS: Schema = Schema { name: "grants_roll_forward", columns: &ROLLED };

const ROLLED: [Column; 13] = [
    text("credit_id"),
    text("account_id"),
    text("account"),
    text("description"),
    text("currency"),
    Column::new("expires_on", ColumnType::Date).nullable(),
    money("opening"),
    money("opened"),
    money("drawn"),
    money("given_back"),
    money("expired"),
    money("taken_back"),
    money("closing"),
];

pub const REGISTER: Schema = Schema {
    name: "invoice_register",
    columns: &[
        text("number"),
        text("series"),
        Column::new("year", ColumnType::Integer),
        Column::new("serial", ColumnType::Integer),
        text("kind"),
        Column::new("issued_on", ColumnType::Date),
        Column::new("due_on", ColumnType::Date),
        text("account_id"),
        text("account"),
        text("currency"),
        money("total"),
        money("vat"),
        money("payable"),
        money("prepaid"),
        money("due"),
    ],
};

/// That no number of the month is missing: a series goes on where it stopped before the month.
pub const PROOF: Schema = Schema {
    name: "register_proof",
    columns: &[
        text("series"),
        Column::new("year", ColumnType::Integer),
        Column::new("before", ColumnType::Integer),
        Column::new("first", ColumnType::Integer),
        Column::new("last", ColumnType::Integer),
        Column::new("count", ColumnType::Integer),
        Column::new("missing", ColumnType::Integer),
    ],
};

pub const VAT: Schema = Schema {
    name: "vat_summary",
    columns: &[
        text("ground"),
        text("category"),
        money("rate"),
        text("country").nullable(),
        text("currency"),
        Column::new("documents", ColumnType::Integer),
        money("base"),
        money("vat"),
    ],
};

/// Services to taxable persons in other member states, for which they owe the VAT (Directive 2006/112/EC, art. 262, c).
pub const SERVICES: Schema = Schema {
    name: "eu_services_list",
    columns: &[text("vat_id"), text("country"), text("account"), text("currency"), money("base")],
};

pub const RECEIVABLES: Schema = Schema {
    name: "receivables_ageing",
    columns: &[
        text("account_id"),
        text("account"),
        text("number"),
        Column::new("issued_on", ColumnType::Date),
        Column::new("due_on", ColumnType::Date),
        Column::new("days_overdue", ColumnType::Integer),
        text("age"),
        text("currency"),
        money("open"),
    ],
};

/// Each customer's account, running: what it owed before the month, what happened, what it owes at the end.
pub const STATEMENTS: Schema = Schema {
    name: "statements_of_account",
    columns: &[
        text("account_id"),
        text("account"),
        text("currency"),
        Column::new("on", ColumnType::Date),
        text("what"),
        text("reference").nullable(),
        money("debit"),
        money("credit"),
        money("balance"),
    ],
};

pub const TIES: Schema = Schema {
    name: "tie_outs",
    columns: &[
        text("tie"),
        text("currency"),
        Column::new("left", ColumnType::Decimal(18)),
        Column::new("right", ColumnType::Decimal(18)),
        Column::new("difference", ColumnType::Decimal(18)),
        text("breaks").nullable(),
    ],
};

pub const SUMMARY: Schema =
    Schema { name: "summary", columns: &[text("figure"), text("currency"), money("amount"), text("table")] };
