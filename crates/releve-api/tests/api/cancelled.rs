//! Does who goes away leave anything behind? A thousand callers in a row, cancelled at every await from the first to the last, of two
//! tenants and of the operator, over one connection. With sqlx 0.9.0 a `begin` that is cancelled half-way hands an open
//! transaction back to the pool; `releve_store::Db` is what stands against that.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use serde_json::json;

use crate::world::World;

const CANCELLED: usize = 1_000;
/// As often as most are polled until they are done.
const POLLS_MAX: usize = 3;

/// Polls a future so often, then drops it; whether it was done by then.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_thousand_leave_no_transaction_open_and_no_tenant_in_the_pool() {
    let world = World::new().await;
    let mut tenants = Vec::new();
    for name in ["lab", "acme"] {
        let made = world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
        let id: releve_types::TenantId = made["id"].as_str().expect("an id").parse().expect("an id");
        let account: releve_types::AccountId = made["account"].as_str().expect("an id").parse().expect("an id");
        tenants.push((id, account));
    }
    let (mut cut, mut done) = (0, 0);
    for n in 0.. {
        if cut == CANCELLED {
            break;
        }
        let (tenant, account) = tenants[n % 2];
        let polls = n / 4 % POLLS_MAX;
        let finished = if n % 4 < 2 {
            let asked = async {
                let mut tx = world.db.begin_tenant(tenant, account).await.expect("begins");
                let seen = releve_store::customers::projects(&mut tx, tenant, "", 10).await.expect("asked");
                assert_eq!(seen, []);
                tx.commit().await.expect("commits");
            };
            cancelled_after(polls, asked).await
        } else {
            let asked = async {
                let mut tx = world.db.begin_app().await.expect("begins");
                releve_store::catalog::bump(&mut tx).await.expect("written");
                tx.commit().await.expect("commits");
            };
            cancelled_after(polls, asked).await
        };
        if finished {
            done += 1
        } else {
            cut += 1
        }
        if n % 50 == 0 {
            // A write that is said to be done is done: another connection sees it.
            let name = format!("after-{n}");
            let mut tx = world.db.begin_app().await.expect("begins");
            let (role, stale) = whose(&mut tx).await;
            assert_eq!((role.as_str(), stale.as_str()), ("releve_app", ""), "after {n}");
            tx.rollback().await.expect("rolls back");
            world.post("/v1/tenants", json!({ "name": name })).await.expect(201);
            let seen = world.database.sql(&format!("select count(*) from tenants where name = '{name}'"));
            assert_eq!(seen, "1", "after {n}");
        }
    }
    assert!(done > 0, "some were cancelled after all they did");
    // The connection may still be on its way back to the pool: the next to have it waits for that.
    world.db.ping().await.expect("answers");
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'";
    assert_eq!(world.database.sql(open), "0");
}

/// Whose transaction this is: its role, and the tenant that is set.
async fn whose(conn: &mut sqlx::PgConnection) -> (String, String) {
    let asked = "select current_role::text, coalesce(current_setting('releve.tenant', true), '')";
    sqlx::query_as(asked).fetch_one(conn).await.expect("answered")
}
