//! Which of its customer's purchase orders does a document name? One that holds in its period and has enough left (EN 16931 BT-13).

use std::collections::BTreeMap;

use releve_types::{Hour, Money, Period, Timestamp, ids::PurchaseOrderId, money::MoneyError};

use crate::{
    Content, Hold, HoldKind, Issued, PriceError, PriceReason,
    agreed::{check_end, dated},
};

/// The longest number of an order.
pub const ORDER_NUMBER_CHARS_MAX: usize = 50;

/// What a customer ordered in advance, under a number of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurchaseOrder {
    id: PurchaseOrderId,
    number: String,
    /// Without VAT; none: as much as there is.
    amount: Option<Money>,
    from: Hour,
    until: Option<Hour>,
}

impl PurchaseOrder {
    pub fn new(
        id: PurchaseOrderId,
        number: String,
        amount: Option<Money>,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Self, PriceError> {
        let length = number.chars().count();
        if number.trim().is_empty() || length > ORDER_NUMBER_CHARS_MAX {
            return Err(PriceReason::OrderNumber { length, max: ORDER_NUMBER_CHARS_MAX }.at("number"));
        }
        if amount.is_some_and(|amount| amount.is_negative() || amount.is_zero()) {
            return Err(PriceReason::NothingOwed.at("amount"));
        }
        let (from, until) = dated(from, until, "until")?;
        Ok(Self { id, number, amount, from, until })
    }

    pub const fn id(&self) -> PurchaseOrderId {
        self.id
    }

    pub fn number(&self) -> &str {
        &self.number
    }

    pub const fn amount(&self) -> Option<Money> {
        self.amount
    }

    pub const fn from(&self) -> Hour {
        self.from
    }

    pub const fn until(&self) -> Option<Hour> {
        self.until
    }

    /// Ended at an hour: earlier than it would have.
    pub fn ended(self, until: Timestamp) -> Result<Self, PriceError> {
        check_end(self.until, until)?;
        Self::new(self.id, self.number, self.amount, self.from.start(), Some(until))
    }

    fn holds_in(&self, period: Period) -> bool {
        self.from < period.end_hour() && self.until.is_none_or(|until| period.first_hour() < until)
    }
}

/// An order, and what documents draw on it so far, without VAT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenOrder {
    pub order: PurchaseOrder,
    pub drawn: Money,
}

impl OpenOrder {
    /// None: as much as there is.
    pub fn left(&self) -> Option<Money> {
        self.order.amount?.checked_sub(self.drawn).ok()
    }

    /// Whether a document of so much fits: what is given back always does.
    fn has_room_for(&self, total: Money) -> bool {
        let fits = |left: Money| left.currency() == total.currency() && total.amount() <= left.amount();
        total.is_negative() || self.order.amount.is_none() || self.left().is_some_and(fits)
    }
}

/// What the documents of one period, the first first, draw on each order: what is given back goes to the one drawn last, whatever the
/// credit note names, since it can name one alone.
pub fn drawn(documents: &[(Option<PurchaseOrderId>, Money)]) -> Result<BTreeMap<PurchaseOrderId, Money>, MoneyError> {
    let mut stack: Vec<(Option<PurchaseOrderId>, Money)> = Vec::new();
    for (order, total) in documents {
        let mut back = total.negated();
        if back.is_negative() || back.is_zero() {
            stack.push((*order, *total));
            continue;
        }
        while !back.is_zero() {
            let Some((of, amount)) = stack.pop() else { break };
            let taken = back.lesser(amount);
            back = back.checked_sub(taken)?;
            let left = amount.checked_sub(taken)?;
            if !left.is_zero() {
                stack.push((of, left));
            }
        }
    }
    let mut drawn: BTreeMap<PurchaseOrderId, Money> = BTreeMap::new();
    for (order, amount) in stack {
        let Some(order) = order else { continue };
        let sum = drawn.entry(order).or_insert(Money::zero(amount.currency()));
        *sum = sum.checked_add(amount)?;
    }
    Ok(drawn)
}

/// How a document names an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRef {
    pub id: PurchaseOrderId,
    pub number: String,
}

/// The order that a document names: the one of the period's documents before it, if it fits there, else the first that holds in the
/// period and has room. None, if none has and none is required.
pub fn order_for(
    orders: &[OpenOrder],
    content: &Content,
    before: &[Issued],
    required: bool,
) -> Result<Option<OrderRef>, Hold> {
    let (period, total) = (content.period, content.total);
    let last = before.iter().rev().find_map(|issued| issued.content().purchase_order.as_ref()).map(|order| order.id);
    let mut holding: Vec<&OpenOrder> = orders.iter().filter(|open| open.order.holds_in(period)).collect();
    holding.sort_by_key(|open| (Some(open.order.id) != last, open.order.from, open.order.id));
    // What is given back is given back to the order that it was drawn on, whether it still holds or not.
    let given_back = orders.iter().find(|open| Some(open.order.id) == last).filter(|_| total.is_negative());
    let fitting = given_back.or_else(|| holding.iter().find(|open| open.has_room_for(total)).copied());
    match fitting {
        Some(open) => Ok(Some(OrderRef { id: open.order.id, number: open.order.number.clone() })),
        None if required && !total.is_negative() => Err(unmet(&holding, content)),
        None => Ok(None),
    }
}

fn unmet(holding: &[&OpenOrder], content: &Content) -> Hold {
    let left = |open: &&OpenOrder| {
        let left = open.left().map_or_else(String::new, |left| left.to_string());
        format!("{} has {left} left", open.order.number)
    };
    let left: Vec<String> = holding.iter().map(left).collect();
    let detail = if left.is_empty() {
        format!("the customer takes no invoice without a purchase order, and none holds in {}", content.period)
    } else {
        format!("{} without VAT is more than any purchase order has left: {}", content.total, left.join(", "))
    };
    let to_do = "ask the customer for an order that covers it, add it to the account, then run again".to_owned();
    Hold { kind: HoldKind::PurchaseOrder, detail, to_do, gpu_ms: None }
}
