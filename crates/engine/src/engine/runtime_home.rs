//! The home of an engine: the process and the tokio runtime in which it was started. Calls from
//! other runtimes and threads are carried out there, or refused where that is impossible.

use std::{panic::catch_unwind, sync::mpsc, thread, time::Duration};

use rustix::process::{Pid, getpid};
use tokio::{
    net::UnixDatagram,
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
};

/// The time within which a runtime that only runs when its thread drives it must run a task;
/// otherwise it is assumed that no thread drives it. A driven runtime takes microseconds. One of
/// its tasks may block it, against the rules, for seconds.
const DRIVEN_TIMEOUT: Duration = Duration::from_secs(3);

/// The error when a call is made where it cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misplaced {
    /// The engine was to be started outside of a tokio runtime.
    #[error(
        "an engine runs on the tokio runtime in which it is started, and there is none here: start it within `#[tokio::main]` or `Runtime::block_on`"
    )]
    NoRuntime,
    /// The engine was to be started in a runtime without timers or sockets.
    #[error(
        "an engine needs the timers and the sockets of its tokio runtime, and this one lacks one of them: build it with `enable_all()`"
    )]
    BareRuntime,
    /// The engine's runtime was dropped.
    #[error(
        "the tokio runtime in which this engine was started has ended, and the engine with it: keep that runtime for as long as the engine, or start another engine"
    )]
    RuntimeGone,
    /// The call panicked, most likely in something that the program supplied, such as a store.
    #[error(
        "the call ended in a panic, most likely of something that the program gave the engine, such as a store or a clock; the engine continues"
    )]
    Panicked,
    /// The engine's runtime is not being driven: it has one thread, and that thread is busy.
    #[error(
        "the tokio runtime in which this engine was started is blocked, since its only thread does something else: call the engine within that runtime, or start it in one with threads of its own"
    )]
    RuntimeStands,
    /// The call was made in a child that was forked from the engine's process.
    #[error(
        "this engine belongs to process {engine} and does not work in process {here}, which was forked from it: a child starts an engine of its own, in a runtime of its own"
    )]
    Forked {
        /// The identifier of the engine's process.
        engine: i32,
        /// The identifier of the calling process.
        here: i32,
    },
}

impl Misplaced {
    /// Returns the reason why a task of the engine returned no answer.
    pub(crate) fn of(error: &tokio::task::JoinError) -> Self {
        if error.is_panic() {
            Self::Panicked
        } else {
            Self::RuntimeGone
        }
    }
}

/// The process and the runtime in which an engine was started.
#[derive(Debug)]
pub(crate) struct RuntimeHome {
    process: Pid,
    runtime: Handle,
}

impl RuntimeHome {
    /// Returns the process and the runtime of the caller.
    ///
    /// # Errors
    /// [`Misplaced`] when no engine can run there.
    pub(crate) fn here() -> Result<Self, Misplaced> {
        let runtime = Handle::try_current().map_err(|_| Misplaced::NoRuntime)?;
        // There is no way to ask whether a runtime has timers and sockets except to create one of
        // each.
        let has_timers = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO)));
        let has_sockets = has_timers.and_then(|()| catch_unwind(|| drop(UnixDatagram::unbound())));
        has_sockets.map_err(|_| Misplaced::BareRuntime)?;
        Ok(Self {
            process: getpid(),
            runtime,
        })
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Checks that the caller is in the engine's process. Must be called before anything that may
    /// wait: a lock that another thread held when the process was forked is never released.
    ///
    /// # Errors
    /// [`Misplaced::Forked`] when the caller is in another process.
    pub(crate) fn check(&self) -> Result<(), Misplaced> {
        let here = getpid();
        if here == self.process {
            return Ok(());
        }
        Err(Misplaced::Forked {
            engine: self.process.as_raw_nonzero().get(),
            here: here.as_raw_nonzero().get(),
        })
    }

    /// Returns whether the caller is in the engine's runtime.
    fn is_inside(&self) -> bool {
        Handle::try_current().is_ok_and(|here| here.id() == self.runtime.id())
    }

    /// Carries out a call in the engine's runtime. A call from another runtime continues if the
    /// returned future is dropped.
    ///
    /// # Errors
    /// [`Misplaced`] when the call is not carried out, or not completely.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Misplaced> {
        self.check()?;
        if self.is_inside() {
            return Ok(call.await);
        }
        self.check_driven().await?;
        let called = self.runtime.spawn(call).await;
        called.map_err(|error| Misplaced::of(&error))
    }

    /// Checks that a thread drives the runtime.
    ///
    /// # Errors
    /// [`Misplaced`] when none does.
    pub(crate) async fn check_driven(&self) -> Result<(), Misplaced> {
        if self.is_inside() || self.runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Ok(());
        }
        let (run, has_run) = oneshot::channel();
        let probe = self.runtime.spawn(async move { run.send(()) });
        let (late, is_late) = oneshot::channel();
        let (done, is_done) = mpsc::channel::<()>();
        // The caller's runtime may have no timers.
        let timer = thread::Builder::new().spawn(move || {
            if is_done.recv_timeout(DRIVEN_TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The caller may have stopped waiting.
                let _ = late.send(());
            }
        });
        let reached = tokio::select! {
            biased;
            ran = has_run => ran.map_err(|_| Misplaced::RuntimeGone),
            // Without a thread for the timer, this waits without a limit.
            Ok(()) = is_late, if timer.is_ok() => Err(Misplaced::RuntimeStands),
        };
        probe.abort();
        drop(done);
        reached
    }
}
