//! What did the bank book? The credits and debits of an account statement (camt.053) or of a notification of them
//! (camt.054), ISO 20022, of any version: elements are known by their local names, which have stayed the same.
//!
//! Nothing is skipped silently: what is no money that moved is listed with the reason.

use std::fmt;

use releve_types::{Currency, Day, Money, money::MoneyError};
use roxmltree::{Document, Node, ParsingOptions};

/// The largest file, in bytes.
pub const CAMT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// XML nodes of a file at most; a movement has some forty.
pub const CAMT_NODES_MAX: u32 = 500_000;

/// A file as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Camt {
    pub statements: Vec<Statement>,
}

/// One account's part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    pub id: String,
    /// None where the bank names the account in another way.
    pub iban: Option<String>,
    pub movements: Vec<Movement>,
    pub passed_over: Vec<PassedOver>,
}

/// Money that moved: a transaction, or an entry that has no details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    /// The bank's own, or, where it gives none, the place in the statement.
    pub reference: String,
    /// Below zero: debited.
    pub amount: Money,
    /// Value date; booking date where there is none.
    pub on: Day,
    /// Empty where the payer gave none.
    pub end_to_end_id: String,
    pub payer: String,
    /// All that the payer said, line by line.
    pub remittance: String,
    /// It gives back what moved before: a return, or a booking reversed.
    pub is_return: bool,
}

/// An entry that is no movement, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PassedOver {
    pub reference: String,
    pub reason: String,
}

/// A file that can't be used. The element is named by its path's last steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element}: {problem}")]
pub struct CamtError {
    pub element: String,
    pub problem: String,
}

fn error(element: impl fmt::Display, problem: impl fmt::Display) -> CamtError {
    CamtError { element: element.to_string(), problem: problem.to_string() }
}

