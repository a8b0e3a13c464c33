//! Where does the next page go on? After the last row of this one, in a text that callers don't look into.
//!
//! A cursor holds a place in an order and the request it belongs to, and no right: what may be seen is decided by
//! the scope of the request that it comes back with.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use releve_types::{Hour, Timestamp, time::MILLIS_PER_HOUR};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    error::{Code, Problem},
    input::PageLen,
};

/// The longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 2_048;

#[derive(Serialize, Deserialize)]
struct Held<T> {
    /// Of which request: its resource and filters.
    of: String,
    after: T,
}

/// Some rows, and how to ask for those after them.
#[derive(Serialize, ToSchema, Debug)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Give it as `cursor`, with the same parameters, for the next page; none on the last.
    pub next: Option<String>,
}

impl<T> Paged<T> {
    /// `rows` were asked for with [`PageLen::and_one`]: one more than fits says that there is a next page.
    pub fn of<R, A: Serialize>(
        mut rows: Vec<R>,
        len: PageLen,
        request: &str,
        after: impl FnOnce(&R) -> A,
        view: impl FnMut(R) -> T,
    ) -> Result<Self, Problem> {
        let fits = usize::try_from(len.0).unwrap_or(usize::MAX);
        let more = rows.len() > fits;
        rows.truncate(fits);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| encode(request, &after(row))).transpose()?;
        Ok(Self { items: rows.into_iter().map(view).collect(), next })
    }
}

impl<T> Paged<T> {
    /// The same of rows that are all at hand: those after a place of their order.
    pub fn of_all<R, A: Serialize + Ord>(
        mut rows: Vec<R>,
        (len, after): (PageLen, Option<&A>),
        request: &str,
        place: impl Fn(&R) -> A,
        view: impl FnMut(R) -> T,
    ) -> Result<Self, Problem> {
        rows.retain(|row| after.is_none_or(|after| *after < place(row)));
        rows.sort_by_key(&place);
        Self::of(rows, len, request, place, view)
    }
}

/// `request` names the resource and everything that decides which rows there are and how they are ordered.
pub fn encode<T: Serialize>(request: &str, after: &T) -> Result<String, Problem> {
    let held = Held { of: fingerprint(request), after };
    let json = serde_json::to_vec(&held).map_err(|error| Problem::internal(&error))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

pub fn decode<T: DeserializeOwned>(request: &str, cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let refused = |detail| Problem::new(Code::CursorRefused, detail).at("cursor");
    if cursor.len() > CURSOR_BYTES_MAX {
        return Err(refused("it is longer than any cursor"));
    }
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused("it is not one that a page gave"))?;
    let held: Held<T> = serde_json::from_slice(&json).map_err(|_| refused("it is not one that a page gave"))?;
    if held.of != fingerprint(request) {
        return Err(refused("it belongs to a request with other parameters: start again without it"));
    }
    if json.windows(6).any(|six| six == br"\u0000") {
        return Err(refused("it is not one that a page gave"));
    }
    Ok(Some(held.after))
}

/// Instants that a place may name, in milliseconds: of the years that RFC 3339 can write, from 1 to 9999.
const INSTANTS_MS: RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// An instant that a place names.
pub fn instant(millis: i64) -> Result<Timestamp, Problem> {
    let known = INSTANTS_MS.contains(&millis).then(|| Timestamp::from_millis(millis));
    known.ok_or_else(|| Problem::new(Code::CursorRefused, "it is not one that a page gave").at("cursor"))
}

/// An hour that a place names.
pub fn hour(index: i64) -> Result<Hour, Problem> {
    instant(index.saturating_mul(MILLIS_PER_HOUR)).map(Timestamp::hour)
}

fn fingerprint(request: &str) -> String {
    hex::encode(&Sha256::digest(request.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_in_its_own_request_only() {
        let cursor = encode("tenants", &"lab".to_owned()).expect("a cursor");
        assert_eq!(decode::<String>("tenants", Some(&cursor)), Ok(Some("lab".to_owned())));
        assert_eq!(decode::<String>("tenants", None), Ok(None));
        for (request, cursor) in [("nodes", cursor.as_str()), ("tenants", "!"), ("tenants", "e30")] {
            let refused = decode::<String>(request, Some(cursor)).expect_err("a foreign cursor");
            assert_eq!((refused.code, refused.field.as_deref()), (Code::CursorRefused, Some("cursor")));
        }
    }
}
