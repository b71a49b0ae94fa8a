//! Checks of the settings and their errors, for operators.

use std::panic::{AssertUnwindSafe, catch_unwind};

use annunciator::{ChannelType, standalone::Standalone};
use annunciator_core::{code::ProblemLevel, outcome::ProblemV1};
use serde_json::{Map, Value as Json, json};

use crate::miss::{Miss, ensure};
use crate::{
    answer::Answer,
    host::{Host, Reply},
    subject::{Channel, Subject, canary, json, message, open, runtime},
};

/// Names of fields that contain secrets.
const SECRETS: [&str; 7] = [
    "token",
    "password",
    "passwd",
    "secret",
    "api_key",
    "apikey",
    "private_key",
];
/// The number of random settings to try.
const ROUNDS: usize = 40;
const MEGABYTE: usize = 1024 * 1024;

fn about<'a>(standalone: &'a Standalone, channel: &Channel) -> Result<&'a ChannelType, Miss> {
    let found = standalone
        .types()
        .find(|about| about.name == channel.channel_type);
    found.ok_or_else(|| Miss::fails("it does not offer this type"))
}

/// A schema, with its references.
struct Schema<'a>(&'a Json);

impl<'a> Schema<'a> {
    fn follow(&self, schema: &'a Json) -> &'a Json {
        let pointer = schema.get("$ref").and_then(Json::as_str);
        let target = pointer.and_then(|pointer| self.0.pointer(pointer.strip_prefix('#')?));
        target.unwrap_or(schema)
    }

    fn properties(&self) -> impl Iterator<Item = (&'a String, &'a Json)> {
        let properties = self.0.get("properties").and_then(Json::as_object);
        properties.into_iter().flatten()
    }

    fn is_secret(&self, field: &'a Json) -> bool {
        let marked = |schema: &Json| schema.get("writeOnly") == Some(&Json::Bool(true));
        let choices = ["anyOf", "oneOf", "allOf"].iter();
        let mut choices = choices
            .filter_map(|key| field.get(key)?.as_array())
            .flatten();
        marked(field)
            || marked(self.follow(field))
            || choices.any(|choice| marked(self.follow(choice)))
    }

    /// Returns the JSON types that a field accepts; `None` if that is not clear.
    fn takes(&self, field: &'a Json, depth: usize) -> Option<Vec<&'a str>> {
        if depth > 8 {
            return None;
        }
        let field = self.follow(field);
        let choices = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| field.get(key)?.as_array());
        if let Some(choices) = choices {
            let mut all = Vec::new();
            for choice in choices {
                all.extend(self.takes(choice, depth + 1)?);
            }
            return Some(all);
        }
        let words = || {
            field
                .get("enum")
                .or(field.get("const"))
                .map(|_| vec!["string"])
        };
        match field.get("type") {
            Some(Json::String(one)) => Some(vec![one]),
            Some(Json::Array(several)) => Some(several.iter().filter_map(Json::as_str).collect()),
            _ => words(),
        }
    }
}

pub(super) fn schema(subject: &Subject) -> Result<(), Miss> {
    let standalone = subject.load()?;
    for about in standalone.types() {
        let name = &about.name;
        let schema = &about.schema;
        ensure(schema["type"] == "object", || {
            format!("type {name}: its schema is not of an object")
        })?;
        ensure(!about.summary.trim().is_empty(), || {
            format!("type {name} has no description")
        })?;
        let all = Schema(schema);
        for (field, description) in all.properties() {
            let said = |schema: &Json| {
                let text = schema.get("description").and_then(Json::as_str);
                text.is_some_and(|text| !text.trim().is_empty())
            };
            ensure(said(description) || said(all.follow(description)), || {
                format!("type {name}: the field {field} has no description")
            })?;
        }
    }
    Ok(())
}

pub(super) fn secrets_marked(subject: &Subject) -> Result<(), Miss> {
    let standalone = subject.load()?;
    for about in standalone.types() {
        let all = Schema(&about.schema);
        for (field, schema) in all.properties() {
            let lower = field.to_lowercase();
            let sounds = SECRETS
                .iter()
                .any(|word| lower == *word || lower.ends_with(&format!("_{word}")));
            let is_text = all
                .takes(schema, 0)
                .is_none_or(|types| types.contains(&"string"));
            ensure(!sounds || !is_text || all.is_secret(schema), || {
                format!(
                    "type {}: the field {field} is not marked as a secret (writeOnly)",
                    about.name
                )
            })?;
        }
    }
    Ok(())
}

pub(super) fn example(subject: &Subject) -> Result<(), Miss> {
    let standalone = subject.load()?;
    for about in standalone.types() {
        let name = &about.name;
        ensure(!about.example.trim().is_empty(), || {
            format!("type {name} gives no example")
        })?;
        let settings = annunciator::standalone::settings(about, &about.example, canary());
        let settings = settings.map_err(|problems| {
            Miss::fails(format!(
                "type {name}: its example does not fit its schema: {problems}"
            ))
        })?;
        if let Some(problem) = error(&standalone.validate(name, &settings)) {
            return Err(Miss::fails(format!(
                "type {name}: it refuses its own example: {problem}"
            )));
        }
    }
    Ok(())
}

pub(super) fn opens(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        let host = Host::new(runtime.handle().clone());
        let provider = runtime.block_on(open(standalone, channel, &host))?;
        runtime.block_on(provider.close());
        Ok(())
    })
}

