//! Which part of a batch is tried next? All of it; where the database refuses it, each half, until the culprit is alone.

use std::ops::Range;

/// A batch on its way to its fates.
#[derive(Debug)]
pub(crate) struct Halving<F> {
    fates: Vec<Option<F>>,
    /// What is still to be tried, the first part last.
    spans: Vec<Range<usize>>,
}

impl<F> Halving<F> {
    pub fn of(len: usize) -> Self {
        Self { fates: (0..len).map(|_| None).collect(), spans: (len > 0).then_some(0..len).into_iter().collect() }
    }

    pub fn next(&mut self) -> Option<Range<usize>> {
        self.spans.pop()
    }

    /// The fates of a span that was tried, in its order.
    pub fn settle(&mut self, span: Range<usize>, fates: impl IntoIterator<Item = F>) {
        for (slot, fate) in self.fates[span].iter_mut().zip(fates) {
            *slot = Some(fate);
        }
    }

    /// To be tried again, in halves.
    pub fn halve(&mut self, span: Range<usize>) {
        let middle = span.start + span.len() / 2;
        self.spans.extend([middle..span.end, span.start..middle]);
    }

    /// All of them, in the order of the batch.
    pub fn into_fates(self) -> Vec<F> {
        self.fates.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_culprit_is_alone_in_the_end_and_fates_keep_their_order() {
        for culprit in 0..7 {
            let (mut halving, mut tried) = (Halving::of(7), 0);
            while let Some(span) = halving.next() {
                tried += 1;
                if span.contains(&culprit) && span.len() > 1 {
                    halving.halve(span);
                } else {
                    halving.settle(span.clone(), span);
                }
            }
            assert!(tried <= 7, "{tried}");
            assert_eq!(halving.into_fates(), (0..7).collect::<Vec<_>>());
        }
        assert_eq!(Halving::<u8>::of(0).next(), None);
    }
}
