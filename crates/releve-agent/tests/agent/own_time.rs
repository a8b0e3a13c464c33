//! An agent in this process, driven through days by a clock of the test's own.

use std::path::Path;

use releve_agent::{
    Agent, Moment, NodeKey, Settings, Sink,
    config::{HttpConfig, Publish},
    probe::{Script, ScriptedProbe},
};
use releve_types::{Ranges, Timestamp};
use uuid::Uuid;

use crate::common::{Mood, Receiver, absolute, assert_one_chain, covered, held, node, spooled};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Two GPUs; a job on the first that begins and ends between looks, one on the second that never ends.
const SCRIPT: &str = r#"
    start = "2026-05-01T00:00:00Z"
    [[device]]
    gpu = "GPU-00000000-0000-0000-0000-000000000001"
    model = "NVIDIA H100 80GB HBM3"
    power_w = 700
    [[device]]
    gpu = "GPU-00000000-0000-0000-0000-000000000002"
    model = "NVIDIA H100 80GB HBM3"
    [[hold]]
    gpu = "GPU-00000000-0000-0000-0000-000000000001"
    tenant_key = "k8s:prod/team-a"
    alloc = "short"
    from_ms = 1234567
    until_ms = 4321001
    end_reason = "completed"
    name = "a pod"
    [[hold]]
    gpu = "GPU-00000000-0000-0000-0000-000000000002"
    tenant_key = "slurm:jz/abc"
    alloc = "long"
    project = "vision"
    from_ms = 0
"#;

fn start() -> Timestamp {
    "2026-05-01T00:00:00Z".parse().unwrap()
}

fn at(ms: i64) -> Moment {
    Moment { wall: start().plus_millis(ms), mono_ms: u64::try_from(ms).unwrap() }
}

fn range(from: i64, to: i64) -> Ranges {
    Ranges::one(start().as_millis() + from, start().as_millis() + to)
}

fn settings(dir: &Path) -> Settings {
    Settings {
        node: node(),
        key: NodeKey::new(&[7; 32]),
        data_dir: dir.to_owned(),
        window_ms: MINUTE,
        spread_ms: 0,
        look_every_ms: 10_000,
        look_gap_ms_max: 30_000,
        journal_every_ms: 10_000,
        message_bytes_max: 64 * 1024,
        spool_bytes_max: 64 * 1024 * 1024,
        boot: Uuid::from_u128(1),
    }
}

fn receiver() -> (Receiver, String) {
    let receiver = Receiver::of(&NodeKey::new(&[7; 32]));
    let address = receiver.listen();
    (receiver, format!("http://{address}/"))
}

fn agent(settings: Settings, url: &str) -> Agent {
    let probe = ScriptedProbe::new(toml::from_str::<Script>(SCRIPT).unwrap()).unwrap();
    let http = HttpConfig { url: url.to_owned(), api_key: None, api_key_file: None };
    let sink = Sink::new(&Publish::Http(http), settings.message_bytes_max).unwrap();
    Agent::new(settings, Box::new(probe), sink).unwrap()
}

fn play(agent: &mut Agent, from: i64, to: i64) {
    let mut now = from;
    while now <= to {
        agent.tick(at(now)).unwrap();
        now += 10_000;
    }
}

#[tokio::test]
async fn three_hours_are_reported_to_the_millisecond() {
    let (dir, (receiver, url)) = (tempfile::tempdir().unwrap(), receiver());
    let mut agent = agent(settings(dir.path()), &url);
    play(&mut agent, 0, 3 * HOUR);
    receiver.moods([Mood::Unavailable]);
    assert!(agent.send_due(at(3 * HOUR)).await.unwrap().failed);
    assert_eq!(agent.waiting(), 180);
    assert!(agent.send_due(at(3 * HOUR + 500)).await.unwrap().failed, "waits before it tries again");
    assert_eq!(receiver.requests(), 1);
    let sent = agent.send_due(at(3 * HOUR + 5_000)).await.unwrap();
    assert_eq!((sent.delivered, sent.failed, agent.waiting()), (180, false, 0));

    let reports = receiver.reports();
    assert_eq!(receiver.complaints(), Vec::<String>::new());
    assert_one_chain(&reports);
    assert_eq!(covered(&reports), range(0, 3 * HOUR));
    let held = held(&reports);
    assert_eq!(held["short"], range(1_234_567, 4_321_001));
    assert_eq!(held["long"], range(0, 3 * HOUR));
    let energy: u64 = reports.iter().filter_map(|r| r.head.devices[0].energy_mj).sum();
    assert_eq!(energy, 700 * 3 * u64::try_from(HOUR).unwrap());
    let details = reports.iter().flat_map(|r| &r.sections).flat_map(|s| &s.allocs).count();
    assert_eq!(details, 1, "a name is told once");
    assert_eq!(reports.iter().map(|r| r.sections.len()).max(), Some(2), "one section per tenant key");
}

