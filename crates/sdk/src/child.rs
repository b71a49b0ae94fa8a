//! Child programs of a plugin (feature `own-runtime`), within limits of time and output. A
//! program has a process group of its own; when it is given up, the whole group is killed and the
//! program reaped.

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, prlimit};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

/// The maximum number of bytes that are read of each output.
const MAX_OUTPUT: u64 = 1024 * 1024;
/// How long outputs may stay open after the program has ended.
const OUTPUT_CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// A program to run. Its environment contains only the variables that are set here, since that of
/// this process may contain the secrets of others.
///
/// # Examples
/// ```no_run
/// # async fn example() {
/// use std::time::Duration;
/// use annunciator_sdk::{Ended, Program};
///
/// // On an `OwnRuntime`.
/// let program = Program::new("/usr/local/bin/tell").environment([("LC_ALL", "C.UTF-8")]);
/// match program.run(b"disk full".to_vec(), Duration::from_secs(10), ()).await {
///     Ended::Exited(output) => println!("{:?}", output.status),
///     Ended::GivenUp => println!("it was killed"),
///     Ended::NotStarted(error) => println!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    grace: Duration,
}

/// The output of a program that ended.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Output {
    /// The exit status, or `None` if a signal ended the program.
    pub status: Option<i32>,
    /// The signal that ended the program.
    pub signal: Option<i32>,
    /// The first mebibyte of its standard output.
    pub stdout: Vec<u8>,
    /// The first mebibyte of its standard error.
    pub stderr: Vec<u8>,
}

/// How the run of a program ended.
#[derive(Debug)]
pub enum Ended {
    /// The program ended by itself, or by a signal from elsewhere.
    Exited(Output),
    /// The program was killed at its time limit, or because its result was not awaited any more.
    GivenUp,
    /// The program could not be started.
    NotStarted(io::Error),
}

impl Program {
    /// Creates a program from its path. A name without a slash is looked up in the `PATH` of the
    /// program's environment.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            grace: Duration::ZERO,
        }
    }

    /// Adds arguments. Other users of the machine can read them.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        self.environment
            .extend(variables.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets how long the program gets to end by itself, after it was asked to, before it is
    /// killed. By default it is killed at once.
    #[must_use]
    pub fn asked_to_end(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs the program with `input` on its standard input until it ends, for at most `limit`. It
    /// is given up when the returned future is dropped. `held` is dropped after the program was
    /// reaped. Call it on an [`OwnRuntime`](crate::OwnRuntime).
    pub async fn run<T: Send + 'static>(self, input: Vec<u8>, limit: Duration, held: T) -> Ended {
        let end = Instant::now() + limit;
        let (mut sender, receiver) = oneshot::channel();
        // A task of its own, so that the program is reaped even if nobody waits for the result
        // any more.
        tokio::spawn(async move {
            let (ended, group) = run(&self, &input, end, &mut sender).await;
            drop(sender.send(ended));
            if let Some((mut child, group)) = group {
                group.end(&mut child, self.grace).await;
            }
            drop(held);
        });
        receiver.await.unwrap_or(Ended::GivenUp)
    }

    /// Returns the program's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Lifts the memory limit of a worker process for a program that it runs: the limit is meant for
/// the plugin, and a program may use as much as one of the host's.
fn unbound(child: &Child) {
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let limit = getrlimit(Resource::Data);
    if let Some(pid) = pid.filter(|_| limit.current != limit.maximum) {
        let unbound = Rlimit {
            current: limit.maximum,
            ..limit
        };
        // An error means that the program has ended already.
        let _ = prlimit(Some(pid), Resource::Data, unbound);
    }
}

/// Returns how the program ended, and what is left to be ended.
async fn run(
    program: &Program,
    input: &[u8],
    end: Instant,
    nobody_waits: &mut oneshot::Sender<Ended>,
) -> (Ended, Option<(Child, Group)>) {
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = &program.folder {
        command.current_dir(folder);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return (Ended::NotStarted(error), None),
    };
    let group = Group::of(&child);
    unbound(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = Output::default();
    let exited = {
        let talk = async {
            tokio::join!(
                feed(stdin, input),
                drain(stdout, &mut output.stdout),
                drain(stderr, &mut output.stderr),
            );
        };
        let mut talk = std::pin::pin!(talk);
        let mut talking = true;
        loop {
            tokio::select! {
                status = child.wait() => {
                    if talking && timeout(OUTPUT_CLOSE_TIMEOUT, &mut talk).await.is_err() {
                        // Another process of the group holds the outputs open.
                        group.signal(Signal::KILL);
                    }
                    break status.ok();
                }
                () = &mut talk, if talking => talking = false,
                () = sleep_until(end) => break None,
                () = nobody_waits.closed() => break None,
            }
        }
    };
    match exited {
        Some(status) => {
            group.let_go();
            (output.status, output.signal) = (status.code(), status.signal());
            (Ended::Exited(output), None)
        }
        None => (Ended::GivenUp, Some((child, group))),
    }
}

/// A program's process group, which has the program's ID. The group is killed when this is
/// dropped, whatever happens to the task that holds it, unless the program has ended by itself.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // An error means that the group is gone already.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Releases the group: the program has ended, and another may soon have its ID.
    fn let_go(mut self) {
        self.0 = None;
    }

    async fn end(self, child: &mut Child, grace: Duration) {
        if !grace.is_zero() {
            self.signal(Signal::TERM);
            let _ = timeout(grace, child.wait()).await;
        }
        // Also kills processes that the program started and left running.
        self.signal(Signal::KILL);
        let _ = child.wait().await;
        self.let_go();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

async fn feed(stdin: Option<tokio::process::ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A program that does not read its input says why by its exit status.
        let _ = stdin.write_all(input).await;
        let _ = stdin.shutdown().await;
    }
}

async fn drain(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(stream) = stream {
        let mut limited = stream.take(MAX_OUTPUT);
        let _ = limited.read_to_end(into).await;
        // The output beyond the limit is discarded, so that the program can end.
        let _ = tokio::io::copy(&mut limited.into_inner(), &mut tokio::io::sink()).await;
    }
}
