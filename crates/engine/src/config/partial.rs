//! Checks the fields that are present when others that the plugin requires are missing or wrong.
//! The plugin cannot check incomplete settings, so an operator who fixes one error would see the
//! next one only then.
//!
//! The type's own example supplies the missing fields. Only certain errors are reported: errors of
//! a field that the operator wrote, and that also occur when that field is combined with the
//! example alone.

use annunciator_core::{code::ProblemLevel, outcome::ProblemV1};
use serde_json::{Map, Value as Json};

use super::{schema::required, standalone::read_definition};
use crate::runtime::LoadedType;

/// The value that replaces a reference to a secret in an example.
const SECRET: &str = "?";
/// The maximum number of fields that are checked again by themselves. Each check may take a
/// process.
const MAX_FIELDS: usize = 8;

/// Returns the errors of single fields in incomplete settings.
pub(super) fn errors(loaded: &LoadedType, settings: &Map<String, Json>) -> Vec<ProblemV1> {
    let about = &loaded.about;
    let example = read_definition(&about.schema, &about.example, SECRET);
    let Ok(Json::Object(example)) = example else {
        return Vec::new();
    };
    let needed = required(&about.schema).map(|name| {
        let value = example.get(name)?;
        Some((name.to_owned(), value.clone()))
    });
    let Some(needed) = needed.collect::<Option<Map<_, _>>>() else {
        return Vec::new();
    };
    let with = |written: Map<String, Json>| {
        let mut all = needed.clone();
        all.extend(written);
        let judged = loaded.judge(&Json::Object(all).to_string());
        let problems = judged.map(|verdict| verdict.problems).unwrap_or_default();
        problems
            .into_iter()
            .filter(|problem| problem.level == ProblemLevel::ERROR)
    };
    let found = with(settings.clone()).filter(|problem| settings.contains_key(field(problem)));
    let alone = |problem: &ProblemV1| {
        let name = field(problem);
        let one = settings.get(name).cloned();
        let one = one.map(|value| (name.to_owned(), value)).into_iter();
        with(one.collect()).any(|other| other == *problem)
    };
    found.take(MAX_FIELDS).filter(alone).collect()
}

/// Returns the top-level field that a problem is about.
fn field(problem: &ProblemV1) -> &str {
    let path = problem.path.as_str();
    path.split(['.', '[']).next().unwrap_or_default()
}
