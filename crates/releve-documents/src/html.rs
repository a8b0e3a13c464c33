//! What does an invoice look like to a person? One page, without a script or anything to load.

use releve_billing::{Charge, Corrected, Issued, Kind, Line, UnitPrice, tax::Subtotal};
use releve_types::{Money, TenantId, money::Currency};

use crate::{
    Coverage, Parties, Party, mentions,
    text::{escaped, kwh},
    told::Told,
};

const STYLE: &str = include_str!("style.css");

/// The invoice as a page. Whatever a customer or a node could have named is escaped.
pub fn invoice_html(invoice: &Issued, parties: &Parties, coverage: Option<&Coverage>) -> String {
    let told = &Told::of(invoice, parties);
    let title = told.words.title(told.kind);
    let number = escaped(&invoice.stamp().number.to_string());
    let seller = escaped(&parties.issuer.name);
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} {number} \u{b7} {seller}</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>\n\
         {}{}{}{}{}</main>\n</body>\n</html>\n",
        parties.language.code(),
        parties.brand.style(),
        head(told, &number),
        facts(told),
        lines(told),
        if told.kind == Kind::CreditNote { String::new() } else { law(told) },
        how(told, coverage),
    )
}

fn head(told: &Told<'_>, number: &str) -> String {
    format!(
        "<header>\n<div>\n<h1>{}</h1>\n<p class=\"number\">{number}</p>\n</div>\n<div class=\"seller\">\n{}{}</div>\n</header>\n",
        told.words.title(told.kind),
        told.parties.brand.img(),
        party(told, &told.parties.issuer),
    )
}

fn party(told: &Told<'_>, party: &Party) -> String {
    let mut out = format!("<p class=\"name\">{}</p>\n", escaped(&party.name));
    let town = format!("{} {}", party.postcode, party.city);
    let address: Vec<String> = party.address.lines().chain([&*town, &party.country]).map(escaped).collect();
    let address: Vec<&str> = address.iter().map(|l| l.trim()).filter(|l| !l.is_empty()).collect();
    if !address.is_empty() {
        out.push_str(&format!("<p class=\"soft\">{}</p>\n", address.join("<br>")));
    }
    let register = if party.country == "FR" { "SIREN" } else { told.words.company_number };
    for (label, id) in [(told.words.vat_id, &party.vat_id), (register, &party.legal_id)] {
        if !id.is_empty() {
            out.push_str(&format!("<p class=\"soft\">{label} {}</p>\n", escaped(id)));
        }
    }
    out
}

fn facts(told: &Told<'_>) -> String {
    let (words, stamp, zone) = (told.words, told.invoice.stamp(), &told.parties.zone);
    let named = |c: &Corrected| format!("{} {} {}", c.number, words.of_day, told.day(&zone.date(c.issued_at)));
    let corrects: Vec<String> = told.content.corrects.iter().map(named).collect();
    let when = told.when();
    let due = if told.kind == Kind::CreditNote { words.given_back } else { words.amount_due };
    let fact = |label: &str, value: &str| {
        if value.is_empty() {
            return String::new();
        }
        format!("<div>\n<p class=\"label\">{label}</p>\n<p>{value}</p>\n</div>\n", value = escaped(value))
    };
    // What is given back asks for no payment, nor does what was paid.
    let by = if told.kind == Kind::CreditNote || told.advances.cover_all() {
        String::new()
    } else {
        fact(words.due_by, &told.day(&zone.date(stamp.due_at)))
    };
    format!(
        "<section class=\"facts\">\n<div class=\"buyer\">\n<p class=\"label\">{}</p>\n{}</div>\n{}{}{}{}{}\
         <div class=\"due\">\n<div>\n<p class=\"label\">{due}</p>\n<strong>{}</strong>\n</div>\n{by}</div>\n</section>\n",
        words.billed_to,
        party(told, &told.parties.account),
        fact(words.issued_on, &told.day(&zone.date(stamp.issued_at))),
        fact(when.0, &when.1),
        fact(words.corrects, &corrects.join(", ")),
        fact(words.your_reference, &told.parties.buyer_reference),
        fact(words.purchase_order, told.purchase_order()),
        told.money(told.advances.due),
    )
}

