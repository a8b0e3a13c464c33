//! How does one come in, and what ends with going out? Links, keys, forms and identity providers.

use axum::{
    body::Body,
    http::{Request, header},
};
use releve_api::sign_in::SignIn;
use releve_outbound::oidc::{Provider, ProviderConfig};
use releve_tests::identity::{CLIENT_ID, CLIENT_SECRET, IdentityProvider};
use releve_types::Timestamp;
use serde_json::json;

use crate::{
    shape::check_page,
    world::{HOSTILE, NOW, World, session_of, set_cookie, token_in},
};

#[tokio::test]
async fn a_link_is_good_once_and_not_for_long() {
    let (world, [own, _]) = World::with_tenants().await;
    let link = world.link(&own).await;
    let bearer = link.rsplit('/').next().expect("a link").to_owned();
    // Looking does not use it up, and it opens nothing by itself.
    for _ in 0..2 {
        assert_eq!(world.page(&link, "").await.status.as_u16(), 200);
    }
    world.api("GET", &format!("/v1/tenants/{own}/spend"), &bearer, None).await.json(401);
    let session = session_of(&world.form(&link, None, &[], "").await);
    assert_eq!(world.form(&link, None, &[], "").await.status.as_u16(), 410);
    assert_eq!(world.page(&format!("/portal/tenants/{own}"), &session).await.status.as_u16(), 200);
    // A session starts no session, and is listed as no key.
    world.api("POST", "/v1/sessions", &session, None).await.json(401);
    let keys = world.api("GET", "/v1/api-keys", &world.operator, None).await.json(200);
    assert_eq!(keys["items"].as_array().expect("keys").len(), 1);

    let late = world.link(&own).await;
    world.set_now("2026-03-10T12:31:00Z");
    assert_eq!(world.form(&late, None, &[], "").await.status.as_u16(), 410);
    world.set_now("2026-03-10T20:30:00Z");
    assert_eq!(world.page(&format!("/portal/tenants/{own}"), &session).await.header("location"), "/portal/login");
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_when_it_is_signed_out() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.tenant_session(&own).await;
    let home = format!("/portal/tenants/{own}");
    let token = token_in(&world.page(&home, &session).await.text());
    let out = world.form("/portal/logout", Some(&session), &[], &format!("token={token}")).await;
    assert_eq!((out.status.as_u16(), out.header("set-cookie").contains("Max-Age=0")), (303, true));
    assert_eq!(world.page(&home, &session).await.status.as_u16(), 303, "it is ended, and not only forgotten");

    let new = json!({ "name": "console", "scopes": ["operator:read", "operator:write"] });
    let key = world.post("/v1/api-keys", new).await.json(201);
    let (id, secret) = (key["id"].as_str().expect("an id"), key["key"].as_str().expect("a key"));
    let session = session_of(&world.form("/portal/login", None, &[], &format!("key={secret}")).await);
    assert_eq!(world.page("/portal/operator", &session).await.status.as_u16(), 200);
    world.api("DELETE", &format!("/v1/api-keys/{id}"), &world.operator, None).await;
    assert_eq!(world.page("/portal/operator", &session).await.status.as_u16(), 303);
    for key in ["", "rlv_0", "rls_0", "x"] {
        let refused = world.form("/portal/login", None, &[], &format!("key={key}")).await;
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (422, String::new()), "{key}");
    }
}

#[tokio::test]
async fn forms_come_from_our_pages_only() {
    let (world, [own, _]) = World::with_tenants().await;
    let (session, other) = (world.operator_session().await, world.tenant_session(&own).await);
    let good = token_in(&world.page("/portal/operator", &session).await.text());
    let others = token_in(&world.page(&format!("/portal/tenants/{own}"), &other).await.text());
    let gap = "node=n&from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z&reason=r";
    for (path, fields) in [("/portal/logout", ""), ("/portal/operator/gaps", gap)] {
        for token in ["", "token=", "token=0", &format!("token={others}")] {
            let answer = world.form(path, Some(&session), &[], &format!("{token}&{fields}")).await;
            assert_eq!(answer.status.as_u16(), 403, "{path} with {token:?}: {}", answer.text());
            check_page(path, &answer);
        }
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = world.form(path, Some(&session), &[(name, value)], &format!("token={good}&{fields}")).await;
            assert_eq!(answer.status.as_u16(), 403, "{path} with {name}: {value}");
        }
    }
    let from_here = [("sec-fetch-site", "same-origin"), ("origin", "https://portal.example")];
    let answer = world.form("/portal/operator/gaps", Some(&session), &from_here, &format!("token={good}&{gap}")).await;
    assert!([404, 422].contains(&answer.status.as_u16()), "there is no such node: {}", answer.status);
    let crossed = world.form("/portal/login", None, &[("sec-fetch-site", "cross-site")], "key=rlv_0").await;
    assert_eq!(crossed.status.as_u16(), 403, "nobody is signed in by another site");
}

