//! Before anything is recorded: whether a channel is to be told at all. What it
//! decides, it decides from the configuration and the time alone.

use crate::{
    config::ChannelOptions,
    event::{Kind, Rendered, Severity},
};

/// The name of that rule.
pub(super) const QUIET_HOURS: &str = "quiet_hours";

/// A rule that keeps a notification back from a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Its name and what it says, for people.
    pub(crate) sentence: String,
    /// Where what it keeps back is told later, in one digest: when.
    pub(crate) digest_ms: Option<i64>,
}

impl Rule {
    /// One that keeps back for good.
    pub(super) fn ending(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            digest_ms: None,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.sentence.split(':').next().unwrap_or_default()
    }
}

/// The rule that keeps a notification back from a channel at a time; `None` when
/// it may pass.
///
/// The end of a problem passes whatever the channel's rules are: the store
/// sends it to those who were told the problem, and to nobody else.
pub(super) fn kept_back(
    rendered: &Rendered,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<Rule> {
    if let Some(rule) = &rendered.kept_back {
        return Some(Rule::ending(&**rule));
    }
    if rendered.ends_a_problem() || rendered.kind == Kind::Test {
        return None;
    }
    by_severity(rendered.severity, options, now_ms)
}

/// The same for anything of a severity.
pub(crate) fn by_severity(
    severity: Severity,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<Rule> {
    let least = options.min_severity;
    if severity < least {
        let sentence = format!("min_severity: {severity} is milder than {least}");
        return Some(Rule::ending(sentence));
    }
    let quiet = options.quiet_hours.as_ref()?;
    if severity >= quiet.except || !quiet.covers(now_ms) {
        return None;
    }
    Some(Rule {
        sentence: format!("{QUIET_HOURS}: {quiet}"),
        digest_ms: Some(quiet.ends_after(now_ms)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Notification;

    #[test]
    fn what_is_too_mild_is_kept_back_but_for_ends_and_tests() {
        let options = ChannelOptions {
            min_severity: Severity::Warning,
            ..ChannelOptions::default()
        };
        let check = |severity, kind, incident: &str, expected: Option<&str>| {
            let notification = Notification::new("x").severity(severity).kind(kind);
            let rendered = notification.incident(incident).render("h", 0).unwrap();
            let rule = kept_back(&rendered, &options, 0).map(|rule| rule.sentence);
            assert_eq!(rule.as_deref(), expected);
        };
        let rule = Some("min_severity: info is milder than warning");
        check(Severity::Info, Kind::Message, "", rule);
        check(Severity::Info, Kind::Problem, "i", rule);
        check(Severity::Info, Kind::Recovery, "", rule);
        check(Severity::Warning, Kind::Problem, "i", None);
        check(Severity::Critical, Kind::Message, "", None);
        check(Severity::Info, Kind::Recovery, "i", None);
        check(Severity::Info, Kind::Test, "", None);
    }
}
