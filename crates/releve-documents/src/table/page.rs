//! What does the page in front of the month-end pack look like? Its figures, the table in which each is found, and the tie-outs. One
//! file without a script, that prints.

use releve_finance::pack::{Figure, Pack, TieOut};

use super::decimal_text;
use crate::text::escaped;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0 1rem;color:#57606a}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #d0d7de}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.no{color:#a40e26;font-weight:600}.yes{color:#116329}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}p{color:#9198a1}th,td{border-color:#3d444d}.no{color:#ff7b72}.yes{color:#56d364}}";

/// The page of a seller's month; `state` says whether that is closed.
pub fn month_end_page(seller: &str, month: &str, state: &str, pack: &Pack) -> String {
    let figures: String = pack.figures.iter().map(figure).collect();
    let ties: String = pack.ties.iter().map(tie).collect();
    let tables: String = pack
        .tables
        .iter()
        .map(|table| format!("<li><code>{}</code>: {} rows</li>", table.schema.name, table.rows.len()))
        .collect();
    let verdict = if pack.holds() {
        "<p class=\"yes\">Every tie-out comes to 0.00.</p>"
    } else {
        "<p class=\"no\">A tie-out does not come to 0.00: see below.</p>"
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Month end {month}</title><style>{STYLE}</style></head><body><h1>Month end {month}</h1><p>{seller}. {state}</p>{verdict}\
         <h2>Figures</h2><table><tr><th>Figure</th><th class=\"n\">Amount</th><th>Currency</th><th>In table</th></tr>{figures}</table>\
         <h2>Tie-outs</h2><table><tr><th>What has to agree</th><th>Currency</th><th class=\"n\">Left</th><th class=\"n\">Right</th>\
         <th class=\"n\">Difference</th><th>Breaks</th></tr>{ties}</table><h2>Tables</h2><ul>{tables}</ul></body></html>\n",
        month = escaped(month),
        seller = escaped(seller),
        state = escaped(state),
    )
}

fn figure(of: &Figure) -> String {
    let Figure { figure, amount, table } = of;
    let (amount, currency) = (decimal_text(amount.amount()), amount.currency());
    format!("<tr><td>{figure}</td><td class=\"n\">{amount}</td><td>{currency}</td><td><code>{table}</code></td></tr>")
}

fn tie(of: &TieOut) -> String {
    let class = if of.holds() { "yes" } else { "no" };
    let text = decimal_text;
    format!(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n {class}\">{}</td><td>{}</td></tr>",
        escaped(of.tie),
        of.currency,
        text(of.left),
        text(of.right),
        text(of.difference()),
        escaped(of.breaks.as_deref().unwrap_or("")),
    )
}
