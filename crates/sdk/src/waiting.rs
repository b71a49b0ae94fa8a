//! What the future that is polled on this thread waits for. Only tests need to know, whose host
//! has a clock that stands still.

use std::cell::Cell;

thread_local! {
    static BY_CLOCK: Cell<bool> = const { Cell::new(false) };
    static ELSEWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a sleep lasts until a test's clock has reached its end; otherwise a test's
/// host advances its clock at once.
pub(crate) fn by_clock() -> bool {
    BY_CLOCK.get()
}

/// Sets [`by_clock`] until the returned value is dropped.
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

/// Records that the polled future waits for another thread.
#[cfg(feature = "own-runtime")]
pub(crate) fn elsewhere() {
    ELSEWHERE.set(true);
}

/// Returns whether `elsewhere` was called since the last call of this.
#[cfg(feature = "testing")]
pub(crate) fn take_elsewhere() -> bool {
    ELSEWHERE.take()
}
