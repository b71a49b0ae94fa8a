//! Finds for which delivery a request is made, by the future that is being polled.
//!
//! A plugin calls its host while its own future is polled, on the same thread; so the host knows
//! for whom it answers, even if the request itself is not readable.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static POLLED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Returns the number of the delivery that is being polled on this thread.
pub(crate) fn polled() -> Option<usize> {
    POLLED.get()
}

/// A future of the delivery with a number, or of a task that it started.
pub(crate) struct Of<F> {
    number: Option<usize>,
    future: Pin<Box<F>>,
}

impl<F: Future> Of<F> {
    pub(crate) fn new(number: Option<usize>, future: F) -> Self {
        Self {
            number,
            future: Box::pin(future),
        }
    }
}

impl<F: Future> Future for Of<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        struct Restore(Option<usize>);
        impl Drop for Restore {
            fn drop(&mut self) {
                POLLED.set(self.0);
            }
        }
        let _restore = Restore(POLLED.replace(self.number));
        self.future.as_mut().poll(cx)
    }
}
