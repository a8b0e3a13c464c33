//! Where does a test's server live? In a directory and on ports that nobody else has.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::ErrorKind,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

/// Below the range from which the kernel takes ports for outgoing connections, so that none of those sits on a port
/// while its server is down.
const PORTS: std::ops::Range<u16> = 20_000..31_000;

/// Distinguishes what one process makes.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Everything the suite writes lies below it.
pub fn root() -> PathBuf {
    let root = env::temp_dir().join(format!("releve-tests-{}", rustix::process::geteuid().as_raw()));
    fs::create_dir_all(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    open_to_all(&root);
    root
}

/// A name that no other test has: letters, digits and underscores.
pub fn unique(name: &str) -> String {
    format!("{name}_{}_{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A directory that goes away at the end, unless the test fails: then its logs are wanted.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = loop {
            let path = root().join(unique(name));
            match fs::create_dir(&path) {
                Ok(()) => break path,
                // Left by a process that had our number before.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        };
        open_to_all(&path);
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn dir(&self, name: &str) -> PathBuf {
        let dir = self.0.join(name);
        fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        open_to_all(&dir);
        dir
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("could not remove {}: {error}", self.0.display());
        }
    }
}

/// PostgreSQL runs as another user when the tests run as root, and must get through.
fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A free loopback port, reserved among all processes of the suite for as long as this lives. So a server that was
/// killed comes back on the same one.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    pub fn reserve() -> Self {
        let reservations = root().join("ports");
        fs::create_dir_all(&reservations).unwrap_or_else(|error| panic!("{}: {error}", reservations.display()));
        let span = u32::from(PORTS.end - PORTS.start);
        for _ in 0..span {
            // Each process begins elsewhere, and goes on from where it was.
            let step = process::id().wrapping_mul(37).wrapping_add(COUNTER.fetch_add(1, Ordering::Relaxed)) % span;
            let number = PORTS.start + u16::try_from(step).expect("the span of ports fits");
            if let Some(port) = Self::try_reserve(&reservations, number) {
                return port;
            }
        }
        panic!("no free port in {PORTS:?}");
    }

    fn try_reserve(reservations: &Path, number: u16) -> Option<Self> {
        let path = reservations.join(number.to_string());
        let reservation = File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match reservation.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
        }
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, _reservation: reservation })
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}
