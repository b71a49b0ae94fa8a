//! TLS with a certificate and a key from files, which may be replaced while the server runs.
//!
//! The files are read again when the program asks for it, and when they have changed. What cannot
//! be used changes nothing: new connections go on with the certificate that was read last.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};

/// The maximum length of a file, in bytes: a chain of certificates has a few thousand.
const MAX_FILE_LENGTH: u64 = 1024 * 1024;
/// How often is looked whether the files have changed: whoever renews a certificate does not
/// wait for it, and a look costs two calls of the system.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// What is spoken over TLS. <https://www.rfc-editor.org/rfc/rfc7301>
const ALPN: &[u8] = b"http/1.1";

/// The files of a certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those of its issuers.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// An error returned when a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("the file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file is longer than any certificate.
    #[error("the file {} has more than {MAX_FILE_LENGTH} bytes: it is no PEM file of a certificate or a key", .0.display())]
    TooLong(PathBuf),
    /// A file is not in PEM.
    #[error("the file {} is not in PEM: {reason}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no certificate in the file.
    #[error("the file {} has no certificate: it has to have a part `BEGIN CERTIFICATE`", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error("the file {} has no private key without a passphrase: it has to have a part `BEGIN PRIVATE KEY`", .0.display())]
    NoKey(PathBuf),
    /// The key is that of another certificate.
    #[error("the key in {} is not that of the first certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that cannot be used.
    #[error("the certificate in {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TlsError {
    /// Returns whether this user may not read a file, while another may.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// What a file is recognised by as unchanged: its number, its length, and its times.
type Stamp = Option<(u64, u64, (i64, i64), (i64, i64))>;

/// A server's certificate and key in force.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// The stamps of the files that were read last, whether or not they could be used.
    seen: Mutex<[Stamp; 2]>,
}

impl Tls {
    /// Reads the files. It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Returns [`TlsError`] if they cannot be used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = stamps(&files);
        let current = read(&files)?;
        Ok(Self {
            files,
            current: RwLock::new(current),
            seen: Mutex::new(seen),
        })
    }

    /// Reads the files again, for new connections. It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Returns [`TlsError`] if they cannot be used; what was in force stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        // First, so that what changes meanwhile is read by the next call.
        let stamps = stamps(&self.files);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        let new = read(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Reads the files again if they have changed since they were last read, and returns whether
    /// that was so.
    ///
    /// # Errors
    /// Returns [`TlsError`] if they cannot be used; what was in force stays.
    pub fn reload_changed(&self) -> Result<bool, TlsError> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps(&self.files) == seen {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    /// Reads the files again whenever they have changed, as long as it is polled, and logs it.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let own = Arc::clone(&self);
            // A task that was cancelled is one of a runtime that ends.
            let reloaded = tokio::task::spawn_blocking(move || own.reload_changed()).await;
            if let Ok(reloaded) = reloaded {
                log(&self.files, reloaded.as_ref().copied());
            }
        }
    }

    /// Reads the files again as [`reload`](Self::reload) does, without blocking, and logs what
    /// came of it.
    ///
    /// # Errors
    /// Returns [`TlsError`] if they cannot be used; what was in force stays.
    pub async fn reload_and_log(self: Arc<Self>) -> Result<(), TlsError> {
        let own = Arc::clone(&self);
        let reloaded = tokio::task::spawn_blocking(move || own.reload()).await;
        // A task that was cancelled is one of a runtime that ends.
        let reloaded = reloaded.unwrap_or(Ok(()));
        log(&self.files, reloaded.as_ref().map(|()| true));
        reloaded
    }

    /// Returns what the next connection begins with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }
}

fn log(files: &TlsFiles, reloaded: Result<bool, &TlsError>) {
    match reloaded {
        Ok(true) => {
            tracing::info!(cert = %files.cert.display(), "the certificate was read again and is in force");
        }
        Ok(false) => {}
        Err(error) => tracing::error!("{error}; the certificate that was read before stays"),
    }
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.cert, &files.key].map(|path| {
        let facts = fs::metadata(path).ok()?;
        let changed = (facts.ctime(), facts.ctime_nsec());
        let modified = (facts.mtime(), facts.mtime_nsec());
        Some((facts.ino(), facts.len(), modified, changed))
    })
}

/// Reads the files into the settings of connections: TLS 1.2 and 1.3, with what rustls holds to be
/// safe in them.
fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let TlsFiles { cert, key } = files;
    let unusable = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            cert: cert.clone(),
            key: key.clone(),
        },
        error => TlsError::Unusable {
            path: cert.clone(),
            reason: error.to_string(),
        },
    };
    let not_pem = |path: &Path, error: &pem::Error| TlsError::NotPem {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let text = bytes_of(cert)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| not_pem(cert, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(cert.clone()));
    }
    let own = PrivateKeyDer::from_pem_slice(&bytes_of(key)?);
    let own = own.map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(key.clone()),
        error => not_pem(key, &error),
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, own)
        .map_err(unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(MAX_FILE_LENGTH + 1);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_LENGTH {
        return Err(TlsError::TooLong(path.to_owned()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// Files of a new certificate.
    fn made() -> (TempDir, TlsFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        write(&files);
        (folder, files)
    }

    fn write(files: &TlsFiles) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.cert, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    fn refusal(files: &TlsFiles) -> String {
        Tls::open(files.clone()).unwrap_err().to_string()
    }

    #[test]
    fn files_that_have_changed_are_read_again_and_others_are_not() {
        let (_folder, files) = made();
        let tls = Tls::open(files.clone()).unwrap();
        let first = tls.current();
        assert!(!tls.reload_changed().unwrap());
        assert!(Arc::ptr_eq(&first, &tls.current()));
        write(&files);
        assert!(tls.reload_changed().unwrap());
        assert!(!Arc::ptr_eq(&first, &tls.current()));
    }

    #[test]
    fn what_cannot_be_used_is_read_once_and_changes_nothing() {
        let (_folder, files) = made();
        let tls = Tls::open(files.clone()).unwrap();
        let first = tls.current();
        fs::write(&files.cert, "half a file").unwrap();
        assert!(tls.reload_changed().is_err());
        assert!(!tls.reload_changed().unwrap());
        assert!(tls.reload().is_err());
        assert!(Arc::ptr_eq(&first, &tls.current()));
        write(&files);
        assert!(tls.reload_changed().unwrap());
    }

    #[test]
    fn each_thing_that_may_be_wrong_has_a_sentence_with_the_file() {
        let (_folder, files) = made();
        let key = fs::read_to_string(&files.key).unwrap();
        fs::write(&files.key, "").unwrap();
        let said = refusal(&files);
        assert!(said.contains("key.pem has no private key"), "{said}");
        fs::write(&files.key, key.replace("-----END", "-----")).unwrap();
        let said = refusal(&files);
        assert!(said.contains("key.pem is not in PEM"), "{said}");
        assert!(!said.contains(key.lines().nth(1).unwrap()), "{said}");
        let (_other_folder, other) = made();
        fs::copy(&other.key, &files.key).unwrap();
        let said = refusal(&files);
        assert!(
            said.contains("is not that of the first certificate"),
            "{said}"
        );
        fs::write(&files.cert, "hello").unwrap();
        let said = refusal(&files);
        assert!(said.contains("cert.pem has no certificate"), "{said}");
        fs::write(&files.cert, vec![b'x'; 2 * 1024 * 1024]).unwrap();
        assert!(refusal(&files).contains("has more than 1048576 bytes"));
        fs::remove_file(&files.cert).unwrap();
        let said = refusal(&files);
        assert!(said.contains("cert.pem cannot be read"), "{said}");
    }
}
