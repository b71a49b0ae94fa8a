//! Problems and their ends: whoever read of one reads of the other, whatever
//! died between.

use std::collections::BTreeMap;

use annunciator::store::{Attempt, Record};

use crate::findings::{Findings, text};

/// What the texts of stories begin with.
pub const MARK: &str = "story-";
/// What the text of an end adds to that of its problem.
pub const OVER: &str = " is over";

/// How many ended, and what is wrong with them.
pub fn notified(records: &[(Record, Vec<Attempt>)], arrived: &[String]) -> (usize, Vec<String>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, text) in arrived.iter().enumerate() {
        first.entry(text).or_insert(place);
    }
    let mut problems = BTreeMap::new();
    for (record, attempts) in records {
        let may_have_arrived = Findings::may_have_arrived(record, attempts) > 0;
        problems.insert(text(record), may_have_arrived);
    }
    let (mut count, mut broken) = (0, Vec::new());
    for end in problems.keys().filter(|text| text.ends_with(OVER)) {
        count += 1;
        let problem = end.strip_suffix(OVER).unwrap();
        let may_know = problems.get(problem).is_some_and(|may| *may);
        match (first.get(problem), first.get(end.as_str())) {
            (Some(problem), Some(over)) if problem < over => {}
            (None, None) => {}
            // It was on its way when its holder was killed.
            (None, Some(_)) if may_know => {}
            (problem, over) => broken.push(format!("{end}: arrived as {problem:?} and {over:?}")),
        }
    }
    (count, broken)
}
