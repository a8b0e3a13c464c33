//! Does every route show what is the visitor's, and nothing else?

use crate::{
    shape::check_page,
    world::{SECRET, World, quoted_after},
};

/// Every route that reads, with something in the place of each parameter, and who may see it. A route that is in no arm fails.
fn reads(path: &str, tenant: &str) -> (String, &'static str) {
    let at = path.replace("{tenant}", tenant);
    match path {
        "/portal" | "/portal/login" | "/portal/enter/{link}" => (at.replace("{link}", "rll_0"), "anybody"),
        "/portal/logout" | "/portal/oidc/choose" => (at, "a form"),
        // No identity provider is set up in these worlds.
        "/portal/oidc" => (at, "absent"),
        "/portal/oidc/callback" => (at, "lost"),
        "/portal/tenants/{tenant}/alerts/{alert}" => (at.replace("{alert}", "alt_0"), "a form"),
        "/portal/tenants/{tenant}/api-keys/{key}/rotate"
        | "/portal/tenants/{tenant}/api-keys/{key}/revoke"
        | "/portal/tenants/{tenant}/webhooks/{endpoint}/{what}" => {
            (at.replace("{key}", "key_0").replace("{endpoint}", "whe_0").replace("{what}", "test"), "a form")
        }
        "/portal/tenants/{tenant}/webhooks/{endpoint}" => {
            (at.replace("{endpoint}", "whe_01900000000070008000000000000000"), "absent")
        }
        "/portal/tenants/{tenant}/api-keys" | "/portal/tenants/{tenant}/webhooks" => (at, "admin"),
        "/portal/operator/proposals/{proposal}" | "/portal/operator/alerts/{alert}" => {
            (at.replace("{proposal}", "prp_0").replace("{alert}", "alt_0"), "a form")
        }
        "/portal/operator/questions/{question}" => (at.replace("{question}", "qst_0"), "a form"),
        "/portal/tenants/{tenant}/budgets/{budget}/remove" => (at.replace("{budget}", "bud_0"), "a form"),
        "/portal/tenants/{tenant}"
        | "/portal/tenants/{tenant}/usage"
        | "/portal/tenants/{tenant}/credits"
        | "/portal/tenants/{tenant}/budgets"
        | "/portal/tenants/{tenant}/prices"
        | "/portal/tenants/{tenant}/evidence"
        | "/portal/tenants/{tenant}/invoices" => (at, "tenant"),
        "/portal/tenants/{tenant}/usage.csv" => (at, "tenant file"),
        "/portal/tenants/{tenant}/invoices/{invoice}" | "/portal/tenants/{tenant}/invoices/{invoice}/{file}" => {
            (at.replace("{invoice}", "inv_01900000000070008000000000000000").replace("{file}", "invoice.pdf"), "absent")
        }
        "/portal/operator"
        | "/portal/operator/alerts"
        | "/portal/operator/gaps"
        | "/portal/operator/quarantine"
        | "/portal/operator/questions"
        | "/portal/operator/proposals"
        | "/portal/operator/suspense"
        | "/portal/operator/billing-runs"
        | "/portal/operator/exports"
        | "/portal/operator/tenants"
        | "/portal/operator/prices"
        | "/portal/operator/audit-log" => (at, "operator"),
        "/portal/operator/exports/{export}" | "/portal/operator/exports/{export}/{file}" => {
            (at.replace("{export}", "exp_01900000000070008000000000000000").replace("{file}", "tie_outs.csv"), "absent")
        }
        "/portal/operator/billing-runs/{run}" => {
            (at.replace("{run}", "run_01900000000070008000000000000000"), "operator")
        }
        "/portal/assets/{digest}/style.css" | "/portal/assets/{digest}/script.js" => (at, "asset"),
        "/portal/{*rest}" => ("/portal/nowhere".to_owned(), "nowhere"),
        other => panic!("{other} is not in this table"),
    }
}