/// Returns the first error among the problems, as text.
fn error(problems: &[ProblemV1]) -> Option<String> {
    let error = problems
        .iter()
        .find(|problem| problem.level == ProblemLevel::ERROR);
    error.map(|problem| format!("{}: {}", problem.path, problem.message))
}

fn validated(
    standalone: &Standalone,
    channel: &Channel,
    settings: &str,
) -> Result<Vec<ProblemV1>, Miss> {
    // A plugin's own guard catches panics; this one is for plugins without a guard.
    let validating = AssertUnwindSafe(|| standalone.validate(&channel.channel_type, settings));
    let problems =
        catch_unwind(validating).map_err(|_| Miss::fails("it panicked over settings"))?;
    let panicked = problems
        .iter()
        .find(|problem| problem.message.contains("panicked"));
    panicked.map_or(Ok(()), |problem| {
        Err(Miss::fails(problem.message.to_string()))
    })?;
    Ok(problems)
}

/// Requires an error that names the field.
fn names(problems: &[ProblemV1], field: &str, what: &str) -> Result<(), Miss> {
    let errors = || {
        problems
            .iter()
            .filter(|problem| problem.level == ProblemLevel::ERROR)
    };
    ensure(errors().next().is_some(), || {
        format!("{what} is not an error")
    })?;
    let mut errors = errors();
    let named =
        errors.any(|problem| problem.path.contains(field) || problem.message.contains(field));
    ensure(named, || {
        let said = error(problems).unwrap_or_default();
        format!("{what} is an error that does not name the field: {said}")
    })
}

fn object(channel: &Channel) -> Result<Map<String, Json>, Miss> {
    match json(channel)? {
        Json::Object(settings) => Ok(settings),
        _ => Err(Miss::fails("its settings are not an object")),
    }
}

pub(super) fn unknown_field(subject: &Subject) -> Result<(), Miss> {
    subject.each(|standalone, channel| {
        let mut settings = object(channel)?;
        settings.insert("no_such_field".to_owned(), json!("x"));
        let problems = validated(standalone, channel, &Json::Object(settings).to_string())?;
        names(&problems, "no_such_field", "an unknown field")
    })
}

pub(super) fn wrong_type(subject: &Subject) -> Result<(), Miss> {
    subject.each(|standalone, channel| {
        let all = Schema(&about(standalone, channel)?.schema);
        for (field, schema) in all.properties() {
            let Some(types) = all.takes(schema, 0) else {
                continue;
            };
            let values = [
                ("object", json!({"unexpected": 1})),
                ("array", json!([{"unexpected": 1}])),
                ("boolean", json!(true)),
            ];
            let wrong = values.into_iter().find(|(name, _)| !types.contains(name));
            let Some((name, value)) = wrong else {
                continue;
            };
            let mut settings = object(channel)?;
            settings.insert(field.clone(), value);
            let problems = validated(standalone, channel, &Json::Object(settings).to_string())?;
            names(
                &problems,
                field,
                &format!("a value of type {name} for {field}"),
            )?;
        }
        Ok(())
    })
}

