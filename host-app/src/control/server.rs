//! The monitor's end of the control socket.

use std::{
    fs::{self, DirBuilder},
    io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use annunciator::{Notification, NotifyError, Report, Route, Severity};
use annunciator_monitor::{Monitor, Reloading};
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};

use super::{
    answers::{Notified, NotifyOutcome, Silenced, StatusAnswer},
    request::{Answer, MAX_LINES, MAX_REQUEST_LENGTH, Request},
};
use crate::{planned, report, unkept};

/// As many are answered at a time; others wait.
const MAX_CONCURRENT: usize = 16;
/// A request that is longer, in bytes, waits for those that are, too: a message. One is
/// in memory at a time.
const MAX_SHORT_REQUEST: usize = 64 * 1024;
/// Whoever opens the socket asks at once: what there is to say is known
/// before.
const ASKING: Duration = Duration::from_secs(3);
/// And reads the answer.
const READING: Duration = Duration::from_secs(10);
/// A silence is not longer than this: what is silenced for good should not be
/// watched.
const MAX_SILENCE: u64 = 366 * 24 * 3600;

/// The socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another monitor answers there.
    #[error("another monitor answers at the control socket {}", .0.display())]
    InUse(PathBuf),
    /// Something else stands there.
    #[error("{} is no socket: give `monitor.control` a path of its own", .0.display())]
    NoSocket(PathBuf),
    /// The system's reason.
    #[error("the control socket {} cannot be made: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What the control socket is asked about.
#[derive(Debug)]
pub struct Subject {
    /// The running monitor.
    pub monitor: Arc<Monitor>,
    /// Takes the configuration again.
    pub reloading: Arc<Reloading>,
    /// The address at which metrics are served; `None` if they are not.
    pub http: Option<SocketAddr>,
}

/// Answers until it is dropped.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    answering: JoinHandle<()>,
}

impl ControlServer {
    /// Opens the socket; nobody but the user that the monitor runs as may use
    /// it.
    ///
    /// # Errors
    /// [`ControlError`] when it cannot be had.
    pub fn start(path: &Path, subject: Subject) -> Result<Self, ControlError> {
        let listener = listen(path)?;
        let answering = tokio::spawn(answer_all(listener, Arc::new(subject)));
        Ok(Self {
            path: path.to_owned(),
            answering,
        })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.answering.abort();
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> Result<UnixListener, ControlError> {
    let system = |source| ControlError::System {
        path: path.to_owned(),
        source,
    };
    if let Ok(facts) = fs::symlink_metadata(path) {
        if !facts.file_type().is_socket() {
            return Err(ControlError::NoSocket(path.to_owned()));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ControlError::InUse(path.to_owned()));
        }
    }
    make_folder(path).map_err(system)?;
    // Made under another name and renamed when it has its mode, so that there
    // is no moment at which others may open it.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    let _ = fs::remove_file(&made);
    let listener = UnixListener::bind(&made).map_err(system)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600)).map_err(system)?;
    fs::rename(&made, path).map_err(system)?;
    Ok(listener)
}

/// Makes the socket's folder where it is missing, for nobody but the user that
/// the monitor runs as. The folder around it must be there: another path is
/// more likely a slip.
fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !folder.is_dir() => {
            Err(io::Error::new(
                error.kind(),
                format!(
                    "its folder {} does not exist and cannot be made: {error}",
                    folder.display()
                ),
            ))
        }
        _ => Ok(()),
    }
}

async fn answer_all(listener: UnixListener, subject: Arc<Subject>) {
    let places = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let long = Arc::new(Semaphore::new(1));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, say: others may be freed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (subject, long) = (Arc::clone(&subject), Arc::clone(&long));
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &subject, &long).await {
                tracing::debug!("the control socket: {error}");
            }
            drop(place);
        });
    }
}

/// Reads a request; answers it, or why it is none.
async fn hear(
    read: impl AsyncRead + Unpin,
    long: &Semaphore,
) -> io::Result<Result<Request, String>> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(MAX_SHORT_REQUEST as u64));
    reader.read_until(b'\n', &mut line).await?;
    let is_whole = |line: &[u8], most: usize| line.len() < most || line.ends_with(b"\n");
    // Until the line is gone.
    let _permit = if is_whole(&line, MAX_SHORT_REQUEST) {
        None
    } else {
        let permit = long.acquire().await.map_err(io::Error::other)?;
        let rest = MAX_REQUEST_LENGTH - MAX_SHORT_REQUEST;
        reader.get_mut().set_limit(rest as u64);
        reader.read_until(b'\n', &mut line).await?;
        Some(permit)
    };
    if !is_whole(&line, MAX_REQUEST_LENGTH) {
        return Ok(Err(format!(
            "the request is longer than {MAX_REQUEST_LENGTH} bytes"
        )));
    }
    let request = serde_json::from_slice(&line);
    Ok(request.map_err(|error| format!("this is no request: {error}")))
}

