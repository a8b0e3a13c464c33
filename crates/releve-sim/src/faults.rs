//! What does a network do to a stream of messages? It sends some twice, some late, in another order, or never.

use std::collections::{BTreeMap, VecDeque};

use crate::seed::Dice;

/// How bad it gets; a permille is of the messages.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    pub seed: u64,
    pub duplicate_permille: u64,
    /// Two neighbours swap places.
    pub swap_permille: u64,
    pub late_permille: u64,
    /// A late or doubled message comes at most so many messages later.
    pub late_len_max: usize,
    pub drop_permille: u64,
}

impl Faults {
    pub const NONE: Self =
        Self { seed: 0, duplicate_permille: 0, swap_permille: 0, late_permille: 0, late_len_max: 1, drop_permille: 0 };

    pub fn over<I: Iterator>(self, messages: I) -> Faulty<I>
    where
        I::Item: Clone,
    {
        Faulty {
            dice: Dice::new(&["faults", &self.seed.to_string()]),
            faults: self,
            messages,
            at: 0,
            late: BTreeMap::new(),
            ready: VecDeque::new(),
            dropped: Vec::new(),
        }
    }
}

/// The stream as it arrives. `dropped` lists what never does.
pub struct Faulty<I: Iterator> {
    faults: Faults,
    dice: Dice,
    messages: I,
    at: usize,
    late: BTreeMap<(usize, u64), I::Item>,
    ready: VecDeque<I::Item>,
    pub dropped: Vec<I::Item>,
}

impl<I: Iterator> Faulty<I>
where
    I::Item: Clone,
{
    fn delay(&mut self, message: I::Item) {
        let by = 1 + self.dice.index(self.faults.late_len_max);
        let tie = self.dice.roll();
        self.late.insert((self.at + by, tie), message);
    }

    /// Takes one message in and decides what becomes of it.
    fn take(&mut self, message: I::Item) {
        self.at += 1;
        if self.dice.chance(self.faults.drop_permille) {
            self.dropped.push(message);
            return;
        }
        if self.dice.chance(self.faults.duplicate_permille) {
            self.delay(message.clone());
        }
        if self.dice.chance(self.faults.late_permille) {
            self.delay(message);
        } else {
            self.ready.push_back(message);
        }
    }

    fn release(&mut self, all: bool) {
        while let Some(entry) = self.late.first_entry() {
            if !all && entry.key().0 > self.at {
                break;
            }
            self.ready.push_back(entry.remove());
        }
    }
}

impl<I: Iterator> Iterator for Faulty<I>
where
    I::Item: Clone,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        while self.ready.len() < 2 {
            match self.messages.next() {
                Some(message) => {
                    self.take(message);
                    self.release(false);
                }
                None => {
                    self.release(true);
                    break;
                }
            }
        }
        if self.ready.len() >= 2 && self.dice.chance(self.faults.swap_permille) {
            self.ready.swap(0, 1);
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_but_what_is_said_to_be() {
        let faults = Faults {
            seed: 7,
            duplicate_permille: 100,
            swap_permille: 200,
            late_permille: 100,
            late_len_max: 50,
            drop_permille: 20,
        };
        let mut faulty = faults.over(0..10_000u32);
        let arrived: Vec<u32> = faulty.by_ref().collect();
        let mut distinct = arrived.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(!faulty.dropped.is_empty());
        assert_eq!(distinct.len() + faulty.dropped.len(), 10_000);
        assert!(arrived.len() > distinct.len(), "some came twice");
        assert!(arrived.windows(2).any(|w| w[0] > w[1]), "some came out of order");
        assert_eq!(faults.over(0..10_000u32).collect::<Vec<_>>(), arrived, "the same seed does the same");
        assert_eq!(Faults::NONE.over(0..100u32).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }
}
