//! How is a long list read? Page after page, each when it is asked for.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Client, Error, request::Request};

/// A page of a list; `next` is the next one's `cursor`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// What a list without filters is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Paging {
    /// Rows of a page: 1 to 1,000.
    pub limit: Option<u64>,
    /// Where to go on; the last page's `next`.
    pub cursor: Option<String>,
}

impl Paging {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("limit", self.limit.map(|limit| limit.to_string())), ("cursor", self.cursor.clone())]
    }
}

/// The pages of one list, from where the query said.
#[derive(Debug)]
pub struct Pages<'c, T> {
    client: &'c Client,
    /// None after the last page.
    next: Option<Request>,
    of: PhantomData<fn() -> T>,
}

impl<'c, T: DeserializeOwned> Pages<'c, T> {
    pub(crate) fn new(client: &'c Client, first: Request) -> Self {
        Self { client, next: Some(first), of: PhantomData }
    }

    /// The next page's items; `None` after the last page. After an error, the same page is asked for again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(request) = self.next.clone() else { return Ok(None) };
        let page: Page<T> = self.client.send(request.clone()).await?.json()?;
        self.next = page.next.map(|cursor| request.at(cursor));
        Ok(Some(page.items))
    }

    /// All that is left, in memory at once: for lists that are known to be short.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(items) = self.next_page().await? {
            all.extend(items);
        }
        Ok(all)
    }
}
