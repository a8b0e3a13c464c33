//! What does an invoice look like to a person? One page, without a script or anything to load.

use releve_billing::{
    Advances, Charge, Content, Corrected, Issued, Kind, Line, Stamp, UnitPrice,
    tax::{Subtotal, Taxes},
};
use releve_types::{Language, Money, Period, TenantId, Unit, Zone, money::Currency};

use crate::{
    Coverage, Parties, Party, mentions,
    text::{escaped, grouped, kwh, measured},
};

const STYLE: &str = include_str!("style.css");

/// The invoice as a page. Whatever a customer or a node could have named is escaped.
pub fn invoice_html(invoice: &Issued, parties: &Parties, coverage: Option<&Coverage>) -> String {
    let kind = invoice.content().kind();
    let (content, taxes) = (&invoice.content().printed(), &invoice.taxes().printed(kind));
    let title = title(kind);
    let advances = &invoice.advances().printed(kind);
    let number = escaped(&invoice.stamp().number.to_string());
    let seller = escaped(&parties.issuer.name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} {number} \u{b7} {seller}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {}{}{}{}{}</main>\n</body>\n</html>\n",
        head(title, &number, parties),
        facts(kind, invoice.stamp(), content, advances, parties),
        lines(kind, content, (taxes, advances), parties),
        if kind == Kind::CreditNote { String::new() } else { law(parties, advances) },
        how(invoice, parties, coverage),
    )
}

fn head(title: &str, number: &str, parties: &Parties) -> String {
    format!(
        "<header>\n<div>\n<h1>{title}</h1>\n<p class=\"number\">{number}</p>\n</div>\n<div class=\"seller\">\n{}</div>\n</header>\n",
        party(&parties.issuer),
    )
}

fn party(party: &Party) -> String {
    let mut out = format!("<p class=\"name\">{}</p>\n", escaped(&party.name));
    let town = format!("{} {}", party.postcode, party.city);
    let address: Vec<String> = party.address.lines().chain([&*town, &party.country]).map(escaped).collect();
    let address: Vec<&str> = address.iter().map(|l| l.trim()).filter(|l| !l.is_empty()).collect();
    if !address.is_empty() {
        out.push_str(&format!("<p class=\"soft\">{}</p>\n", address.join("<br>")));
    }
    if !party.vat_id.is_empty() {
        out.push_str(&format!("<p class=\"soft\">VAT id {}</p>\n", escaped(&party.vat_id)));
    }
    if !party.legal_id.is_empty() {
        let register = if party.country == "FR" { "SIREN" } else { "Company number" };
        out.push_str(&format!("<p class=\"soft\">{register} {}</p>\n", escaped(&party.legal_id)));
    }
    out
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "Invoice",
        Kind::Correction => "Correction invoice",
        Kind::CreditNote => "Credit note",
    }
}

fn facts(kind: Kind, stamp: &Stamp, content: &Content, advances: &Advances, parties: &Parties) -> String {
    let zone = &parties.zone;
    let named = |c: &Corrected| format!("{} of {}", c.number, zone.date(c.issued_at));
    let corrects: Vec<String> = content.corrects.iter().map(named).collect();
    let due = if kind == Kind::CreditNote { "Given back" } else { "Amount due" };
    let fact = |label: &str, value: &str| {
        format!("<div>\n<p class=\"label\">{label}</p>\n<p>{value}</p>\n</div>\n", value = escaped(value))
    };
    // What is given back asks for no payment, nor does what was paid.
    let by = if kind == Kind::CreditNote || advances.cover_all() {
        String::new()
    } else {
        fact("Due by", &zone.date(stamp.due_at))
    };
    format!(
        "<section class=\"facts\">\n<div class=\"buyer\">\n<p class=\"label\">Billed to</p>\n{}</div>\n{}{}\
         <div class=\"due\">\n<div>\n<p class=\"label\">{due}</p>\n<strong>{}</strong>\n</div>\n{by}</div>\n</section>\n",
        party(&parties.account),
        fact("Issued on", &zone.date(stamp.issued_at)),
        [
            fact("For", &stretch(content.period, zone)),
            if corrects.is_empty() { String::new() } else { fact("Corrects", &corrects.join(", ")) },
            if parties.buyer_reference.is_empty() {
                String::new()
            } else {
                fact("Your reference", &parties.buyer_reference)
            },
        ]
        .concat(),
        money(advances.due),
    )
}

