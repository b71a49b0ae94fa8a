//! A loaded plugin: its functions behind std types.
//!
//! This file holds the engine's only unsafe code: opening a library and
//! reading the one symbol that the contract defines.

use std::{fmt, path::Path, sync::Arc};

use annunciator_core::{
    ffi::{RStr, RString},
    load::{self, LOADER_SYMBOL, LoadError, LoaderHeader},
    module::{ChannelTypeV1, OpenRequestV1, PluginModuleRef},
    note::Note,
    outcome::{OpenErrorV1, ProblemV1},
    provider::ProviderBox,
    services::HostBox,
    version::Verdict,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::{
    error::PluginError,
    find::PluginFile,
    image::Image,
    limit::{LIMIT, limited},
};

/// What a plugin says about one of its channel types.
#[derive(Debug, Clone)]
pub struct ChannelType {
    /// The `type` in the configuration.
    pub name: String,
    /// What it is, in one sentence.
    pub summary: String,
    /// The JSON Schema of its settings.
    pub schema: serde_json::Value,
    /// A definition to copy, as YAML without the channel's name.
    pub example: String,
}

/// A channel type of a plugin that is loaded, ready to make providers.
pub(crate) struct LoadedType {
    pub(crate) about: ChannelType,
    pub(crate) file: Arc<PluginFile>,
    module: PluginModuleRef,
}

impl fmt::Debug for LoadedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedType")
            .field("about", &self.about.name)
            .field("file", &self.file.path)
            .finish_non_exhaustive()
    }
}

/// Loads what was read of a file and asks for its channel types. It stays
/// loaded for ever.
pub(super) fn load(file: PluginFile, image: Image) -> Result<Vec<LoadedType>, PluginError> {
    let file = Arc::new(file);
    let given = Arc::clone(&file);
    limited(LIMIT, move || load_now(&given, &image)).unwrap_or_else(|| {
        Err(PluginError::Hangs {
            path: file.path.clone(),
            seconds: LIMIT.as_secs(),
        })
    })
}

fn load_now(file: &Arc<PluginFile>, image: &Image) -> Result<Vec<LoadedType>, PluginError> {
    let path = || file.path.clone();
    let header = header(&file.path, image)?;
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
        types.push(LoadedType {
            about,
            file: Arc::clone(file),
            module,
        });
    }
    for name in &file.note.channel_types {
        if types.iter().all(|loaded| loaded.about.name != *name) {
            let about = format!("the channel type {name}");
            return Err(PluginError::Contradiction {
                path: path(),
                about,
            });
        }
    }
    Ok(types)
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

/// Opens the library, for ever, and reads the symbol that hosts look for.
fn header(path: &Path, image: &Image) -> Result<LoaderHeader, PluginError> {
    let failed = |why: String| PluginError::Open {
        path: path.to_owned(),
        why,
    };
    let place = image
        .place(path)
        .map_err(|error| failed(format!("there is no place to load it from ({error})")))?;
    let loadable = place.path();
    // SAFETY: running a library's initialisers is what loading a plugin means;
    // its note said that it is one, and the operator put it into the folder.
    let library = unsafe { Library::open(Some(&loadable), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        // The loader names the place; people know the file.
        let place = loadable.display().to_string();
        failed(
            error
                .to_string()
                .replace(&place, &path.display().to_string()),
        )
    })?;
    place.keep();
    // SAFETY: the contract says that this symbol holds a loader header, and the
    // header is checked for its magic before anything else in it is read.
    let symbol = unsafe { library.get::<LoaderHeader>(LOADER_SYMBOL.as_bytes()) };
    let header = symbol
        .map(|symbol| *symbol)
        .map_err(|error| failed(format!("it exports no entry for hosts ({error})")))?;
    // Plugins are never unloaded: threads and thread-locals may outlive any use.
    std::mem::forget(library);
    Ok(header)
}

fn root_module(header: LoaderHeader, verdict: Verdict) -> Result<PluginModuleRef, LoadError> {
    // SAFETY: the header was read from the symbol of that name, in a library
    // that is never closed (see `header`).
    unsafe { load::root_module(header, verdict) }
}

impl LoadedType {
    /// The same, found in another file that holds the same bytes.
    pub(super) fn found_in(&self, file: &Arc<PluginFile>) -> Self {
        Self {
            about: self.about.clone(),
            file: Arc::clone(file),
            module: self.module,
        }
    }

    /// Lets the plugin check settings. Does no input or output.
    pub(crate) fn validate(&self, settings_json: &str) -> Result<Vec<ProblemV1>, PluginError> {
        let validate = self.module.validate();
        let (name, settings) = (self.about.name.clone(), settings_json.to_owned());
        limited(LIMIT, move || {
            validate(RStr::from_str(&name), RStr::from_str(&settings))
        })
        .map(Vec::from)
        .ok_or_else(|| PluginError::Hangs {
            path: self.file.path.clone(),
            seconds: LIMIT.as_secs(),
        })
    }

    /// Lets the plugin open a provider. Poll the future on the plugin pool.
    pub(crate) fn open(
        &self,
        channel: &str,
        settings_json: &str,
        host: HostBox,
    ) -> impl Future<Output = Result<ProviderBox, OpenErrorV1>> + Send + use<> {
        let open = self.module.open();
        let request = OpenRequestV1 {
            channel_type: self.about.name.as_str().into(),
            channel: channel.into(),
            settings_json: settings_json.into(),
            host,
            extension_json: RString::new(),
        };
        async move { open(request).await.into_result() }
    }
}
