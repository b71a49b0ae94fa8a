//! For what what is being polled on this thread waits: so much only tests want to
//! know, whose host has a clock that stands still.

use std::cell::Cell;

thread_local! {
    static BY_CLOCK: Cell<bool> = const { Cell::new(false) };
    static ELSEWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Whether sleeping waits until a test's clock has come that far; else a test's
/// host lets the time pass at once.
pub(crate) fn by_clock() -> bool {
    BY_CLOCK.get()
}

/// Says so until it is dropped.
pub(crate) fn enter(by_clock: bool) -> Entered {
    Entered(BY_CLOCK.replace(by_clock))
}

/// See [`enter`].
pub(crate) struct Entered(bool);

impl Drop for Entered {
    fn drop(&mut self) {
        BY_CLOCK.set(self.0);
    }
}

/// What is polled waits for another thread.
#[cfg(feature = "own-runtime")]
pub(crate) fn elsewhere() {
    ELSEWHERE.set(true);
}

/// Whether that was said since it was last asked.
#[cfg(feature = "testing")]
pub(crate) fn take_elsewhere() -> bool {
    ELSEWHERE.take()
}
