//! Every route × every kind of credential × own, foreign, unknown and malformed names: what opens, what stays shut, and what is never
//! said. The routes come from the OpenAPI document, so a new one is in here by being described.

use axum::http::StatusCode;
use releve_api::auth::{Role, Scope};
use serde_json::{Value, json};

use crate::{
    scopes::{REFUSED_AT_ONCE, operations},
    world::World,
};

const OWN: &str = "lab";
const FOREIGN: &str = "acme-secret";
/// Routes tried in one world: each is tried with two credentials that are none, for each kind of name.
const ROUTES_AT_ONCE: usize = REFUSED_AT_ONCE / 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
    Own,
    Foreign,
    Unknown,
    Malformed,
}

const NAMED: [Named; 4] = [Named::Own, Named::Foreign, Named::Unknown, Named::Malformed];

/// Unknown, of the right shape; and no id or name at all.
const UNKNOWN: &str = "01900000000070008000000000000000";
const MALFORMED: &str = "%00%27%20or%201=1";

/// What stands in the place of a parameter.
fn value(parameter: &str, named: Named) -> String {
    let prefix = match parameter {
        "tenant" => "ten",
        "account" => "acc",
        "invoice" => "inv",
        "issuer" => "iss",
        "node" => "nod",
        "run" => "run",
        "key" => "key",
        "endpoint" => "whe",
        "event" => "evt",
        "payment" => "pay",
        "credit" => "crd",
        "proposal" => "prp",
        "user" => "usr",
        "membership" => "mbr",
        _ => "xxx",
    };
    match (named, parameter) {
        (_, "syntax") => "ubl".to_owned(),
        (_, "code") => "not_found".to_owned(),
        (Named::Own, "tenant" | "account") => OWN.to_owned(),
        (Named::Foreign, "tenant" | "account") => FOREIGN.to_owned(),
        (Named::Malformed, _) => MALFORMED.to_owned(),
        _ => format!("{prefix}_{UNKNOWN}"),
    }
}

/// The path, and whether all that it names is there.
fn path(route: &str, named: Named) -> (String, bool) {
    let mut there = true;
    let part = |part: &str| {
        let Some(parameter) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) else { return part.to_owned() };
        let known = matches!(parameter, "tenant" | "account") && matches!(named, Named::Own | Named::Foreign);
        there &= known || matches!(parameter, "syntax" | "code");
        value(parameter, named)
    };
    let path = route.split('/').map(part).collect::<Vec<_>>().join("/");
    (path, there)
}

struct Credential {
    name: &'static str,
    key: Option<String>,
    /// The scopes that open a route to it; none: it is no credential.
    opens: &'static [&'static str],
}

impl Credential {
    fn is_tenants(&self) -> bool {
        self.opens.contains(&"tenant:read")
    }
}

const ADMIN: [&str; 3] = ["tenant:read", "tenant:billing", "tenant:admin"];

async fn credentials(world: &World) -> Vec<Credential> {
    let revoked = world.post("/v1/api-keys", json!({ "name": "old", "scopes": ["operator:read"] })).await.expect(201);
    let id = revoked["id"].as_str().expect("an id");
    world.call("DELETE", &format!("/v1/api-keys/{id}"), Some(&world.operator), None).await.expect(204);
    let tenant = world.tenant_key(OWN).await;
    let session = world.call("POST", "/v1/sessions", Some(&tenant), None).await.expect(201);
    let session = session["session"].as_str().expect("a session").to_owned();
    let link = world.post("/v1/portal-links", json!({ "tenant": OWN, "role": "admin" })).await.expect(201);
    let link = link["url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a link").to_owned();
    let admin = world.call("POST", "/v1/sessions", Some(&link), None).await.expect(201);
    let admin = admin["session"].as_str().expect("a session").to_owned();
    let of = |name, key, opens| Credential { name, key: Some(key), opens };
    vec![
        Credential { name: "nobody", key: None, opens: &[] },
        of("revoked", revoked["key"].as_str().expect("a key").to_owned(), &[]),
        of("tenant", tenant, &["tenant:read"]),
        of("a tenant's session", session, &["tenant:read"]),
        of("tenant bills", world.tenant_key_as(OWN, Role::Billing).await, &["tenant:read", "tenant:billing"]),
        of("tenant's admin", world.tenant_key_as(OWN, Role::Admin).await, &ADMIN),
        of("an admin's session", admin, &ADMIN),
        of("agent", world.key(&[Scope::Agent]).await, &["agent"]),
        of("metrics", world.key(&[Scope::MetricsRead]).await, &["metrics:read"]),
        of("reading", world.key(&[Scope::Reading("*".to_owned())]).await, &["reading:*"]),
        of("operator reads", world.key(&[Scope::OperatorRead]).await, &["operator:read"]),
        of("operator bills", world.key(&[Scope::OperatorBilling]).await, &["operator:billing"]),
        of("operator writes", world.key(&[Scope::OperatorWrite]).await, &["operator:write"]),
    ]
}

