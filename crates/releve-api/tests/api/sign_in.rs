//! Who comes in with an identity provider, as what, and who does not? Against a provider with real keys, that lies as it is told.

use jsonwebtoken::Algorithm;
use releve_api::sign_in::SignIn;
use releve_outbound::oidc::{Provider, ProviderConfig};
use releve_tests::identity::{CLIENT_ID, CLIENT_SECRET, Fault, IdentityProvider};
use releve_types::Timestamp;
use serde_json::{Value, json};

use crate::world::{Answer, NOW, World};

fn seconds(at: &str) -> i64 {
    at.parse::<Timestamp>().expect("an instant").as_millis() / 1_000
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn ada() -> Value {
    json!({ "sub": "ada-1", "email": "ada@example.com", "email_verified": true, "name": "Ada", "groups": ["staff", "lab"] })
}

/// A world with a tenant `lab` whose people come from the provider.
async fn world(grants: &[&str], allowed: &str) -> (World, IdentityProvider) {
    let provider = IdentityProvider::new(seconds(NOW)).await;
    let config = ProviderConfig {
        issuer: provider.issuer.clone(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(CLIENT_SECRET.to_owned()),
        redirect_uri: "https://billing.example/portal/oidc/callback".to_owned(),
        scopes: "openid profile email".to_owned(),
        groups: "groups".to_owned(),
        allowed: allowed.split(',').filter(|net| !net.is_empty()).map(|net| net.parse().expect("a network")).collect(),
    };
    let grants = grants.iter().map(|grant| grant.parse().expect("a grant")).collect();
    let with = SignIn { provider: Provider::new(config).expect("a provider"), grants };
    let world = World::with(|state| state.signing_in(with)).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.expect(201);
    (world, provider)
}

const LOOPBACK: &str = "127.0.0.0/8";
const STAFF: [&str; 2] = ["staff=operator:billing", "lab=tenant:lab:viewer"];

async fn begun(world: &World) -> Value {
    world.call("POST", "/v1/logins", None, None).await.expect(201)
}

/// The provider's answer, brought back by a browser.
async fn back(world: &World, browser: &Value, (state, code): &(String, String)) -> Answer {
    let body = json!({ "state": state, "code": code, "browser": browser });
    world.call("POST", "/v1/logins/identify", None, Some(body)).await
}

/// From the first click to the choice.
async fn identified(world: &World, provider: &IdentityProvider, person: Value) -> Answer {
    let login = begun(world).await;
    let answer = provider.signs_in(text(&login["url"]), person);
    back(world, &login["browser"], &answer).await
}

async fn chosen(world: &World, identified: &Value, n: usize) -> Answer {
    let body = json!({ "choice": identified["choice"], "membership": identified["memberships"][n]["id"] });
    world.call("POST", "/v1/logins/choose", None, Some(body)).await
}

#[tokio::test]
async fn somebody_comes_in_and_chooses_as_what() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    let methods = world.call("GET", "/v1/login-methods", None, None).await.expect(200);
    assert_eq!(methods["identity_provider"], provider.issuer);
    let who = identified(&world, &provider, ada()).await.expect(200);
    let offers = who["memberships"].as_array().expect("memberships");
    let mut seen: Vec<_> = offers.iter().map(|one| (one["tenant_name"].as_str(), text(&one["role"]))).collect();
    seen.sort();
    assert_eq!(seen, [(None, "billing"), (Some("lab"), "viewer")]);
    let tenant = offers.iter().position(|one| one["tenant"].is_string()).expect("one of a tenant");
    let begun = chosen(&world, &who, tenant).await.expect(201);
    assert_eq!((&begun["name"], &begun["scopes"]), (&json!("Ada"), &json!(["tenant:read"])));
    assert_eq!(chosen(&world, &who, 1 - tenant).await.problem().0, 401, "a choice is made once");
    let bearer = text(&begun["session"]);
    world.call("GET", "/v1/tenants/lab/usage", Some(bearer), None).await.expect(200);
    assert_eq!(
        world.call("POST", "/v1/sessions", Some(bearer), None).await.problem().0,
        401,
        "no session begins another"
    );
    world.set_now("2026-03-10T20:30:00Z");
    assert_eq!(world.call("GET", "/v1/session", Some(bearer), None).await.problem().0, 401);
}

#[tokio::test]
async fn a_key_that_the_provider_changed_is_read_again() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    identified(&world, &provider, ada()).await.expect(200);
    provider.signs_with(Algorithm::RS256);
    assert_eq!(identified(&world, &provider, ada()).await.json()["reason"], "unknown_key", "not twice within a moment");
    world.set_now("2026-03-10T12:31:00Z");
    identified(&world, &provider, ada()).await.expect(200);
}

