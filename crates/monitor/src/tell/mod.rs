//! From what the machine has found to what each channel is told.
//!
//! `words` has the texts, `open` knows how each open problem was told, `ledger`
//! decides whom a notice goes to, `telling` is one message, `queue` keeps the
//! order, `teller` hands them to the engine, whose store of deliveries has the
//! rest; `record` reads there what became of them.

mod ledger;
mod open;
mod queue;
mod record;
mod teller;
mod telling;
mod words;

#[cfg(test)]
mod tests;

pub use ledger::{Ledger, Routes};
pub use open::{LedgerChange, Under};
pub use record::{Counts, Told, told};
pub use teller::Teller;
#[cfg(test)]
pub(crate) use telling::Part;
pub use telling::{Message, Telling};