fn lines(told: &Told<'_>) -> String {
    let (words, taxes, advances) = (told.words, &told.taxes, &told.advances);
    let mut out = String::new();
    for of_tenant in told.content.lines.chunk_by(|a, b| a.charge.tenant == b.charge.tenant) {
        let Some(first) = of_tenant.first() else { continue };
        out.push_str(&tenant_table(told, first.charge.tenant, of_tenant));
    }
    let sum = |label: &str, of: Money| {
        format!("<tr class=\"sum\"><td>{label}</td><td class=\"r\">{}</td></tr>\n", told.money(of))
    };
    let vat: String = taxes.subtotals.iter().map(|subtotal| sum(&vat(told, subtotal), subtotal.tax)).collect();
    let stated = told.stated().map(|(label, tax)| sum(&escaped(&label), tax)).unwrap_or_default();
    let credit = told.kind == Kind::CreditNote;
    let before = if advances.paid.is_zero() {
        String::new()
    } else {
        let paid = told.paid().into_iter().map(|(label, amount)| sum(&escaped(&label), amount.negated()));
        sum(words.total_with_vat, taxes.payable) + &paid.collect::<String>()
    };
    out.push_str(&format!(
        "<table>\n<tbody>\n{}{vat}{stated}{before}<tr class=\"total\"><td>{}</td><td class=\"r\">{}</td></tr>\n</tbody>\n</table>\n",
        sum(words.total_without_vat, told.content.total),
        if credit { words.given_back } else { words.to_pay },
        told.money(advances.due),
    ));
    out
}

/// `VAT 20 % on 100.00 EUR`, or why there is none.
fn vat(told: &Told<'_>, subtotal: &Subtotal) -> String {
    let (ground, language) = (subtotal.vat.ground, told.parties.language);
    let (title, on, base) = (mentions::title(ground, language), told.words.on, told.money(subtotal.base));
    match mentions::reason(ground, language) {
        Some(reason) => format!("{title} {on} {base}<small>{}</small>", escaped(reason)),
        None => format!("{title} {}\u{a0}% {on} {base}", told.number(&subtotal.vat.rate.to_string())),
    }
}

/// How to pay, and what the law wants said.
fn law(told: &Told<'_>) -> String {
    let (words, terms, language) = (told.words, &told.parties.terms, told.parties.language);
    let mut said: Vec<String> = Vec::new();
    if !terms.iban.is_empty() && !told.advances.cover_all() {
        let bic = if terms.bic.is_empty() { String::new() } else { format!(", BIC {}", terms.bic) };
        said.push(words.pay_by_transfer.replace("{}", &format!("{}{bic}", terms.iban)));
    }
    if told.parties.issuer.country == "FR" {
        let of = [mentions::penalty(terms, language), mentions::recovery(language), mentions::no_discount(language)];
        said.extend(of.map(str::to_owned));
    } else if !terms.late_penalty.is_empty() {
        said.push(terms.late_penalty.clone());
    }
    if terms.vat_on_debits {
        said.push(mentions::on_debits(language).to_owned());
    }
    if !terms.legal_mentions.is_empty() {
        said.push(format!("{}, {}", told.parties.issuer.name, terms.legal_mentions));
    }
    let said: String = said.iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    if said.is_empty() {
        said
    } else {
        format!("<section class=\"how\">\n<h2>{}</h2>\n{said}</section>\n", words.payment)
    }
}

