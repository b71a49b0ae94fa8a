//! A tokio runtime of the plugin's own (feature `own-runtime`).
//!
//! It is for what the host's services cannot do: protocols other than HTTP, child processes,
//! local sockets. The runtime has one named thread and is created when it is first needed.
//! Futures are handed over to it, and aborted when their waiter is dropped. Its threads belong to
//! the provider's host, so that everything on them is logged under the channel's name.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, ready},
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    Provider,
    guard::{self, Guarded},
    host::Host,
    waiting,
};

/// The runtime of one provider. Keep it in the provider, and call [`close`](Self::close) in the
/// provider's `close`.
pub struct OwnRuntime {
    name: String,
    /// The host of the provider that created it.
    host: Option<Host>,
    state: Mutex<RuntimeState>,
}

enum RuntimeState {
    New,
    Running {
        handle: Handle,
        stop: oneshot::Sender<()>,
        stopped: oneshot::Receiver<()>,
    },
    Closed,
}

/// The error of a runtime that is closed or could not be started, or of a task that panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin's own runtime {0}")]
pub struct RuntimeError(String);

impl fmt::Debug for OwnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRuntime")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl OwnRuntime {
    /// Creates the runtime of a provider, which has to declare `const OWN_RUNTIME: bool = true`.
    /// The thread has the name of the channel type, of which Linux shows 15 bytes.
    #[must_use]
    pub fn of<P: Provider>() -> Self {
        const {
            assert!(
                P::OWN_RUNTIME,
                "a provider with a runtime of its own says so: const OWN_RUNTIME: bool = true"
            );
        }
        Self::new(P::TYPE)
    }

    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            host: guard::current(),
            state: Mutex::new(RuntimeState::New),
        }
    }

    /// Runs a future on the runtime's thread and waits for it. Dropping the wait aborts the
    /// future. Tasks that it spawns with tokio are logged under the channel's name, too.
    ///
    /// # Errors
    /// Fails with [`RuntimeError`] if the runtime is closed or cannot be started, or if the
    /// future panicked.
    pub async fn run<F>(&self, future: F) -> Result<F::Output, RuntimeError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let handle = self.handle()?;
        let host = self.owner();
        // With a test's clock, it waits in the way of its caller.
        let by_clock = waiting::by_clock();
        let task = handle.spawn(async move {
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| {
                let _clock = waiting::enter(by_clock);
                match &host {
                    Some(host) => guard::entered(host, || future.as_mut().poll(cx)),
                    None => future.as_mut().poll(cx),
                }
            })
            .await
        });
        AbortOnDrop(task).await
    }

    /// Runs a task on the runtime's thread beside the deliveries, such as one that listens or
    /// keeps a connection alive. The task is dropped when the runtime is closed; a panic in it is
    /// logged.
    ///
    /// # Errors
    /// Fails with [`RuntimeError`] if the runtime is closed or cannot be started.
    pub fn spawn(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RuntimeError> {
        let handle = self.handle()?;
        match self.owner() {
            Some(host) => drop(handle.spawn(Guarded::new(host, task, |panic| {
                tracing::error!("a task of the plugin's own runtime panicked: {panic}");
            }))),
            None => drop(handle.spawn(task)),
        }
        Ok(())
    }

    /// Returns the host under whose name everything here is logged.
    fn owner(&self) -> Option<Host> {
        guard::current().or_else(|| self.host.clone())
    }

    fn handle(&self) -> Result<Handle, RuntimeError> {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*state {
            RuntimeState::Running { handle, .. } => return Ok(handle.clone()),
            RuntimeState::Closed => return Err(RuntimeError("is closed".to_owned())),
            RuntimeState::New => {}
        }
        let failed = |error| RuntimeError(format!("could not be started: {error}"));
        let owner = self.owner();
        let of_blocking = owner.clone();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_start(move || guard::adopt(of_blocking.clone()))
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || {
                guard::adopt(owner);
                let _clock = waiting::enter(true);
                // Ends on request, and when the owner is gone.
                let _ = runtime.block_on(stopping);
                drop(runtime);
                let _ = done.send(());
            })
            .map_err(failed)?;
        *state = RuntimeState::Running {
            handle: handle.clone(),
            stop,
            stopped,
        };
        Ok(handle)
    }

    /// Ends the runtime and its thread, with all tasks that still run there.
    pub async fn close(&self) {
        let state = {
            let mut state = self
                .state
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            std::mem::replace(&mut *state, RuntimeState::Closed)
        };
        if let RuntimeState::Running { stop, stopped, .. } = state {
            let _ = stop.send(());
            let _ = stopped.await;
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, RuntimeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(cx);
        if polled.is_pending() {
            waiting::elsewhere();
        }
        let joined = ready!(polled);
        Poll::Ready(joined.map_err(|error| {
            RuntimeError(if error.is_panic() {
                "caught a panic of its task".to_owned()
            } else {
                "ended before its task".to_owned()
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_on_the_named_thread_until_it_is_closed() {
        let runtime = OwnRuntime::new("own");
        let name = runtime
            .run(async { thread::current().name().map(str::to_owned) })
            .await;
        assert_eq!(name, Ok(Some("own".to_owned())));
        runtime.close().await;
        assert!(runtime.run(async {}).await.is_err());
    }

    #[tokio::test]
    async fn a_future_whose_waiter_is_dropped_is_aborted() {
        let runtime = OwnRuntime::new("own");
        let (alive, dropped) = oneshot::channel::<()>();
        let waiting = runtime.run(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        let mut waiting = Box::pin(waiting);
        let started = std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await;
        assert!(started.is_pending());
        drop(waiting);
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn a_panic_in_the_task_is_an_error() {
        let runtime = OwnRuntime::new("own");
        let error = runtime
            .run(async { panic!("on purpose") })
            .await
            .map(|(): ()| ());
        assert!(error.unwrap_err().to_string().contains("panic"));
        assert!(runtime.run(async {}).await.is_ok());
    }
}
