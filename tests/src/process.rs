//! How is a child started so that it can be killed, frozen and never left behind?
//!
//! Each child leads a process group of its own and has a guard: a shell that waits for this process to end, however it
//! ends, and then kills the group.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

const KILL_WAIT_MAX: Duration = Duration::from_secs(20);
const FREEZE_WAIT_MAX: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A child with its logs. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    guard: Child,
    ended: Option<ExitStatus>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `<dir>/<name>.out` and `.err`, appended to what an earlier run left there.
    pub fn spawn(name: &str, mut command: Command, dir: &Path) -> Self {
        let (stdout, stderr) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.err")));
        command.process_group(0).stdin(Stdio::null()).stdout(log(&stdout)).stderr(log(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("starting {name} ({command:?}): {error}"));
        let guard = guard(child.id());
        Self { name: name.to_owned(), child, guard, ended: None, stdout, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.status().is_none()
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap_or_else(|error| panic!("waiting for {}: {error}", self.name));
        }
        self.ended
    }

    /// Waits for the end; panics, with the end of its log, if it does not come.
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.status() {
                return status;
            }
            assert!(started.elapsed() < deadline, "{} still runs after {deadline:?}\n{}", self.name, self.tail());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// SIGKILL, to it and to all it started: nothing is flushed, nobody says goodbye.
    pub fn kill(&mut self) {
        if self.is_running() {
            self.signal(Signal::STOP);
            self.signal(Signal::KILL);
            self.wait(KILL_WAIT_MAX);
        }
    }

    /// SIGSTOP: it keeps its sockets and answers nobody.
    pub fn freeze(&mut self) {
        assert!(self.is_running(), "{} can't be frozen: it has ended\n{}", self.name, self.tail());
        self.signal(Signal::STOP);
        // The signal is on its way: a thread runs on until it is scheduled with it.
        wait::until_blocking("every thread stands still", FREEZE_WAIT_MAX, || {
            family(self.pid()).into_iter().all(stands_still).then_some(())
        });
    }

    /// SIGCONT.
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end: SIGTERM, or SIGINT for PostgreSQL's fast shutdown.
    pub fn terminate(&mut self, signal: Signal, deadline: Duration) -> ExitStatus {
        if self.is_running() {
            send(self.pid(), signal);
        }
        self.wait(deadline)
    }

    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// The last lines of both logs, for a message.
    pub fn tail(&self) -> String {
        let last = |text: String| {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        };
        format!("--- {} stdout\n{}\n--- {0} stderr\n{}", self.name, last(self.stdout()), last(self.stderr()))
    }

    /// The most memory it has held at once (VmHWM), in KiB.
    pub fn memory_peak_kib(&self) -> u64 {
        let status = read(Path::new(&format!("/proc/{}/status", self.pid())));
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = peak.and_then(|peak| peak.split_whitespace().next()).and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{} has no VmHWM: it has ended\n{}", self.name, self.tail()))
    }

    /// To the whole family, parents first: a frozen parent can't start anything that we'd miss.
    fn signal(&self, signal: Signal) {
        for pid in family(self.pid()) {
            send(pid, signal);
        }
    }
}

/// Whether no thread of a process runs: each is stopped, or has ended.
fn stands_still(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    let state = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
        // After the program's name, which may hold anything.
        stat.rsplit_once(") ")?.1.chars().next()
    };
    threads.flatten().filter_map(state).all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.signal(Signal::STOP);
            self.signal(Signal::KILL);
            self.ended = self.child.wait().ok();
        }
        let ended = self.guard.kill().and_then(|()| self.guard.wait());
        if let Err(error) = ended {
            eprintln!("the guard of {}: {error}", self.name);
        }
    }
}

/// Its standard input is ours alone, so it reads an end when we end.
fn guard(group: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read -r _; kill -KILL \"-$1\"", "guard", &group.to_string()])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("starting a guard: {error}"))
}

/// `pid` and all its descendants, parents before children.
fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        family.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        next += 1;
    }
    family
}

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id is a positive i32");
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("signalling {pid:?}: {error}"),
    }
}

fn log(path: &Path) -> File {
    let opened = File::options().create(true).append(true).open(path);
    opened.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(path: &Path) -> String {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