fn lines(kind: Kind, content: &Content, (taxes, advances): (&Taxes, &Advances), parties: &Parties) -> String {
    let mut out = String::new();
    for of_tenant in content.lines.chunk_by(|a, b| a.charge.tenant == b.charge.tenant) {
        let Some(first) = of_tenant.first() else { continue };
        out.push_str(&tenant_table(first.charge.tenant, of_tenant, content, parties));
    }
    let sum =
        |label: &str, of: Money| format!("<tr class=\"sum\"><td>{label}</td><td class=\"r\">{}</td></tr>\n", money(of));
    let vat: String = taxes.subtotals.iter().map(|subtotal| sum(&vat(subtotal), subtotal.tax)).collect();
    let before = if advances.paid.is_zero() {
        String::new()
    } else {
        let label = if kind == Kind::CreditNote { "Given back to your credits" } else { "Paid in advance" };
        sum("Total, with VAT", taxes.payable) + &sum(label, advances.paid.negated())
    };
    out.push_str(&format!(
        "<table>\n<tbody>\n{}{vat}{before}<tr class=\"total\"><td>{}</td><td class=\"r\">{}</td></tr>\n</tbody>\n</table>\n",
        sum("Total, without VAT", content.total),
        if kind == Kind::CreditNote { "Given back" } else { "To pay" },
        money(advances.due),
    ));
    out
}

/// `VAT 20 % on 100.00 EUR`, or why there is none.
fn vat(subtotal: &Subtotal) -> String {
    let (ground, rate) = (subtotal.vat.ground, subtotal.vat.rate);
    let base = money(subtotal.base);
    match mentions::reason(ground, Language::English) {
        Some(reason) => {
            format!("{} on {base}<small>{}</small>", mentions::title(ground, Language::English), escaped(reason))
        }
        None => format!("{} {rate}\u{a0}% on {base}", mentions::title(ground, Language::English)),
    }
}

/// How to pay, and what the law wants said.
fn law(parties: &Parties, advances: &Advances) -> String {
    let terms = &parties.terms;
    let mut said: Vec<String> = Vec::new();
    if !terms.iban.is_empty() && !advances.cover_all() {
        let bic = if terms.bic.is_empty() { String::new() } else { format!(", BIC {}", terms.bic) };
        said.push(format!("Pay by transfer to IBAN {}{bic}, and name the invoice's number.", terms.iban));
    }
    if parties.issuer.country == "FR" {
        said.extend(
            [
                mentions::penalty(terms, Language::English),
                mentions::recovery(Language::English),
                mentions::no_discount(Language::English),
            ]
            .map(str::to_owned),
        );
    } else if !terms.late_penalty.is_empty() {
        said.push(terms.late_penalty.clone());
    }
    if terms.vat_on_debits {
        said.push(mentions::on_debits(Language::English).to_owned());
    }
    if !terms.legal_mentions.is_empty() {
        said.push(format!("{}, {}", parties.issuer.name, terms.legal_mentions));
    }
    let said: String = said.iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    if said.is_empty() { said } else { format!("<section class=\"how\">\n<h2>Payment</h2>\n{said}</section>\n") }
}

fn tenant_table(tenant: Option<TenantId>, lines: &[Line], content: &Content, parties: &Parties) -> String {
    let mut rows = String::new();
    for of_project in lines.chunk_by(|a, b| a.charge.project == b.charge.project) {
        let project = of_project.first().map_or("", |line| line.charge.project.as_str());
        let shown = if project.is_empty() { "No project".to_owned() } else { format!("Project {}", escaped(project)) };
        if tenant.is_some() {
            rows.push_str(&format!("<tr class=\"project\"><th colspan=\"5\" scope=\"rowgroup\">{shown}</th></tr>\n"));
        }
        for line in of_project {
            rows.push_str(&row(line, content, parties));
        }
    }
    let sum = lines.iter().try_fold(Money::zero(content.currency), |sum, l| sum.checked_add(l.charge.amount));
    if let (Ok(sum), true) = (sum, lines.len() > 1) {
        let name = escaped(&parties.whose(tenant));
        rows.push_str(&format!(
            "<tr class=\"sum\"><td colspan=\"4\">{name} in all</td><td class=\"r\">{}</td></tr>\n",
            amount(sum)
        ));
    }
    format!(
        "<h2>{}</h2>\n<table class=\"lines\">\n<thead>\n<tr><th scope=\"col\">What</th>\
         <th scope=\"col\" class=\"r\">Metered</th><th scope=\"col\" class=\"r\">Billed</th>\
         <th scope=\"col\" class=\"r\">Price</th><th scope=\"col\" class=\"r\">{}</th></tr>\n</thead>\n<tbody>\n{rows}\
         </tbody>\n</table>\n",
        escaped(&parties.whose(tenant)),
        Currency::code(content.currency),
    )
}

