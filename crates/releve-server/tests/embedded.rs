//! Does the embedded database keep what it is given, and does it refuse to be opened twice?

use releve_server::embedded::Embedded;
use releve_store::Db;

async fn count(url: &str, sql: &'static str) -> i64 {
    let db = Db::connect(url, 1).await.expect("the embedded database answers");
    let mut tx = db.begin_app().await.expect("a transaction");
    let count = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.expect("a count");
    tx.commit().await.expect("a commit");
    db.close().await;
    count
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(Some(dir.path())).unwrap();
    let db = Db::connect(&embedded.database_url(), 1).await.unwrap();
    db.migrate().await.unwrap();
    let mut tx = db.begin_app().await.unwrap();
    sqlx::query("select make_partitions('2020-05-01', '2020-05-03')").execute(&mut *tx).await.unwrap();
    sqlx::query("insert into skus (sku, unit, created_at) values ('meter/x/y', 'count', '2020-05-01Z')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    assert!(Embedded::open(Some(dir.path())).is_err(), "one process at a time");
    drop(embedded);

    let embedded = Embedded::open(Some(dir.path())).unwrap();
    let db = Db::connect(&embedded.database_url(), 1).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    assert_eq!(count(&embedded.database_url(), "select count(*) from skus").await, 1);
    assert_eq!(count(&embedded.database_url(), "select count(*) from reports").await, 0);
}
