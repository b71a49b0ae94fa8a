//! What a plugin says of the fields that are there, where others that it requires are
//! missing or wrong: without those it cannot be asked, so that whoever mends one
//! error would meet the next one only then.
//!
//! In the place of what is missing stands what the type's own example has. Reported is
//! only what is certain all the same: an error of a field that the operator wrote,
//! which is there also when nothing but the example stands beside that field.

use annunciator_core::{code::ProblemLevel, outcome::ProblemV1};
use serde_json::{Map, Value as Json};

use super::{schema::required, standalone::read_definition};
use crate::runtime::LoadedType;

/// Stands where an example refers to a secret.
const SECRET: &str = "?";
/// Fields that are judged once more by themselves; each may take a process.
const MAX_FIELDS: usize = 8;

/// Errors of single fields, in settings that are not whole.
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

/// The field at the top that a problem is about.
fn field(problem: &ProblemV1) -> &str {
    let path = problem.path.as_str();
    path.split(['.', '[']).next().unwrap_or_default()
}
