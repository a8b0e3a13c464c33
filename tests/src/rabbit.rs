//! How does a test get a RabbitMQ of its own? From Debian's package, past its wrapper, which refuses ordinary users.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    place::{Port, Scratch, unique},
    postgres::run,
    process::Process,
    testbed, wait,
};

const BIN: &str = "/usr/lib/rabbitmq/bin";
const NODE: &str = "releve@localhost";
const START_WAIT_MAX: Duration = Duration::from_secs(120);
const STOP_WAIT_MAX: Duration = Duration::from_secs(60);
const HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// The first octet of a method frame: the broker introduces itself.
const METHOD_FRAME: u8 = 1;

/// A running broker.
#[derive(Debug)]
pub struct Rabbit {
    port: u16,
    environment: BTreeMap<&'static str, String>,
    own: Option<Own>,
}

/// What only a broker of the test's own has.
#[derive(Debug)]
struct Own {
    broker: Option<Process>,
    /// Erlang's name server. RabbitMQ would start one that stays behind.
    _epmd: Process,
    ports: [Port; 3],
    /// Last, as it is dropped last.
    scratch: Scratch,
}

impl Rabbit {
    /// The suite's broker where `tests/run` has started one, else a broker of the test's own. Not to be hurt; take a
    /// virtual host in it.
    pub fn shared() -> Self {
        match testbed::ports() {
            Some(testbed::Ports { rabbit: [port, dist, epmd], rabbit_dir, .. }) => {
                Self { port, environment: environment(&rabbit_dir, port, dist, epmd), own: None }
            }
            None => Self::start(),
        }
    }

    /// A broker of the test's own, to kill, freeze and fill.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// `settings` are further lines of `rabbitmq.conf`.
    pub fn start_with(settings: &str) -> Self {
        let server = Path::new(BIN).join("rabbitmq-server");
        assert!(server.exists(), "these tests need RabbitMQ: apt-get install -y rabbitmq-server");
        let scratch = Scratch::new("rabbit");
        let ports = [Port::reserve(), Port::reserve(), Port::reserve()];
        let [amqp, dist, epmd] = ports.each_ref().map(Port::number);
        let cookie = scratch.dir("home").join(".erlang.cookie");
        fs::write(&cookie, unique("COOKIE")).expect("the cookie can be written");
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).expect("the cookie can be hidden");
        scratch.dir("conf/generated");
        scratch.write("conf/enabled_plugins", "[].");
        let conf = format!("listeners.tcp.1 = 127.0.0.1:{amqp}\nlog.console = false\n{settings}\n");
        scratch.write("conf/rabbitmq.conf", &conf);
        let environment = environment(scratch.path(), amqp, dist, epmd);
        let mut names = Command::new("epmd");
        names.args(["-address", "127.0.0.1", "-port", &epmd.to_string()]);
        let epmd = Process::spawn("epmd", names, scratch.path());
        let own = Own { broker: None, _epmd: epmd, ports, scratch };
        let mut rabbit = Self { port: amqp, environment, own: Some(own) };
        rabbit.restart();
        rabbit
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The default virtual host. In the suite's broker take one of your own.
    pub fn url(&self) -> String {
        assert!(self.own.is_some(), "the default virtual host belongs to everybody: take `vhost`");
        self.url_of("%2f")
    }

    /// A new virtual host's address.
    pub fn vhost(&self) -> String {
        let name = unique("vhost");
        // One call instead of two, as each starts a whole Erlang machine.
        let both = format!(
            "ok = rabbit_vhost:add(<<\"{name}\">>, <<\"test\">>), \
             rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, <<\"{name}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>)."
        );
        let answer = self.ctl(&["eval", &both]);
        assert_eq!(answer, "ok", "making virtual host {name}");
        self.url_of(&name)
    }

    fn url_of(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.port)
    }

    /// `rabbitmqctl`, for what no client may do.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(Path::new(BIN).join("rabbitmqctl"));
        run(command.arg("-q").args(arguments).envs(&self.environment).current_dir("/"))
    }

    /// The memory alarm: the broker stops to read from whoever publishes.
    pub fn block(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "0.0000001"]);
    }

    pub fn unblock(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "0.4"]);
    }

    pub fn process(&mut self) -> &mut Process {
        self.own().broker.as_mut().expect("the broker was killed or stopped")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process().kill();
        self.own().broker = None;
    }

    pub fn freeze(&mut self) {
        self.process().freeze();
    }

    pub fn thaw(&mut self) {
        self.process().thaw();
    }

    /// A clean shutdown.
    pub fn stop(&mut self) {
        self.process().terminate(Signal::TERM, STOP_WAIT_MAX);
        self.own().broker = None;
    }

    /// Starts it again on the same ports and data, and waits until it answers. Kills it before if it runs. Takes
    /// seconds and blocks its thread.
    pub fn restart(&mut self) {
        let (port, environment) = (self.port, self.environment.clone());
        let own = self.own();
        own.broker = None;
        let mut command = Command::new(Path::new(BIN).join("rabbitmq-server"));
        command.envs(environment).current_dir(own.scratch.path());
        let mut broker = Process::spawn("rabbit", command, own.scratch.path());
        wait::until_blocking("RabbitMQ answers", START_WAIT_MAX, || {
            assert!(broker.is_running(), "RabbitMQ ended at start\n{}", broker.tail());
            answers(port).then_some(())
        });
        own.broker = Some(broker);
    }

    /// Where the suite's testbed says that it runs.
    pub(crate) fn place(&self) -> (u16, PathBuf, [u16; 3]) {
        let own = self.own.as_ref().expect("a testbed has a broker of its own");
        (self.port, own.scratch.path().to_owned(), own.ports.each_ref().map(Port::number))
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("the suite's broker is not to be hurt: start one of your own")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            broker.kill();
        }
    }
}

/// Everything that keeps this broker apart from the machine's own, for the server and for `rabbitmqctl`.
fn environment(dir: &Path, amqp: u16, dist: u16, epmd: u16) -> BTreeMap<&'static str, String> {
    let within = |name: &str| dir.join(name).display().to_string();
    let args = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +sbwt none +sbwtdcpu none +sbwtdio none";
    BTreeMap::from([
        ("HOME", within("home")),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
        ("RABBITMQ_NODENAME", NODE.to_owned()),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", amqp.to_string()),
        ("RABBITMQ_DIST_PORT", dist.to_string()),
        ("RABBITMQ_MNESIA_BASE", within("mnesia")),
        ("RABBITMQ_LOG_BASE", within("log")),
        ("RABBITMQ_PID_FILE", within("rabbit.pid")),
        ("RABBITMQ_CONFIG_FILE", within("conf/rabbitmq.conf")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", within("conf/generated")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", within("conf/enabled_plugins")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", args.to_owned()),
        ("ERL_EPMD_PORT", epmd.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("ERL_CRASH_DUMP", within("erl_crash.dump")),
        // The script then becomes the broker, instead of standing between us and it.
        ("RUNNING_UNDER_SYSTEMD", "1".to_owned()),
    ])
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut frame = [0];
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .and_then(|()| stream.write_all(HEADER))
        .and_then(|()| stream.read_exact(&mut frame));
    asked.is_ok() && frame == [METHOD_FRAME]
}
