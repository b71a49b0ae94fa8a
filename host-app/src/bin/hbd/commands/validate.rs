//! `hbd plugins validate`: validates a plugin, each check in a process of its own.

use std::{fs, path::Path};

use annunciator::{
    standalone::{self, Standalone},
    worker::WorkerProgram,
};
use annunciator_validator::{
    Channel, Examination, Level, Outcome, Report, Result as Checked, Waivers, examine,
};

use crate::{
    Exit,
    arguments::{Arguments, ValidatePlugin},
    output::{Output, one_line},
    problems, setup,
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
        output.error(&sentence);
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
        Some(file) => channels(file, &path, output)?,
        None => Vec::new(),
    };
    Ok(Examination {
        path,
        level: validate.level.into(),
        channels,
        live: validate.live,
        // From the clock: any number will do.
        seed: validate.seed.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |now| u64::from(now.subsec_nanos()))
        }),
        waivers,
    })
}

/// Returns the channels of the configuration that are of the plugin's types; the rest of
/// the file does not matter.
fn channels(file: &Path, path: &Path, output: &Output) -> Result<Vec<Channel>, Exit> {
    // The checks report a plugin that cannot be loaded.
    let Ok(plugin) = Standalone::load(path, Some(&WorkerProgram::this())) else {
        return Ok(Vec::new());
    };
    let types: Vec<_> = plugin.types().cloned().collect();
    let channels = standalone::channels(file, &types).map_err(|error| {
        problems::print_error(&error.into(), output);
        Exit::Wrong
    })?;
    let channels = channels
        .into_iter()
        .map(|(channel_type, settings_json)| Channel {
            channel_type,
            settings_json,
            is_example: false,
        });
    Ok(channels.collect())
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
        print(&report, output);
    }
    if let Some(file) = &validate.junit {
        let xml = report.junit();
        let written = xml.and_then(|xml| fs::write(file, xml).map_err(|error| error.to_string()));
        written.map_err(|error| {
            output.error(format!("{} cannot be written: {error}", file.display()));
            Exit::Failed
        })?;
    }
    Ok(if report.is_passed() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

fn print(report: &Report, output: &Output) {
    // Checks that are skipped for the same reason share a line.
    let alike = |one: &Checked, next: &Checked| matches!((&one.outcome, &next.outcome), (Outcome::Skipped(one), Outcome::Skipped(next)) if one == next);
    for results in report.results.chunk_by(alike) {
        let Some(result) = results.first() else {
            continue;
        };
        let names: Vec<&str> = results.iter().map(|result| result.check.name).collect();
        let name = names.join(", ");
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
