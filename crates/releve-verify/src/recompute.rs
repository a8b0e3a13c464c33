//! Does the invoice follow from its basis? It is made again with the functions that made it, and each figure compared.

use releve_billing::{
    Draft, Issued, Line, Outcome, Purse, Rated, Recorded, correct, rate,
    tax::{Taxes, Vat},
};
use sha2::{Digest, Sha256};

/// The first thing that differs.
pub struct Differs(pub String);

fn differs(detail: impl ToString) -> Differs {
    Differs(detail.to_string())
}

/// Whether the basis is the one that the invoice names, and about this invoice.
pub fn named(issued: &Issued, text: &str, basis: &Recorded) -> Result<(), Differs> {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    if digest != issued.stamp().digest {
        let (is, should) = (hex::encode(digest), hex::encode(issued.stamp().digest));
        return Err(differs(format!("its SHA-256 is {is}, the invoice names {should}")));
    }
    let (content, subject) = (issued.content(), basis.subject);
    let is = (content.account, content.issuer, content.period, content.book);
    if is != (subject.account, subject.issuer, subject.period, subject.book) {
        return Err(differs("it is of another account, issuer, period or book"));
    }
    let corrects: Vec<String> = content.corrects.iter().map(|c| c.number.to_string()).collect();
    if corrects != basis.corrects {
        return Err(differs(format!("it corrects {:?}, the invoice {corrects:?}", basis.corrects)));
    }
    Ok(())
}

/// Makes the invoice again and compares it, line by line. What was decided elsewhere, which VAT a class of lines bears, is
/// taken from the basis, and from the invoice only which class bears which.
pub fn compare(issued: &Issued, basis: &Recorded, before: &[Issued]) -> Result<(), Differs> {
    let draft = again(issued, basis, before)?;
    let (is, should) = (issued.content(), draft.content());
    for (n, (is, should)) in is.lines.iter().zip(&should.lines).enumerate() {
        line(n, is, should)?;
    }
    if is.lines.len() != should.lines.len() {
        return Err(differs(format!("it has {} lines, where {} follow", is.lines.len(), should.lines.len())));
    }
    if is.total != should.total {
        return Err(differs(format!("total: {}, where {} follows", is.total, should.total)));
    }
    let (is, should) = (issued.taxes(), draft.taxes());
    if is != should {
        let shown = |taxes: &Taxes| {
            let stated = taxes.stated.as_ref().map(|stated| format!(", stated as {}", stated.tax)).unwrap_or_default();
            format!("{} of {}{stated}", taxes.tax, taxes.payable)
        };
        return Err(differs(format!("vat: {}, where {} follows", shown(is), shown(should))));
    }
    let mut vats: Vec<Vat> = should.subtotals.iter().map(|subtotal| subtotal.vat).collect();
    vats.sort_unstable();
    let mut named = basis.vat.clone();
    named.sort_unstable();
    if vats != named {
        return Err(differs("vat: it bears other rates than its basis names"));
    }
    let (is, should) = (issued.advances(), draft.advances());
    if is != should {
        return Err(differs(format!("advances: {} of them, where {} follows", is.paid, should.paid)));
    }
    Ok(())
}

fn again(issued: &Issued, basis: &Recorded, before: &[Issued]) -> Result<Draft, Differs> {
    let (subject, contract) = (basis.subject, &basis.contract);
    let rated = if basis.void {
        Rated::nothing(contract)
    } else {
        rate(contract, subject.period, &basis.usage).map_err(differs)?
    };
    let purse = Purse::recorded(subject.period, contract.currency(), before, basis.credits.clone()).map_err(differs)?;
    let rated = purse.granted(rated).map_err(differs)?;
    let taxed = |class| {
        let mut lines = issued.content().lines.iter().zip(&issued.taxes().lines);
        let found = lines.find(|(line, _)| line.charge.class == class).map(|(_, vat)| *vat);
        found.or_else(|| basis.vat.first().copied()).ok_or_else(Vec::new)
    };
    match correct(subject, rated, before, &taxed, Vec::new()).map_err(differs)? {
        Outcome::Draft(draft) => {
            let draft = purse.paid(draft).map_err(differs)?;
            // Whether VAT has to be stated in another currency depends on the seller's country: its basis says so.
            match &basis.exchange {
                Some(rate) => draft.stated(rate.clone()).map_err(differs),
                None => Ok(draft),
            }
        }
        Outcome::Nothing => Err(differs("there is nothing to invoice")),
        Outcome::Parked(parked) => {
            let held: Vec<&str> = parked.holds().iter().map(|hold| hold.detail.as_str()).collect();
            Err(differs(format!("it would be held back: {}", held.join("; "))))
        }
    }
}

/// All but the description, which is in no basis.
fn line(n: usize, is: &Line, should: &Line) -> Result<(), Differs> {
    if (is.taken_back, &is.charge) == (should.taken_back, &should.charge) {
        return Ok(());
    }
    let shown = |line: &Line| {
        let c = &line.charge;
        let back = if line.taken_back { ", taken back" } else { "" };
        format!("{} {} × {} = {}{back}", c.sku, c.quantity(), c.unit_price, c.amount)
    };
    Err(differs(format!("line {}: {}, where {} follows", n + 1, shown(is), shown(should))))
}
