//! Which bytes does a table become, and does nothing in them run?

use releve_documents::table::{Format, journal_fec, table_file};
use releve_finance::{
    Cell, Column, ColumnType, Row, Schema,
    journal::{self, Entry, Journal, Ledger, Posting},
};
use releve_types::{Currency, Money, Timestamp};

static SCHEMA: Schema = Schema {
    name: "things",
    columns: &[
        Column::new("name", ColumnType::Text).nullable(),
        Column::new("count", ColumnType::Integer),
        Column::new("cost", ColumnType::Decimal(18)),
        Column::new("at", ColumnType::Timestamp),
        Column::new("tags", ColumnType::Json).nullable(),
    ],
};

fn row(name: &str, cost: &str) -> Row {
    vec![
        Cell::text_or_null(name),
        Cell::Integer(-3),
        Cell::Decimal(cost.parse().expect("a decimal")),
        Cell::Timestamp(Timestamp::from_millis(1_767_225_600_000)),
        Cell::Json("{\"a\":\"=1\"}".to_owned()),
    ]
}

#[test]
fn a_spreadsheet_runs_nothing_and_a_reader_guesses_nothing() {
    let rows = ["=cmd()", "+1", "-2+3", "@SUM(A1)", "\t=1", "a, \"b\"", ""].map(|name| row(name, "2"));
    let bytes = table_file(Format::Csv, &SCHEMA, rows).expect("a file");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let tail = ",-3,2.00,2026-01-01T00:00:00Z,\"{\"\"a\"\":\"\"=1\"\"}\"";
    let names = ["'=cmd()", "'+1", "'-2+3", "'@SUM(A1)", "'\t=1", "\"a, \"\"b\"\"\"", ""];
    let expected: String = names.iter().map(|name| format!("{name}{tail}\r\n")).collect();
    assert_eq!(text, format!("name,count,cost,at,tags\r\n{expected}"));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows = || (0..100_000).map(|n| row(&format!("thing {n}"), "0.000000000000000001"));
    let first = table_file(Format::Parquet, &SCHEMA, rows()).expect("a file");
    assert!(first.starts_with(b"PAR1") && first.ends_with(b"PAR1"), "several row groups");
    assert_eq!(first, table_file(Format::Parquet, &SCHEMA, rows()).expect("a file"));
}

#[test]
fn what_does_not_fit_its_column_is_refused() {
    for format in Format::ALL {
        let mut finer = row("x", "1");
        finer[2] = Cell::Decimal("0.0000000000000000001".parse().expect("a decimal"));
        let mut absent = row("x", "1");
        absent[1] = Cell::Null;
        for (broken, column) in [(finer, "things.cost"), (absent, "things.count")] {
            let error = table_file(format, &SCHEMA, [broken]).expect_err("it does not fit");
            assert!(error.to_string().contains(column), "{error}");
        }
    }
}

#[test]
fn a_journal_is_in_latin_9_with_commas() {
    let money = |text: &str| Money::parse(text, Currency::Eur).expect("an amount");
    let ledger = |number: &str, label: &str| Ledger { number: number.to_owned(), label: label.to_owned() };
    let entry = Entry {
        journal: Journal::Sales,
        number: "VE-202603-000001".to_owned(),
        date: "2026-03-31".parse().expect("a day"),
        piece: "R-2026-000001".to_owned(),
        piece_date: "2026-03-30".parse().expect("a day"),
        label: "Facture\tà 12 € – Ωmega".to_owned(),
        postings: vec![
            Posting {
                ledger: ledger("411000", "Clients"),
                customer: Some(("acc_1".to_owned(), "Œuvre".to_owned())),
                amount: money("1200.50"),
            },
            Posting { ledger: ledger("706000", "Prestations"), customer: None, amount: money("-1200.50") },
        ],
    };
    let bytes = journal_fec(&journal::rows(&entry));
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let debit = b"VE\tVentes\tVE-202603-000001\t20260331\t411000\tClients\tacc_1\t\xBCuvre\tR-2026-000001\t20260330\tFacture \xE0 12 \xA4 - ?mega\t1200,50\t0,00\t\t\t20260331\t\t\r";
    assert_eq!(lines[1], debit);
    assert!(lines[2].windows(15).any(|w| w == b"\t0,00\t1200,50\t\t"), "{:?}", String::from_utf8_lossy(lines[2]));
}
