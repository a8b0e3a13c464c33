//! What did an allocation hold of an hour, over all its books?

use releve_types::Ranges;

/// ((held1 − taken_back1) + held2 − taken_back2 …), books in ascending order.
pub fn state<'a>(books: impl IntoIterator<Item = (&'a Ranges, &'a Ranges)>) -> Ranges {
    books.into_iter().fold(Ranges::empty(), |state, (held, taken_back)| state.union(held).minus(taken_back))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_books_give_and_take() {
        let (hour, none, half) = (Ranges::one(0, 100), Ranges::empty(), Ranges::one(0, 50));
        assert_eq!(state([(&hour, &none), (&none, &half)]), Ranges::one(50, 100));
        assert_eq!(state([(&hour, &hour), (&half, &none)]), half);
        assert_eq!(state([]), none);
    }
}