fn row(line: &Line, content: &Content, parties: &Parties) -> String {
    let c = &line.charge;
    let before = if line.taken_back {
        format!("<small>{}</small>", mentions::taken_back(Language::English))
    } else {
        String::new()
    };
    let when = if c.stretch == content.period {
        String::new()
    } else {
        format!("<small>{}</small>", stretch(c.stretch, &parties.zone))
    };
    let quantity = |base_units, printed: rust_decimal::Decimal| {
        let printed = grouped(&printed.to_string());
        match c.unit {
            Unit::GpuMs => format!("{}<small>{printed} s</small>", measured(c.unit, base_units)),
            unit => format!("{printed}<small>{}</small>", unit.printed().0),
        }
    };
    let (metered, billed) = (quantity(c.metered, c.metered_quantity()), quantity(c.billed, c.quantity()));
    let price = UnitPrice::new(c.unit_price).map_or_else(|_| c.unit_price.to_string(), |p| p.to_string());
    let cell = |label: &str, value: &str| format!("<td class=\"r\" data-label=\"{label}\"><span>{value}</span></td>");
    format!(
        "<tr class=\"line\"><td class=\"what\">{}{before}{when}<small class=\"sku\">{}</small></td>{}{}{}{}</tr>\n",
        escaped(&line.description),
        // A SKU is long: it may break after each of its parts.
        escaped(&c.sku.to_string()).replace('/', "/<wbr>"),
        cell("Metered", &metered),
        cell("Billed", &billed),
        cell("Price", &format!("{}<small>per {}</small>", grouped(&price), escaped(&c.priced_per()))),
        cell(Currency::code(content.currency), &format!("{}{}", amount(c.amount), discount(c))),
    )
}

/// `250.00 − 10 %`, where something is off.
fn discount(charge: &Charge) -> String {
    match (charge.discount, charge.gross()) {
        (Some(off), Ok(gross)) => format!("<small>{} \u{2212} {}\u{a0}%</small>", amount(gross), off.percent),
        _ => String::new(),
    }
}

/// Whole local days as days, the last one included; anything else to the minute, half-open.
fn stretch(stretch: Period, zone: &Zone) -> String {
    let (start, end) = (zone.local_time(stretch.start()), zone.local_time(stretch.end()));
    if start.ends_with(" 00:00") && end.ends_with(" 00:00") {
        return format!("{} to {}", zone.date(stretch.start()), zone.date(stretch.end().plus_millis(-1)));
    }
    format!("{start} to {end}")
}

fn how(invoice: &Issued, parties: &Parties, coverage: Option<&Coverage>) -> String {
    let lines = &invoice.content().lines;
    let energy_mj = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.charge.energy_mj));
    let energy = if energy_mj == 0 {
        String::new()
    } else {
        format!("<p>The devices used {} kWh while they were held.</p>\n", grouped(&kwh(energy_mj)))
    };
    let coverage = coverage.map_or_else(String::new, covered);
    format!(
        "<section class=\"how\">\n<h2>How this was counted</h2>\n\
         <p>GPU time is held time, metered to the millisecond, whether or not the device was busy. Each amount is \
         billed quantity \u{d7} price \u{f7} the quantity that the price is for, rounded once; the total is the sum of \
         these amounts. Times are h:min:s, a GPU-hour is 3\u{202f}600 seconds, \
         dates are of {}.</p>\n{energy}{coverage}\
         <p>This invoice rests on usage, prices and a contract whose SHA-256 is <span class=\"digest\">{}</span>.</p>\n\
         </section>\n",
        escaped(parties.zone.name()),
        hex::encode(invoice.stamp().digest),
    )
}

fn covered(coverage: &Coverage) -> String {
    let time = |ms| measured(Unit::GpuMs, ms);
    let mut out = format!(
        "<p>The nodes reported {} of the {} hours that they were in service",
        time(coverage.reported_ms),
        time(coverage.expected_ms)
    );
    if coverage.accepted_ms > 0 {
        out.push_str(&format!("; {} of what is missing was looked at and is not billed", time(coverage.accepted_ms)));
    }
    out + ".</p>\n"
}

fn money(money: Money) -> String {
    format!("{}\u{a0}{}", amount(money), money.currency())
}

fn amount(money: Money) -> String {
    grouped(&money.amount().to_string())
}