/// Reads a file. A document type declaration is refused: entities have no place in a bank's file.
pub fn read(xml: &[u8]) -> Result<Camt, CamtError> {
    if xml.len() > CAMT_BYTES_MAX {
        return Err(error("Document", format!("it has {} bytes, at most {CAMT_BYTES_MAX} are read", xml.len())));
    }
    let text = str::from_utf8(xml).map_err(|e| error("Document", format!("it is not UTF-8: {e}")))?;
    let options = ParsingOptions { nodes_limit: CAMT_NODES_MAX, ..ParsingOptions::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::parse_with_options(text, options).map_err(|e| error("Document", e))?;
    let root = document.root_element();
    let (body, statement) = [("BkToCstmrStmt", "Stmt"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn")]
        .into_iter()
        .find_map(|(body, statement)| Some((child(root, body)?, statement)))
        .ok_or_else(|| error("Document", "expected BkToCstmrStmt (camt.053) or BkToCstmrDbtCdtNtfctn (camt.054)"))?;
    let statements = children(body, statement).map(read_statement).collect::<Result<Vec<_>, _>>()?;
    if statements.is_empty() {
        return Err(error(body.tag_name().name(), format!("it has no {statement}")));
    }
    Ok(Camt { statements })
}

fn read_statement(node: Node<'_, '_>) -> Result<Statement, CamtError> {
    let id = needed(node, &["Id"])?.to_owned();
    let iban = text_at(node, &["Acct", "Id", "IBAN"]).map(|iban| iban.replace(' ', ""));
    let mut statement = Statement { id, iban, movements: Vec::new(), passed_over: Vec::new() };
    for (at, entry) in children(node, "Ntry").enumerate() {
        read_entry(&mut statement, at + 1, entry)?;
    }
    Ok(statement)
}

/// Adds what an entry moved: each of its transactions, or itself where it has no details.
fn read_entry(statement: &mut Statement, at: usize, entry: Node<'_, '_>) -> Result<(), CamtError> {
    let place = format!("{}/{at}", statement.id);
    let reference =
        text_at(entry, &["AcctSvcrRef"]).or_else(|| text_at(entry, &["NtryRef"])).map_or(place, str::to_owned);
    let mut pass_over = |reason: &str| {
        statement.passed_over.push(PassedOver { reference: reference.clone(), reason: reason.to_owned() });
    };
    // A word of its own up to version 7, a code in it from version 8 on.
    let status = text_at(entry, &["Sts", "Cd"]).or_else(|| text_at(entry, &["Sts"])).unwrap_or("BOOK");
    if status != "BOOK" {
        pass_over(&format!("its status is {status}: only what is booked (BOOK) counts"));
        return Ok(());
    }
    let whole = amount(entry, &["Amt"])?.ok_or_else(|| error("Ntry/Amt", "it is missing"))?;
    let Some(whole) = whole else {
        pass_over("its currency is none that invoices are issued in");
        return Ok(());
    };
    let on = day(entry, "ValDt")?.or(day(entry, "BookgDt")?);
    let on = on.ok_or_else(|| error("Ntry/BookgDt", "neither it nor ValDt is there"))?;
    let reversal = text_at(entry, &["RvslInd"]).is_some_and(|text| ["true", "1"].contains(&text));
    let context = Context { on, whole, debit: is_debit(entry)?, reversal, reference: &reference };
    let details: Vec<Node<'_, '_>> = children(entry, "NtryDtls").flat_map(|d| children(d, "TxDtls")).collect();
    match details.as_slice() {
        [] if children(entry, "NtryDtls").any(|d| child(d, "Btch").is_some()) => {
            pass_over("several payments booked in bulk: what they were comes in a notification (camt.054)");
        }
        [] => statement.movements.push(movement(&context, entry, reference.clone(), whole)?),
        [one] => {
            let own = own_amount(*one)?.unwrap_or(whole);
            let own_reference = own_reference(*one).unwrap_or_else(|| reference.clone());
            statement.movements.push(movement(&context, *one, own_reference, own)?);
        }
        several => statement.movements.extend(each(&context, several)?),
    }
    Ok(())
}

/// What an entry's transactions have in common.
struct Context<'a> {
    on: Day,
    whole: Money,
    debit: bool,
    reversal: bool,
    reference: &'a str,
}

/// The transactions of an entry: they have to be the whole of it.
fn each(context: &Context<'_>, details: &[Node<'_, '_>]) -> Result<Vec<Movement>, CamtError> {
    let (mut movements, mut sum) = (Vec::with_capacity(details.len()), Money::zero(context.whole.currency()));
    let adds = |e: MoneyError| error("TxDtls/Amt", e);
    for (at, details) in details.iter().enumerate() {
        let own = own_amount(*details)?.ok_or_else(|| error("TxDtls/Amt", "one of several payments has none"))?;
        let reference = own_reference(*details).unwrap_or_else(|| format!("{}/{}", context.reference, at + 1));
        let found = movement(context, *details, reference, own)?;
        let signed = if found.amount.is_negative() == context.debit { own } else { own.negated() };
        sum = sum.checked_add(signed).map_err(adds)?;
        movements.push(found);
    }
    if sum != context.whole {
        let problem = format!("those of entry {} sum to {sum}, the entry says {}", context.reference, context.whole);
        return Err(error("TxDtls/Amt", problem));
    }
    // One reference for several would make one payment of them.
    let mut seen = std::collections::BTreeSet::new();
    for (at, movement) in movements.iter_mut().enumerate() {
        if !seen.insert(movement.reference.clone()) {
            movement.reference = format!("{}/{}", movement.reference, at + 1);
        }
    }
    Ok(movements)
}

/// `node` holds the details: the transaction's, or the entry's own.
fn movement(
    context: &Context<'_>,
    node: Node<'_, '_>,
    reference: String,
    amount: Money,
) -> Result<Movement, CamtError> {
    let debit = if child(node, "CdtDbtInd").is_some() { is_debit(node)? } else { context.debit };
    let side = if debit { "Cdtr" } else { "Dbtr" };
    let parties = child(node, "RltdPties");
    let name =
        |of: Node<'_, '_>| text_at(of, &[side, "Nm"]).or_else(|| text_at(of, &[side, "Pty", "Nm"])).map(str::to_owned);
    let given = text_at(node, &["Refs", "EndToEndId"]).filter(|id| *id != "NOTPROVIDED");
    let mut said: Vec<&str> = Vec::new();
    for part in children(node, "RmtInf") {
        said.extend(children(part, "Ustrd").filter_map(text));
        for structured in children(part, "Strd") {
            said.extend(text_at(structured, &["CdtrRefInf", "Ref"]));
            said.extend(children(structured, "RfrdDocInf").filter_map(|d| text_at(d, &["Nb"])));
            said.extend(children(structured, "AddtlRmtInf").filter_map(text));
        }
    }
    if said.is_empty() {
        said.extend(text_at(node, &["AddtlTxInf"]).or_else(|| text_at(node, &["AddtlNtryInf"])));
    }
    Ok(Movement {
        reference,
        amount: if debit { amount.negated() } else { amount },
        on: context.on,
        end_to_end_id: given.unwrap_or_default().to_owned(),
        payer: parties.and_then(name).unwrap_or_default(),
        remittance: said.join("\n"),
        is_return: context.reversal || child(node, "RtrInf").is_some(),
    })
}

fn is_debit(node: Node<'_, '_>) -> Result<bool, CamtError> {
    match text_at(node, &["CdtDbtInd"]) {
        Some("CRDT") => Ok(false),
        Some("DBIT") => Ok(true),
        found => Err(error("CdtDbtInd", format!("'{}' is neither CRDT nor DBIT", found.unwrap_or_default()))),
    }
}

/// What the bank knows a transaction by. An end-to-end id is the payer's, who may use one twice.
fn own_reference(details: Node<'_, '_>) -> Option<String> {
    let named = |name: &str| text_at(details, &["Refs", name]).map(str::to_owned);
    named("AcctSvcrRef").or_else(|| named("TxId")).or_else(|| named("UETR"))
}

/// On the transaction itself since version 4, below its amounts before.
fn own_amount(details: Node<'_, '_>) -> Result<Option<Money>, CamtError> {
    let found = match amount(details, &["Amt"])? {
        Some(found) => Some(found),
        None => amount(details, &["AmtDtls", "TxAmt", "Amt"])?,
    };
    // In another currency than the entry's: what counts is what was booked.
    Ok(found.flatten())
}

/// None where it is missing; `Some(None)` where its currency is none of the house's.
fn amount(node: Node<'_, '_>, path: &[&str]) -> Result<Option<Option<Money>>, CamtError> {
    let Some(found) = path.iter().try_fold(node, |node, name| child(node, name)) else { return Ok(None) };
    let at = path.join("/");
    let code = found.attribute("Ccy").ok_or_else(|| error(&at, "its attribute Ccy is missing"))?;
    let Ok(currency) = code.parse::<Currency>() else { return Ok(Some(None)) };
    let money = Money::parse(text(found).unwrap_or_default(), currency).map_err(|e| error(&at, e))?;
    if money.is_negative() { Err(error(&at, "it has a sign: CdtDbtInd says which way")) } else { Ok(Some(Some(money))) }
}

/// A date, or the local day of an instant.
fn day(entry: Node<'_, '_>, name: &str) -> Result<Option<Day>, CamtError> {
    let found = text_at(entry, &[name, "Dt"]).or_else(|| text_at(entry, &[name, "DtTm"]));
    let Some(found) = found else { return Ok(None) };
    let day = found.get(..10).unwrap_or(found);
    day.parse().map(Some).map_err(|e| error(format!("Ntry/{name}"), e))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// An element's text without the space around it; none if there is none.
fn text<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.text().map(str::trim).filter(|text| !text.is_empty())
}

fn text_at<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(node, |node, name| child(node, name)).and_then(text)
}

fn needed<'a>(node: Node<'a, '_>, path: &[&str]) -> Result<&'a str, CamtError> {
    let at = || format!("{}/{}", node.tag_name().name(), path.join("/"));
    text_at(node, path).ok_or_else(|| error(at(), "it is missing"))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn shown(xml: &str) -> String {
        let camt = match read(xml.as_bytes()) {
            Ok(camt) => camt,
            Err(refused) => return format!("{refused}\n"),
        };
        let mut text = String::new();
        for Statement { id, iban, movements, passed_over } in camt.statements {
            text += &format!("{id} {}\n", iban.unwrap_or_default());
            for m in movements {
                let kind = if m.is_return { " return" } else { "" };
                text += &format!(
                    "  {} {} {}{kind} [{}] [{}] {:?}\n",
                    m.reference, m.on, m.amount, m.end_to_end_id, m.payer, m.remittance
                );
            }
            for PassedOver { reference, reason } in passed_over {
                text += &format!("  {reference}: {reason}\n");
            }
        }
        text
    }

    fn statement(entries: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>
            <Stmt><Id>S1</Id><Acct><Id><IBAN>FR76 3000 6000 0112 3456 7890 189</IBAN></Id></Acct>{entries}</Stmt>
            </BkToCstmrStmt></Document>"#
        )
    }

    fn check(entries: &str, expect: &Expect) {
        expect.assert_eq(&shown(&statement(entries)));
    }

    #[test]
    fn entries_of_the_second_version() {
        check(
            r#"<Ntry><Amt Ccy="EUR">120.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-31</Dt></BookgDt>
                 <ValDt><Dt>2026-03-30</Dt></ValDt><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls>
                 <Refs><EndToEndId>R-2026-000001</EndToEndId></Refs><RltdPties><Dbtr><Nm>ACME &amp; Co</Nm></Dbtr></RltdPties>
                 <RmtInf><Ustrd>invoice R-2026-</Ustrd><Ustrd>000001</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
               <Ntry><Amt Ccy="EUR">50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><DtTm>2026-03-31T23:59:00+02:00</DtTm></BookgDt>
                 <AcctSvcrRef>B2</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E7</EndToEndId></Refs>
                 <RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry>
               <Ntry><Amt Ccy="EUR">7</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts><BookgDt><Dt>2026-03-31</Dt></BookgDt></Ntry>
               <Ntry><Amt Ccy="XAU">7</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-31</Dt></BookgDt></Ntry>
               <Ntry><Amt Ccy="EUR">9.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts>
                 <BookgDt><Dt>2026-03-31</Dt></BookgDt><AddtlNtryInf>gone back</AddtlNtryInf></Ntry>"#,
            &expect![[r#"
                S1 FR7630006000011234567890189
                  B1 2026-03-30 120.00 EUR [R-2026-000001] [ACME & Co] "invoice R-2026-\n000001"
                  B2 2026-03-31 -50.00 EUR return [E7] [] ""
                  S1/5 2026-03-31 9.50 EUR return [] [] "gone back"
                  S1/3: its status is PDNG: only what is booked (BOOK) counts
                  S1/4: its currency is none that invoices are issued in
            "#]],
        );
    }

    #[test]
    fn a_batch_of_a_later_version() {
        let entries = r#"<Ntry><Amt Ccy="EUR">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
              <BookgDt><Dt>2026-03-31</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch>
              <TxDtls><Refs><AcctSvcrRef>T1</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="EUR">10</Amt>
                <RltdPties><Dbtr><Pty><Nm>Lab</Nm></Pty></Dbtr></RltdPties><RmtInf><Strd><RfrdDocInf><Nb>R-2026-000002</Nb></RfrdDocInf>
                <CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>
              <TxDtls><Refs><TxId>T1</TxId></Refs><Amt Ccy="EUR">15</Amt></TxDtls>
              <TxDtls><Amt Ccy="EUR">5</Amt></TxDtls></NtryDtls></Ntry>
            <Ntry><Amt Ccy="EUR">99</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-31</Dt></BookgDt>
              <NtryRef>N2</NtryRef><NtryDtls><Btch><NbOfTxs>12</NbOfTxs></Btch></NtryDtls></Ntry>"#;
        let xml = format!(
            r#"<b:Document xmlns:b="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08" xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08">
            <BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id><Acct><Id><Othr><Id>123</Id></Othr></Id></Acct>{entries}</Ntfctn>
            </BkToCstmrDbtCdtNtfctn></b:Document>"#
        );
        expect![[r#"
            N 
              T1 2026-03-31 10.00 EUR [] [Lab] "RF18539007547034\nR-2026-000002"
              T1/2 2026-03-31 15.00 EUR [] [] ""
              B1/3 2026-03-31 5.00 EUR [] [] ""
              N2: several payments booked in bulk: what they were comes in a notification (camt.054)
        "#]]
        .assert_eq(&shown(&xml));
    }

    #[test]
    fn a_file_that_can_not_be_used_says_where() {
        let entry = |inner: &str| statement(&format!("<Ntry>{inner}</Ntry>"));
        let rest = "<CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-03-31</Dt></BookgDt>";
        let mut table = String::new();
        for xml in [
            "<x/>".to_owned(),
            "no XML".to_owned(),
            r#"<!DOCTYPE x [<!ENTITY e "e">]><Document/>"#.to_owned(),
            "<Document><BkToCstmrStmt/></Document>".to_owned(),
            "<Document><BkToCstmrStmt><Stmt/></BkToCstmrStmt></Document>".to_owned(),
            entry(rest),
            entry(&format!("<Amt>1</Amt>{rest}")),
            entry(&format!(r#"<Amt Ccy="EUR">-1</Amt>{rest}"#)),
            entry(&format!(r#"<Amt Ccy="EUR">1.001</Amt>{rest}"#)),
            entry(r#"<Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd>"#),
            entry(r#"<Amt Ccy="EUR">1</Amt><CdtDbtInd>X</CdtDbtInd><BookgDt><Dt>2026-03-31</Dt></BookgDt>"#),
            entry(r#"<Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-02-30</Dt></BookgDt>"#),
            entry(&format!(
                r#"<Amt Ccy="EUR">3</Amt>{rest}<AcctSvcrRef>B</AcctSvcrRef><NtryDtls><TxDtls><Amt Ccy="EUR">1</Amt></TxDtls>
                   <TxDtls><Amt Ccy="EUR">1</Amt></TxDtls></NtryDtls>"#
            )),
        ] {
            table += &shown(&xml);
        }
        expect![[r#"
            Document: expected BkToCstmrStmt (camt.053) or BkToCstmrDbtCdtNtfctn (camt.054)
            Document: unknown token at 1:1
            Document: XML with DTD detected
            BkToCstmrStmt: it has no Stmt
            Stmt/Id: it is missing
            Ntry/Amt: it is missing
            Amt: its attribute Ccy is missing
            Amt: it has a sign: CdtDbtInd says which way
            Amt: 1.001 has more decimals than EUR has minor units
            Ntry/BookgDt: neither it nor ValDt is there
            CdtDbtInd: 'X' is neither CRDT nor DBIT
            Ntry/BookgDt: '2026-02-30' is no day: expected YYYY-MM-DD, not before 1970
            TxDtls/Amt: those of entry B sum to 2.00 EUR, the entry says 3.00 EUR
        "#]]
        .assert_eq(&table);
        let large = vec![b' '; CAMT_BYTES_MAX + 1];
        assert!(read(&large).is_err_and(|e| e.problem.contains("bytes")));
    }
}
