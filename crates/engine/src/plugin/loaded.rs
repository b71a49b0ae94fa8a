//! A loaded plugin: its functions behind std types.
//!
//! This file holds the unsafe code that loading takes: opening a library and
//! reading the one symbol that the contract defines.

use std::{fmt, path::Path, sync::Arc};

use annunciator_core::{
    code::Fault,
    ffi::{RStr, RString},
    load::{self, LOADER_SYMBOL, LoadError, LoaderHeader},
    module::{ChannelTypeV1, OpenRequestV1, PluginModuleRef},
    note::Note,
    outcome::{OpenErrorV1, ProblemV1},
    provider::ProviderBox,
    services::HostBox,
    version::{self, AbiVersion},
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::{
    error::PluginError,
    find::{PluginFile, judge},
    image::{Image, Place},
    limit::{LIMIT, limited},
    proofs::Proofs,
};
use crate::worker::{Apart, WorkerProgram};

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
    pub(super) code: Code,
}

/// What a plugin says of settings.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) problems: Vec<ProblemV1>,
    /// What a channel with them can prove, as the contract has it; empty from a
    /// plugin that cannot say.
    pub(crate) proofs_json: String,
}

impl Verdict {
    pub(crate) fn proofs(&self) -> Proofs {
        Proofs::read(&self.proofs_json)
    }
}

/// Where a plugin's code runs.
#[derive(Clone)]
pub(super) enum Code {
    /// In this process.
    Here(PluginModuleRef),
    /// In worker processes; it is not loaded in this one.
    Apart(Apart),
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
    limited(LIMIT, move || {
        let place = place(&given.path, &image)?;
        load_now(&given, place)
    })
    .unwrap_or_else(|| Err(hangs(&file.path)))
}

/// Has a worker load what was read of a file, and asks it for the channel types.
pub(super) fn load_apart(
    file: PluginFile,
    image: Image,
    program: WorkerProgram,
) -> Result<Vec<LoadedType>, PluginError> {
    let file = Arc::new(file);
    let image = place(&file.path, &image)?.into_descriptor();
    let plugin = Apart::new(program, Arc::new(image), &file.path, &file.note);
    let asked = plugin.clone();
    let described = limited(LIMIT, move || asked.describe());
    let described = described.ok_or_else(|| hangs(&file.path))?;
    let types = described.map_err(PluginError::Rejected)?;
    let types = types.into_iter().map(|about| LoadedType {
        about,
        file: Arc::clone(&file),
        code: Code::Apart(plugin.clone()),
    });
    Ok(types.collect())
}

/// Loads what another process has verified. Does not come back if the plugin
/// does not.
pub(crate) fn load_given(
    host: AbiVersion,
    path: &Path,
    note: Note,
    place: Place,
) -> Result<Vec<LoadedType>, PluginError> {
    load_now(&Arc::new(judge(host, path, note)?), place)
}

fn hangs(path: &Path) -> PluginError {
    PluginError::Hangs {
        path: path.to_owned(),
        seconds: LIMIT.as_secs(),
    }
}

fn place(path: &Path, image: &Image) -> Result<Place, PluginError> {
    image.place(path).map_err(|error| PluginError::Open {
        path: path.to_owned(),
        why: format!("there is no place to load it from ({error})"),
    })
}

fn load_now(file: &Arc<PluginFile>, place: Place) -> Result<Vec<LoadedType>, PluginError> {
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
        types.push(LoadedType {
            about,
            file: Arc::clone(file),
            code: Code::Here(module),
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
fn header(path: &Path, place: Place) -> Result<LoaderHeader, PluginError> {
    let failed = |why: String| PluginError::Open {
        path: path.to_owned(),
        why,
    };
    let loadable = place.path();
    // SAFETY: running a library's initialisers is what loading a plugin means;
    // its note said that it is one, and the operator put it into the folder.
    let library = unsafe { Library::open(Some(&loadable), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        // The loader names the place; people know the file.
        let place = loadable.display().to_string();
        let why = match std::error::Error::source(&error) {
            Some(source) => source.to_string(),
            None => error.to_string(),
        };
        failed(why.replace(&place, &path.display().to_string()))
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

fn root_module(
    header: LoaderHeader,
    verdict: version::Verdict,
) -> Result<PluginModuleRef, LoadError> {
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
            code: self.code.clone(),
        }
    }

    /// What runs it, where that is not this process.
    pub(super) fn worker(&self) -> Option<&WorkerProgram> {
        match &self.code {
            Code::Here(_) => None,
            Code::Apart(plugin) => Some(plugin.program()),
        }
    }

    /// Whether the same may be sent twice without harm, as the plugin says.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.file.note.is_idempotent(&self.about.name)
    }

    /// Lets the plugin judge settings. Does no input or output.
    pub(crate) fn judge(&self, settings_json: &str) -> Result<Verdict, PluginError> {
        let (code, name) = (self.code.clone(), self.about.name.clone());
        let settings = settings_json.to_owned();
        limited(LIMIT, move || code.judge(&name, &settings))
            .ok_or_else(|| hangs(&self.file.path))?
            .map_err(PluginError::Rejected)
    }

    /// The same on this thread, for as long as it takes.
    pub(crate) fn judge_now(&self, settings_json: &str) -> Verdict {
        let verdict = self.code.judge(&self.about.name, settings_json);
        verdict.unwrap_or_default()
    }

    /// Lets the plugin open a provider. Poll the future on the plugin pool.
    pub(crate) fn open(
        &self,
        channel: &str,
        settings_json: &str,
        host: HostBox,
    ) -> impl Future<Output = Result<ProviderBox, OpenErrorV1>> + Send + use<> {
        let open = match &self.code {
            Code::Here(module) => Some(module.open()),
            Code::Apart(_) => None,
        };
        let request = OpenRequestV1 {
            channel_type: self.about.name.as_str().into(),
            channel: channel.into(),
            settings_json: settings_json.into(),
            host,
            extension_json: RString::new(),
        };
        async move {
            let Some(open) = open else {
                return Err(elsewhere());
            };
            open(request).await.into_result()
        }
    }
}

impl Code {
    fn judge(&self, channel_type: &str, settings_json: &str) -> Result<Verdict, String> {
        match self {
            Self::Here(module) => {
                let (name, settings) =
                    (RStr::from_str(channel_type), RStr::from_str(settings_json));
                // Since 1.1.
                let proofs = module.proofs();
                Ok(Verdict {
                    problems: module.validate()(name, settings).into(),
                    proofs_json: proofs
                        .map_or_else(String::new, |proofs| String::from(proofs(name, settings))),
                })
            }
            Self::Apart(plugin) => plugin.judge(channel_type, settings_json),
        }
    }
}

/// A provider was asked of a plugin that runs in workers only, which nobody does.
fn elsewhere() -> OpenErrorV1 {
    OpenErrorV1 {
        fault: Fault::HOST,
        detail: "the plugin is not loaded in this process".into(),
        hint: RString::new(),
    }
}