#[tokio::test]
async fn what_the_provider_says_is_not_believed_unless_it_fits() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    let now = seconds(NOW);
    let claims = |claims: Value| Fault { claims, ..Fault::default() };
    for (fault, reason) in [
        (claims(json!({ "nonce": "another" })), "nonce"),
        (claims(json!({ "nonce": null })), "nonce"),
        (claims(json!({ "aud": "somebody else" })), "audience"),
        (claims(json!({ "aud": [CLIENT_ID, "somebody else"] })), "authorized_party"),
        (claims(json!({ "azp": "somebody else" })), "authorized_party"),
        (claims(json!({ "iss": "https://elsewhere.example" })), "issuer"),
        (claims(json!({ "exp": now - 60 })), "expired"),
        (claims(json!({ "iat": now + 120 })), "not_now"),
        (Fault { unsigned: true, ..Fault::default() }, "malformed"),
        (Fault { forged: true, ..Fault::default() }, "signature"),
    ] {
        provider.has(fault.clone());
        let answer = identified(&world, &provider, ada()).await;
        assert_eq!((answer.problem().0, &answer.json()["reason"]), (401, &json!(reason)), "{fault:?}");
    }
    assert_eq!(world.database.sql("select count(*) from users"), "0");
    assert_eq!(world.database.sql("select count(*) from login_choices"), "0");
    provider.has(claims(json!({ "exp": now - 30, "iat": now + 30 })));
    identified(&world, &provider, ada()).await.expect(200);
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    let [victim, attacker] = [begun(&world).await, begun(&world).await];
    let theirs = provider.signs_in(text(&attacker["url"]), ada());
    let refused = back(&world, &victim["browser"], &theirs).await;
    assert_eq!((refused.problem().0, &refused.json()["reason"]), (401, &json!("state")), "a login of another browser");
    back(&world, &attacker["browser"], &theirs).await.expect(200);
    assert_eq!(
        back(&world, &attacker["browser"], &theirs).await.json()["reason"],
        "state",
        "a login is over once it was used"
    );
    // The code itself, in another login of the same browser.
    let own = provider.signs_in(text(&victim["url"]), ada());
    let mixed = (own.0.clone(), theirs.1.clone());
    assert_eq!(back(&world, &victim["browser"], &mixed).await.json()["reason"], "code", "a code is good once");
    let late = begun(&world).await;
    let answer = provider.signs_in(text(&late["url"]), ada());
    world.set_now("2026-03-10T12:40:00Z");
    assert_eq!(
        back(&world, &late["browser"], &answer).await.json()["reason"],
        "state",
        "a login takes ten minutes at most"
    );
    // PKCE: a code that was asked for with another verifier.
    let [one, other] = [begun(&world).await, begun(&world).await];
    let stolen = provider.signs_in(text(&one["url"]), ada());
    let own = provider.signs_in(text(&other["url"]), ada());
    assert_eq!(back(&world, &other["browser"], &(own.0, stolen.1)).await.json()["reason"], "code");
}

#[tokio::test]
async fn a_role_goes_with_its_group_and_its_sessions_with_the_role() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    let who = identified(&world, &provider, ada()).await.expect(200);
    let session = [chosen(&world, &who, 0).await.expect(201)["session"].clone()];
    let bearer = text(&session[0]);
    world.call("GET", "/v1/session", Some(bearer), None).await.expect(200);
    let mut without = ada();
    without["groups"] = json!([]);
    assert_eq!(identified(&world, &provider, without.clone()).await.problem().0, 403, "she is nothing here any more");
    assert_eq!(world.call("GET", "/v1/session", Some(bearer), None).await.problem().0, 401);
    without["groups"] = json!(["lab"]);
    identified(&world, &provider, without).await.expect(200);
    let roles = "select string_agg(role, ',') from memberships where removed_at is null";
    assert_eq!(world.database.sql(roles), "viewer");
}

#[tokio::test]
async fn a_stranger_leaves_nothing_behind() {
    let (world, provider) = world(&STAFF, LOOPBACK).await;
    let stranger = json!({ "sub": "mallory", "email": "m@example.com", "email_verified": true });
    assert_eq!(identified(&world, &provider, stranger).await.problem().0, 403);
    assert_eq!(world.database.sql("select count(*) from users"), "0");
}

