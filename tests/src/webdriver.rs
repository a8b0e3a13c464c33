//! How is a browser told what to do? In WebDriver's words, which are JSON over HTTP to a driver on this machine.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http::Http;

/// The name under which an element's id comes, for all browsers and for ever.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One window, told by a driver.
#[derive(Clone, Debug)]
pub struct Driver {
    http: Http,
    session: String,
}

/// What a selector found. Another page has other elements.
#[derive(Debug)]
pub struct Element {
    driver: Driver,
    id: String,
}

/// How an element is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Locator<'l> {
    Css(&'l str),
    XPath(&'l str),
}

/// What the driver says of what can't be done.
pub type Told<T> = Result<T, String>;

impl Driver {
    /// Begins a session with these capabilities.
    pub async fn begin(http: Http, capabilities: Value) -> Told<Self> {
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let begun = said(&http, Method::POST, "/session", Some(body)).await?;
        let session = begun["sessionId"].as_str().ok_or_else(|| format!("no session in {begun}"))?.to_owned();
        Ok(Self { http, session })
    }

    pub async fn get(&self, what: &str) -> Told<Value> {
        self.told(Method::GET, what, None).await
    }

    pub async fn post(&self, what: &str, body: Value) -> Told<Value> {
        self.told(Method::POST, what, Some(body)).await
    }

    pub async fn delete(&self, what: &str) -> Told<Value> {
        self.told(Method::DELETE, what, None).await
    }

    /// Within the session; nothing is the session itself.
    async fn told(&self, method: Method, what: &str, body: Option<Value>) -> Told<Value> {
        let slash = if what.is_empty() { "" } else { "/" };
        said(&self.http, method, &format!("/session/{}{slash}{what}", self.session), body).await
    }

    /// All elements that are there now.
    pub async fn find(&self, locator: Locator<'_>) -> Told<Vec<Element>> {
        let (using, value) = match locator {
            Locator::Css(css) => ("css selector", css),
            Locator::XPath(path) => ("xpath", path),
        };
        let found = self.post("elements", json!({ "using": using, "value": value })).await?;
        let ids = found.as_array().ok_or_else(|| format!("no elements in {found}"))?;
        let id = |one: &Value| one[ELEMENT].as_str().map(str::to_owned);
        Ok(ids.iter().filter_map(id).map(|id| Element { driver: self.clone(), id }).collect())
    }

    /// What a function's body returns.
    pub async fn execute(&self, script: &str) -> Told<Value> {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What a function's body hands to its last argument.
    pub async fn execute_async(&self, script: &str) -> Told<Value> {
        self.post("execute/async", json!({ "script": script, "args": [] })).await
    }
}

impl Element {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub async fn text(&self) -> Told<String> {
        let text = self.driver.get(&format!("element/{}/text", self.id)).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Empty if it has none.
    pub async fn attribute(&self, name: &str) -> Told<String> {
        let value = self.driver.get(&format!("element/{}/attribute/{name}", self.id)).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    pub async fn click(&self) -> Told<()> {
        self.does("click", json!({})).await
    }

    pub async fn clear(&self) -> Told<()> {
        self.does("clear", json!({})).await
    }

    /// Types, as on a keyboard.
    pub async fn send_keys(&self, text: &str) -> Told<()> {
        self.does("value", json!({ "text": text })).await
    }

    async fn does(&self, what: &str, body: Value) -> Told<()> {
        self.driver.post(&format!("element/{}/{what}", self.id), body).await.map(drop)
    }
}

async fn said(http: &Http, method: Method, path: &str, body: Option<Value>) -> Told<Value> {
    let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
    let answer = http.try_send(method, path, body, &[]).await.map_err(|error| error.to_string())?;
    let value = serde_json::from_str::<Value>(&answer.body).unwrap_or_default()["value"].take();
    if answer.status == 200 {
        return Ok(value);
    }
    Err(format!("{} {}", value["error"], value["message"]))
}
