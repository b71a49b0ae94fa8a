//! A plugin in this process: its functions, called with std types.
//!
//! This file contains the unsafe code that loading requires: opening a library and reading the one
//! symbol that the contract defines.

use std::{path::Path, sync::Arc};

use annunciator_core::{
    ffi::{RStr, RString},
    load::{self, LOADER_SYMBOL, LoadError, LoaderHeader},
    module::{ChannelTypeV1, OpenRequestV1, PluginModuleRef},
    note::Note,
    outcome::OpenErrorV1,
    provider::ProviderBox,
    services::HostBox,
    version::{self, AbiVersion},
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::{
    channel_type::{ChannelType, SettingsVerdict},
    error::PluginError,
    find::{PluginFile, judge},
    image::{Image, SealedImage},
    limit::{LOAD_TIMEOUT, limited},
};

/// A plugin that is loaded in this process, as long as the process lives.
#[derive(Clone, Copy)]
pub(crate) struct InProcess(PluginModuleRef);

/// A plugin and the channel types that it offers.
pub(crate) type Offer = (InProcess, Vec<ChannelType>);

/// Loads the image of a file and asks the plugin for its channel types. Blocks the calling thread,
/// for at most [`LOAD_TIMEOUT`].
///
/// # Errors
/// [`PluginError`] when the file is not a plugin, or when the plugin contradicts its note or does
/// not answer.
pub(crate) fn load(file: &Arc<PluginFile>, image: Image) -> Result<Offer, PluginError> {
    let given = Arc::clone(file);
    limited(LOAD_TIMEOUT, move || {
        let place = image.place_for(&given.path)?;
        load_now(&given, place)
    })
    .unwrap_or_else(|| Err(PluginError::hangs(&file.path)))
}

/// Loads an image that another process has verified. Does not return if the plugin does not.
///
/// # Errors
/// The same as [`load()`].
pub(crate) fn load_given(
    host: AbiVersion,
    path: &Path,
    note: Note,
    place: SealedImage,
) -> Result<Offer, PluginError> {
    load_now(&judge(host, path, note)?, place)
}

fn load_now(file: &PluginFile, place: SealedImage) -> Result<Offer, PluginError> {
    let path = || file.path.clone();
    let header = header(&file.path, place)?;
    let module = root_module(header, file.verdict).map_err(|source| PluginError::Load {
        path: path(),
        note: Box::new(file.note.clone()),
        source,
    })?;
    let manifest: Note = serde_json::from_str(module.manifest_json()().as_str()).map_err(|_| {
        PluginError::Contradiction {
            path: path(),
            about: "everything".to_owned(),
        }
    })?;
    if manifest != file.note {
        let about = difference(&manifest, &file.note).to_owned();
        return Err(PluginError::Contradiction {
            path: path(),
            about,
        });
    }
    let described =
        module.channel_types()()
            .into_result()
            .map_err(|why| PluginError::Describe {
                path: path(),
                why: why.into(),
            })?;
    let mut types = Vec::new();
    for raw in described {
        let about = channel_type(raw).map_err(|why| PluginError::Describe { path: path(), why })?;
        if !file.note.channel_types.contains(&about.name) {
            let about = format!("the channel type {}", about.name);
            return Err(PluginError::Contradiction {
                path: path(),
                about,
            });
        }
        types.push(about);
    }
    for name in &file.note.channel_types {
        if types.iter().all(|about| about.name != *name) {
            let about = format!("the channel type {name}");
            return Err(PluginError::Contradiction {
                path: path(),
                about,
            });
        }
    }
    Ok((InProcess(module), types))
}

fn difference(a: &Note, b: &Note) -> &'static str {
    if (a.abi_major, a.abi_minor) != (b.abi_major, b.abi_minor) {
        "the ABI version"
    } else if (&a.name, &a.version) != (&b.name, &b.version) {
        "the plugin's name or version"
    } else if a.channel_types != b.channel_types {
        "the channel types"
    } else {
        "how it was built"
    }
}

fn channel_type(raw: ChannelTypeV1) -> Result<ChannelType, String> {
    let name = String::from(raw.name);
    let schema: serde_json::Value = serde_json::from_str(&raw.schema_json)
        .map_err(|error| format!("the schema of channel type {name} is not JSON ({error})"))?;
    if !schema.is_object() {
        return Err(format!(
            "the schema of channel type {name} is not a JSON object"
        ));
    }
    Ok(ChannelType {
        name,
        summary: raw.summary.into(),
        schema,
        example: raw.example_yaml.into(),
    })
}

/// Opens the library, which is never closed, and reads the symbol of the contract.
fn header(path: &Path, place: SealedImage) -> Result<LoaderHeader, PluginError> {
    let failed = |why: String| PluginError::Open {
        path: path.to_owned(),
        why,
    };
    let loadable = place.path();
    // SAFETY: running a library's initialisers is what loading a plugin means; its note says that
    // it is a plugin, and the operator put it into the folder.
    let library = unsafe { Library::open(Some(&loadable), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        // The loader's message contains the path of the image; people know that of the file.
        let place = loadable.display().to_string();
        let why = match std::error::Error::source(&error) {
            Some(source) => source.to_string(),
            None => error.to_string(),
        };
        failed(why.replace(&place, &path.display().to_string()))
    })?;
    place.keep();
    // SAFETY: the contract says that this symbol is a loader header, and the header is checked for
    // its magic before anything else in it is read.
    let symbol = unsafe { library.get::<LoaderHeader>(LOADER_SYMBOL.as_bytes()) };
    let header = symbol
        .map(|symbol| *symbol)
        .map_err(|error| failed(format!("it exports no entry for hosts ({error})")))?;
    // Plugins are never unloaded, because threads and thread-locals may outlive any use.
    std::mem::forget(library);
    Ok(header)
}

fn root_module(
    header: LoaderHeader,
    verdict: version::Verdict,
) -> Result<PluginModuleRef, LoadError> {
    // SAFETY: the header was read from the symbol of that name, in a library that is never closed
    // (see `header`).
    unsafe { load::root_module(header, verdict) }
}

impl InProcess {
    /// Has the plugin check settings of a channel type, on this thread and without a time limit.
    pub(crate) fn judge(self, channel_type: &str, settings_json: &str) -> SettingsVerdict {
        let (name, settings) = (RStr::from_str(channel_type), RStr::from_str(settings_json));
        // The contract has proofs since version 1.1.
        let proofs = self.0.proofs();
        SettingsVerdict {
            problems: self.0.validate()(name, settings).into(),
            proofs_json: proofs
                .map_or_else(String::new, |proofs| String::from(proofs(name, settings))),
        }
    }

    /// Has the plugin open a provider. The future must be polled on the plugin pool.
    pub(crate) fn open(
        self,
        channel_type: &str,
        channel: &str,
        settings_json: &str,
        host: HostBox,
    ) -> impl Future<Output = Result<ProviderBox, OpenErrorV1>> + Send + use<> {
        let open = self.0.open();
        let request = OpenRequestV1 {
            channel_type: channel_type.into(),
            channel: channel.into(),
            settings_json: settings_json.into(),
            host,
            extension_json: RString::new(),
        };
        async move { open(request).await.into_result() }
    }
}
