//! What is asked? A method, a path, parameters and a body, before it is known of whom.

use reqwest::{Method, Url};
use serde::Serialize;

use crate::Error;

#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    /// Its type and its bytes.
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
}

impl Request {
    /// `path`'s parts are escaped later; a slash within one divides nothing.
    pub fn new(method: Method, path: &[&str]) -> Self {
        Self { method, path: path.iter().map(|part| (*part).to_owned()).collect(), query: Vec::new(), body: None }
    }

    pub fn query(mut self, pairs: Vec<(&'static str, Option<String>)>) -> Self {
        self.query = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self
    }

    pub fn json<T: Serialize + ?Sized>(mut self, content_type: &'static str, body: &T) -> Result<Self, Error> {
        self.body = Some((content_type, serde_json::to_vec(body).map_err(Error::Malformed)?));
        Ok(self)
    }

    pub fn text(mut self, content_type: &'static str, body: &str) -> Self {
        self.body = Some((content_type, body.as_bytes().to_vec()));
        self
    }

    /// The same of another page.
    pub fn at(mut self, cursor: String) -> Self {
        self.query.retain(|(name, _)| *name != "cursor");
        self.query.push(("cursor", cursor));
        self
    }

    /// Where that is on a server.
    pub fn url(&self, base: &Url) -> Result<Url, Error> {
        // A URL drops such parts, and something else would be asked.
        if let Some(part) = self.path.iter().find(|part| ["", ".", ".."].contains(&part.as_str())) {
            return Err(Error::Address(format!("'{part}' is no name and no id")));
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Address(format!("{base} has no paths")))?
            .pop_if_empty()
            .extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, path: &[&str]) -> Result<String, Error> {
        let request = Request::new(Method::GET, path).query(vec![("limit", Some("1".to_owned())), ("month", None)]);
        Ok(request.at("a&b".to_owned()).url(&base.parse().expect("a URL"))?.to_string())
    }

    #[test]
    fn what_is_named_stays_in_its_part_of_the_path() {
        let asked = url("https://h/billing/", &["v1", "tenants", "a/b ?é"]).expect("a URL");
        assert_eq!(asked, "https://h/billing/v1/tenants/a%2Fb%20%3F%C3%A9?limit=1&cursor=a%26b");
        for none in ["", ".", ".."] {
            assert!(matches!(url("https://h", &["v1", none]), Err(Error::Address(_))), "{none}");
        }
        assert!(matches!(url("mailto:a@b", &["v1"]), Err(Error::Address(_))));
    }
}