pub(super) fn missing_field(subject: &Subject) -> Result<(), Miss> {
    subject.each(|standalone, channel| {
        let schema = &about(standalone, channel)?.schema;
        let required = schema.get("required").and_then(Json::as_array);
        for field in required.into_iter().flatten().filter_map(Json::as_str) {
            let mut settings = object(channel)?;
            if settings.remove(field).is_some() {
                let problems = validated(standalone, channel, &Json::Object(settings).to_string())?;
                names(&problems, field, &format!("a missing {field}"))?;
            }
        }
        Ok(())
    })
}

pub(super) fn none(subject: &Subject) -> Result<(), Miss> {
    subject.each(|standalone, channel| {
        for settings in ["", "null", "[]", "7", "\"text\"", "{", "{\"a\":1}}"] {
            let problems = validated(standalone, channel, settings)?;
            ensure(error(&problems).is_some(), || {
                format!("{settings:?} as settings is not an error")
            })?;
        }
        // An empty object may be all that a type needs.
        validated(standalone, channel, "{}").map(drop)
    })
}

pub(super) fn random(subject: &Subject) -> Result<(), Miss> {
    let mut random = fastrand::Rng::with_seed(subject.seed);
    let mut text = |length: usize| -> String {
        let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    subject.each(|standalone, channel| {
        let whole = text(MEGABYTE);
        let problems = validated(standalone, channel, &whole)?;
        ensure(error(&problems).is_some(), || {
            "random bytes as settings are not an error".to_owned()
        })?;
        let fields: Vec<String> = object(channel)?.keys().cloned().collect();
        for field in &fields {
            let mut settings = object(channel)?;
            settings.insert(field.clone(), Json::String(text(MEGABYTE)));
            // The field may accept any text; all that matters is that it answers.
            validated(standalone, channel, &Json::Object(settings).to_string())?;
        }
        for round in 0..ROUNDS {
            let mut settings = Map::new();
            for field in &fields {
                settings.insert(field.clone(), Json::String(text(round)));
            }
            validated(standalone, channel, &Json::Object(settings).to_string())?;
        }
        Ok(())
    })
}

/// Returns the secrets in settings, and a canary in each place where a secret may be.
fn secrets(about: &ChannelType, settings: &Map<String, Json>) -> Vec<String> {
    let all = Schema(&about.schema);
    let secret = all.properties().filter(|(_, schema)| all.is_secret(schema));
    let values = secret.filter_map(|(field, _)| settings.get(field)?.as_str());
    let mut secrets: Vec<String> = values.map(str::to_owned).collect();
    secrets.push(canary().to_owned());
    // A word of two letters would be found everywhere.
    secrets.retain(|secret| secret.len() >= 6);
    secrets
}

pub(super) fn secrets_kept(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        let about = about(standalone, channel)?;
        let settings = object(channel)?;
        let secrets = secrets(about, &settings);
        let seen = |text: &str| secrets.iter().any(|secret| text.contains(&**secret));
        let mut said: Vec<(&str, String)> = Vec::new();
        for field in settings.keys() {
            let mut settings = settings.clone();
            settings.insert(field.clone(), json!({"unexpected": canary()}));
            let problems = validated(standalone, channel, &Json::Object(settings).to_string())?;
            said.push(("an error of its settings", format!("{problems:?}")));
        }
        let host = Host::new(runtime.handle().clone());
        if subject.live || !by_itself(subject) {
            runtime.block_on(async {
                let provider = open(standalone, channel, &host).await?;
                for status in [200, 400, 401, 500] {
                    host.answers(Reply::Answer(Answer::new(status, "no")));
                    let result = provider.deliver(message("hello")).await;
                    said.push(("an outcome", format!("{result:?}")));
                    let checked = provider.check().await;
                    said.push(("what its check found", format!("{checked:?}")));
                }
                provider.close().await;
                Ok::<_, Miss>(())
            })?;
        }
        said.extend(host.log().into_iter().map(|line| ("its log", line)));
        let leak = said.iter().find(|(_, text)| seen(text));
        leak.map_or(Ok(()), |(place, _)| {
            Err(Miss::fails(format!("a secret is in {place}")))
        })
    })
}

fn by_itself(subject: &Subject) -> bool {
    let file = annunciator::inspect(subject.path());
    file.is_ok_and(|file| file.is_some_and(|file| file.note.own_runtime))
}
