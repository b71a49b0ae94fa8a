//! The monitor's part of the configuration: `monitor`, `threshold_configs`, `route_tests`
//! and a few keys of hosts.
//!
//! `file` has the form of the file, `monitor` the checked settings, `hosts` the hosts with
//! their thresholds, and `route_tests` checks who would be notified.

mod file;
mod hosts;
mod monitor;
mod route_tests;

pub use hosts::Hosts;
pub use monitor::{DEFAULT_PORT, MonitorConfig, StateFile};

use annunciator::{EngineBuilder, Level, Section, SectionProblem};

const MONITOR: &str = "monitor";
const THRESHOLDS: &str = "threshold_configs";
const HOST_THRESHOLDS: &str = "threshold_config";

/// Declares the sections and keys of a configuration file that the monitor reads.
///
/// Without this call, the engine rejects `monitor`, `threshold_configs` and `route_tests`
/// as unknown. Problems in these sections are reported with the file's other problems.
pub fn declare(builder: EngineBuilder) -> EngineBuilder {
    let monitor = Section::new(MONITOR, file::schema_of::<file::MonitorFile>())
        .check(|json| MonitorConfig::read(json).1)
        .names_hosts(["keys", "*", "hosts"])
        .names_hosts(["ping_keys", "*", "hosts"]);
    let thresholds = Section::new(THRESHOLDS, hosts::thresholds_schema())
        .check(|json| hosts::thresholds(json).1)
        .names(HOST_THRESHOLDS);
    builder
        .section(monitor)
        .section(thresholds)
        .section(route_tests::section(Level::Warning))
        .host_keys(file::schema_of::<file::HostFile>(), |json| {
            hosts::host(json).1
        })
}

/// Turns a failing route test from a warning into an error.
///
/// Call it after [`declare`] to check a configuration before it is used.
pub fn require_route_tests(builder: EngineBuilder) -> EngineBuilder {
    builder.section(route_tests::section(Level::Error))
}

/// Adds a problem of a field, with a hint on how to fix it.
fn wrong(problems: &mut Vec<SectionProblem>, path: &[&str], sentence: impl AsRef<str>, help: &str) {
    let problem = SectionProblem::error(path.iter().copied(), sentence).help(help);
    problems.push(problem);
}

/// Parses a duration, or adds a problem. Returns the default if the file has no value.
fn duration(
    text: Option<&str>,
    default: std::time::Duration,
    path: &[&str],
    problems: &mut Vec<SectionProblem>,
) -> std::time::Duration {
    let Some(text) = text else {
        return default;
    };
    humantime::parse_duration(text).unwrap_or_else(|_| {
        wrong(
            problems,
            path,
            format!("`{text}` is not a duration"),
            "write a number with its unit, such as 30s",
        );
        default
    })
}