#[tokio::test]
async fn what_can_not_be_read_is_told_on_a_page() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.tenant_session(&own).await;
    let budgets = format!("/portal/tenants/{own}/budgets");
    let large = format!("name={}", "a".repeat(3 * 1024 * 1024));
    for (body, status) in [("name=a&limit=5", 422), (&large, 413)] {
        let answer = world.form(&budgets, Some(&session), &[], body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        check_page(&budgets, &answer);
    }
    for hour in ["zzz", "2026-03-10T00", "2026-03-10 00:00"] {
        let path = format!("/portal/tenants/{own}/evidence?hour={}", hour.replace(' ', "+"));
        let answer = world.page(&path, &session).await;
        assert_eq!((answer.status.as_u16(), answer.text().contains(hour)), (422, true), "{hour}");
        check_page(&path, &answer);
    }
    let path = format!("/portal/tenants/{own}/evidence?hour=");
    assert_eq!(world.page(&path, &session).await.status.as_u16(), 200, "none was asked for");
}

#[tokio::test]
async fn somebody_comes_in_over_their_identity_provider() {
    let now = NOW.parse::<Timestamp>().expect("an instant").as_millis() / 1_000;
    let provider = IdentityProvider::new(now).await;
    let config = ProviderConfig {
        issuer: provider.issuer.clone(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(CLIENT_SECRET.to_owned()),
        redirect_uri: "https://portal.example/portal/oidc/callback".to_owned(),
        scopes: "openid".to_owned(),
        groups: "groups".to_owned(),
        allowed: vec!["127.0.0.0/8".parse().expect("a network")],
    };
    let grants =
        ["staff=operator:viewer", "lab=tenant:lab:admin"].map(|grant| grant.parse().expect("a grant")).to_vec();
    let with = SignIn { provider: Provider::new(config).expect("a provider"), grants };
    let world = World::with(|state| state.signing_in(with)).await;
    world.post("/v1/tenants", json!({ "name": "lab" })).await.json(201);
    let page = world.page("/portal/login", "").await;
    assert!(page.text().contains("href=\"/portal/oidc\""), "{}", page.text());
    check_page("/portal/login", &page);

    let (kept, login) = ("__Host-releve-login", "__Host-releve");
    let leave = async || {
        let left = world.page("/portal/oidc", "").await;
        assert_eq!(left.status.as_u16(), 303, "{}", left.text());
        let cookie = left.header("set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{cookie}");
        (left.header("location"), set_cookie(&left, kept).expect("a browser's secret"))
    };
    let visit = async |path: &str, browser: &str| {
        let request =
            Request::get(path).header("host", "portal.example").header(header::COOKIE, format!("{kept}={browser}"));
        world.send(request.body(Body::empty()).expect("a request")).await
    };
    let back = |(state, code): (String, String)| format!("/portal/oidc/callback?state={state}&code={code}");

    // One role: straight in.
    let (url, browser) = leave().await;
    let answer = provider.signs_in(&url, json!({ "sub": "1", "name": HOSTILE, "groups": ["lab"] }));
    let path = back(answer);
    let elsewhere = visit(&path, "another").await;
    assert_eq!(elsewhere.status.as_u16(), 403, "in another browser");
    check_page(&path, &elsewhere);
    let entered = visit(&path, &browser).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, "/portal".into()), "{}", entered.text());
    assert_eq!(set_cookie(&entered, kept), None, "taken back");
    let session = set_cookie(&entered, login).expect("a session");
    assert!(world.page("/portal", &session).await.header("location").starts_with("/portal/tenants/ten_"));
    assert_eq!(visit(&path, &browser).await.status.as_u16(), 403, "once");

    // Two: a choice.
    let (url, browser) = leave().await;
    let answer = provider.signs_in(&url, json!({ "sub": "2", "name": HOSTILE, "groups": ["lab", "staff"] }));
    let asked = visit(&back(answer), &browser).await;
    assert_eq!(asked.status.as_u16(), 200, "{}", asked.text());
    check_page("the choice", &asked);
    let choice = set_cookie(&asked, kept).expect("a choice");
    let text = asked.text();
    let at = text.find("Operator: viewer").expect("a role");
    let membership = text[..at].rsplit("value=\"").next().and_then(|rest| rest.split('"').next()).expect("an id");
    let cookie = format!("{kept}={choice}");
    let body = format!("membership={membership}");
    let crossed = [("cookie", cookie.as_str()), ("origin", "https://elsewhere.example")];
    assert_eq!(world.form("/portal/oidc/choose", None, &crossed, &body).await.status.as_u16(), 403);
    let chosen = world.form("/portal/oidc/choose", None, &crossed[..1], &body).await;
    let session = set_cookie(&chosen, login).expect("a session");
    assert_eq!(world.page("/portal", &session).await.header("location"), "/portal/operator");

    // None, or the provider says no.
    let (url, browser) = leave().await;
    let nobody = visit(&back(provider.signs_in(&url, json!({ "sub": "3" }))), &browser).await;
    assert!(nobody.status.as_u16() == 403 && nobody.text().contains("no role here"), "{}", nobody.text());
    let denied = visit("/portal/oidc/callback?error=access_denied&state=x", &browser).await;
    assert_eq!(denied.status.as_u16(), 403);
}
