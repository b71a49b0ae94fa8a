//! Thresholds: which values of a metric are a problem, and for how long.
//!
//! `condition` is a comparison, `pattern` selects the metrics of a rule, `rule` turns
//! samples into levels, `set` is a `threshold_config`, and `value` formats numbers for
//! messages.

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
