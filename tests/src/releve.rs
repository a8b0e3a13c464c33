//! How are `releve` and `releve-agent` started? As anybody would: the built binaries, with arguments and environment.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::OnceLock,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    http::Http,
    place::{Port, Scratch},
    postgres::run,
    process::Process,
    wait,
};

const STOP_WAIT_MAX: Duration = Duration::from_secs(30);
/// Names the directory with the binaries; whoever sets it has built them.
pub const BIN_DIR_VARIABLE: &str = "RELEVE_BIN_DIR";

/// One of our programs, or of those that use them, about to be started. Nothing of the caller's environment that would steer it gets through.
#[derive(Debug)]
pub struct Launch {
    name: String,
    command: Command,
    port: Option<Port>,
    scratch: Scratch,
}

/// A running program of ours. Killed when dropped.
#[derive(Debug)]
pub struct Releve {
    process: Process,
    port: Option<Port>,
    /// Last, as it is dropped last.
    scratch: Scratch,
}

/// A program that ran to its end.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Launch {
    /// `releve` with these arguments.
    pub fn releve(arguments: &[&str]) -> Self {
        Self::new("releve", Command::new(bin_dir().join("releve")), arguments)
    }

    /// `releve-agent` with these arguments.
    pub fn agent(arguments: &[&str]) -> Self {
        Self::new("releve-agent", Command::new(bin_dir().join("releve-agent")), arguments)
    }

    /// An example of the client.
    pub fn example(name: &str, arguments: &[&str]) -> Self {
        Self::new(name, Command::new(bin_dir().join("examples").join(name)), arguments)
    }

    /// A script, with the modules beside which it finds its own.
    pub fn python(script: &Path, modules: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command.arg("-B").arg(script);
        Self::new("python", command, arguments).env("PYTHONPATH", modules)
    }

    fn new(name: &str, mut command: Command, arguments: &[&str]) -> Self {
        let scratch = Scratch::new(name);
        command.args(arguments).current_dir(scratch.path());
        for (variable, _) in env::vars_os() {
            let variable = variable.to_string_lossy().into_owned();
            if variable.starts_with("RELEVE_") || variable == "DATABASE_URL" || variable == "AMQP_URL" {
                command.env_remove(variable);
            }
        }
        Self { name: name.to_owned(), command, port: None, scratch }
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn arg(mut self, value: impl AsRef<OsStr>) -> Self {
        self.command.arg(value);
        self
    }

    /// Listens on a free port, in `RELEVE_LISTEN`.
    #[must_use]
    pub fn listening(mut self) -> Self {
        let port = Port::reserve();
        self.command.env("RELEVE_LISTEN", format!("127.0.0.1:{}", port.number()));
        self.port = Some(port);
        self
    }

    /// Where it will listen.
    pub fn base(&self) -> String {
        let port = self.port.as_ref().expect("it is launched with `listening`");
        format!("http://127.0.0.1:{}", port.number())
    }

    /// Its working directory, for files that it shall find.
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    pub fn spawn(self) -> Releve {
        let process = Process::spawn(&self.name, self.command, self.scratch.path());
        Releve { process, port: self.port, scratch: self.scratch }
    }

    /// Runs to the end; panics if that does not come in time.
    pub fn finish(self, deadline: Duration) -> Finished {
        let mut running = self.spawn();
        let status = running.process.wait(deadline);
        Finished { status, stdout: running.process.stdout(), stderr: running.process.stderr() }
    }
}

impl Finished {
    /// The one JSON object that a command prints with `--json`; panics if it failed.
    pub fn json(&self) -> Value {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

impl Releve {
    /// Its process, with logs, signals and memory.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    pub fn http(&self) -> Http {
        let port = self.port.as_ref().expect("it was launched without `listening`");
        Http::new(&format!("http://127.0.0.1:{}", port.number()))
    }

    /// Waits until `path` answers with 200.
    pub async fn ready(&mut self, path: &str, deadline: Duration) {
        let http = self.http();
        wait::until(&format!("{path} answers"), deadline, async || {
            assert!(self.process.is_running(), "it ended\n{}", self.process.tail());
            http.try_get(path).await.is_some_and(|answer| answer.status == 200).then_some(())
        })
        .await;
    }

    /// Waits for a text in its standard error.
    pub fn wait_for_log(&mut self, text: &str, deadline: Duration) {
        wait::until_blocking(&format!("'{text}' in the log"), deadline, || {
            let found = self.process.stderr().contains(text);
            assert!(found || self.process.is_running(), "it ended\n{}", self.process.tail());
            found.then_some(())
        });
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, as a service manager does.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.terminate(Signal::TERM, STOP_WAIT_MAX)
    }
}

/// Where the binaries are. Unless the caller has seen to it, they are brought up to date first: a test of yesterday's
/// binary tells nothing.
pub fn bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        if let Some(dir) = env::var_os(BIN_DIR_VARIABLE) {
            return PathBuf::from(dir);
        }
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        // The whole workspace: a part of it would be built with other features of its dependencies, and those anew.
        run(Command::new(cargo)
            .args(["build", "-q", "--workspace", "--bins", "--examples", "--manifest-path"])
            .arg(manifest));
        let test = env::current_exe().expect("a test knows its own path");
        test.ancestors().nth(2).expect("…/target/debug/deps/<test>").to_owned()
    })
}
