//! Which stretches? Ordered, disjoint, half-open ranges of integers: milliseconds of a window, an hour or a day.

use std::fmt;

/// Ordered, disjoint, non-empty, non-touching half-open ranges.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// One range; empty if `end <= start`.
    pub fn one(start: i64, end: i64) -> Self {
        Self::from_unsorted([(start, end)])
    }

    /// The union of any ranges: sorted, merged where they touch or overlap, empty ones dropped.
    pub fn from_unsorted(ranges: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut all: Vec<(i64, i64)> = ranges.into_iter().filter(|(start, end)| start < end).collect();
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }

    pub fn as_slice(&self) -> &[(i64, i64)] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The summed length.
    pub fn total(&self) -> i64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    pub fn union(&self, other: &Self) -> Self {
        Self::from_unsorted(self.0.iter().chain(&other.0).copied())
    }

    pub fn intersect(&self, other: &Self) -> Self {
        let (mut i, mut j, mut found) = (0, 0, Vec::new());
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let (start, end) = (a.0.max(b.0), a.1.min(b.1));
            if start < end {
                found.push((start, end));
            }
            if a.1 <= b.1 { i += 1 } else { j += 1 }
        }
        Self(found)
    }

    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(mut start, end) in &self.0 {
            for &(cut_start, cut_end) in other.0.iter().filter(|c| c.0 < end) {
                if cut_end <= start {
                    continue;
                }
                if start < cut_start {
                    left.push((start, cut_start));
                }
                start = start.max(cut_end);
            }
            if start < end {
                left.push((start, end));
            }
        }
        Self(left)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            if a.0.max(b.0) < a.1.min(b.1) {
                return true;
            }
            if a.1 <= b.1 { i += 1 } else { j += 1 }
        }
        false
    }

    pub fn contains_range(&self, start: i64, end: i64) -> bool {
        start >= end || self.0.iter().any(|r| r.0 <= start && end <= r.1)
    }

    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|&(start, end)| self.contains_range(start, end))
    }

    pub fn shift(&self, by: i64) -> Self {
        Self(self.0.iter().map(|(start, end)| (start + by, end + by)).collect())
    }
}

impl fmt::Display for Ranges {
    /// PostgreSQL's text form of an integer multirange: `{[0,5),[7,9)}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (start, end)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}[{start},{end})")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no multirange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no integer multirange")]
pub struct RangesError(pub String);

impl std::str::FromStr for Ranges {
    type Err = RangesError;
    /// Reads what [`Ranges`]' `Display` and PostgreSQL's canonical output write.
    fn from_str(text: &str) -> Result<Self, RangesError> {
        let error = || RangesError(text.chars().take(80).collect());
        let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or_else(error)?;
        if inner.is_empty() {
            return Ok(Self::empty());
        }
        let inner = inner.strip_prefix('[').and_then(|t| t.strip_suffix(')')).ok_or_else(error)?;
        let mut ranges = Vec::new();
        for range in inner.split("),[") {
            let (start, end) = range.split_once(',').ok_or_else(error)?;
            ranges.push((start.parse().map_err(|_| error())?, end.parse().map_err(|_| error())?));
        }
        Ok(Self::from_unsorted(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges() -> impl Strategy<Value = Ranges> {
        proptest::collection::vec((0i64..40, 0i64..40), 0..6).prop_map(Ranges::from_unsorted)
    }

    fn points(r: &Ranges) -> Vec<i64> {
        (0..40).filter(|p| r.as_slice().iter().any(|(s, e)| s <= p && p < e)).collect()
    }

    proptest! {
        #[test]
        fn set_algebra_holds(a in ranges(), b in ranges()) {
            let (pa, pb) = (points(&a), points(&b));
            let both: Vec<i64> = pa.iter().copied().filter(|p| pb.contains(p)).collect();
            let left: Vec<i64> = pa.iter().copied().filter(|p| !pb.contains(p)).collect();
            prop_assert_eq!(points(&a.intersect(&b)), both.clone());
            prop_assert_eq!(points(&a.minus(&b)), left);
            prop_assert_eq!(a.overlaps(&b), !both.is_empty());
            prop_assert_eq!(a.union(&b).total() + a.intersect(&b).total(), a.total() + b.total());
            prop_assert_eq!(a.contains_all(&b), pb.iter().all(|p| pa.contains(p)));
        }

        #[test]
        fn text_goes_there_and_back(a in ranges()) {
            prop_assert_eq!(a.to_string().parse(), Ok(a));
        }
    }
}