async fn world() -> World {
    let world = World::new().await;
    for name in [OWN, FOREIGN] {
        world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let project = json!({ "name": format!("{name}-project") });
        world.post(&format!("/v1/tenants/{name}/projects"), project).await.expect(201);
        let reading = json!({
            "source": "s", "id": name, "meter": "storage", "tenant": name, "project": format!("{name}-project"),
            "quantity": 77_777, "unit": "gib_second", "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z",
        });
        world.post("/v1/readings", reading).await.expect(200);
        world.post("/v1/webhook-endpoints", json!({ "url": "https://example.com", "account": name })).await.expect(201);
        let own = json!({ "url": format!("https://{name}.example"), "description": format!("{name}-project") });
        world.post(&format!("/v1/tenants/{name}/webhook-endpoints"), own).await.expect(201);
    }
    world
}

#[tokio::test]
async fn what_opens_opens_to_whom_it_should() {
    let routes = operations();
    assert!(routes.len() > 100, "the document describes {} operations", routes.len());
    for some in routes.chunks(ROUTES_AT_ONCE) {
        let world = world().await;
        let credentials = credentials(&world).await;
        for (method, route, operation) in some {
            for named in NAMED {
                for credential in &credentials {
                    try_one(&world, (method, route, operation), named, credential).await;
                }
            }
        }
    }
}

async fn try_one(
    world: &World,
    (method, route, operation): (&str, &str, &Value),
    named: Named,
    credential: &Credential,
) {
    // A session may not begin another, and its own end is its end: the portal's tests see to both.
    if credential.name.ends_with("session") && route.starts_with("/v1/session") {
        return;
    }
    let (path, there) = path(route, named);
    let body = ["POST", "PATCH", "PUT"].contains(&method).then(|| json!({}));
    let answer = world.call(method, &path, credential.key.as_deref(), body).await;
    let (status, text) = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
    let what = format!("{method} {path} by {}: {status} {text}", credential.name);
    assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{what}");
    if credential.is_tenants() {
        let echo = if named == Named::Foreign { text.replace(&format!("'{FOREIGN}'"), "") } else { text.clone() };
        assert!(!echo.contains(FOREIGN), "another's name is said: {what}");
    }
    if releve_api::PUBLIC.contains(&route) {
        return;
    }
    let said = operation["security"].as_array().expect("security");
    let opens = said.iter().any(|one| credential.opens.iter().any(|scope| one["api_key"][0] == *scope));
    if credential.opens.is_empty() {
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
    } else if !opens {
        assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
    } else {
        assert!(status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN, "{what}");
        let own = !credential.is_tenants() || named == Named::Own || !route.contains("{tenant}");
        // An unknown run has nobody in it: it is a list that is empty.
        let list = route == "/v1/billing-runs/{run}/accounts" && named != Named::Malformed;
        assert!(!status.is_success() || (there && own) || list, "{what}");
        if !own {
            assert_eq!(status, StatusCode::NOT_FOUND, "{what}");
        }
    }
}
