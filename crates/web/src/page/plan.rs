//! Who would be notified of something about a host, and when: now, or at any other time.

use annunciator::{Config, Route, Severity};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    text::{plain, text},
    time::when,
};
use crate::{
    circumstances::is_written,
    planned::{self, PreviewedChannel, is_notified},
    problem::{Problem, Reason},
};

/// What a plan is asked for of, as the form says it. Empty fields are the defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanForm {
    /// `info`, `warning` or `critical`; the default is `critical`.
    severity: String,
    /// Whether it is the end of a problem: any text but an empty one.
    recovery: String,
    /// The date and the time in UTC, such as `2026-11-30T03:00`; the default is now.
    at: String,
}

impl PlanForm {
    fn severity(&self) -> Result<Severity, Problem> {
        let severities = Severity::ALL.iter().copied();
        let mut named = severities.filter(|severity| severity.name() == self.severity);
        match (self.severity.is_empty(), named.next()) {
            (true, _) => Ok(Severity::Critical),
            (false, Some(severity)) => Ok(severity),
            (false, None) => {
                let detail = "`severity` is none of info, warning and critical";
                Err(Problem::new(Reason::WrongQuery, detail))
            }
        }
    }

    fn at_ms(&self, now_ms: i64) -> Result<i64, Problem> {
        if self.at.is_empty() {
            return Ok(now_ms);
        }
        let read = self.at.parse::<DateTime>();
        let read = read.and_then(|at| at.to_zoned(TimeZone::UTC));
        let at_ms = read.map(|at| at.timestamp().as_millisecond());
        at_ms
            .ok()
            .filter(|at_ms| is_written(*at_ms))
            .ok_or_else(|| {
                let detail =
                    "`at` is not a date and a time between 1970 and 9999, such as 2026-11-30T03:00";
                Problem::new(Reason::WrongQuery, detail)
            })
    }

    /// Returns the section of a host's page, with the form.
    ///
    /// # Errors
    /// Refuses a severity that there is not, and what is not a time.
    pub fn section(&self, config: &Config, host: &str, now_ms: i64) -> Result<Markup, Problem> {
        let (severity, at_ms) = (self.severity()?, self.at_ms(now_ms)?);
        let is_recovery = !self.recovery.is_empty();
        let route = Route::Host(host);
        let preview = planned::preview(config, route, severity, is_recovery, at_ms);
        let preview = preview.map_err(|error| Problem::new(Reason::Invalid, error.to_string()))?;
        let shown = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let shown = shown.strftime("%Y-%m-%dT%H:%M").to_string();
        Ok(html! {
            h2 #route { "Who would be notified" }
            form.filter action="#route" {
                label { "Severity"
                    select name="severity" {
                        @for one in Severity::ALL { option value=(one.name()) selected[one == severity] { (one.name()) } }
                    }
                }
                label { "At, UTC" input type="datetime-local" name="at" value=(plain(&shown)) required; }
                label { "Its end" input type="checkbox" name="recovery" value="yes" checked[is_recovery]; }
                button { "Show" }
            }
            @if preview.channels.is_empty() { p { "Nobody: no channel is named." } }
            @else { (table(&preview.channels, config, at_ms)) }
            p.dim { "Limits that depend on what was sent before are not considered." }
        })
    }
}

fn table(channels: &[PreviewedChannel], config: &Config, at_ms: i64) -> Markup {
    html! {
        table {
            thead { tr { th { "Channel" } th { "When" } th { "What" } } }
            tbody {
                @for one in channels {
                    tr {
                        td { (text(&one.planned.channel)) }
                        td data-label="When" { (when(one.planned.at_ms, at_ms)) }
                        td data-label="What" {
                            span.pill.(if is_notified(&one.planned, config) { "ok" } else { "mute" }) {
                                (text(&one.what))
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_form_asks_for_the_worst_now_and_a_wrong_one_is_refused() {
        let form = PlanForm::default();
        assert_eq!(form.severity().unwrap(), Severity::Critical);
        assert_eq!(form.at_ms(5).unwrap(), 5);
        let at = |at: &str| {
            let at = at.to_owned();
            PlanForm {
                at,
                ..PlanForm::default()
            }
            .at_ms(0)
        };
        assert_eq!(at("1970-01-02T00:00").unwrap(), 86_400_000);
        for wrong in [
            "soon",
            "1970-01-02T25:00",
            "-1",
            "99999-01-01T00:00",
            "1969-12-31T23:59",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
        let severity = "loud".to_owned();
        assert!(
            PlanForm {
                severity,
                ..PlanForm::default()
            }
            .severity()
            .is_err()
        );
    }
}
