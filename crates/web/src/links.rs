//! Signed links by which somebody takes an incident over who has got a message of it.
//!
//! A link names an incident and when it expires, and an HMAC-SHA256 over both shows that this
//! program has made it. A message is one for all of its channels, so that a link is not bound to
//! a channel, nor to a person: whoever has it may acknowledge that one incident, and nothing else.
//!
//! <https://www.rfc-editor.org/rfc/rfc2104>

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

/// How long a link can be used, in milliseconds: whoever comes back from a week off has other
/// ways.
const LIFETIME_MS: i64 = 7 * 24 * 3_600_000;
/// The length of the key, in bytes: that of the hash.
const KEY_LENGTH: usize = 32;
/// What every signature begins with, so that the key signs nothing else.
const PURPOSE: &[u8] = b"annunciator acknowledgement link 1\0";
/// The maximum length of a link's last part, in bytes: mail programs cut addresses of more than
/// 2000.
const MAX_LENGTH: usize = 1800;

/// Makes signed links, and reads them.
#[derive(Debug)]
pub struct AckLinks {
    key: hmac::Key,
    /// What stands before a link's last part.
    address: String,
}

/// An error returned when the key of links cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckKeyError {
    /// The file cannot be read or made.
    #[error("the file {} cannot be used: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not what this program has written.
    #[error("the file {} does not have {KEY_LENGTH} bytes: remove it, and a new one is made at the next start", .0.display())]
    Length(PathBuf),
    /// Others may read the file.
    #[error("others may read the file {}: remove it, and a new one is made at the next start", .0.display())]
    Open(PathBuf),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

/// What a valid link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AckLink {
    /// The incident.
    pub(crate) incident: String,
    /// When the link was made, in milliseconds since the Unix epoch.
    pub(crate) made_ms: i64,
}

/// Why a link cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkRefusal {
    /// This program has not made it.
    Wrong,
    /// It has expired.
    Expired,
}

impl AckLinks {
    /// Makes links below `external_url`, with the key in a file. If there is no file, it is
    /// written, so that only this process's user may read it.
    ///
    /// # Errors
    /// Returns [`AckKeyError`] if there is no key.
    pub fn open(path: &Path, external_url: &str) -> Result<Self, AckKeyError> {
        let key = match read_key(path)? {
            Some(key) => key,
            None => make_key(path)?,
        };
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            address: format!("{}/ack/", external_url.trim_end_matches('/')),
        })
    }

    /// Returns the link to acknowledge an incident; `None` if its name is too long for a link.
    #[must_use]
    pub fn link(&self, incident: &str, now_ms: i64) -> Option<String> {
        let expires_ms = now_ms.saturating_add(LIFETIME_MS);
        let tag = hmac::sign(&self.key, &signed(expires_ms, incident));
        let incident = BASE64URL_NOPAD.encode(incident.as_bytes());
        let tag = BASE64URL_NOPAD.encode(tag.as_ref());
        let last = format!("{expires_ms}.{incident}.{tag}");
        (last.len() <= MAX_LENGTH).then(|| format!("{}{last}", self.address))
    }

    /// Reads the last part of a link.
    pub(crate) fn read(&self, text: &str, now_ms: i64) -> Result<AckLink, LinkRefusal> {
        let (expires_ms, incident) = self.verified(text).ok_or(LinkRefusal::Wrong)?;
        if now_ms >= expires_ms {
            return Err(LinkRefusal::Expired);
        }
        Ok(AckLink {
            incident,
            made_ms: expires_ms - LIFETIME_MS,
        })
    }

    fn verified(&self, text: &str) -> Option<(i64, String)> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut parts = text.split('.');
        let (expires, incident, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let expires_ms = expires.parse().ok()?;
        let incident = BASE64URL_NOPAD.decode(incident.as_bytes()).ok()?;
        let incident = String::from_utf8(incident).ok()?;
        let tag = BASE64URL_NOPAD.decode(tag.as_bytes()).ok()?;
        // Takes equally long wherever the tag is wrong.
        hmac::verify(&self.key, &signed(expires_ms, &incident), &tag).ok()?;
        Some((expires_ms, incident))
    }
}

