//! A channel type of a loaded plugin, which can open providers.

use std::{fmt, sync::Arc};

use annunciator_core::{outcome::OpenErrorV1, provider::ProviderBox, services::HostBox};

use crate::{
    plugin::{
        ChannelType, Image, InProcess, LOAD_TIMEOUT, PluginError, PluginFile, SettingsVerdict,
        limited, load,
    },
    worker::{OutOfProcess, WorkerProgram},
};

/// A channel type of a loaded plugin, which can open providers.
pub(crate) struct LoadedType {
    pub(crate) about: ChannelType,
    pub(crate) file: Arc<PluginFile>,
    pub(super) code: Code,
}

/// The place where a plugin's code runs.
#[derive(Clone)]
pub(super) enum Code {
    InProcess(InProcess),
    /// In worker processes. The plugin is not loaded in this process.
    OutOfProcess(OutOfProcess),
}

impl fmt::Debug for LoadedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedType")
            .field("about", &self.about.name)
            .field("file", &self.file.path)
            .finish_non_exhaustive()
    }
}

/// Loads an image where its code is to run: in workers of this program or, without one, in this
/// process, where it stays loaded for ever. Asks the plugin for its channel types.
///
/// # Errors
/// [`PluginError`] when the file cannot be loaded, or the plugin does not answer within
/// [`LOAD_TIMEOUT`].
pub(super) fn load_type(
    file: PluginFile,
    image: Image,
    worker: Option<&WorkerProgram>,
) -> Result<Vec<LoadedType>, PluginError> {
    let file = Arc::new(file);
    let (code, types) = match worker {
        None => {
            let (plugin, types) = load(&file, image)?;
            (Code::InProcess(plugin), types)
        }
        Some(program) => {
            let image = image.place_for(&file.path)?.into_descriptor();
            let plugin =
                OutOfProcess::new(program.clone(), Arc::new(image), &file.path, &file.note);
            let asked = plugin.clone();
            let described = limited(LOAD_TIMEOUT, move || asked.describe());
            let described = described.ok_or_else(|| PluginError::hangs(&file.path))?;
            let types = described.map_err(PluginError::Rejected)?;
            (Code::OutOfProcess(plugin), types)
        }
    };
    let types = types.into_iter().map(|about| LoadedType {
        about,
        file: Arc::clone(&file),
        code: code.clone(),
    });
    Ok(types.collect())
}

impl LoadedType {
    /// Returns the same channel type for another file with equal bytes.
    pub(super) fn found_in(&self, file: &Arc<PluginFile>) -> Self {
        Self {
            about: self.about.clone(),
            file: Arc::clone(file),
            code: self.code.clone(),
        }
    }

    /// Returns the program of its workers, or `None` if it runs in this process.
    pub(super) fn worker(&self) -> Option<&WorkerProgram> {
        match &self.code {
            Code::InProcess(_) => None,
            Code::OutOfProcess(plugin) => Some(plugin.program()),
        }
    }

    /// Returns whether the same message may be sent twice without harm, according to the plugin.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.file.note.is_idempotent(&self.about.name)
    }

    /// Has the plugin check settings. Does no input or output.
    ///
    /// # Errors
    /// [`PluginError`] when the plugin does not answer within [`LOAD_TIMEOUT`], or its worker
    /// cannot be asked.
    pub(crate) fn judge(&self, settings_json: &str) -> Result<SettingsVerdict, PluginError> {
        let (code, name) = (self.code.clone(), self.about.name.clone());
        let settings = settings_json.to_owned();
        limited(LOAD_TIMEOUT, move || code.judge(&name, &settings))
            .ok_or_else(|| PluginError::hangs(&self.file.path))?
            .map_err(PluginError::Rejected)
    }

    /// Has the plugin check settings on this thread, without a time limit.
    pub(crate) fn judge_now(&self, settings_json: &str) -> SettingsVerdict {
        let verdict = self.code.judge(&self.about.name, settings_json);
        verdict.unwrap_or_default()
    }

    /// Has the plugin open a provider, which the caller polls. Returns `None` if its code is not
    /// loaded in this process.
    pub(crate) fn open(
        &self,
        channel: &str,
        settings_json: &str,
        host: HostBox,
    ) -> Option<impl Future<Output = Result<ProviderBox, OpenErrorV1>> + Send + use<>> {
        match &self.code {
            Code::InProcess(plugin) => {
                Some(plugin.open(&self.about.name, channel, settings_json, host))
            }
            Code::OutOfProcess(_) => None,
        }
    }
}

impl Code {
    fn judge(&self, channel_type: &str, settings_json: &str) -> Result<SettingsVerdict, String> {
        match self {
            Self::InProcess(plugin) => Ok(plugin.judge(channel_type, settings_json)),
            Self::OutOfProcess(plugin) => plugin.judge(channel_type, settings_json),
        }
    }
}
