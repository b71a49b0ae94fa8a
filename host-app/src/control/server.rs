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
    request::{Answer, MAX_LINES, MAX_REQUEST_LENGTH, MAX_SILENCE, Request},
};
use crate::{planned, report, unkept};

/// The maximum number of connections that are answered at once; others wait.
const MAX_CONCURRENT: usize = 16;
/// The maximum length of a short request, in bytes. Only one longer request, a message, is
/// in memory at a time.
const MAX_SHORT_REQUEST: usize = 64 * 1024;
/// How long a client may take to send its request: everything in it is known beforehand.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a client may take to read the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// An error returned when the control socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another monitor answers at the socket.
    #[error("another monitor answers at the control socket {}: stop it, or set another `monitor.control`", .0.display())]
    InUse(PathBuf),
    /// The path is not a socket.
    #[error("{} is not a socket: give `monitor.control` a path of its own", .0.display())]
    NoSocket(PathBuf),
    /// The operating system refuses the socket.
    #[error("the control socket {} cannot be made: {source}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// The monitor that the control socket gives access to.
#[derive(Debug)]
pub struct Subject {
    /// The running monitor.
    pub monitor: Arc<Monitor>,
    /// Reloads the configuration.
    pub reloading: Arc<Reloading>,
    /// The address at which metrics are served; `None` if they are not.
    pub http: Option<SocketAddr>,
}

/// A server that answers requests until it is dropped.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    answering: JoinHandle<()>,
}

impl ControlServer {
    /// Opens the socket. Only the user that the monitor runs as may use it.
    ///
    /// # Errors
    /// Returns [`ControlError`] if it cannot be opened.
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
    // Created under another name and renamed once it has its mode, so that others can open
    // it at no time.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    let _ = fs::remove_file(&made);
    let listener = UnixListener::bind(&made).map_err(system)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600)).map_err(system)?;
    fs::rename(&made, path).map_err(system)?;
    Ok(listener)
}

/// Creates the socket's folder if it is missing, with access only for the user that the
/// monitor runs as. The parent folder must exist: any other path is more likely a typing
/// error.
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
            // Out of file descriptors, for example: others may be closed soon.
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

/// Reads a request and answers it, or says why it is invalid.
async fn hear(
    read: impl AsyncRead + Unpin,
    long: &Semaphore,
) -> io::Result<Result<Request, String>> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(MAX_SHORT_REQUEST as u64));
    reader.read_until(b'\n', &mut line).await?;
    let is_whole = |line: &[u8], most: usize| line.len() < most || line.ends_with(b"\n");
    // Held until the request has been parsed.
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
    Ok(request.map_err(|error| format!("this is not a request: {error}")))
}

async fn converse(mut stream: UnixStream, subject: &Subject, long: &Semaphore) -> io::Result<()> {
    let (read, mut write) = stream.split();
    // The timeout includes the wait for others, so that a silent client blocks nobody for
    // longer.
    let answer = match timeout(REQUEST_TIMEOUT, hear(read, long)).await?? {
        Ok(request) => answer(request, subject).await,
        Err(why) => Answer::Refused(why),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    timeout(ANSWER_TIMEOUT, write.write_all(text.as_bytes())).await??;
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
            if seconds > MAX_SILENCE.as_secs() {
                return Answer::Wrong("a silence lasts at most a year".to_owned());
            }
            match monitor.silence(&host, Duration::from_secs(seconds), &why) {
                Ok(was_silenced) => {
                    // What was confirmed must survive a kill.
                    monitor.written().await;
                    done(&Silenced { was_silenced })
                }
                Err(error) => Answer::Wrong(error.to_string()),
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
                tracing::error!("the configuration was rejected, the old one stays: {error}");
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

/// Returns the answer for a key that was used before; `None` if it was not.
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

/// Returns the outcome, for people and for programs.
fn came_of(report: &Report, is_recovery: bool, warnings: Vec<String>, repeats: bool) -> Answer {
    // The monitor retries as long as it runs.
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

/// A mistake in the call is an answer; any other error is not the caller's fault.
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

/// Returns who would be notified now.
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
    Answer::Wrong(format!("no host `{host}` is in the configuration"))
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