/// Returns what is signed. No two pairs have the same bytes, since the time has a fixed length.
fn signed(expires_ms: i64, incident: &str) -> Vec<u8> {
    [PURPOSE, &expires_ms.to_be_bytes(), incident.as_bytes()].concat()
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_LENGTH]>, AckKeyError> {
    let system = |source| AckKeyError::System {
        path: path.to_owned(),
        source,
    };
    let facts = match fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(system(error)),
    };
    if facts.permissions().mode() & 0o077 != 0 {
        return Err(AckKeyError::Open(path.to_owned()));
    }
    if facts.len() != KEY_LENGTH as u64 {
        return Err(AckKeyError::Length(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(system)?;
    let key = bytes.try_into();
    key.map(Some)
        .map_err(|_| AckKeyError::Length(path.to_owned()))
}

fn make_key(path: &Path) -> Result<[u8; KEY_LENGTH], AckKeyError> {
    let system = |source| AckKeyError::System {
        path: path.to_owned(),
        source,
    };
    let mut key = [0; KEY_LENGTH];
    getrandom::fill(&mut key).map_err(|error| AckKeyError::Random(error.to_string()))?;
    // Under another name until it is whole.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    let _ = fs::remove_file(&made);
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&made);
    let mut file = opened.map_err(system)?;
    file.write_all(&key).map_err(system)?;
    file.sync_all().map_err(system)?;
    fs::rename(&made, path).map_err(system)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const NOW: i64 = 1_795_356_000_000;

    fn made() -> (TempDir, AckLinks) {
        let folder = tempfile::tempdir().unwrap();
        let links = AckLinks::open(&folder.path().join("key"), "https://hbd.example/m/");
        (folder, links.unwrap())
    }

    fn last(link: &str) -> &str {
        link.strip_prefix("https://hbd.example/m/ack/").unwrap()
    }

    #[test]
    fn a_link_is_read_for_a_week_also_after_a_restart() {
        let (folder, links) = made();
        let link = links.link("web-01/ä\n", NOW).unwrap();
        let again = AckLinks::open(&folder.path().join("key"), "https://x").unwrap();
        let found = again.read(last(&link), NOW + LIFETIME_MS - 1).unwrap();
        assert_eq!((&*found.incident, found.made_ms), ("web-01/ä\n", NOW));
        let late = again.read(last(&link), NOW + LIFETIME_MS);
        assert_eq!(late, Err(LinkRefusal::Expired));
        let mode = fs::metadata(folder.path().join("key")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn whatever_is_changed_in_a_link_makes_it_wrong() {
        let (_folder, links) = made();
        let link = links.link("web-01/disk", NOW).unwrap();
        let link = last(&link);
        for at in 0..link.len() {
            for with in ["A", "1", "."] {
                let mut other = link.to_owned();
                other.replace_range(at..=at, with);
                let read = links.read(&other, NOW);
                assert!(other == link || read == Err(LinkRefusal::Wrong), "{other}");
            }
        }
        let (_other_folder, other) = made();
        assert_eq!(other.read(link, NOW), Err(LinkRefusal::Wrong));
        let long = format!("{link}{}", "A".repeat(5000));
        for wrong in ["", ".", "..", "1.x.y", "1...", &long, &format!("{link}.")] {
            assert_eq!(links.read(wrong, NOW), Err(LinkRefusal::Wrong), "{wrong}");
        }
        // A wrong link does not say that it would have expired.
        assert_eq!(other.read(link, i64::MAX), Err(LinkRefusal::Wrong));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_cut_off_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, [7; KEY_LENGTH]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let open = AckLinks::open(&path, "https://x").unwrap_err();
        assert!(matches!(open, AckKeyError::Open(_)), "{open}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(AckLinks::open(&path, "https://x").is_ok());
        fs::write(&path, [7; 5]).unwrap();
        let cut = AckLinks::open(&path, "https://x").unwrap_err();
        assert!(matches!(cut, AckKeyError::Length(_)), "{cut}");
    }

    #[test]
    fn an_incident_whose_link_would_be_cut_has_none() {
        let (_folder, links) = made();
        assert!(links.link(&"x".repeat(1200), NOW).is_some());
        assert_eq!(links.link(&"x".repeat(2000), NOW), None);
    }
}
