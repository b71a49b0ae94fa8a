//! A self-signed certificate, as on servers inside a company.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// A self-signed certificate for `localhost` and 127.0.0.1.
pub struct SelfSigned {
    folder: TempDir,
    server: Arc<ServerConfig>,
}

impl SelfSigned {
    /// Creates a certificate; its file is deleted with this value.
    ///
    /// # Errors
    /// Fails if no file or key can be created.
    pub fn create() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        Ok(Self {
            folder,
            server: Arc::new(server),
        })
    }

    /// Returns the server's TLS configuration.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// Returns the PEM file that a client has to trust.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}