fn tenant_table(told: &Told<'_>, tenant: Option<TenantId>, lines: &[Line]) -> String {
    let words = told.words;
    let mut rows = String::new();
    for of_project in lines.chunk_by(|a, b| a.charge.project == b.charge.project) {
        let project = of_project.first().map_or("", |line| line.charge.project.as_str());
        let shown = if project.is_empty() {
            words.no_project.to_owned()
        } else {
            format!("{} {}", words.project, escaped(project))
        };
        if tenant.is_some() {
            rows.push_str(&format!("<tr class=\"project\"><th colspan=\"5\" scope=\"rowgroup\">{shown}</th></tr>\n"));
        }
        for line in of_project {
            rows.push_str(&row(told, line));
        }
    }
    let sum = lines.iter().try_fold(Money::zero(told.content.currency), |sum, l| sum.checked_add(l.charge.amount));
    if let (Ok(sum), true) = (sum, lines.len() > 1) {
        let name = escaped(&told.parties.whose(tenant));
        rows.push_str(&format!(
            "<tr class=\"sum\"><td colspan=\"4\">{name} {}</td><td class=\"r\">{}</td></tr>\n",
            words.in_all,
            told.amount(sum)
        ));
    }
    format!(
        "<h2>{}</h2>\n<table class=\"lines\">\n<thead>\n<tr><th scope=\"col\">{}</th>\
         <th scope=\"col\" class=\"r\">{}</th><th scope=\"col\" class=\"r\">{}</th>\
         <th scope=\"col\" class=\"r\">{}</th><th scope=\"col\" class=\"r\">{}</th></tr>\n</thead>\n<tbody>\n{rows}\
         </tbody>\n</table>\n",
        escaped(&told.parties.whose(tenant)),
        words.what,
        words.metered,
        words.billed,
        words.price,
        Currency::code(told.content.currency),
    )
}

fn row(told: &Told<'_>, line: &Line) -> String {
    let (c, words) = (&line.charge, told.words);
    let before = if line.taken_back {
        format!("<small>{}</small>", mentions::taken_back(told.parties.language))
    } else {
        String::new()
    };
    let when = if c.stretch == told.content.period {
        String::new()
    } else {
        format!("<small>{}</small>", told.stretch(c.stretch, &told.parties.zone))
    };
    let quantity = |base_units, printed: rust_decimal::Decimal| {
        let (read, billed) = told.quantity(c.unit, base_units, printed);
        format!("{read}<small>{billed}</small>")
    };
    let (metered, billed) = (quantity(c.metered, c.metered_quantity()), quantity(c.billed, c.quantity()));
    let price = UnitPrice::new(c.unit_price).map_or_else(|_| c.unit_price.to_string(), |p| p.to_string());
    let cell = |label: &str, value: &str| format!("<td class=\"r\" data-label=\"{label}\"><span>{value}</span></td>");
    let per = format!("{}<small>{} {}</small>", told.number(&price), words.per, escaped(&c.priced_per()));
    format!(
        "<tr class=\"line\"><td class=\"what\">{}{before}{when}<small class=\"sku\">{}</small></td>{}{}{}{}</tr>\n",
        escaped(&line.description),
        // A SKU is long: it may break after each of its parts.
        escaped(&c.sku.to_string()).replace('/', "/<wbr>"),
        cell(words.metered, &metered),
        cell(words.billed, &billed),
        cell(words.price, &per),
        cell(Currency::code(told.content.currency), &format!("{}{}", told.amount(c.amount), discount(told, c))),
    )
}

/// `250.00 − 10 %`, where something is off.
fn discount(told: &Told<'_>, charge: &Charge) -> String {
    match (charge.discount, charge.gross()) {
        (Some(off), Ok(gross)) => {
            let percent = told.number(&off.percent.to_string());
            format!("<small>{} \u{2212} {percent}\u{a0}%</small>", told.amount(gross))
        }
        _ => String::new(),
    }
}

fn how(told: &Told<'_>, coverage: Option<&Coverage>) -> String {
    let (words, lines) = (told.words, &told.invoice.content().lines);
    let energy_mj = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.charge.energy_mj));
    let counted = match told.kind {
        Kind::Deposit => words.to_be_used,
        _ if told.is_of_deposit() => "",
        _ => words.counted,
    };
    let dates = words.dates_of.replace("{}", told.parties.zone.name());
    let mut said = vec![format!("{counted} {dates}").trim_start().to_owned()];
    if energy_mj != 0 {
        said.push(words.energy.replace("{}", &told.number(&kwh(energy_mj))));
    }
    said.extend(coverage.map(|coverage| told.covered(coverage)));
    let said: String = said.iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    format!(
        "<section class=\"how\">\n<h2>{}</h2>\n{said}<p>{} <span class=\"digest\">{}</span>.</p>\n</section>\n",
        if told.is_of_deposit() { words.advance } else { words.how_counted },
        told.rests_on(),
        hex::encode(told.invoice.stamp().digest),
    )
}
