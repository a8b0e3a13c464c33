//! What if the database, or the catalog, can't take one message of many? It alone is set aside, and told by name.

use releve_aggregator::{Aggregator, IncomingReading, ReadingFate, Settings, TakeError, decode_reading};
use releve_metering::{Reason, limits::METER_HOUR_QUANTITY_MAX};
use releve_store::floor;
use releve_tests::world::Hold;
use releve_types::{Ranges, Timestamp, time::MILLIS_PER_HOUR};
use releve_wire::allocation_id;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{Bench, at, messages, names};

impl Bench {
    /// Makes the database refuse rows of a table for which this holds.
    async fn refuse(&self, table: &str, condition: &str) {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        let sql = format!(
            "create function refuse_cursed() returns trigger language plpgsql as $$ begin
                 if {condition} then raise exception 'cursed' using errcode = '22023'; end if;
                 return new;
             end $$;
             create trigger cursed before insert on {table} for each row execute function refuse_cursed()"
        );
        conn.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.expect("a trigger");
    }

    pub fn named_hour(&self, hour: i64, alloc: &str) -> Vec<u8> {
        self.node(0).report(at(hour), MILLIS_PER_HOUR, &[Hold::new(self.key(0), 0, alloc, 0, MILLIS_PER_HOUR)])
    }

    pub async fn refuse_cursed_jobs(&self) {
        let id = allocation_id(self.key(0), "cursed").uuid();
        self.refuse("allocation_hours", &format!("new.allocation_id = '{id}'")).await;
    }

    async fn read(&self, readings: Vec<IncomingReading>) -> Vec<ReadingFate> {
        self.aggregator.take_readings(readings, at(48)).await.expect("fates")
    }
}

fn reading(id: &str, project: &str, quantity: i64, from: Timestamp) -> IncomingReading {
    let body = format!(
        r#"{{"source":"s","id":"{id}","meter":"storage","tenant":"t0","project":"{project}","quantity":{quantity},"unit":"byte","from":"{from}","to":"{}"}}"#,
        from.plus_millis(MILLIS_PER_HOUR / 2)
    );
    decode_reading(body.as_bytes()).expect("a reading")
}

fn reading_names(fates: &[ReadingFate]) -> Vec<String> {
    let name = |fate: &ReadingFate| match fate {
        ReadingFate::Quarantined { reason } => format!("quarantined {reason}"),
        ReadingFate::Refused { field, .. } => format!("refused {field}"),
        fate => fate.name().to_owned(),
    };
    fates.iter().map(name).collect()
}

#[tokio::test]
async fn a_batch_is_halved_until_its_culprit_is_alone() {
    let bench = Bench::new(1, 1).await;
    bench.refuse_cursed_jobs().await;
    let bodies: Vec<Vec<u8>> =
        (1..=9).map(|hour| bench.named_hour(hour, if hour == 6 { "cursed" } else { "job" })).collect();
    let fates = bench.take(&bodies).await;
    let expected: Vec<&str> =
        (1..=9).map(|hour| if hour == 6 { "quarantined unstorable" } else { "counted" }).collect();
    assert_eq!(fates, expected);
    assert_eq!(bench.totals().await["t0"], 8 * MILLIS_PER_HOUR);
    assert_eq!(bench.count("select count(*) from quarantine where reason = 'unstorable'").await, 1);
    assert_eq!(bench.count("select count(*) from reports").await, 8, "nothing of the culprit was kept");
}

#[tokio::test]
async fn many_culprits_of_one_kind_are_our_own_fault() {
    let bench = Bench::new(1, 1).await;
    bench.refuse_cursed_jobs().await;
    let settings = Settings { culprits_per_minute_max: 2, ..Settings::default() };
    let aggregator = Aggregator::new(bench.db.clone(), settings);
    let bodies: Vec<Vec<u8>> = (1..=4).map(|hour| bench.named_hour(hour, "cursed")).collect();
    let told = aggregator.take(messages(&bodies), at(48)).await;
    match told {
        Err(TakeError::Ours { sqlstate, count }) => assert_eq!((sqlstate.as_str(), count), ("22023", 3)),
        other => panic!("{other:?}"),
    }
    // Once mended, all that was not set aside is counted.
    let mut conn = PgConnection::connect(&bench.url).await.expect("connects");
    conn.execute("drop trigger cursed on allocation_hours").await.expect("mended");
    let fates = names(&aggregator.take(messages(&bodies), at(48)).await.expect("fates"));
    assert_eq!(fates, ["counted"; 4], "what waited as well, since it was delivered again");
    assert_eq!(bench.count("select count(*) from quarantine where status = 'counted'").await, 2);
}

