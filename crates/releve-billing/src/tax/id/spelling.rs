//! What is left of an id once how it was written down is taken away? And how much of a wrong one is shown?

/// The characters of a refused text that an error repeats: enough to know it again, too few to flood a log.
const SHOWN_CHARS_MAX: usize = 40;

/// In capitals, without white space: people group digits, and word processors glue the groups with their own spaces.
pub(super) fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}

/// As `without_spaces`, and without the dots and dashes between which some countries print their ids.
pub(super) fn without_marks(text: &str) -> String {
    let mark = |c: &char| matches!(c, '.' | '-' | '\u{2010}' | '\u{2011}' | '\u{2013}');
    without_spaces(text).chars().filter(|c| !mark(c)).collect()
}

pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

pub(super) fn only_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `text` has a form, letter by letter: `9` any digit, `n` a digit that isn't zero, `a` a letter, `x` a letter
/// or digit, `s` a letter, `+` or `*`; a capital stands for itself.
pub(super) fn has_form(text: &str, form: &str) -> bool {
    let fits = |(c, kind): (char, char)| match kind {
        '9' => c.is_ascii_digit(),
        'n' => c.is_ascii_digit() && c != '0',
        'a' => c.is_ascii_uppercase(),
        'x' => c.is_ascii_uppercase() || c.is_ascii_digit(),
        's' => c.is_ascii_uppercase() || c == '+' || c == '*',
        capital => c == capital,
    };
    text.len() == form.len() && text.chars().zip(form.chars()).all(fits)
}
