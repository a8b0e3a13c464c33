//! What is a line charged for? Invoice line (BG-25) with its price, item and VAT.

use rust_decimal::Decimal;

use super::{AdjustmentBase, Span, UnitCode, VatRate};

/// Invoice line (BG-25). Net amount = quantity × price ÷ base quantity − allowances + charges, rounded once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Identifier (BT-126), unique in the document.
    pub id: String,
    /// Note (BT-127).
    pub note: Option<String>,
    /// Invoiced quantity (BT-129), at most 4 decimals. May be negative, a price never is.
    pub quantity: Decimal,
    /// Unit of measure (BT-130), also of the base quantity (BT-150).
    pub unit: UnitCode,
    /// Line period (BG-26).
    pub period: Option<Span>,
    /// Line allowances (BG-27).
    pub allowances: Vec<LineAdjustment>,
    /// Line charges (BG-28).
    pub charges: Vec<LineAdjustment>,
    /// Item net price (BT-146), at most 6 decimals.
    pub price: Decimal,
    /// How much the price is for.
    pub base_quantity: BaseQuantity,
    /// Item name (BT-153).
    pub name: String,
    /// Item description (BT-154).
    pub description: Option<String>,
    /// Item seller's identifier (BT-155).
    pub seller_item_id: Option<String>,
    /// Item attributes (BG-32).
    pub attributes: Vec<ItemAttribute>,
    /// Invoiced item VAT category and rate (BT-151, BT-152).
    pub vat: VatRate,
    /// Net amount (BT-131).
    pub net: Decimal,
}

/// Item price base quantity (BT-149): how many units the price is for; 3600 for a price per hour of seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BaseQuantity {
    /// The price is for one unit; nothing is written.
    One,
    Of(Decimal),
}

/// Item attribute (BG-32).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ItemAttribute {
    /// Name (BT-160).
    pub name: String,
    /// Value (BT-161).
    pub value: String,
}

/// Line allowance (BG-27) or charge (BG-28), which has the line's VAT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineAdjustment {
    /// Amount (BT-136, BT-141).
    pub amount: Decimal,
    /// What it is a part of (BT-137, BT-138; BT-142, BT-143).
    pub base: Option<AdjustmentBase>,
    /// Reason (BT-139, BT-144).
    pub reason: String,
}