#[tokio::test]
async fn a_device_that_can_be_no_sku_concerns_its_report_alone() {
    let bench = Bench::new(2, 1).await;
    let hold = [Hold::new(bench.key(0), 0, "job", 0, MILLIS_PER_HOUR)];
    let hour = Ranges::one(0, MILLIS_PER_HOUR);
    let mut nameless = bench.node(1).unsealed(at(1), MILLIS_PER_HOUR, hour.clone(), &hold);
    nameless.devices[0].model = "\u{2026}".to_owned();
    let mut idle = bench.node(1).unsealed(at(2), MILLIS_PER_HOUR, hour, &hold);
    idle.devices[1].model = "\u{2026}".to_owned();
    let bodies = [bench.hour(0, 0, 0, 1), bench.node(1).seal(&nameless), bench.node(1).seal(&idle)];
    let fates = bench.aggregator.take(messages(&bodies), at(48)).await.expect("fates");
    assert_eq!(names(&fates), ["counted", "quarantined no_sku", "counted"], "what nobody holds needs no name");
    let releve_aggregator::Fate::Quarantined { field, .. } = &fates[1] else { panic!("{fates:?}") };
    assert_eq!(field, "data.head.devices[0].model");
}

#[tokio::test]
async fn a_reading_that_the_database_refuses_is_alone_set_aside() {
    let bench = Bench::new(1, 1).await;
    bench.refuse("meter_hours", "new.project = 'cursed'").await;
    let cursed = || reading("3", "cursed", 5, at(1));
    let batch = vec![reading("1", "a", 5, at(1)), reading("2", "b", 5, at(1)), cursed(), reading("4", "c", 5, at(1))];
    let fates = bench.read(batch).await;
    assert_eq!(reading_names(&fates), ["counted", "counted", "quarantined unstorable", "counted"]);
    assert_eq!(bench.count("select sum(quantity)::bigint from meter_hours").await, 15);
    assert_eq!(bench.count("select count(*) from quarantine where kind = 'reading'").await, 1);
    let mut conn = PgConnection::connect(&bench.url).await.expect("connects");
    conn.execute("drop trigger cursed on meter_hours").await.expect("mended");
    assert_eq!(bench.read(vec![cursed()]).await, [ReadingFate::Counted]);
    assert_eq!(bench.count("select count(*) from quarantine where status = 'counted'").await, 1);
    // A verdict stands: the same bytes are not counted, whatever could be done with them now.
    bench.refuse_again().await;
    let other = || reading("5", "cursed", 5, at(1));
    assert_eq!(bench.read(vec![other()]).await, [ReadingFate::Quarantined { reason: Reason::Unstorable }]);
    conn.execute("drop trigger cursed on meter_hours").await.expect("mended");
    conn.execute("update quarantine set status = 'rejected' where status = 'waiting'").await.expect("rejected");
    assert_eq!(bench.read(vec![other()]).await, [ReadingFate::Quarantined { reason: Reason::Unstorable }]);
    assert_eq!(bench.count("select sum(quantity)::bigint from meter_hours").await, 20);
}

impl Bench {
    async fn refuse_again(&self) {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        let sql = "create trigger cursed before insert on meter_hours for each row execute function refuse_cursed()";
        conn.execute(sql).await.expect("a trigger");
    }
}

#[tokio::test]
async fn no_hour_of_a_meter_passes_what_its_sums_can_hold() {
    let bench = Bench::new(1, 1).await;
    let half = METER_HOUR_QUANTITY_MAX / 2;
    let whole = METER_HOUR_QUANTITY_MAX;
    let batch = vec![
        reading("1", "a", half, at(1)),
        reading("2", "b", half, at(1)),
        reading("3", "c", 1, at(1)),
        reading("1", "a", half, at(1)),
        reading("4", "c", whole, at(2)),
        reading("5", "c", releve_wire::limits::INTEGER_MAX, at(3)),
    ];
    let fates = bench.read(batch).await;
    let expected = ["counted", "counted", "refused quantity", "duplicate", "counted", "refused quantity"];
    assert_eq!(reading_names(&fates), expected, "{fates:?}");
    assert_eq!(bench.count("select sum(quantity)::bigint from meter_hours").await, 2 * half + whole);
    let again = vec![reading("3", "c", 1, at(1)), reading("2", "b", half, at(1)), reading("6", "a", 1, at(4))];
    assert_eq!(reading_names(&bench.read(again).await), ["refused quantity", "duplicate", "counted"]);
}

#[tokio::test]
async fn readings_of_archived_days_are_refused_and_make_no_days_of_reports() {
    let bench = Bench::new(1, 1).await;
    let days = "select count(*) from pg_inherits where inhparent = 'reports'::regclass";
    let before = bench.count(days).await;
    assert_eq!(bench.read(vec![reading("1", "a", 5, at(1))]).await, [ReadingFate::Counted]);
    assert_eq!(bench.count(days).await, before, "a reading is in no report");
    let mut tx = bench.db.begin_app().await.expect("a transaction");
    floor::raise(&mut tx, at(24).day()).await.expect("raised");
    tx.commit().await.expect("raised");
    let old = reading("2", "a", 5, at(-24 * 400));
    let fates = bench.read(vec![old, reading("3", "a", 5, at(23)), reading("4", "a", 5, at(24))]).await;
    assert_eq!(reading_names(&fates), ["refused from", "refused from", "counted"]);
    let old_months = "select count(*) from pg_class where relname = 'meter_hours_201903'";
    assert_eq!(bench.count(old_months).await, 0, "what is refused makes nothing");
}
