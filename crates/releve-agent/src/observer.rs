//! How does a look become a report on disk? Journal, seal, spool, in an order that survives a crash between any two.
//!
//! The journal is written before a window is sealed, so that a crash between the two forgets nothing. It names the
//! number that the window will be sealed under: after a crash the spool's own count tells which windows it has
//! already, and no time is sealed twice.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::{self, File, TryLockError},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use releve_wire::{SealedMessage, Unsealed, limits, seal};

use crate::{
    clock::{ClockTrust, Moment},
    journal::{self, JournalError, Memory, Resumed},
    meter::{CLOCK_STEP_MS_TOLERATED, Meter, OpenWindow, PieceKey, Ticked, spread_delay_ms},
    probe::Probe,
    settings::{Settings, random_uuid},
    spool::{Finding, Record, Spool, SpoolError},
};

/// How often the same trouble is said again.
const SAID_EVERY_MS: u64 = 60_000;

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("the data directory {}: {source}", path.display())]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error("the data directory {} is in use by another agent", path.display())]
    InUse { path: PathBuf },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// The half of an agent that looks and writes.
pub struct Observer {
    settings: Settings,
    probe: Box<dyn Probe>,
    spool: Arc<Mutex<Spool>>,
    meter: Meter,
    trust: ClockTrust,
    /// Closed windows that are not in the spool yet.
    unsealed: VecDeque<OpenWindow>,
    journal_due_ms: u64,
    /// The journal does not know of `unsealed` yet: sealing waits for it, lest a crash forget what is not sealed.
    unjournaled: bool,
    held: BTreeSet<PieceKey>,
    trouble: Trouble,
    /// Held as long as the agent lives, so that no second one writes here.
    _lock: File,
}

/// What was last complained of, so that a lasting trouble does not fill the log.
#[derive(Debug, Default)]
struct Trouble {
    text: String,
    said_ms: u64,
}

impl Observer {
    /// Opens the data directory and takes up where the last agent stopped.
    pub fn open(settings: Settings, probe: Box<dyn Probe>) -> Result<Self, AgentError> {
        let lock = lock(&settings.data_dir)?;
        let delay_ms = spread_delay_ms(settings.node, settings.spread_ms);
        let dir = settings.data_dir.join("spool");
        let (spool, findings) = Spool::open(&dir, settings.spool_bytes_max, random_uuid(), delay_ms)?;
        findings.iter().for_each(say);
        let chain = spool.chain();
        let resumed = match journal::read(&journal_path(&settings), settings.node) {
            Ok(Some(memory)) => memory.resume(&chain, settings.boot),
            Ok(None) => Resumed::without_journal(&chain),
            Err(error @ JournalError::Unreadable { .. }) => {
                tracing::error!(%error, "what was open when the agent stopped is lost: a gap of less than a window");
                Resumed::without_journal(&chain)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            meter: Meter::new(settings.meter(), resumed.seen, resumed.open),
            settings,
            probe,
            spool: Arc::new(Mutex::new(spool)),
            trust: ClockTrust::UNKNOWN,
            unsealed: resumed.closed.into(),
            journal_due_ms: 0,
            unjournaled: false,
            held: BTreeSet::new(),
            trouble: Trouble::default(),
            _lock: lock,
        })
    }

    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn shared_spool(&self) -> Arc<Mutex<Spool>> {
        self.spool.clone()
    }

    /// What is known of the node's clock; it goes into the reports from now on.
    pub fn trust(&mut self, trust: ClockTrust) {
        self.trust = trust;
    }

    /// Looks once, and puts the windows that are over into the spool. An error means that the agent can't go on.
    pub fn tick(&mut self, now: Moment) -> Result<(), AgentError> {
        self.seal_all(now)?;
        if !self.has_room() {
            let bytes = locked(&self.spool).bytes();
            let text =
                format!("no room to write ({bytes} bytes are spooled): observing stops, this time is not reported");
            self.complain(now, text);
            self.meter.interrupt();
            return Ok(());
        }
        let sight = match self.probe.look(now.wall) {
            Ok(sight) => sight,
            Err(error) => {
                self.complain(now, format!("the {} probe can't look: {error}", self.probe.name()));
                return Ok(());
            }
        };
        let Ticked { closed, contradiction, missed_ms, stepped_ms } = self.meter.tick(now, &sight);
        if let Some(why) = contradiction {
            self.complain(now, format!("this time is not reported: {why}"));
        }
        if let Some(ms) = missed_ms {
            tracing::warn!(ms, "too long between two looks: this time is not reported");
        }
        if let Some(ms) = stepped_ms {
            tracing::warn!(ms, "the wall clock was set");
        }
        let held = self.meter.held_now();
        let due = !closed.is_empty() || held != self.held || now.mono_ms >= self.journal_due_ms;
        self.unsealed.extend(closed);
        if due {
            self.write_journal(now);
            self.held = held;
        }
        self.seal_all(now)
    }

    /// Remembers the open window, so that the next start goes on with it.
    pub fn pause(&mut self, now: Moment) {
        self.write_journal(now);
    }

    /// Closes the open window early, for whoever does not go on.
    pub fn finish(&mut self, now: Moment) -> Result<(), AgentError> {
        self.unsealed.extend(self.meter.finish());
        self.write_journal(now);
        self.seal_all(now)
    }

