//! Which price holds for an account, hour by hour? Dated terms, each naming a price book, and what was agreed beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use releve_types::{Currency, Hour, Period, Sku, Timestamp};

use crate::{
    AgreedTerms, Agreement, Matching, Price, PriceBook, PriceError, PriceReason, Rounding, Scope, agreed::apart,
};

/// From this hour on, the account's usage is rated by this book. Many contracts share a book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Term {
    pub from: Hour,
    pub book: Arc<PriceBook>,
}

/// What one account agreed to: one currency, which book from when, and what differs from it. Without a term, nothing
/// that is used has a price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    currency: Currency,
    terms: Vec<Term>,
    /// By start, then by id.
    agreements: Vec<Agreement>,
}

/// A longest stretch of hours in which one price of a SKU holds, or none, and the same discounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run<'a> {
    pub stretch: Period,
    pub price: Option<&'a Price>,
}

impl Contract {
    pub fn new(currency: Currency, mut terms: Vec<Term>) -> Result<Self, PriceError> {
        terms.sort_by_key(|t| t.from);
        for (n, term) in terms.iter().enumerate() {
            if term.book.currency() != currency {
                let reason = PriceReason::MixedCurrencies { contract: currency, book: term.book.currency() };
                return Err(reason.at(format!("terms[{n}].price_book")));
            }
        }
        if let Some(twice) = terms.windows(2).find(|pair| pair[0].from == pair[1].from) {
            return Err(PriceReason::TwoTermsAtOnce(twice[0].from.start()).at("from"));
        }
        Ok(Self { currency, terms, agreements: Vec::new() })
    }

    /// The same with what was agreed beside the price books; refused if two of it contradict each other.
    pub fn with(mut self, mut agreements: Vec<Agreement>) -> Result<Self, PriceError> {
        agreements.append(&mut self.agreements);
        agreements.sort_by_key(|a| (a.from(), a.id()));
        for agreement in agreements {
            apart(&self.agreements, &agreement)?;
            self.agreements.push(agreement);
        }
        Ok(self)
    }

    /// By start, then by id.
    pub fn agreements(&self) -> &[Agreement] {
        &self.agreements
    }

    /// The SKUs of which devices are reserved at any hour of the period, with how they are matched, by instant if any is:
    /// their usage is rated hour by hour.
    pub fn reserved_skus(&self, period: Period) -> BTreeMap<&Sku, Matching> {
        let mut reserved = BTreeMap::new();
        for agreement in self.agreements.iter().filter(|a| a.within(period).is_some()) {
            if let AgreedTerms::Reservation { sku, matching, .. } = agreement.terms() {
                let known = reserved.entry(sku).or_insert(*matching);
                *known = (*known).max(*matching);
            }
        }
        reserved
    }

    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// By start.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The book that holds at an hour.
    pub fn book_at(&self, hour: Hour) -> Option<&PriceBook> {
        let held = self.terms.partition_point(|t| t.from <= hour);
        self.terms[..held].last().map(|term| &*term.book)
    }

    pub fn price_at(&self, sku: &Sku, hour: Hour) -> Option<&Price> {
        self.book_at(hour)?.price_at(sku, hour)
    }

    /// The period, cut where any price or term changes: within each piece, usage may be summed before rating.
    pub fn stretches(&self, period: Period) -> Vec<Period> {
        let mut cuts = BTreeSet::new();
        for (held, term) in self.terms_in(period) {
            cuts.insert(held.first_hour());
            cuts.extend(term.book.starts_between(held.first_hour(), held.end_hour()));
        }
        cuts.extend(self.discounts_change(|_| true));
        cut(period, cuts)
    }

    /// The hours at which a discount that is asked for starts or ends.
    fn discounts_change(&self, asked: impl Fn(&Scope) -> bool) -> impl Iterator<Item = Hour> {
        let asked = move |agreement: &&Agreement| matches!(agreement.terms(), AgreedTerms::Discount { scope, .. } if asked(scope));
        self.agreements.iter().filter(asked).flat_map(|a| [Some(a.from()), a.until()]).flatten()
    }

