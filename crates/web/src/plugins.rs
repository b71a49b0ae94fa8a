//! The plugins that were found, by their notes.

use std::sync::Arc;

use annunciator::Catalog;
use serde::Serialize;
use tokio::{sync::Semaphore, task::spawn_blocking};
use utoipa::ToSchema;

use crate::problem::{Problem, Reason};

/// One reading at a time: whoever asks again and again is not to keep all threads busy with hashes.
static READING: Semaphore = Semaphore::const_new(1);

/// A plugin that this host could load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PluginJson {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The version of the contract that it was built for, such as `1.1`.
    pub(crate) contract: String,
    /// The channel types that it offers.
    pub(crate) channel_types: Vec<String>,
    /// The file.
    pub(crate) path: String,
    /// The SHA-256 of the file as it is now, in hexadecimal digits; none if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// The plugins that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PluginList {
    /// Those that this host could load.
    pub(crate) plugins: Vec<PluginJson>,
    /// Why the other files, and some of these, are not used.
    pub(crate) rejected: Vec<String>,
    /// The lock file with the hashes that files must have; none if there is none in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock_file: Option<String>,
}

/// Lists the plugins of a catalog. Reads all of their files, and runs none.
///
/// # Errors
/// Fails if the program ends meanwhile.
pub(crate) async fn list(catalog: Arc<Catalog>) -> Result<PluginList, Problem> {
    // It is never closed.
    let _permit = READING.acquire().await.ok();
    let reading = spawn_blocking(move || {
        let (hashes, refused) = catalog.read_files();
        let rejected = catalog.rejected().iter().chain(&refused);
        let plugins = catalog.files().iter().zip(hashes).map(|(file, sha256)| {
            let note = &file.note;
            PluginJson {
                name: note.name.clone(),
                version: note.version.clone(),
                contract: format!("{}.{}", note.abi_major, note.abi_minor),
                channel_types: note.channel_types.clone(),
                path: file.path.display().to_string(),
                sha256: sha256.map(|hash| hash.to_string()),
            }
        });
        PluginList {
            plugins: plugins.collect(),
            rejected: rejected.map(ToString::to_string).collect(),
            lock_file: catalog
                .is_locked()
                .then(|| catalog.lock_file().display().to_string()),
        }
    });
    let read = reading.await;
    read.map_err(|_| Problem::new(Reason::Unavailable, "the program ends"))
}
