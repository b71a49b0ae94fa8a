//! `hbd deliveries`, `hbd retry` and `hbd channels` with a store that an engine
//! has filled: as a user types them.
//!
//! `desk` has the store and the command line; `listed`, `shown`, `audited`,
//! `retried` and `standing` are about one command each, `wrong` about calls and
//! configurations that are.

mod audited;
mod desk;
mod listed;
mod retried;
mod shown;
mod standing;
mod wrong;
