//! The engine embedded: as the README has it, and in the wrong order, place, thread
//! and process. Each call ends in an answer, never in a hang, a panic or processes
//! without end.
//!
//! `readme` runs the README's example, `workers` programs that have workers and do
//! not ask whether they are one, `confined` looks at what a worker has, `places` calls
//! from everywhere.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod confined;
mod places;
mod program;
mod readme;
mod workers;