#[tokio::test]
async fn every_route_shows_what_is_the_visitors_and_nothing_else() {
    let (world, [own, foreign]) = World::with_tenants().await;
    let (session, operator) = (world.tenant_session(&own).await, world.operator_session().await);
    for route in releve_portal::paths() {
        let (path, whose) = reads(route, &own);
        let answer = world.page(&path, &session).await;
        let status = answer.status.as_u16();
        assert!(!answer.text().contains(SECRET) && !answer.text().contains(&foreign), "{path}: {}", answer.text());
        assert!(!answer.text().contains("77\u{202f}777") && !answer.text().contains("77777"), "{path}");
        match whose {
            "tenant" => {
                assert_eq!(status, 200, "{path}: {}", answer.text());
                check_page(&path, &answer);
                assert!(answer.text().contains("&lt;script&gt;"), "{path} shows the tenant's name");
                // Another's pages are as absent as those of nobody.
                let (theirs, _) = reads(route, &foreign);
                let (nobodys, _) = reads(route, "ten_01900000000070008000000000000000");
                let (theirs, nobodys) = (world.page(&theirs, &session).await, world.page(&nobodys, &session).await);
                assert_eq!((theirs.status.as_u16(), theirs.body), (404, nobodys.body), "{path}");
                let seen = world.page(&path, &operator).await;
                assert_eq!(seen.status.as_u16(), 200, "{path} for an operator: {}", seen.text());
                check_page(&path, &seen);
            }
            "admin" => {
                assert_eq!(status, 404, "{path} for a viewer");
                let seen = world.page(&path, &world.session_as(&own, "admin").await).await;
                assert_eq!(seen.status.as_u16(), 200, "{path}: {}", seen.text());
                check_page(&path, &seen);
                assert!(!seen.text().contains(SECRET) && !seen.text().contains(&foreign), "{path}");
                let (theirs, _) = reads(route, &foreign);
                let theirs = world.page(&theirs, &world.session_as(&own, "admin").await).await;
                assert_eq!(theirs.status.as_u16(), 404, "{path}");
            }
            "tenant file" => assert_eq!(status, 200, "{path}: {}", answer.text()),
            "operator" => {
                assert_eq!(status, 404, "{path} for a tenant");
                check_page(&path, &answer);
                let seen = world.page(&path, &operator).await;
                assert_eq!(seen.status.as_u16(), 200, "{path}: {}", seen.text());
                check_page(&path, &seen);
            }
            "absent" | "nowhere" | "asset" => assert_eq!(status, 404, "{path}"),
            "a form" => assert_eq!(status, 405, "{path}"),
            "lost" => assert_eq!(status, 403, "{path}"),
            _ => assert!(status == 200 || status == 303, "{path}: {status}"),
        }
        if ["tenant", "tenant file", "operator"].contains(&whose) {
            for nobody in ["", "rls_0", &world.operator] {
                let answer = world.page(&path, nobody).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.header("location")),
                    (303, "/portal/login".into()),
                    "{path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn assets_are_there_and_kept() {
    let world = World::new().await;
    let page = world.page("/portal/login", "").await;
    check_page("/portal/login", &page);
    for mark in ["href=\"/portal/assets/", "src=\"/portal/assets/"] {
        let path = format!("/portal/assets/{}", quoted_after(&page.text(), mark));
        let asset = world.page(&path, "").await;
        assert_eq!(asset.status.as_u16(), 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{path}");
        assert!(
            !asset.text().contains("http:") && !asset.text().contains("https:"),
            "nothing is loaded from elsewhere"
        );
    }
}

#[tokio::test]
async fn a_download_runs_nothing() {
    let (world, [own, _]) = World::with_tenants().await;
    let session = world.tenant_session(&own).await;
    let file = world.page(&format!("/portal/tenants/{own}/usage.csv?by=project"), &session).await;
    assert_eq!(file.status.as_u16(), 200, "{}", file.text());
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.text().contains(",'=cmd(),"), "{}", file.text());
    assert!(file.text().contains(",12345,"), "{}", file.text());
    assert!(!file.text().contains("77777"));
}
