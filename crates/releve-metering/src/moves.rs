//! What did an allocation hold of an hour, over all its books?

use std::collections::BTreeMap;

use releve_types::Ranges;

/// ((held1 − taken_back1) + held2 − taken_back2 …), books in ascending order.
pub fn state<'a>(books: impl IntoIterator<Item = (&'a Ranges, &'a Ranges)>) -> Ranges {
    books.into_iter().fold(Ranges::empty(), |state, (held, taken_back)| state.union(held).minus(taken_back))
}

/// How often each millisecond was counted: reports and adjustments add up to once or not at all, in any order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(BTreeMap<i64, i64>);

impl Tally {
    pub fn add(&mut self, ranges: &Ranges) {
        self.step(ranges, 1);
    }

    pub fn take(&mut self, ranges: &Ranges) {
        self.step(ranges, -1);
    }

    fn step(&mut self, ranges: &Ranges, by: i64) {
        for &(from, to) in ranges.as_slice() {
            for (at, by) in [(from, by), (to, -by)] {
                let step = self.0.entry(at).or_default();
                *step += by;
                if *step == 0 {
                    self.0.remove(&at);
                }
            }
        }
    }

    /// What was counted once, and what was counted more often or less than never.
    pub fn once(&self) -> (Ranges, Ranges) {
        let (mut once, mut wrong) = (Vec::new(), Vec::new());
        let mut times = 0;
        for ((&from, by), &to) in self.0.iter().zip(self.0.keys().skip(1)) {
            times += by;
            match times {
                0 => {}
                1 => once.push((from, to)),
                _ => wrong.push((from, to)),
            }
        }
        (Ranges::from_unsorted(once), Ranges::from_unsorted(wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_and_replaced_is_counted_once_in_any_order() {
        let (wrong, right) = (Ranges::one(0, 60), Ranges::one(20, 80));
        let mut tally = Tally::default();
        tally.add(&right);
        tally.add(&wrong);
        assert_eq!(tally.once(), (Ranges::from_unsorted([(0, 20), (60, 80)]), Ranges::one(20, 60)));
        tally.take(&wrong);
        assert_eq!(tally.once(), (right.clone(), Ranges::empty()));
        tally.take(&wrong);
        assert_eq!(tally.once().1, Ranges::one(0, 20), "nothing is held less than never");
    }

    #[test]
    fn later_books_give_and_take() {
        let (hour, none, half) = (Ranges::one(0, 100), Ranges::empty(), Ranges::one(0, 50));
        assert_eq!(state([(&hour, &none), (&none, &half)]), Ranges::one(50, 100));
        assert_eq!(state([(&hour, &hour), (&half, &none)]), half);
        assert_eq!(state([]), none);
    }
}
