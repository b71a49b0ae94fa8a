//! Guards around a plugin's code: no panic in it unwinds into the host.
//!
//! They also record whose future is being polled, so that the log is written under the right
//! channel's name.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    future::Future,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use crate::host::Host;

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static CURRENT: RefCell<Option<Host>> = const { RefCell::new(None) };
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns the host whose provider is running on this thread.
pub(crate) fn current() -> Option<Host> {
    CURRENT.with_borrow(Clone::clone)
}

/// Returns what is left of the attempt that is running on this thread, less a little, so that the
/// provider can still report what happened.
pub(crate) fn time_left() -> Option<Duration> {
    let left = DEADLINE.get()?.saturating_duration_since(Instant::now());
    Some(left * 9 / 10)
}

/// Runs `f` on behalf of a host.
pub(crate) fn entered<R>(host: &Host, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Host>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(host.clone())));
    f()
}

/// Assigns this thread to a host's provider, whatever runs on it.
#[cfg(feature = "own-runtime")]
pub(crate) fn adopt(host: Option<Host>) {
    CURRENT.set(host);
}

/// Records where a panic happened, for [`caught`] to report.
pub(crate) fn remember_panic(text: String) {
    LAST_PANIC.set(Some(text));
}

/// Runs `f`; a panic becomes the error's text.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(text_of)
}

fn text_of(payload: Box<dyn Any + Send>) -> String {
    let remembered = LAST_PANIC.take();
    let text = remembered.unwrap_or_else(|| {
        if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "no message".to_owned()
        }
    });
    // A payload may panic again when it is dropped, so that it is leaked.
    std::mem::forget(payload);
    text
}

/// A value of the plugin's, whose drop cannot unwind.
pub(crate) struct Shielded<T> {
    host: Host,
    value: ManuallyDrop<T>,
}

impl<T> Shielded<T> {
    pub(crate) fn new(host: Host, value: T) -> Self {
        let value = ManuallyDrop::new(value);
        Self { host, value }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }
}

impl<T> Deref for Shielded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Shielded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Shielded<T> {
    fn drop(&mut self) {
        // SAFETY: the field is not touched again, since this is its owner's drop.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        entered(&self.host, || {
            if let Err(panic) = caught(|| drop(value)) {
                tracing::error!("the plugin panicked while it dropped something: {panic}");
            }
        });
    }
}

/// A future of the plugin's, which cannot unwind out of `poll` or `drop`.
pub(crate) struct Guarded<F: Future, P: FnOnce(String) -> F::Output> {
    future: Shielded<Pin<Box<F>>>,
    on_panic: Option<P>,
    deadline: Option<Instant>,
}

impl<F: Future, P: FnOnce(String) -> F::Output> Guarded<F, P> {
    pub(crate) fn new(host: Host, future: F, on_panic: P) -> Self {
        Self {
            future: Shielded::new(host, Box::pin(future)),
            on_panic: Some(on_panic),
            deadline: None,
        }
    }

    /// Sets how long the host waits for the future.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.deadline = Instant::now().checked_add(time);
        self
    }
}

// The future is in a box of its own, so that nothing here is pinned in place.
impl<F: Future, P: FnOnce(String) -> F::Output> Unpin for Guarded<F, P> {}

impl<F: Future, P: FnOnce(String) -> F::Output> Future for Guarded<F, P> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let host = self.future.host().clone();
        let outer = DEADLINE.replace(self.deadline);
        let polled = entered(&host, || {
            if self.on_panic.is_none() {
                return Poll::Pending;
            }
            match caught(|| self.future.as_mut().poll(cx)) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(output)) => {
                    self.on_panic = None;
                    Poll::Ready(output)
                }
                Err(panic) => match self.on_panic.take() {
                    Some(on_panic) => Poll::Ready(on_panic(panic)),
                    None => Poll::Pending,
                },
            }
        });
        DEADLINE.set(outer);
        polled
    }
}
