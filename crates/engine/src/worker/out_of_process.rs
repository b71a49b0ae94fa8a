//! An out-of-process plugin: it is never loaded in this process, and a short-lived worker describes
//! it.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    sync::Arc,
    time::Duration,
};

use annunciator_core::{note::Note, services::HostBox};

use super::{
    ending::Ending,
    live::{Live, Start},
    message::{Answer, Call, Opening},
    program::WorkerProgram,
};
use crate::plugin::{CallError, ChannelType, SettingsVerdict};

/// The maximum time for a worker to describe the plugin. Callers wait for a shorter time; this
/// limit ends the worker of a plugin that never answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// An out-of-process plugin.
#[derive(Clone)]
pub(crate) struct OutOfProcess {
    program: WorkerProgram,
    /// The bytes that were verified.
    image: Arc<OwnedFd>,
    path: String,
    note_json: String,
}

impl OutOfProcess {
    pub(crate) fn new(
        program: WorkerProgram,
        image: Arc<OwnedFd>,
        path: &Path,
        note: &Note,
    ) -> Self {
        Self {
            program,
            image,
            path: path.display().to_string(),
            // The note was parsed from such a text, so that it can be written again.
            note_json: serde_json::to_string(note).unwrap_or_default(),
        }
    }

    /// Returns the parameters with which a provider of it opens.
    pub(crate) fn opening(
        &self,
        channel_type: &str,
        channel: &str,
        settings_json: &str,
    ) -> (Self, Opening) {
        let opening = Opening {
            channel_type: channel_type.to_owned(),
            channel: channel.to_owned(),
            settings_json: settings_json.to_owned(),
        };
        (self.clone(), opening)
    }

    pub(crate) fn program(&self) -> &WorkerProgram {
        &self.program
    }

    /// Returns the path of the plugin's file.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Starts a worker.
    pub(super) async fn start(
        &self,
        channel: &str,
        host: Option<Arc<HostBox>>,
    ) -> Result<Live, Ending> {
        Live::start(Start {
            program: &self.program,
            image: self.image.as_fd(),
            path: &self.path,
            note_json: &self.note_json,
            host,
            channel,
        })
        .await
    }

    /// Asks the plugin for its channel types. Blocks, and must be called on a thread that is in no
    /// runtime.
    pub(crate) fn describe(&self) -> Result<Vec<ChannelType>, String> {
        let when = "while it was loaded";
        match self.ask(Call::Describe, when)? {
            Answer::Types(types) => {
                let types = types.into_iter().map(TryInto::try_into);
                let types: Result<_, serde_json::Error> = types.collect();
                types.map_err(|_| self.confused(when))
            }
            Answer::NotLoaded(sentence) => Err(sentence),
            _ => Err(self.confused(when)),
        }
    }

    /// Has the plugin check settings. Blocks like [`describe`](Self::describe).
    pub(crate) fn judge(
        &self,
        channel_type: &str,
        settings_json: &str,
    ) -> Result<SettingsVerdict, String> {
        let when = "while it checked settings";
        let call = Call::Judge {
            channel_type: channel_type.to_owned(),
            settings_json: settings_json.to_owned(),
        };
        match self.ask(call, when)? {
            Answer::Judged {
                problems,
                proofs_json,
            } => Ok(SettingsVerdict {
                problems,
                proofs_json,
            }),
            Answer::NotLoaded(sentence) => Err(sentence),
            _ => Err(self.confused(when)),
        }
    }

    fn ask(&self, call: Call, when: &str) -> Result<Answer, String> {
        let sentence = |why: CallError| why.sentence(when);
        let not_started = |ending: Ending| {
            sentence(CallError::NotStarted {
                file: self.path.clone(),
                ending: ending.to_string(),
            })
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| not_started(Ending::not_started(&error)))?;
        let answer = runtime.block_on(async {
            let live = self.start("", None).await.map_err(not_started)?;
            let answer = live.call(call, ANSWER_TIMEOUT).await.map_err(sentence);
            live.kill(Ending::requested());
            live.ended().await;
            answer
        });
        runtime.shutdown_background();
        answer
    }

    fn confused(&self, when: &str) -> String {
        let file = self.path.clone();
        let ending = Ending::confused().to_string();
        CallError::Crashed { file, ending }.sentence(when)
    }
}
