//! The sender's command line, as clap reads it.

use std::{path::PathBuf, time::Duration};

use annunciator_protocol::{
    limits::{MAX_ABSENCE, MAX_INTERVAL, MIN_INTERVAL},
    name,
};
use clap::{ArgAction, Parser};
use compact_str::CompactString;

use super::server::MonitorAddress;
use crate::duration::duration;

/// Send this machine's heartbeats to a monitor.
///
/// A boot is sent once, on the first run after it. SIGTERM sends a shutdown and
/// ends within a second; SIGINT (Ctrl-C) just ends, and the monitor will miss
/// this machine. Exit status: 0 on success, 1 when nothing could be sent, 2 when
/// the call is wrong.
#[derive(Debug, Parser)]
#[command(name = "hbc", version, max_term_width = 100)]
pub struct SenderArguments {
    /// Send to this monitor: HOST:PORT, an IPv6 address in brackets; the default
    /// port of a monitor is 9677. Every datagram goes to the first address of each
    /// family that the name has
    #[arg(long, value_name = "HOST:PORT", env = "HBC_SERVER")]
    pub(super) server: MonitorAddress,

    /// Use this name for this machine, as in the monitor's configuration
    /// [default: the host name]
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,

    /// Send at this interval [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(super) interval: Option<Duration>,

    /// Sign with the key in this file: ID:SECRET, or the secret alone with
    /// --key-id. Nobody but its owner may have access to it
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,

    /// Set the key's id, if the file does not have it
    #[arg(long, value_name = "ID", requires = "key_file", value_parser = key_id)]
    pub(super) key_id: Option<String>,

    /// Send one heartbeat (the boot, on the first run after it) and end. This
    /// announces no interval unless --interval is given: for cron, set the host's
    /// `interval:` in the monitor's configuration
    #[arg(long, conflicts_with = "message")]
    pub(super) once: bool,

    /// Add a value to every heartbeat; may be given several times
    #[arg(long, value_name = "PATH=VALUE", value_parser = metric)]
    pub(super) metric: Vec<(CompactString, f64)>,

    /// Report a problem in your own words, and end
    #[arg(long, value_name = "TEXT")]
    pub(super) message: Option<String>,

    /// Announce how long this machine expects to be away after a shutdown
    #[arg(long, value_name = "TIME", value_parser = absence, conflicts_with_all = ["once", "message"])]
    pub(super) down_for: Option<Duration>,

    /// Send over IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub(super) ipv4: bool,

    /// Send over IPv6 only
    #[arg(short = '6')]
    pub(super) ipv6: bool,

    /// Remember in this file that a boot was sent [default: a file in
    /// $XDG_RUNTIME_DIR/hbc, /run/hbc or a folder for temporary files]
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,

    /// Log more: -v for actions, -vv for every datagram
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

fn time(text: &str) -> Result<Duration, String> {
    Ok(*duration(text)?)
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    if (MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) {
        Ok(interval)
    } else {
        Err("an interval is at least 100ms and at most 1day".to_owned())
    }
}

fn absence(text: &str) -> Result<Duration, String> {
    let absence = time(text)?;
    if absence <= MAX_ABSENCE {
        Ok(absence)
    } else {
        Err("an expected absence is at most 30days".to_owned())
    }
}

fn key_id(text: &str) -> Result<String, String> {
    if name::is_key_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an id has 1 to 32 letters, digits, - or _".to_owned())
    }
}

fn metric(text: &str) -> Result<(CompactString, f64), String> {
    // A path may contain `=`, a value cannot.
    let (path, value) = text
        .rsplit_once('=')
        .ok_or("write PATH=VALUE, such as backup_monitor.age_hours=3.5")?;
    if !name::is_path(path) {
        return Err(format!(
            "{path:?} is not a path: write monitor.metric, such as backup_monitor.age_hours, \
             without white space, in at most 128 bytes"
        ));
    }
    let value: f64 = value
        .parse()
        .map_err(|_| format!("{value:?} is not a number"))?;
    if value.is_finite() {
        Ok((path.into(), value))
    } else {
        Err(format!("the value of {path} is not a finite number"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        SenderArguments::command().debug_assert();
    }

    /// `Sends …`, `The …` and `How …` describe; an imperative says what the option does.
    #[test]
    fn every_option_begins_with_an_imperative() {
        let command = SenderArguments::command();
        for option in command.get_arguments() {
            let help = option.get_help().unwrap().to_string();
            let first = help.split_whitespace().next().unwrap();
            let is_noun = ["A", "How", "The", "This", "Where"].contains(&first);
            assert!(
                !first.ends_with('s') && !is_noun,
                "{}: {help}",
                option.get_id()
            );
        }
    }

    #[test]
    fn when_a_metric_is_given() {
        assert_eq!(metric("a.b=1.5"), Ok(("a.b".into(), 1.5)));
        assert_eq!(metric("a.b=c=-1e3"), Ok(("a.b=c".into(), -1000.0)));
        for bad in [
            "",
            "a.b",
            "a=1",
            "a.b=",
            "a.b=x",
            "a.b=NaN",
            "a.b=inf",
            "a.b=1e999",
            "a b.c=1",
        ] {
            assert!(metric(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn when_a_time_is_given() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "10", "99ms", "2days", "-1s", "ten"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
        assert_eq!(absence("30days"), Ok(MAX_ABSENCE));
        assert!(absence("31days").is_err());
    }
}