#[tokio::test]
async fn a_restart_goes_on_in_the_same_window_and_leaves_a_gap() {
    let (dir, (receiver, url)) = (tempfile::tempdir().unwrap(), receiver());
    let mut first = agent(settings(dir.path()), &url);
    play(&mut first, 0, 2 * MINUTE + 20_000);
    drop(first); // as good as killed: nothing is written on the way out
    let mut second = agent(settings(dir.path()), &url);
    play(&mut second, 2 * MINUTE + 45_000, 4 * MINUTE);
    second.send_all().await.unwrap();
    let reports = receiver.reports();
    assert_eq!(receiver.complaints(), Vec::<String>::new());
    assert_one_chain(&reports);
    assert_eq!(reports.len(), 3, "the fourth window is over only at a later look");
    let gap = range(2 * MINUTE + 20_000, 2 * MINUTE + 45_000);
    assert_eq!(covered(&reports), range(0, 3 * MINUTE).minus(&gap));
    assert_eq!(held(&reports)["long"], covered(&reports), "held on both sides, and not between");
}

#[tokio::test]
async fn after_a_reboot_what_was_open_ends_where_it_was_last_seen() {
    let (dir, (receiver, url)) = (tempfile::tempdir().unwrap(), receiver());
    let mut first = agent(settings(dir.path()), &url);
    play(&mut first, 0, 90_000);
    drop(first);
    let rebooted = Settings { boot: Uuid::from_u128(2), ..settings(dir.path()) };
    let mut second = agent(rebooted, &url);
    play(&mut second, 100_000, 2 * MINUTE);
    second.finish(at(2 * MINUTE)).unwrap();
    second.send_all().await.unwrap();
    let reports = receiver.reports();
    assert_eq!(receiver.complaints(), Vec::<String>::new());
    assert_one_chain(&reports);
    let parts: Vec<Ranges> = reports.iter().map(absolute).collect();
    assert_eq!(parts[..3], [range(0, 60_000), range(60_000, 90_000), range(100_000, 120_000)]);
    let ended = reports[1].sections[0].segments[0].end_reason;
    assert_eq!(ended, Some(releve_wire::EndReason::NodeLost));
}

#[tokio::test]
async fn a_full_spool_stops_the_observing_and_overwrites_nothing() {
    let (dir, (receiver, url)) = (tempfile::tempdir().unwrap(), receiver());
    let small = Settings { spool_bytes_max: 300_000, ..settings(dir.path()) };
    let mut agent = agent(small, &url);
    play(&mut agent, 0, 3 * HOUR);
    let full = agent.waiting();
    assert!((20..170).contains(&full), "{full} reports fit");
    assert_eq!(spooled(dir.path()), (u64::try_from(full).unwrap(), full), "and none was dropped");
    agent.send_all().await.unwrap();
    play(&mut agent, 3 * HOUR, 4 * HOUR);
    agent.finish(at(4 * HOUR)).unwrap();
    agent.send_all().await.unwrap();
    let reports = receiver.reports();
    assert_eq!(receiver.complaints(), Vec::<String>::new());
    assert_one_chain(&reports);
    let covered = covered(&reports);
    let [first, second] = covered.as_slice() else { panic!("two stretches and a gap: {covered}") };
    assert!(first.1 < second.0, "the time without room is a gap");
    assert_eq!(second, range(3 * HOUR, 4 * HOUR).as_slice().first().unwrap());
}

#[tokio::test]
async fn a_refused_report_is_kept_and_the_next_one_goes_out() {
    let (dir, (receiver, url)) = (tempfile::tempdir().unwrap(), receiver());
    let mut agent = agent(settings(dir.path()), &url);
    play(&mut agent, 0, 3 * MINUTE);
    receiver.moods([Mood::Refuses]);
    let sent = agent.send_all().await.unwrap();
    assert_eq!((sent.delivered, sent.refused, agent.waiting()), (2, 1, 0));
    let refused = dir.path().join("spool").join("refused");
    let mut files: Vec<_> = std::fs::read_dir(refused).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let [answer, report] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(std::fs::read_to_string(answer).unwrap(), "422 Unprocessable Entity\n{\"code\":\"report_refused\"}");
    let kept = std::fs::read(report).unwrap();
    let sealed = releve_wire::open(&kept, usize::MAX).unwrap();
    assert_eq!(sealed.verify(&NodeKey::new(&[7; 32]).public_key()).unwrap().head.seq, 1, "its bytes are as they were");
}

#[tokio::test]
async fn two_agents_do_not_share_a_directory() {
    let (dir, (_, url)) = (tempfile::tempdir().unwrap(), receiver());
    let first = agent(settings(dir.path()), &url);
    let probe = || Box::new(ScriptedProbe::new(toml::from_str::<Script>(SCRIPT).unwrap()).unwrap());
    let http = || Publish::Http(HttpConfig { url: url.clone(), api_key: None, api_key_file: None });
    let second = Agent::new(settings(dir.path()), probe(), Sink::new(&http(), 65_536).unwrap());
    assert!(second.is_err_and(|e| e.to_string().contains("in use by another agent")));
    drop(first);
    let other = Settings { node: releve_types::NodeId::from_uuid(Uuid::from_u128(9)), ..settings(dir.path()) };
    let mut first = agent(settings(dir.path()), &url);
    play(&mut first, 0, 0);
    drop(first);
    let third = Agent::new(other, probe(), Sink::new(&http(), 65_536).unwrap());
    assert!(third.is_err_and(|e| e.to_string().contains("a data directory of its own")));
}
