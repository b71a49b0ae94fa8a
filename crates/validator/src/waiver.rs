//! Waivers: checks that an author exempts a plugin from, with a reason for each.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    answer::{Answer, Route, Success},
    checks::LIST,
};

/// A check that a plugin need not pass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check's name.
    pub check: String,
    /// The reason.
    pub reason: String,
}

/// A file of waivers, in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// The waivers.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
    /// The remote's answer to requests that it accepts, if it is unusual.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// The same if the answer depends on the method and the path: the first that matches is used,
    /// or else `answer`.
    #[serde(default)]
    pub answers: Vec<Route>,
}

/// The error of a file of waivers that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaiverError {
    /// The file cannot be read.
    #[error("the waivers in {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file does not have this form.
    #[error(
        "the waivers in {} are malformed: {source}; write \
         {{\"waivers\": [{{\"check\": \"NAME\", \"reason\": \"WHY\"}}]}}",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// There is no check with this name.
    #[error("the waivers in {} name a check {check}, which does not exist", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The name.
        check: String,
    },
    /// A waiver gives no reason.
    #[error("the waiver of {check} in {} gives no reason", path.display())]
    NoReason {
        /// The file.
        path: PathBuf,
        /// The check.
        check: String,
    },
}

impl Waivers {
    /// Reads a file of waivers.
    ///
    /// # Errors
    /// Fails with [`WaiverError`], which says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, WaiverError> {
        let path = || path.to_owned();
        let text = fs::read_to_string(path()).map_err(|source| WaiverError::Unreadable {
            path: path(),
            source,
        })?;
        let waivers: Self =
            serde_json::from_str(&text).map_err(|source| WaiverError::Malformed {
                path: path(),
                source,
            })?;
        for waiver in &waivers.waivers {
            let check = waiver.check.clone();
            if LIST.iter().all(|known| known.name != check) {
                return Err(WaiverError::Unknown {
                    path: path(),
                    check,
                });
            }
            if waiver.reason.trim().is_empty() {
                return Err(WaiverError::NoReason {
                    path: path(),
                    check,
                });
            }
        }
        Ok(waivers)
    }

    pub(crate) fn success(&self) -> Success {
        Success {
            routes: self.answers.clone(),
            otherwise: self.answer.clone(),
        }
    }

    pub(crate) fn of(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|waiver| waiver.check == check)
    }
}
