//! One check in a process of its own, which runs the validating program again.

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{self, ExitStatus, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use crate::{checks::LIST, miss::Miss, subject::Subject};

/// The only argument of such a process.
const ARGUMENT: &str = "--annunciator-check";
/// The time limit of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(60);
/// How many bytes of its output are kept.
const MAX_OUTPUT: u64 = 2000;

/// The job of a process.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    check: String,
    subject: Subject,
    /// The file for the verdict, since what a plugin prints is its own.
    verdict: PathBuf,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs a check and does not return if another process of this program started this one for it;
/// returns at once otherwise. Call it first in `main`, after
/// [`annunciator::worker::run_if_asked`].
pub fn run_if_asked() {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) && arguments.next().is_none() {
        process::exit(i32::from(run().is_err()));
    }
}

fn run() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let job: Job = serde_json::from_str(&text)?;
    let check = LIST.iter().find(|check| check.name == job.check);
    let verdict = match check.map(|check| (check.run)(&job.subject)) {
        Some(Ok(())) => Verdict::Passed,
        Some(Err(Miss::Fails(why))) => Verdict::Failed(why),
        Some(Err(Miss::Skips(why))) => Verdict::Skipped(why),
        None => Verdict::Failed("there is no such check".to_owned()),
    };
    fs::write(&job.verdict, serde_json::to_vec(&verdict)?)
}

/// Runs a check in a process of its own.
pub(crate) async fn check(name: &str, subject: &Subject) -> Verdict {
    let checked = try_check(name, subject).await;
    checked
        .unwrap_or_else(|error| Verdict::Failed(format!("the check could not be started: {error}")))
}

async fn try_check(name: &str, subject: &Subject) -> io::Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let job = Job {
        check: name.to_owned(),
        subject: subject.clone(),
        verdict: folder.path().join("verdict.json"),
    };
    let mut child = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reading = [tokio::spawn(beginning(out)), tokio::spawn(beginning(err))];
    if let Some(mut stdin) = child.stdin.take() {
        // A process that ends early is noticed by how it ends.
        let _ = stdin.write_all(&serde_json::to_vec(&job)?).await;
    }
    let ended = timeout(CHECK_TIMEOUT, child.wait()).await;
    let Ok(status) = ended else {
        child.start_kill()?;
        let sentence = format!("it did not end within {CHECK_TIMEOUT:?}");
        return Ok(Verdict::Failed(sentence));
    };
    let [out, err] = reading;
    let (out, err) = (out.await.unwrap_or_default(), err.await.unwrap_or_default());
    let verdict = verdict(&job.verdict).unwrap_or_else(|| crashed(status?, &err))?;
    Ok(match verdict {
        Verdict::Passed if name == QUIET && !(out.is_empty() && err.is_empty()) => {
            Verdict::Failed(format!("it writes when it is loaded: {:?}", out + &err))
        }
        verdict => verdict,
    })
}

/// The check in which nothing may be written.
const QUIET: &str = "loads-quietly";

fn verdict(path: &Path) -> Option<io::Result<Verdict>> {
    let bytes = fs::read(path).ok()?;
    Some(serde_json::from_slice(&bytes).map_err(io::Error::other))
}

fn crashed(status: ExitStatus, said: &str) -> io::Result<Verdict> {
    let last = said.lines().last().unwrap_or_default();
    Ok(Verdict::Failed(format!(
        "it ended the process ({status}): {last}"
    )))
}

/// Returns the beginning of an output; the rest is read and discarded.
async fn beginning(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut kept = Vec::new();
    // An output that cannot be read counts as empty.
    let _ = (&mut from).take(MAX_OUTPUT).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}