    /// Room for what is open and for one report more.
    fn has_room(&self) -> bool {
        self.unsealed.is_empty() && locked(&self.spool).has_room(self.report_bytes_max().saturating_mul(2))
    }

    fn write_journal(&mut self, now: Moment) {
        let chain = locked(&self.spool).chain();
        let memory = Memory {
            node: self.settings.node,
            boot: self.settings.boot,
            run: chain.run,
            next_seq: chain.next_seq,
            seen: self.meter.seen().clone(),
            parts: self.unsealed.iter().chain(self.meter.open()).cloned().collect(),
        };
        self.journal_due_ms = now.mono_ms + self.settings.journal_every_ms;
        let written = journal::write(&journal_path(&self.settings), &memory);
        self.unjournaled = written.is_err();
        if let Err(error) = written {
            self.complain(now, error.to_string());
        }
    }

    fn seal_all(&mut self, now: Moment) -> Result<(), AgentError> {
        if self.unjournaled && !self.unsealed.is_empty() {
            self.write_journal(now);
        }
        while let Some(closed) = self.unsealed.front().cloned().filter(|_| !self.unjournaled) {
            if !locked(&self.spool).has_room(self.report_bytes_max()) {
                self.complain(now, "the spool is full: a closed window waits for room".to_owned());
                return Ok(());
            }
            let record = self.sealed(closed);
            let due_ms = now.mono_ms + spread_delay_ms(self.settings.node, self.settings.spread_ms);
            let mut spool = locked(&self.spool);
            let appended = spool.append(&record, due_ms);
            let poisoned = spool.is_poisoned();
            drop(spool);
            match appended {
                Ok(()) => {
                    tracing::debug!(seq = record.seq, id = record.id, bytes = record.body.len(), "sealed");
                    self.unsealed.pop_front();
                }
                Err(error @ (SpoolError::Full { .. } | SpoolError::Io { .. })) if !poisoned => {
                    self.complain(now, format!("a closed window waits for room: {error}"));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A report and what the spool writes around it.
    fn report_bytes_max(&self) -> u64 {
        u64::try_from(self.settings.message_bytes_max + 1_024).unwrap_or(u64::MAX)
    }

    fn sealed(&mut self, closed: OpenWindow) -> Record {
        let chain = locked(&self.spool).chain();
        let observed = self.meter.report(closed);
        let end = observed.covered.as_slice().last().map_or(0, |(_, end)| *end);
        let covered_until = observed.window.start.plus_millis(end);
        let step = Some(observed.drift_ms).filter(|ms| ms.unsigned_abs() > CLOCK_STEP_MS_TOLERATED.unsigned_abs());
        let step = step.map(|ms| ms.clamp(-limits::INTEGER_MAX, limits::INTEGER_MAX));
        let mut unsealed = Unsealed {
            node: self.settings.node,
            run: chain.run,
            seq: chain.next_seq,
            window: observed.window,
            covered: observed.covered,
            clock: self.trust.report(step),
            devices: observed.devices,
            agent: crate::AGENT.to_owned(),
            prev: chain.prev,
            sections: observed.sections,
        };
        let sealed = self.seal(&unsealed);
        let sealed = if sealed.bytes.len() > self.settings.message_bytes_max {
            // The bound on a window's bytes is held by a law; should it fail, names go before hours do.
            tracing::error!(bytes = sealed.bytes.len(), "a report grew beyond message_bytes_max");
            unsealed.sections.iter_mut().for_each(|section| section.allocs.clear());
            self.seal(&unsealed)
        } else {
            sealed
        };
        let SealedMessage { id, bytes: body, head_sha256 } = sealed;
        Record { seq: unsealed.seq, head_sha256, covered_until, id, body }
    }

    fn seal(&self, unsealed: &Unsealed) -> SealedMessage {
        let key = &self.settings.key;
        let mut salt = || {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
            bytes
        };
        seal(unsealed, &key.keyid, &key.signing, &mut salt)
    }

    fn complain(&mut self, now: Moment, text: String) {
        let again = now.mono_ms.saturating_sub(self.trouble.said_ms) >= SAID_EVERY_MS;
        if text != self.trouble.text || again {
            tracing::error!("{text}");
            self.trouble = Trouble { text, said_ms: now.mono_ms };
        }
    }
}

pub(crate) fn locked(spool: &Mutex<Spool>) -> MutexGuard<'_, Spool> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}

fn journal_path(settings: &Settings) -> PathBuf {
    settings.data_dir.join("journal")
}

fn lock(dir: &std::path::Path) -> Result<File, AgentError> {
    let failed = |source| AgentError::DataDir { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let file = File::create(dir.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AgentError::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn say(finding: &Finding) {
    match finding {
        Finding::Torn { segment, bytes } => {
            tracing::warn!(segment = %segment.display(), bytes, "cut off a record that was being written when the agent was killed");
        }
        Finding::Damaged { kept, bytes } => {
            tracing::error!(kept = %kept.display(), bytes, "the disk has changed what was written: reports are lost");
        }
        Finding::NewRun { run } => tracing::error!(%run, "a new run begins, since the old chain can't be gone on with"),
    }
}
