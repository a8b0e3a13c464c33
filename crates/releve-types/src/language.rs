//! In which language is a document written?

use std::{fmt, str::FromStr};

/// By its code in ISO 639-1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Language {
    #[default]
    English,
    French,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no language of documents: expected one of en, fr")]
pub struct LanguageError(pub String);

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::French];

    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = LanguageError;
    fn from_str(text: &str) -> Result<Self, LanguageError> {
        let known = Self::ALL.into_iter().find(|l| l.code() == text);
        known.ok_or_else(|| LanguageError(text.chars().take(40).collect()))
    }
}
