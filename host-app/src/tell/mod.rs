//! From what the machine has found to what each channel is told.
//!
//! `words` has the texts, `ledger` knows who was told what and decides whom
//! a notice goes to, `telling` is one message for one channel, `teller` hands
//! them to the engine and records what came of it.

mod ledger;
mod teller;
mod telling;
mod words;

pub use ledger::{Ledger, LedgerChange, Routes};
pub use teller::{Counts, Teller};
pub use telling::{Message, Telling, TellingState};
