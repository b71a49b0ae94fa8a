//! Which delivery a request is made for, by whose future is being polled.
//!
//! A plugin asks its host while its own future is polled, on the same thread; so
//! the host knows whom it answers, also where the request itself cannot be read.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static POLLED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of the delivery that is being polled on this thread.
pub(crate) fn polled() -> Option<usize> {
    POLLED.get()
}

/// A future of a delivery with a number, or of what was begun for it.
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