async fn converse(mut stream: UnixStream, subject: &Subject, long: &Semaphore) -> io::Result<()> {
    let (read, mut write) = stream.split();
    // With the wait for others: who says nothing holds up nobody for longer.
    let answer = match timeout(ASKING, hear(read, long)).await?? {
        Ok(request) => answer(request, subject).await,
        Err(why) => Answer::Refused(why),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    timeout(READING, write.write_all(text.as_bytes())).await??;
    write.shutdown().await
}

async fn answer(request: Request, subject: &Subject) -> Answer {
    let monitor = &*subject.monitor;
    match request {
        Request::Status => done(&StatusAnswer {
            overview: monitor.overview().await,
            http: subject.http,
        }),
        Request::Explain { host, lines } => {
            match monitor.explain(&host, lines.min(MAX_LINES)).await {
                Some(explained) => done(&explained),
                None => unknown_host(&host),
            }
        }
        Request::Silence { host, seconds, why } => {
            if seconds > MAX_SILENCE {
                return Answer::Refused("a silence ends within a year".to_owned());
            }
            match monitor.silence(&host, Duration::from_secs(seconds), &why) {
                Ok(was_silenced) => {
                    // What was answered outlives a kill.
                    monitor.written().await;
                    done(&Silenced { was_silenced })
                }
                Err(error) => Answer::Refused(error.to_string()),
            }
        }
        Request::Notify {
            host,
            message,
            title,
            severity,
            circumstances,
            dry_run,
        } => {
            let severity = match severity.parse::<Severity>() {
                Ok(severity) => severity,
                Err(error) => return Answer::Refused(format!("{error}")),
            };
            if let Err(why) = circumstances.check() {
                return Answer::Refused(why);
            }
            let is_recovery = circumstances.is_recovery();
            let notification = Notification::new(message).severity(severity);
            let mut notification = circumstances.of(notification);
            if let Some(title) = title {
                notification = notification.title(title);
            }
            if dry_run {
                let host = host.as_deref();
                let recalled = recall(monitor, host, notification, is_recovery).await;
                return recalled
                    .unwrap_or_else(|| would_notify(monitor, host, severity, is_recovery));
            }
            notify(monitor, host.as_deref(), notification, is_recovery).await
        }
        Request::Reload => match subject.reloading.reload(monitor).await {
            Ok(reloaded) => done(&reloaded),
            Err(error) => {
                tracing::error!("the configuration was not taken, the old one stays: {error}");
                Answer::Refused(format!("the old configuration stays in force\n{error}"))
            }
        },
    }
}

async fn notify(
    monitor: &Monitor,
    host: Option<&str>,
    notification: Notification,
    is_recovery: bool,
) -> Answer {
    let notified = match host {
        Some(host) => monitor.engine().notify_host(host, notification).await,
        None => monitor.engine().notify_default(notification).await,
    };
    match notified {
        Ok(report) => {
            let warnings = [
                unknown_host_warning(monitor, host, "were"),
                unkept::of_engine(monitor.engine(), "the monitor"),
            ];
            came_of(
                &report,
                is_recovery,
                warnings.into_iter().flatten().collect(),
                false,
            )
        }
        Err(error) => refused(&error),
    }
}

/// What would be answered because its key was used before; `None` where it was not.
async fn recall(
    monitor: &Monitor,
    host: Option<&str>,
    notification: Notification,
    is_recovery: bool,
) -> Option<Answer> {
    let (config, store) = (monitor.engine().config(), monitor.engine().store()?);
    match config
        .known_report(&**store, route(host), notification)
        .await
    {
        Ok(report) => Some(came_of(&report?, is_recovery, Vec::new(), true)),
        Err(error) => Some(refused(&error)),
    }
}

/// What came of it, for people and for programs.
fn came_of(report: &Report, is_recovery: bool, warnings: Vec<String>, repeats: bool) -> Answer {
    // The monitor goes on for as long as it runs.
    let lines = report.channels().values();
    let lines = lines.flat_map(|channel| report::lines(channel, true));
    let read = serde_json::to_value(report).and_then(serde_json::from_value);
    match read {
        Ok(as_json) => done(&Notified::Outcome(NotifyOutcome {
            delivered: report::is_well(report, is_recovery),
            lines: lines.collect(),
            report: as_json,
            warnings,
            repeats,
        })),
        Err(error) => no_json(&error),
    }
}

/// What is wrong with a call is an answer; the rest is no fault of who calls.
fn refused(error: &NotifyError) -> Answer {
    if report::is_wrong_call(error) {
        return done(&Notified::Wrong {
            wrong: error.to_string(),
            conflict: report::conflict(error),
        });
    }
    Answer::Refused(error.to_string())
}

fn route(host: Option<&str>) -> Route<'_> {
    host.map_or(Route::Defaults, Route::Host)
}

fn unknown_host_warning(monitor: &Monitor, host: Option<&str>, were: &str) -> Option<String> {
    report::unknown_host_warning(&monitor.engine().config(), host?, were)
}

/// Who would be told now.
fn would_notify(
    monitor: &Monitor,
    host: Option<&str>,
    severity: Severity,
    is_recovery: bool,
) -> Answer {
    let (config, now_ms) = (monitor.engine().config(), Timestamp::now().as_millisecond());
    match planned::preview(&config, route(host), severity, is_recovery, now_ms) {
        Ok(preview) => done(&Notified::Preview {
            preview,
            warnings: unknown_host_warning(monitor, host, "would be")
                .into_iter()
                .collect(),
        }),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

fn unknown_host(host: &str) -> Answer {
    Answer::Refused(format!("no host `{host}` is in the configuration"))
}

fn done(value: &impl Serialize) -> Answer {
    match serde_json::to_value(value) {
        Ok(json) => Answer::Done(json),
        Err(error) => no_json(&error),
    }
}

fn no_json(error: &serde_json::Error) -> Answer {
    Answer::Refused(format!("the answer has no JSON form: {error}"))
}
