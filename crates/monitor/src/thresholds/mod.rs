//! Thresholds: which values of a metric are a problem, and for how long.
//!
//! `condition` is one comparison, `pattern` says which metrics a rule is
//! about, `rule` turns samples into levels, `set` is what a host's
//! `threshold_config` names, `value` prints numbers as messages have them.

mod condition;
mod pattern;
mod rule;
mod set;
mod value;

pub use condition::{Condition, ConditionError};
pub use pattern::{Pattern, PatternError};
pub use rule::{Clear, Level, Rule, Streak};
pub use set::{DEFAULT_RENOTIFY, Renotify, Set, SetProblem};
pub use value::shown;
