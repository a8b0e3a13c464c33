//! How does a test get a PostgreSQL of its own? From Debian's binaries, on a copy of a cluster that was made once.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::{Signal, geteuid};

use crate::{
    place::{Port, Scratch, root, unique},
    process::Process,
    testbed, wait,
};

const START_WAIT_MAX: Duration = Duration::from_secs(60);
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);
/// A StartupMessage of protocol 3.0 for the user `admin`.
const STARTUP: &[u8] = b"\0\0\0\x14\0\x03\0\0user\0admin\0\0";
/// `admin` may do everything; `login` is what a program logs in as: no more than the roles that it switches to.
const ROLES: &str = "
    create role releve_owner nologin;
    create role releve_app nologin;
    create role releve_tenant nologin;
    create role login login noinherit in role releve_app, releve_tenant;";

/// Whether a power cut is survived too, or only a killed process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync = off`: much faster, and what SIGKILL can do is survived all the same.
    ProcessOnly,
    Fsync,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    own: Option<Own>,
}

/// What only a server of the test's own has.
#[derive(Debug)]
struct Own {
    process: Option<Process>,
    durability: Durability,
    _port: Port,
    /// Last, as it is dropped last.
    scratch: Scratch,
}

/// A database of its own for each test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub name: String,
    port: u16,
}

impl Database {
    /// For migrations, and for a test that looks or meddles.
    pub fn admin_url(&self) -> String {
        format!("postgres://admin@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// For programs: neither superuser nor owner.
    pub fn login_url(&self) -> String {
        format!("postgres://login@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// Runs SQL as `admin` and returns what `psql` prints: a row a line, columns with `|` between.
    pub fn sql(&self, sql: &str) -> String {
        psql(self.port, &self.name, sql)
    }
}

impl Postgres {
    /// The suite's server where `tests/run` has started one, else a server of the test's own. Not to be hurt.
    pub fn shared() -> Self {
        match testbed::ports() {
            Some(ports) => Self { port: ports.postgres, own: None },
            None => Self::start(Durability::ProcessOnly),
        }
    }

    /// A server of the test's own, to kill and freeze.
    pub fn start(durability: Durability) -> Self {
        let scratch = Scratch::new("postgres");
        copy_template(&scratch.path().join("data"));
        let port = Port::reserve();
        let number = port.number();
        let mut server = Self { port: number, own: Some(Own { process: None, durability, _port: port, scratch }) };
        server.restart();
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn create_database(&self) -> Database {
        let name = unique("db");
        psql(self.port, "postgres", &format!("create database {name}"));
        Database { name, port: self.port }
    }

    pub fn process(&mut self) -> &mut Process {
        self.own().process.as_mut().expect("the server was killed or stopped")
    }

    /// SIGKILL to the server and each of its backends.
    pub fn kill(&mut self) {
        self.process().kill();
        self.own().process = None;
    }

    pub fn freeze(&mut self) {
        self.process().freeze();
    }

    pub fn thaw(&mut self) {
        self.process().thaw();
    }

    /// A clean, fast shutdown.
    pub fn stop(&mut self) {
        self.process().terminate(Signal::INT, STOP_WAIT_MAX);
        self.own().process = None;
    }

    /// Starts it again on the same port and data, and waits until it answers. Kills it before if it runs.
    pub fn restart(&mut self) {
        let port = self.port;
        let own = self.own();
        own.process = None;
        let scratch = own.scratch.path().to_owned();
        let fsync = if own.durability == Durability::Fsync { "fsync=on" } else { "fsync=off" };
        let start = || {
            let mut command = as_server_user(&program("postgres"));
            command.current_dir(&scratch).arg("-D").arg(scratch.join("data")).arg("-p").arg(port.to_string());
            let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", fsync];
            command.args(settings.into_iter().flat_map(|setting| ["-c", setting]));
            Process::spawn("postgres", command, &scratch)
        };
        let mut process = start();
        wait::until_blocking("PostgreSQL answers", START_WAIT_MAX, || {
            if !process.is_running() {
                // A backend that was killed may take a moment to be gone, and a server waits for it as for any other's.
                let said = process.tail();
                assert!(said.contains("is still in use"), "PostgreSQL ended at start\n{said}");
                process = start();
            }
            answers(port).then_some(())
        });
        own.process = Some(process);
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("the suite's server is not to be hurt: start one of your own")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut kind = [0];
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .and_then(|()| stream.write_all(STARTUP))
        .and_then(|()| stream.read_exact(&mut kind));
    asked.is_ok() && kind == *b"R"
}

fn psql(port: u16, database: &str, sql: &str) -> String {
    let url = format!("postgres://admin@127.0.0.1:{port}/{database}");
    let mut command = Command::new(program("psql"));
    run(command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql]).env("PGOPTIONS", ""))
}

/// A cluster is made once for each version and user, beside its final name, and moved there whole.
fn copy_template(to: &Path) {
    let bin = bin_dir();
    let version = bin.parent().and_then(Path::file_name).expect("…/<version>/bin").to_string_lossy().into_owned();
    let template = root().join(format!("postgres-{version}-template"));
    if !template.exists() {
        let building = root().join(unique("postgres-template"));
        fs::create_dir(&building).unwrap_or_else(|error| panic!("{}: {error}", building.display()));
        make_template(&building);
        if fs::rename(&building, &template).is_err() {
            // Another process was faster.
            fs::remove_dir_all(&building).unwrap_or_else(|error| panic!("{}: {error}", building.display()));
        }
    }
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&template).arg(to));
}

fn make_template(data: &Path) {
    if let Some((uid, gid)) = server_user() {
        chown(data, Some(uid), Some(gid)).unwrap_or_else(|error| panic!("{}: {error}", data.display()));
    }
    let options =
        ["-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions", "-D"];
    run(as_server_user(&program("initdb")).args(options).arg(data).current_dir("/"));
    // A server in single-user mode takes one statement a line.
    let roles: Vec<String> =
        ROLES.split_inclusive(';').map(|role| role.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let input = data.with_extension("sql");
    fs::write(&input, roles.join("\n") + "\n").unwrap_or_else(|error| panic!("{}: {error}", input.display()));
    let opened = fs::File::open(&input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
    let mut single = as_server_user(&program("postgres"));
    run(single.args(["--single", "-F", "-D"]).arg(data).arg("postgres").stdin(opened).current_dir("/"));
    fs::remove_file(&input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
}

/// Runs to the end and returns standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.trim_end().to_owned()
}

/// PostgreSQL refuses to run as root: then it runs as `nobody`.
fn server_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let nobody = users.lines().find(|line| line.starts_with("nobody:")).expect("there is a user 'nobody'");
    let mut ids = nobody.split(':').skip(2).map(|id| id.parse::<u32>().expect("an id is a number"));
    Some((ids.next().expect("a user id"), ids.next().expect("a group id")))
}

fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command
}

fn program(name: &str) -> PathBuf {
    bin_dir().join(name)
}

/// The newest installed version.
fn bin_dir() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let bin = version.path().join("bin");
            bin.join("initdb").exists().then_some((number, bin))
        })
        .max();
    match newest {
        Some((_, bin)) => bin,
        None => panic!("these tests need PostgreSQL: apt-get install -y postgresql"),
    }
}
