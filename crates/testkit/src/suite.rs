//! The configuration suite: what the settings of every plugin must withstand.
//!
//! It goes through the engine, as an operator's file does, and returns everything that is wrong;
//! an empty list means that the plugin passes.

use std::io;

use annunciator::{Catalog, EngineBuilder};
use serde_json::{Map, Value as Json};

use crate::rig::Rig;

/// Texts, numbers and shapes that are invalid for every setting.
const HOSTILE: [&str; 14] = [
    "[]",
    "{}",
    "[[1]]",
    "''",
    "~",
    "-1",
    "1e999",
    "99999999999999999999",
    "true",
    "'\u{202e}x'",
    "\"a\\0b\"",
    "\"a\\r\\nb: c\"",
    "{env: NO_SUCH_VARIABLE}",
    "{file: /no/such/file}",
];

/// A channel with a valid definition.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// The plugin's package.
    pub package: &'a str,
    /// The channel type.
    pub channel_type: &'a str,
    /// The settings: name and YAML.
    pub settings: &'a [(&'a str, &'a str)],
    /// The fields with secrets; in `settings` their values contain `canary`.
    pub secrets: &'a [&'a str],
}

/// Runs the suite, and returns its failures.
///
/// # Errors
/// Fails if the plugin was not built.
pub fn settings(sound: &Sound<'_>) -> io::Result<Vec<String>> {
    let rig = Rig::new(&[sound.package])?;
    let builder = rig.exactly("")?;
    let suite = Suite {
        sound,
        // Loaded once, since only the settings vary.
        plugins: builder.find_plugins(),
        builder,
        _rig: rig,
    };
    let mut failures = suite.schema();
    failures.extend(
        suite
            .loads(sound.settings)
            .err()
            .map(|said| format!("the sound settings: {said}")),
    );
    failures.extend(suite.unknown_field());
    failures.extend(suite.missing_fields());
    failures.extend(suite.hostile_values());
    Ok(failures)
}

struct Suite<'a> {
    sound: &'a Sound<'a>,
    builder: EngineBuilder,
    plugins: Catalog,
    _rig: Rig,
}

impl Suite<'_> {
    /// Loads one channel; fails with everything that was printed.
    fn loads(&self, settings: &[(&str, &str)]) -> Result<(), String> {
        let lines: String = settings
            .iter()
            .map(|(name, yaml)| format!("    {name}: {yaml}\n"))
            .collect();
        let yaml = format!(
            "notification_channels:\n  under_test:\n    type: {}\n{lines}",
            self.sound.channel_type
        );
        match self.builder.check_text(&yaml, &self.plugins) {
            Ok((config, warnings)) => {
                let shown = format!("{config:?}{}", warnings.source());
                self.secret_in(&shown).map_or(Ok(()), Err)
            }
            Err(problems) => Err(match self.secret_in(problems.source()) {
                Some(leak) => format!("{leak}; {problems}"),
                None => problems.to_string(),
            }),
        }
    }

    fn secret_in(&self, text: &str) -> Option<String> {
        // The engine has an option of that name.
        text.replace("canary: None", "")
            .contains("canary")
            .then(|| "a secret is shown".to_owned())
    }

    fn schema(&self) -> Vec<String> {
        let about = match self.plugins.describe(self.sound.channel_type) {
            Ok(about) => about,
            Err(error) => return vec![error],
        };
        let mut failures = Vec::new();
        if about.summary.is_empty() || about.example.is_empty() {
            failures.push("the channel type has no summary or no example".to_owned());
        }
        let empty = Map::new();
        let properties = about.schema["properties"].as_object().unwrap_or(&empty);
        for (name, property) in properties {
            if property["description"].as_str().is_none_or(str::is_empty) {
                failures.push(format!("the schema does not describe {name}"));
            }
            let marked = property.to_string().contains("\"writeOnly\":true");
            if marked != self.sound.secrets.contains(&name.as_str()) {
                failures.push(format!("{name} is marked as a secret: {marked}"));
            }
        }
        for (name, _) in self.sound.settings {
            if !properties.contains_key(*name) {
                failures.push(format!("the schema does not know {name}"));
            }
        }
        if about.schema["additionalProperties"] != Json::Bool(false) {
            failures.push("the schema takes unknown fields".to_owned());
        }
        failures
    }

    fn unknown_field(&self) -> Option<String> {
        let mut settings = self.sound.settings.to_vec();
        settings.push(("xyzzy", "canary"));
        match self.loads(&settings) {
            Ok(()) => Some("an unknown field is accepted".to_owned()),
            Err(said) => complaint("an unknown field", "xyzzy", &said),
        }
    }

    fn missing_fields(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (left_out, _) in self.sound.settings {
            let rest: Vec<_> = self
                .sound
                .settings
                .iter()
                .filter(|(name, _)| name != left_out)
                .copied()
                .collect();
            // Fields with a default may be omitted.
            if let Err(said) = self.loads(&rest) {
                failures.extend(complaint(&format!("without {left_out}"), "", &said));
            }
        }
        failures
    }

    fn hostile_values(&self) -> Vec<String> {
        let huge = format!("'{}'", "canary ".repeat(150_000));
        let mut failures = Vec::new();
        for (name, _) in self.sound.settings {
            for value in HOSTILE.iter().copied().chain([huge.as_str()]) {
                let settings: Vec<_> = self
                    .sound
                    .settings
                    .iter()
                    .map(|(other, yaml)| (*other, if other == name { value } else { *yaml }))
                    .collect();
                let is_secret = self.sound.secrets.contains(name);
                let short: String = value.chars().take(20).collect();
                match self.loads(&settings) {
                    Ok(()) => {}
                    // A huge text in an open field may be shown, but only in part.
                    Err(said) if !is_secret && value.len() > 1000 && said.len() < 20_000 => {
                        failures.extend(panics(&format!("{name}: {short}"), &said));
                    }
                    Err(said) => {
                        failures.extend(complaint(&format!("{name}: {short}"), name, &said))
                    }
                }
            }
        }
        failures
    }
}

fn panics(what: &str, said: &str) -> Option<String> {
    said.contains("panicked").then(|| format!("{what}: {said}"))
}

/// Returns what is wrong with an output, if anything.
fn complaint(what: &str, names: &str, said: &str) -> Option<String> {
    let fair =
        said.contains("channel under_test") && said.contains(names) && !said.contains("canary");
    let failure = (!fair || said.contains("a secret is shown")).then(|| format!("{what}: {said}"));
    failure.or_else(|| panics(what, said))
}
