//! Reads a key from a file to which only its owner has access.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{
    key::{Key, KeyError},
    limits::{MAX_KEY_ID_BYTES, MAX_SECRET_BYTES},
};

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// The same bits for a credential: systemd lets the service's user read it by an access
/// control list, which appears as a permission of the group (systemd.exec(5),
/// `LoadCredential=`).
const OTHERS_OF_A_CREDENTIAL: u32 = 0o037;

/// The variable with the folder of a service's credentials, which systemd sets.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The maximum number of bytes to read: an id, a colon, a secret, and room for white space.
const MAX_FILE_BYTES: usize = MAX_KEY_ID_BYTES + MAX_SECRET_BYTES + 1024;

impl Key {
    /// Reads a key from a file that contains `ID:SECRET`, or the secret alone if
    /// `id` is given.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, does not contain a key, or may be read
    /// by users other than its owner (a credential of systemd excepted).
    pub fn from_file(file: &Path, id: Option<&str>) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::File {
            file: file.to_owned(),
            source,
        };
        let opened = File::open(file).map_err(unreadable)?;
        // Of the opened file: the name may refer to another file by now.
        let metadata = opened.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & others(file, std::env::var_os(CREDENTIALS).as_deref()) != 0 {
            return Err(KeyError::Exposed {
                file: file.to_owned(),
                mode,
            });
        }
        // With its full capacity, so that growing leaves no copy of the secret in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES + 1));
        opened
            .take(MAX_FILE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let key = if bytes.len() > MAX_FILE_BYTES {
            Err(KeyError::Long)
        } else {
            str::from_utf8(&bytes)
                .map_err(|_| KeyError::Text)
                .and_then(|text| Self::from_text(&SecretString::from(text), id))
        };
        key.map_err(|source| KeyError::Content {
            file: file.to_owned(),
            source: Box::new(source),
        })
    }
}

/// Returns the permission bits that a file must not have.
fn others(file: &Path, credentials: Option<&OsStr>) -> u32 {
    if credentials.is_some_and(|folder| file.parent() == Some(Path::new(folder))) {
        OTHERS_OF_A_CREDENTIAL
    } else {
        OTHERS
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, fs::Permissions};

    use super::*;

    fn check(content: &[u8], mode: u32) -> Result<Key, String> {
        let folder = tempfile::tempdir().unwrap();
        // A name that a shell must quote, whatever the folder.
        let file = folder.path().join("a key");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let path = file.display().to_string();
        Key::from_file(&file, None).map_err(|error| error.to_string().replace(&path, "KEY"))
    }

    #[test]
    fn when_only_the_owner_may_read_it() {
        assert_eq!(
            check(b"k1:canary-canary-canary\n", 0o600).unwrap().id(),
            "k1"
        );
        assert_eq!(
            check(b"k1:canary-canary-canary\n", 0o400).unwrap().id(),
            "k1"
        );
    }

    #[test]
    fn when_others_may_read_it() {
        for mode in [0o640, 0o604, 0o644, 0o620] {
            assert_eq!(
                check(b"k1:canary-canary-canary\n", mode).unwrap_err(),
                format!(
                    "the key file KEY may be read by others (mode {mode:03o}): run `chmod 600 'KEY'`, \
                     and make a new secret if others had access"
                )
            );
        }
    }

    #[test]
    fn when_systemd_gives_it_to_the_service() {
        let folder = Some(OsStr::new("/run/credentials/hbc.service"));
        let credential = Path::new("/run/credentials/hbc.service/key");
        assert_eq!(others(credential, folder) & 0o440, 0);
        for mode in [0o460, 0o441, 0o444] {
            assert_ne!(others(credential, folder) & mode, 0);
        }
        for elsewhere in ["/etc/key", "/run/credentials/hbc.service/x/key", "key"] {
            assert_eq!(others(Path::new(elsewhere), folder), OTHERS);
        }
        assert_eq!(others(credential, None), OTHERS);
    }

    #[test]
    fn when_it_holds_no_key() {
        let refusal = |content: &[u8]| check(content, 0o600).unwrap_err();
        assert!(refusal(b"").starts_with("in the key file KEY: the key is empty: write k1:"));
        assert!(refusal(b"canary-canary-canary").ends_with("or give it with `--key-id`"));
        assert!(refusal(b"k1:short").contains("5 bytes"));
        assert!(refusal(b"k1:\xff\xff").contains("not one line of text"));
        assert!(refusal(&[b' '; 4000]).contains("longer than 1024"));
    }

    #[test]
    fn when_there_is_no_such_file() {
        let error = Key::from_file(Path::new("/nowhere/key"), None).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the key file /nowhere/key cannot be read")
        );
        assert!(Key::from_file(Path::new("/"), None).is_err());
    }
}
