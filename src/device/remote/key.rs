//! The secret that a server and its clients share.
//!
//! It is the server's identity, from which clients derive whom to expect, and a token is derived from it, from which the
//! server knows clients. So one file, copied once, lets both sides prove to each other that they have it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use burn::remote::{Credential, EndpointId};
use burn::server::IrohIdentity;
use iroh::SecretKey;
use sha2::{Digest, Sha256};

use super::RemoteError;

/// What the token is a hash of, before the secret, so that it gives nothing away of it.
const TOKEN: &[u8] = b"hourglass: token of a client\n";

/// Bytes.
const LENGTH: usize = 32;

/// Secret bytes.
pub struct Key([u8; LENGTH]);

/// Where the key is kept, if nothing else is said.
///
/// # Errors
/// The system has no such place.
pub fn usual_key() -> Result<PathBuf, RemoteError> {
    let directory = dirs::config_dir().ok_or(RemoteError::NoConfiguration)?;
    Ok(directory.join("hourglass").join("remote.key"))
}

impl Key {
    /// The key in a file that is there, and that nobody else may read.
    pub fn read(path: &Path) -> Result<Self, RemoteError> {
        let unreadable = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => RemoteError::NoKey(path.to_owned()),
            _ => RemoteError::Key {
                path: path.to_owned(),
                source,
            },
        };
        let file = File::open(path).map_err(unreadable)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.metadata().map_err(unreadable)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(RemoteError::KeyOfAll(path.to_owned()));
            }
        }
        let mut bytes = Vec::new();
        file.take(LENGTH as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let bytes = bytes.try_into();
        Ok(Self(
            bytes.map_err(|_| RemoteError::NotAKey(path.to_owned()))?,
        ))
    }

    /// The key in a file, which is made if it is not there, readable by its owner alone.
    pub fn read_or_make(path: &Path) -> Result<Self, RemoteError> {
        match Self::read(path) {
            Err(RemoteError::NoKey(_)) => {}
            read => return read,
        }
        let made = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| IrohIdentity::load_or_create(path));
        match made {
            Ok(identity) => Ok(Self(identity.to_bytes())),
            Err(source) => Err(RemoteError::Key {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// What a server signs with.
    pub fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(&self.0)
    }

    /// Whom a client expects to answer.
    pub fn server(&self) -> EndpointId {
        IrohIdentity::from_bytes(self.0).id()
    }

    /// What a client shows.
    pub fn token(&self) -> Credential {
        let hash = Sha256::new().chain_update(TOKEN).chain_update(self.0);
        Credential::from(hash.finalize().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("remote.key");
        assert!(matches!(Key::read(&path), Err(RemoteError::NoKey(_))));
        let made = Key::read_or_make(&path).unwrap();
        let read = Key::read_or_make(&path).unwrap();
        assert_eq!(made.0, read.0);
        assert_eq!(made.secret().public(), read.server());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&path, "short").unwrap();
        // Writing keeps the mode.
        assert!(matches!(
            Key::read_or_make(&path),
            Err(RemoteError::NotAKey(_))
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&path, readable).unwrap();
            assert!(matches!(Key::read(&path), Err(RemoteError::KeyOfAll(_))));
        }
    }

    #[test]
    fn the_token_follows_from_the_key_and_gives_it_not_away() {
        let (one, other) = (Key([1; 32]), Key([2; 32]));
        assert_eq!(one.token(), Key([1; 32]).token());
        assert_ne!(one.token(), other.token());
        assert_ne!(one.token().as_bytes(), one.0);
        assert_ne!(one.token().as_bytes(), one.server().as_bytes());
    }
}
