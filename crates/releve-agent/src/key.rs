//! With what does a node sign? A secret key in a file that nobody else can read.

use std::{
    fmt, fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use releve_wire::sha256;

/// An Ed25519 key with the name by which the operator registers it.
#[derive(Clone)]
pub struct NodeKey {
    pub signing: SigningKey,
    pub keyid: String,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {} can't be {doing}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the key file {} is open to others (mode {mode:o}): chmod 600 it", path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("the key file {} does not hold 64 hexadecimal digits", path.display())]
    Shape { path: PathBuf },
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl NodeKey {
    /// The key id is the beginning of the public key's digest: two keys never share it by accident.
    pub fn new(secret: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(secret);
        let digest = sha256(signing.verifying_key().as_bytes());
        Self { keyid: hex::encode(&digest.0[..8]), signing }
    }

    /// A fresh key in a new file. An existing file is never overwritten: reports signed with it may still be on
    /// their way.
    pub fn generate(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { doing: "made", path: path.to_owned(), source };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(KeyError::Random)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(format!("{}\n", hex::encode(secret)).as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(Self::new(&secret))
    }

    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { doing: "read", path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let mut secret = [0; 32];
        hex::decode_to_slice(text.trim(), &mut secret).map_err(|_| KeyError::Shape { path: path.to_owned() })?;
        Ok(Self::new(&secret))
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }
}

impl fmt::Debug for NodeKey {
    /// Without the secret, so that settings can be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.keyid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.key");
        let made = NodeKey::generate(&path).unwrap();
        assert_eq!(NodeKey::read(&path).unwrap().keyid, made.keyid);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(NodeKey::generate(&path), Err(KeyError::Io { .. })), "never overwritten");
        assert!(!format!("{made:?}").contains(&hex::encode(made.signing.to_bytes())), "the secret is not shown");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(NodeKey::read(&path), Err(KeyError::Open { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(NodeKey::read(&path).is_ok());
    }
}
