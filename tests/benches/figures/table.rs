//! The rows and how they are written down.

use std::{env::consts, fs, thread};

/// One line of the table.
pub(crate) struct Row {
    what: String,
    measured: String,
    compared: String,
    ratio: String,
    target: String,
    verdict: &'static str,
}

impl Row {
    /// A row with a target; `met` says whether it was reached.
    pub(crate) fn with_target(what: &str, target: &str, met: bool) -> Self {
        Self {
            target: target.to_owned(),
            verdict: if met { "met" } else { "**missed**" },
            ..Self::for_scale(what)
        }
    }

    /// A row without a target.
    pub(crate) fn for_scale(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            measured: String::new(),
            compared: String::new(),
            ratio: String::new(),
            target: String::new(),
            verdict: "",
        }
    }

    /// A row that could not be measured on this machine, and why.
    pub(crate) fn skipped(what: &str, why: &str) -> Self {
        Self {
            measured: why.to_owned(),
            verdict: "not measured",
            ..Self::for_scale(what)
        }
    }

    /// A section that broke.
    pub(crate) fn failed(section: &str, error: &str) -> Self {
        Self {
            measured: error.replace('\n', " "),
            verdict: "**failed**",
            ..Self::for_scale(section)
        }
    }

    pub(crate) fn measured(mut self, text: impl Into<String>) -> Self {
        self.measured = text.into();
        self
    }

    pub(crate) fn compared(mut self, text: impl Into<String>) -> Self {
        self.compared = text.into();
        self
    }

    pub(crate) fn ratio(mut self, text: impl Into<String>) -> Self {
        self.ratio = text.into();
        self
    }
}

/// The table in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = "| what | measured | compared with | ratio | target | |\n\
                    | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for row in rows {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            row.what, row.measured, row.compared, row.ratio, row.target, row.verdict
        ));
    }
    text
}

/// The machine, in one line, and how busy it is right now.
pub(crate) fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split(':').nth(1));
        value.unwrap_or("unknown").trim().to_owned()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let memory = memory
        .trim_end_matches(" kB")
        .parse::<u64>()
        .map_or(0, |kb| kb / 1024 / 1024);
    format!(
        "{} cores ({}), {memory} GiB of memory, {} {}, rustc {}, load average now {}\n",
        cores,
        field(&read("/proc/cpuinfo"), "model name"),
        consts::OS,
        read("/proc/sys/kernel/osrelease").trim(),
        annunciator_core::version::RUSTC,
        read("/proc/loadavg")
            .split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
    )
}