    /// The period, cut where the price of this SKU changes or what is off it, and only there.
    pub fn runs(&self, sku: &Sku, period: Period) -> Vec<Run<'_>> {
        let discounted: BTreeSet<Hour> = self.discounts_change(|scope| scope.concerns(sku)).collect();
        let mut cuts = discounted.clone();
        for (held, term) in self.terms_in(period) {
            cuts.insert(held.first_hour());
            let starts = term.book.prices_of(sku).iter().map(Price::from);
            cuts.extend(starts.filter(|hour| held.contains_hour(*hour)));
        }
        let mut runs: Vec<Run<'_>> = Vec::new();
        for stretch in cut(period, cuts) {
            let price = self.price_at(sku, stretch.first_hour());
            match runs.last_mut() {
                Some(last)
                    if last.price.map(Price::id) == price.map(Price::id)
                        && !discounted.contains(&stretch.first_hour()) =>
                {
                    last.stretch = join(last.stretch, stretch);
                }
                _ => runs.push(Run { stretch, price }),
            }
        }
        runs
    }

    /// The SKUs that some plan other than exact rounds anywhere in the period: their usage is rated allocation
    /// by allocation.
    pub fn rounded_skus(&self, period: Period) -> BTreeSet<&Sku> {
        let mut skus = BTreeSet::new();
        for (held, term) in self.terms_in(period) {
            for of_sku in term.book.prices().chunk_by(|a, b| a.sku() == b.sku()) {
                let ends = of_sku.iter().skip(1).map(|next| Some(next.from())).chain([None]);
                let rounds = of_sku.iter().zip(ends).any(|(price, end)| {
                    let starts_in_time = price.from() < held.end_hour();
                    let ends_in_time = end.is_none_or(|end| end > held.first_hour());
                    price.rounding() != Rounding::Exact && starts_in_time && ends_in_time
                });
                if let (true, Some(price)) = (rounds, of_sku.first()) {
                    skus.insert(price.sku());
                }
            }
        }
        skus
    }

    /// When, before an hour, this plan rounded this SKU. What an allocation held in these stretches is its
    /// `held_before`: a plan counts only the time that it ruled, so that the first started hour under a new
    /// plan is not swallowed by time that was billed to the millisecond under the old one.
    pub fn stretches_under(&self, sku: &Sku, plan: Rounding, before: Hour) -> Vec<Period> {
        let first = self.terms.first().and_then(|t| Period::of_hours(t.from, before).ok());
        let Some(so_far) = first else { return Vec::new() };
        let mut stretches: Vec<Period> = Vec::new();
        for run in self.runs(sku, so_far) {
            if run.price.map(Price::rounding) != Some(plan) {
                continue;
            }
            match stretches.last_mut() {
                Some(last) if last.end_hour() == run.stretch.first_hour() => *last = join(*last, run.stretch),
                _ => stretches.push(run.stretch),
            }
        }
        stretches
    }

    /// Each term that holds for a part of the period, with that part.
    fn terms_in(&self, period: Period) -> impl Iterator<Item = (Period, &Term)> {
        let ends = self.terms.iter().skip(1).map(|t| t.from).chain([period.end_hour()]);
        self.terms.iter().zip(ends).filter_map(move |(term, end)| {
            let (start, end) = (term.from.max(period.first_hour()), end.min(period.end_hour()));
            Period::of_hours(start, end).ok().map(|held| (held, term))
        })
    }
}

/// May this term be added at `now`? Not if it would change which book rates an hour that has begun.
pub fn check_new_term(contract: &Contract, term: &Term, now: Timestamp) -> Result<(), PriceError> {
    if term.book.currency() != contract.currency {
        let reason = PriceReason::MixedCurrencies { contract: contract.currency, book: term.book.currency() };
        return Err(reason.at("price_book"));
    }
    if contract.terms.iter().any(|t| t.from == term.from) {
        return Err(PriceReason::TwoTermsAtOnce(term.from.start()).at("from"));
    }
    if term.from.start() < now && contract.terms.iter().any(|t| t.from < term.from) {
        return Err(PriceReason::TermInThePast { from: term.from.start(), now }.at("from"));
    }
    Ok(())
}

fn join(a: Period, b: Period) -> Period {
    Period::of_hours(a.first_hour().min(b.first_hour()), a.end_hour().max(b.end_hour())).unwrap_or(a)
}

fn cut(period: Period, cuts: BTreeSet<Hour>) -> Vec<Period> {
    let inside = cuts.into_iter().filter(|hour| *hour > period.first_hour() && period.contains_hour(*hour));
    let mut pieces = Vec::new();
    let mut start = period.first_hour();
    for end in inside.chain([period.end_hour()]) {
        pieces.extend(Period::of_hours(start, end).ok());
        start = end;
    }
    pieces
}
