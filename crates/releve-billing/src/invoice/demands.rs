//! What was agreed about documents themselves: what has to stand on one, how much it may come to, and until when.

use releve_types::{Money, Timestamp, money::MoneyError};

use super::{Content, Hold, HoldKind, InvoiceError, Issued, Kind};

/// What is asked of an account's documents before one is issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Demands<'a> {
    /// The customer's own reference (EN 16931 BT-10); empty: not known.
    pub reference: &'a str,
    pub reference_required: bool,
    /// What a document comes to at most, without VAT, unless a person raises it; a credit note likewise gives back.
    pub ceiling: Option<Money>,
    /// What a correction comes to at least, without VAT, up or down: below, it is carried.
    pub correction_min: Option<Money>,
    /// None: more may be billed however late.
    pub back_billing: Option<BackBilling>,
}

/// Until when more may be billed for a period than has been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackBilling {
    /// After the period's end.
    pub months: u16,
    pub until: Timestamp,
}

impl Demands<'_> {
    /// What a document does not meet that would be issued now, after these ones of its period.
    pub fn unmet(&self, content: &Content, before: &[Issued], now: Timestamp) -> Result<Vec<Hold>, InvoiceError> {
        let mut holds = Vec::new();
        holds.extend(self.without_reference());
        holds.extend(self.above_ceiling(content.total));
        holds.extend(self.carried(content));
        holds.extend(self.too_late(content, before, now).map_err(|_| InvoiceError::TooLarge { line: 0 })?);
        Ok(holds)
    }

    fn without_reference(&self) -> Option<Hold> {
        (self.reference_required && self.reference.trim().is_empty()).then(|| Hold {
            kind: HoldKind::Reference,
            detail: "the customer takes no invoice without its reference, and none is known".to_owned(),
            to_do: "set account.buyer_reference, then run again".to_owned(),
            gpu_ms: None,
        })
    }

    fn above_ceiling(&self, total: Money) -> Option<Hold> {
        let ceiling = self.ceiling?;
        let above = total.amount().abs() > ceiling.amount() || total.currency() != ceiling.currency();
        above.then(|| Hold {
            kind: HoldKind::Ceiling,
            detail: format!("{total} without VAT is above {ceiling}"),
            to_do: "see whether it can be meant and is agreed, raise account.invoice_ceiling, then run again"
                .to_owned(),
            gpu_ms: None,
        })
    }

    /// Nothing is lost by it: the next correction of the period is of all that its documents do not say yet.
    fn carried(&self, content: &Content) -> Option<Hold> {
        let (total, least) = (content.total, self.correction_min?);
        let little = total.amount().abs() < least.amount() && total.currency() == least.currency();
        (little && content.kind() != Kind::Invoice).then(|| Hold {
            kind: HoldKind::Carried,
            detail: format!("{total} without VAT is less than the {least} from which on a correction is sent"),
            to_do: "nothing: it is carried until the period's corrections come to more; to send it, lower \
                    account.correction_min, then correct the period"
                .to_owned(),
            gpu_ms: None,
        })
    }

    /// More than a document in time has said: what was billed, taken back and is billed again is not more. What is given
    /// back never comes too late.
    fn too_late(&self, content: &Content, before: &[Issued], now: Timestamp) -> Result<Option<Hold>, MoneyError> {
        let Some(BackBilling { months, until }) = self.back_billing.filter(|limit| now >= limit.until) else {
            return Ok(None);
        };
        let mut billed = Money::zero(content.currency);
        let mut most = billed;
        for total in before.iter().map(|issued| issued.content().total) {
            billed = billed.checked_add(total)?;
            if billed.amount() > most.amount() {
                most = billed;
            }
        }
        let would_be = billed.checked_add(content.total)?;
        if would_be.amount() <= most.amount() {
            return Ok(None);
        }
        let more = would_be.checked_sub(most)?;
        Ok(Some(Hold {
            kind: HoldKind::BackBilling,
            detail: format!(
                "{more} without VAT more than was billed in time: nothing more may be billed {months} months after the \
                 period's end, that is from {until} on"
            ),
            to_do: "nothing: it is not billed; if the customer agrees to it all the same, raise \
                    account.back_billing_months, then run again"
                .to_owned(),
            gpu_ms: None,
        }))
    }
}
