//! The real program, killed at every step that matters and at random ones, with reports on their way.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::Child,
    time::{Duration, Instant},
};

use releve_types::{Ranges, Timestamp, time::wall_clock};

use crate::common::{Mood, Program, Receiver, assert_one_chain, covered, held, spooled};

const SIGKILL: i32 = 9;
const FAILPOINTS: [&str; 6] = [
    "agent.journal.before_write",
    "agent.journal.after_write",
    "agent.spool.before_fsync",
    "agent.spool.after_fsync",
    "agent.publish.before_confirm",
    "agent.publish.after_confirm",
];
const KILLS_PER_FAILPOINT: u64 = 5;
const RANDOM_KILLS: u64 = 20;
/// Long enough for a slow machine; nothing waits for it on a working one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Twenty allocations a second on one GPU, each 43 ms long: windows fill up and are closed early, again and again.
fn script(start: Timestamp) -> String {
    let gpu = "GPU-00000000-0000-0000-0000-000000000001";
    let mut text = format!("start = \"{start}\"\nrepeat_ms = 1000\n[[device]]\ngpu = \"{gpu}\"\nmodel = \"H100\"\n");
    for n in 0..20 {
        let (from, until) = (n * 50 + 3, n * 50 + 46);
        text += &format!(
            "[[hold]]\ngpu = \"{gpu}\"\ntenant_key = \"static:lab\"\nalloc = \"a{n}\"\nfrom_ms = {from}\nuntil_ms = {until}\n"
        );
    }
    text
}

/// When allocation `a<n>-<round>` was held, by the script.
fn scripted(start: Timestamp, alloc: &str) -> Ranges {
    let (n, round) = alloc.strip_prefix('a').and_then(|rest| rest.split_once('-')).unwrap();
    let (n, round): (i64, i64) = (n.parse().unwrap(), round.parse().unwrap());
    let begin = start.as_millis() + round * 1_000 + n * 50;
    Ranges::one(begin + 3, begin + 46)
}

fn ended(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.signal(),
            None if begun.elapsed() > PATIENCE => panic!("the agent did not come to its failpoint"),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A small generator of its own, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_nothing_that_it_wrote_and_counts_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::from_millis(wall_clock().as_millis() / 1_000 * 1_000);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let program = Program::new(dir.path(), &format!("http://{}", listener.local_addr().unwrap()), &script(start));
    let receiver = Receiver::of(&program.key);
    receiver.listen_on(listener);
    let mut kills = 0;

    for nth in 1..=KILLS_PER_FAILPOINT {
        for failpoint in FAILPOINTS {
            receiver.moods([Mood::KeepsAndFails]);
            let mut child = program.start(Some(&format!("{failpoint}:{nth}")));
            assert_eq!(ended(&mut child), Some(SIGKILL), "{failpoint}:{nth}");
            kills += 1;
        }
    }
    let mut dice = Dice(20_200_501);
    for _ in 0..RANDOM_KILLS {
        receiver.moods([Mood::KeepsAndFails, Mood::Unavailable]);
        let mut child = program.start(None);
        std::thread::sleep(Duration::from_millis(dice.throw(900)));
        child.kill().unwrap();
        assert_eq!(ended(&mut child), Some(SIGKILL));
        kills += 1;
    }

    receiver.moods([]);
    let mut child = program.start(None);
    let begun = Instant::now();
    let mut last = 0;
    // The last run sends what all the others left behind.
    while last == 0 || receiver.reports().len() < last {
        assert!(begun.elapsed() < PATIENCE, "{} of {last} reports came", receiver.reports().len());
        tokio::time::sleep(Duration::from_millis(100)).await;
        if begun.elapsed() > Duration::from_secs(3) && last == 0 {
            child.kill().unwrap();
            assert_eq!(ended(&mut child), Some(SIGKILL));
            last = usize::try_from(spooled(&program.data_dir).0).unwrap();
            child = program.start(None);
        }
    }
    child.kill().unwrap();
    ended(&mut child);
    check(&receiver, start, kills + 1);
}

fn check(receiver: &Receiver, start: Timestamp, kills: usize) {
    let reports = receiver.reports();
    assert_eq!(receiver.complaints(), Vec::<String>::new());
    assert_one_chain(&reports);
    let covered = covered(&reports);
    let gaps = covered.as_slice().len() - 1;
    assert!(gaps <= kills, "{gaps} gaps by {kills} kills: {covered}");
    assert!(receiver.duplicates() > 0, "some reports were on their way when the agent was killed");
    let held = held(&reports);
    for (alloc, ranges) in &held {
        assert_eq!(ranges, &scripted(start, alloc).intersect(&covered), "{alloc}");
    }
    let all: i64 = held.values().map(Ranges::total).sum();
    let (from, to) = (covered.as_slice()[0].0, covered.as_slice()[gaps].1);
    let rounds = (from - start.as_millis()) / 1_000..=(to - start.as_millis()) / 1_000;
    let expected: i64 = rounds
        .flat_map(|round| (0..20).map(move |n| format!("a{n}-{round}")))
        .map(|alloc| scripted(start, &alloc).intersect(&covered).total())
        .sum();
    assert_eq!(all, expected, "all that was held in the covered time, to the millisecond");
    println!(
        "{kills} kills, {} reports, {} sent again, {gaps} gaps, {} of {} ms covered",
        reports.len(),
        receiver.duplicates(),
        covered.total(),
        to - from
    );
}
