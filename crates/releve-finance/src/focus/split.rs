//! Which allocation, on which day, is a line of? A line is of a project's whole month; who loads a FOCUS file wants to know whose.
//!
//! The lines of one tenant, project, SKU and stretch together were metered over the same pieces of usage. Pieces are laid onto lines in the
//! order of time: what a reservation paid for first, then tier by tier. That is how graduated tiers fill up; where a reservation matched by
//! hour or instant it is a convention, which moves no millisecond and no cent between lines.

use releve_billing::ChargeKind;
use releve_types::{AllocationId, Sku, TenantId, Timestamp};

use super::SourceLine;
use crate::exact::share;

/// What one allocation held, or a meter counted, in a day or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    pub tenant: TenantId,
    pub project: String,
    pub sku: Sku,
    pub from: Timestamp,
    pub to: Timestamp,
    /// None: a reading.
    pub allocation: Option<AllocationId>,
    /// In base units.
    pub metered: i64,
}

/// A part of a line; without a piece where nobody knows better than the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    pub piece: Option<&'a Piece>,
    pub metered: i64,
    pub billed: i64,
    pub energy_mj: i64,
}

/// The parts of each line, in the order of the lines, of pieces sorted by tenant, project, SKU and time. Their quantities and
/// energy add up to the line's.
pub fn split<'a>(lines: &[SourceLine<'_>], pieces: &'a [Piece]) -> Vec<Vec<Part<'a>>> {
    let mut parts: Vec<Vec<Part<'a>>> = lines.iter().map(|line| vec![whole(line)]).collect();
    let mut order: Vec<usize> = (0..lines.len()).filter(|at| is_of_usage(&lines[*at])).collect();
    order.sort_by_key(|at| (key(&lines[*at]), turn(&lines[*at])));
    for group in order.chunk_by(|a, b| key(&lines[*a]) == key(&lines[*b])) {
        let of_it: Vec<&Piece> = of(pieces, &lines[group[0]]);
        let metered: i64 = group.iter().map(|at| lines[*at].charge.metered).sum();
        if of_it.iter().any(|p| p.metered < 0) || of_it.iter().map(|p| p.metered).sum::<i64>() != metered {
            continue;
        }
        let mut left = Left { pieces: of_it, at: 0, taken: 0 };
        for at in group {
            if lines[*at].charge.metered > 0 {
                parts[*at] = left.lay(&lines[*at]);
            }
        }
    }
    parts
}

const fn is_of_usage(line: &SourceLine<'_>) -> bool {
    !line.taken_back && line.charge.kind.is_of_use()
}

fn key<'a>(line: &SourceLine<'a>) -> (Option<TenantId>, &'a str, &'a Sku, Timestamp) {
    (line.charge.tenant, &line.charge.project, &line.charge.sku, line.charge.stretch.start())
}

const fn turn(line: &SourceLine<'_>) -> (bool, u32) {
    (!matches!(line.charge.kind, ChargeKind::Reserved(_)), line.charge.tier)
}

/// The pieces that a line's group was metered over.
fn of<'a>(pieces: &'a [Piece], line: &SourceLine<'_>) -> Vec<&'a Piece> {
    let (tenant, project, sku, from) = key(line);
    let turn = |piece: &Piece| {
        (Some(piece.tenant), piece.project.as_str(), &piece.sku, piece.from).cmp(&(tenant, project, sku, from))
    };
    let first = pieces.partition_point(|piece| turn(piece).is_lt());
    let until = line.charge.stretch.end();
    let is_of = |piece: &&Piece| {
        (Some(piece.tenant), piece.project.as_str(), &piece.sku) == (tenant, project, sku) && piece.to <= until
    };
    pieces[first..].iter().take_while(is_of).collect()
}

fn whole<'a>(line: &SourceLine<'_>) -> Part<'a> {
    let charge = line.charge;
    Part { piece: None, metered: charge.metered, billed: charge.billed, energy_mj: charge.energy_mj }
}

/// What is not laid onto a line yet.
struct Left<'a> {
    pieces: Vec<&'a Piece>,
    at: usize,
    /// Of the piece at hand.
    taken: i64,
}

impl<'a> Left<'a> {
    fn lay(&mut self, line: &SourceLine<'_>) -> Vec<Part<'a>> {
        let charge = line.charge;
        let (mut parts, mut laid, mut billed, mut energy_mj) = (Vec::new(), 0, 0, 0);
        while laid < charge.metered {
            let Some(piece) = self.pieces.get(self.at) else { break };
            let metered = (piece.metered - self.taken).min(charge.metered - laid);
            self.taken += metered;
            if self.taken == piece.metered {
                (self.at, self.taken) = (self.at + 1, 0);
            }
            if metered == 0 {
                continue;
            }
            laid += metered;
            let (billed_by_now, energy_by_now) =
                (share(charge.billed, laid, charge.metered), share(charge.energy_mj, laid, charge.metered));
            parts.push(Part {
                piece: Some(piece),
                metered,
                billed: billed_by_now - billed,
                energy_mj: energy_by_now - energy_mj,
            });
            (billed, energy_mj) = (billed_by_now, energy_by_now);
        }
        parts
    }
}