#[tokio::test]
async fn somebody_who_was_invited_is_known_by_a_verified_address() {
    let (world, provider) = world(&[], LOOPBACK).await;
    let invited = world.post("/v1/users", json!({ "email": "Ada@Example.com" })).await.expect(201);
    assert_eq!(world.post("/v1/users", json!({ "email": "ada@example.com" })).await.problem().1, "name_taken");
    let give = json!({ "user": invited["id"], "role": "admin" });
    let given = world.post("/v1/memberships", give.clone()).await.expect(201);
    assert_eq!(world.post("/v1/memberships", give).await.problem().1, "name_taken");
    let mut unverified = ada();
    unverified["email_verified"] = json!(false);
    assert_eq!(identified(&world, &provider, unverified).await.problem().0, 403, "anybody may claim an address");
    let who = identified(&world, &provider, ada()).await.expect(200);
    let begun = chosen(&world, &who, 0).await.expect(201);
    assert_eq!(begun["user"], invited["id"]);
    let bearer = text(&begun["session"]);
    world.call("POST", "/v1/tenants", Some(bearer), Some(json!({ "name": "hers" }))).await.expect(201);
    let link = world.call("POST", "/v1/portal-links", Some(bearer), Some(json!({ "tenant": "lab" }))).await.expect(201);
    let link = text(&link["url"]).rsplit('/').next().expect("a link").to_owned();
    let of_link = world.call("POST", "/v1/sessions", Some(&link), None).await.expect(201);
    let path = format!("/v1/memberships/{}", text(&given["id"]));
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    for bearer in [bearer, text(&of_link["session"])] {
        assert_eq!(
            world.call("GET", "/v1/session", Some(bearer), None).await.problem().0,
            401,
            "it ends with the role"
        );
    }
}

#[tokio::test]
async fn what_was_done_stays_when_who_did_it_is_erased() {
    let (world, provider) = world(&["staff=operator:admin"], LOOPBACK).await;
    let who = identified(&world, &provider, ada()).await.expect(200);
    let begun = chosen(&world, &who, 0).await.expect(201);
    let (bearer, user) = (text(&begun["session"]), text(&begun["user"]));
    world.call("POST", "/v1/tenants", Some(bearer), Some(json!({ "name": "hers" }))).await.expect(201);
    world
        .call("POST", "/v1/api-keys", Some(bearer), Some(json!({ "name": "k", "scopes": ["agent"] })))
        .await
        .expect(201);
    let shown = world.get(&format!("/v1/users/{user}")).await.expect(200);
    assert_eq!((&shown["email"], &shown["subject"]), (&json!("ada@example.com"), &json!("ada-1")));
    let path = format!("/v1/users/{user}");
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    assert_eq!(world.call("GET", "/v1/session", Some(bearer), None).await.problem().0, 401);
    let audited = world.get("/v1/audit-log?limit=1000").await.text();
    assert!(audited.contains(&format!("\"actor\":\"{user} (")), "{audited}");
    // Nowhere in the whole database.
    let tables = world.database.sql(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    );
    for table in tables.lines() {
        for trace in ["ada@example.com", "ada-1", "Ada"] {
            let found = world.database.sql(&format!("select count(*) from {table} t where t::text like '%{trace}%'"));
            assert_eq!(found, "0", "{trace} in {table}");
        }
    }
    assert_eq!(world.get("/v1/users").await.expect(200)["items"], json!([]));
    let again = identified(&world, &provider, ada()).await.expect(200);
    assert_ne!(chosen(&world, &again, 0).await.expect(201)["user"], *user, "who comes again is somebody else");
}

#[tokio::test]
async fn a_provider_in_a_private_network_has_to_be_allowed() {
    let (world, _provider) = world(&STAFF, "").await;
    assert_eq!(world.call("POST", "/v1/logins", None, None).await.problem().0, 503);
    assert_eq!(world.database.sql("select count(*) from logins"), "0");
}

#[tokio::test]
async fn nobody_signs_in_where_no_provider_is_set_up() {
    let world = World::new().await;
    assert_eq!(world.call("GET", "/v1/login-methods", None, None).await.expect(200)["identity_provider"], Value::Null);
    assert_eq!(world.call("POST", "/v1/logins", None, None).await.problem().0, 404);
}

#[tokio::test]
async fn users_and_roles_that_can_not_be() {
    let world = World::new().await;
    let user = world.post("/v1/users", json!({ "email": "a@example.com" })).await.expect(201);
    for (path, body, field) in [
        ("/v1/users", json!({ "email": "nobody" }), "email"),
        ("/v1/users", json!({ "email": "a b@example.com" }), "email"),
        ("/v1/memberships", json!({ "user": user["id"], "role": "root" }), "role"),
        ("/v1/memberships", json!({ "user": "usr_1", "role": "viewer" }), "user"),
        ("/v1/memberships", json!({ "user": user["id"], "role": "viewer", "tenant": "nobody" }), "tenant"),
        ("/v1/memberships", json!({ "user": user["id"], "role": "viewer", "until": NOW }), "until"),
    ] {
        assert_eq!(world.post(path, body.clone()).await.problem().2, field, "{body}");
    }
    let path = format!("/v1/users/{}", text(&user["id"]));
    world.call("DELETE", &path, Some(&world.operator), None).await.expect(204);
    let give = json!({ "user": user["id"], "role": "viewer" });
    assert_eq!(world.post("/v1/memberships", give).await.problem().2, "user", "erased");
}
