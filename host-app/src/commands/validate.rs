//! `hbd plugins validate`: examines a plugin, each check in a process of its own.

use std::{fs, path::Path};

use annunciator::{Isolation, inspect};
use annunciator_validator::{Channel, Examination, Level, Outcome, Report, Waivers, examine};

use crate::{
    Exit,
    arguments::{Arguments, ValidatePlugin},
    output::{Output, one_line},
    setup,
};

pub(super) fn run(arguments: &Arguments, validate: &ValidatePlugin, output: &Output) -> Exit {
    match examination(arguments, validate, output) {
        Ok(examination) => examined(examination, validate, output).unwrap_or_else(|exit| exit),
        Err(exit) => exit,
    }
}

fn examination(
    arguments: &Arguments,
    validate: &ValidatePlugin,
    output: &Output,
) -> Result<Examination, Exit> {
    let wrong = |sentence: String| {
        output.error(&format!("error: {}", one_line(&sentence)));
        Exit::Wrong
    };
    let path = fs::canonicalize(&validate.path).map_err(|error| {
        wrong(format!(
            "{} cannot be read: {error}",
            validate.path.display()
        ))
    })?;
    let waivers = match &validate.waivers {
        Some(file) => Waivers::read(file).map_err(|error| wrong(error.to_string()))?,
        None => Waivers::default(),
    };
    let channels = match &arguments.config {
        Some(_) => channels(arguments, &path, output)?,
        None => Vec::new(),
    };
    Ok(Examination {
        path,
        level: validate.level.into(),
        channels,
        live: validate.live,
        // By the clock: any number does.
        seed: validate.seed.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |now| u64::from(now.subsec_nanos()))
        }),
        waivers,
    })
}

/// The channels of the configuration that are of the plugin's types. What is in
/// their settings is read by the plugin in a process of its own.
fn channels(arguments: &Arguments, path: &Path, output: &Output) -> Result<Vec<Channel>, Exit> {
    let folder = path.parent().unwrap_or(path);
    let builder = setup::builder(arguments, output)?
        .plugin_dir(folder)
        .default_isolation(Isolation::Process);
    let loaded = setup::load_from(&builder, output)?;
    // One that cannot be read is told by the checks.
    let note = inspect(path).ok().flatten().map(|file| file.note);
    let types = note.map(|note| note.channel_types).unwrap_or_default();
    let channels = loaded.config.channels();
    let channels =
        channels.filter(|channel| types.iter().any(|name| name == channel.channel_type()));
    Ok(channels
        .map(|channel| Channel {
            channel_type: channel.channel_type().to_owned(),
            settings_json: annunciator::bare::settings_of(channel).to_owned(),
            is_example: false,
        })
        .collect())
}

fn examined(
    examination: Examination,
    validate: &ValidatePlugin,
    output: &Output,
) -> Result<Exit, Exit> {
    let report = setup::runtime(output)?.block_on(examine(examination));
    if validate.json {
        output.json(&report.json());
    } else {
        tell(&report, output);
    }
    if let Some(file) = &validate.junit {
        let xml = report.junit();
        let written = xml.and_then(|xml| fs::write(file, xml).map_err(|error| error.to_string()));
        written.map_err(|error| {
            output.error(&format!(
                "error: {} cannot be written: {error}",
                file.display()
            ));
            Exit::Failed
        })?;
    }
    Ok(if report.is_passed() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

fn tell(report: &Report, output: &Output) {
    for result in &report.results {
        let name = result.check.name;
        let said = result.outcome.why().map(one_line).unwrap_or_default();
        match &result.outcome {
            Outcome::Passed => output.line(&format!("ok      {name}: {}", result.check.sentence)),
            Outcome::Skipped(_) => output.line(&format!("skipped {name}: {said}")),
            Outcome::Waived(_) => output.line(&format!("waived  {name}: {said}")),
            Outcome::Failed(_) => {
                output.line(&format!(
                    "FAILED  {name}: {} But {said}.",
                    result.check.sentence
                ));
            }
        }
    }
    output.line(&format!(
        "{}: level {}, {} passed, {} failed, {} skipped, {} waived (seed {})",
        report.path.display(),
        report.level,
        report.count("passed"),
        report.count("failed"),
        report.count("skipped"),
        report.count("waived"),
        report.seed,
    ));
}

impl From<crate::arguments::ValidateLevel> for Level {
    fn from(level: crate::arguments::ValidateLevel) -> Self {
        use crate::arguments::ValidateLevel as Said;
        match level {
            Said::Must => Self::Must,
            Said::Compatible => Self::Compatible,
            Said::Thorough => Self::Thorough,
        }
    }
}
