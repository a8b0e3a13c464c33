//! A receiver of reports: it checks each one as the aggregator would, and remembers what it was told.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use releve_agent::{NodeKey, spool::Spool};
use releve_types::{NodeId, Ranges};
use releve_wire::{Digest, Report};
use tokio::net::TcpListener;
use uuid::Uuid;

pub const NODE: Uuid = Uuid::from_u128(0x019b_0000_0000_7000_8000_0000_0000_0001);

/// How the next request is answered, other than with what became of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// Keeps the report, and fails to say so.
    KeepsAndFails,
    /// Does not look at it.
    Unavailable,
    /// Finds it malformed.
    Refuses,
}

#[derive(Default)]
struct Inner {
    public_key: [u8; 32],
    reports: BTreeMap<(Uuid, u64), Report>,
    duplicates: usize,
    requests: usize,
    moods: VecDeque<Mood>,
    complaints: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Receiver(Arc<Mutex<Inner>>);

impl Receiver {
    pub fn of(key: &NodeKey) -> Self {
        Self(Arc::new(Mutex::new(Inner { public_key: key.public_key(), ..Inner::default() })))
    }

    /// Listens on a free port of the loopback; ends with the runtime.
    pub fn listen(&self) -> SocketAddr {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        self.listen_on(listener);
        address
    }

    pub fn listen_on(&self, listener: std::net::TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let router = Router::new().route("/v1/reports", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    /// How the next requests are answered; what was asked before is forgotten.
    pub fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.0.lock().unwrap().moods = moods.into_iter().collect();
    }

    pub fn reports(&self) -> Vec<Report> {
        self.0.lock().unwrap().reports.values().cloned().collect()
    }

    pub fn duplicates(&self) -> usize {
        self.0.lock().unwrap().duplicates
    }

    pub fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }

    /// Nothing that came may contradict anything else that came.
    pub fn complaints(&self) -> Vec<String> {
        self.0.lock().unwrap().complaints.clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let mut inner = receiver.0.lock().unwrap();
    inner.requests += 1;
    if headers.get("content-type").is_none_or(|kind| kind != "application/cloudevents+json") {
        inner.complaints.push("content type".to_owned());
    }
    let mood = inner.moods.pop_front();
    match mood {
        Some(Mood::Unavailable) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Mood::Refuses) => {
            let kind = [("content-type", "application/problem+json")];
            return (StatusCode::UNPROCESSABLE_ENTITY, kind, "{\"code\":\"report_refused\"}").into_response();
        }
        Some(Mood::KeepsAndFails) | None => {}
    }
    let fate = inner.keep(&body);
    if mood == Some(Mood::KeepsAndFails) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([("content-type", "application/json")], format!("{{\"fate\":\"{fate}\"}}")).into_response()
}

impl Inner {
    fn keep(&mut self, body: &[u8]) -> &'static str {
        let opened = releve_wire::open(body, releve_wire::limits::MESSAGE_BYTES_MAX);
        let report = match opened.and_then(|sealed| sealed.verify(&self.public_key)) {
            Ok(report) => report,
            Err(reject) => {
                self.complaints.push(reject.to_string());
                return "quarantined";
            }
        };
        let key = (report.head.run, report.head.seq);
        if let Some(known) = self.reports.get(&key) {
            if known.head_sha256 != report.head_sha256 {
                self.complaints.push(format!("seq {} came with other bytes", report.head.seq));
            }
            self.duplicates += 1;
            return "duplicate";
        }
        let covered = absolute(&report);
        if self.reports.values().any(|other| absolute(other).overlaps(&covered)) {
            self.complaints.push(format!("seq {} reports time a second time", report.head.seq));
        }
        self.reports.insert(key, report);
        "counted"
    }
}

/// Covered milliseconds since 1970.
pub fn absolute(report: &Report) -> Ranges {
    report.head.covered.shift(report.head.window.start.as_millis())
}

/// All covered time together.
pub fn covered(reports: &[Report]) -> Ranges {
    reports.iter().fold(Ranges::empty(), |all, report| all.union(&absolute(report)))
}

/// What each allocation held, as milliseconds since 1970.
pub fn held(reports: &[Report]) -> BTreeMap<String, Ranges> {
    let mut held: BTreeMap<String, Ranges> = BTreeMap::new();
    for report in reports {
        for segment in report.sections.iter().flat_map(|section| &section.segments) {
            let start = report.head.window.start.as_millis();
            let range = Ranges::one(start + segment.start_ms, start + segment.end_ms);
            let all = held.entry(segment.alloc.clone()).or_default();
            assert!(!all.overlaps(&range), "{} is counted twice", segment.alloc);
            *all = all.union(&range);
        }
    }
    held
}

/// One run, numbered from 1 without a hole, each report naming the one before.
pub fn assert_one_chain(reports: &[Report]) {
    let mut prev: Option<Digest> = None;
    for (seq, report) in (1..).zip(reports) {
        assert_eq!(report.head.run, reports[0].head.run, "one run");
        assert_eq!(report.head.seq, seq, "no number is missing");
        assert_eq!(report.head.prev, prev, "report {seq} names the one before");
        prev = Some(report.head_sha256);
    }
}

/// How many reports the spool in a data directory has ever had, and how many wait.
pub fn spooled(data_dir: &Path) -> (u64, usize) {
    let (spool, _) = Spool::open(&data_dir.join("spool"), u64::MAX, Uuid::nil(), 0).unwrap();
    (spool.chain().next_seq - 1, spool.len())
}

pub fn node() -> NodeId {
    NodeId::from_uuid(NODE)
}

/// The real program, with its files in a directory of its own.
pub struct Program {
    pub config: PathBuf,
    pub data_dir: PathBuf,
    pub key: NodeKey,
}

impl Program {
    pub fn new(dir: &Path, url: &str, script: &str) -> Self {
        let path = |name: &str| dir.join(name);
        let key = NodeKey::generate(&path("agent.key")).unwrap();
        std::fs::write(path("script.toml"), script).unwrap();
        let program = Self { config: path("agent.toml"), data_dir: path("data"), key };
        let (key_file, file, data_dir) = (path("agent.key"), path("script.toml"), &program.data_dir);
        let text = format!(
            "node = \"{}\"\nkey_file = {key_file:?}\ndata_dir = {data_dir:?}\nspread_ms = 0\nwindow_ms = 10000\n\
             look_every_ms = 50\nlook_gap_ms_max = 600000\njournal_every_ms = 250\nmessage_bytes_max = 8192\n\
             [publish.http]\nurl = \"{url}\"\n[probe.scripted]\nfile = {file:?}\n",
            node(),
        );
        std::fs::write(&program.config, text).unwrap();
        program
    }

    /// Starts `releve-agent run`, to be aborted at a failpoint if one is named.
    pub fn start(&self, failpoint: Option<&str>) -> std::process::Child {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_releve-agent"));
        command.arg("run").arg("--config").arg(&self.config);
        command.env("RELEVE_AGENT_LOG", "warn").env_remove("RELEVE_FAILPOINT");
        if let Some(failpoint) = failpoint {
            command.env("RELEVE_FAILPOINT", failpoint);
        }
        command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    }
}
