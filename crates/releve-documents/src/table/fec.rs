//! How does a journal look to a French accountant's software? As the Fichier des écritures comptables (LPF art. A. 47 A-1): 18 columns,
//! tabs, a decimal comma, dates without hyphens, ISO 8859-15.
//!
//! It is an extract: purchases, wages and opening balances are not a billing system's.

use releve_finance::{Row, journal::SCHEMA, table::Cell};

/// The journal's rows as a file.
pub fn journal_fec(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    let header: Vec<String> = SCHEMA.columns.iter().map(|column| column.name.to_owned()).collect();
    line(&header, &mut out);
    for row in rows {
        let fields: Vec<String> = row.iter().map(field).collect();
        line(&fields, &mut out);
    }
    out
}

fn line(fields: &[String], out: &mut Vec<u8>) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b'\t');
        }
        out.extend(field.chars().map(latin9));
    }
    out.extend(b"\r\n");
}

fn field(cell: &Cell) -> String {
    match cell {
        Cell::Decimal(value) => {
            let mut value = value.normalize();
            value.rescale(2);
            value.to_string().replace('.', ",")
        }
        Cell::Date(day) => day.to_string().replace('-', ""),
        // A tab or a line feed would end the field.
        Cell::Text(text) => text.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).collect(),
        _ => String::new(),
    }
}

/// ISO 8859-15; what it lacks becomes a question mark.
fn latin9(c: char) -> u8 {
    match c {
        '€' => 0xA4,
        'Š' => 0xA6,
        'š' => 0xA8,
        'Ž' => 0xB4,
        'ž' => 0xB8,
        'Œ' => 0xBC,
        'œ' => 0xBD,
        'Ÿ' => 0xBE,
        '¤' | '¦' | '¨' | '´' | '¸' | '¼' | '½' | '¾' => b'?',
        // Quotation marks and dashes that keyboards make.
        '‘' | '’' => b'\'',
        '“' | '”' => b'"',
        '–' | '—' => b'-',
        c => u8::try_from(u32::from(c)).unwrap_or(b'?'),
    }
}
