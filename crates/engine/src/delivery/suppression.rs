//! Suppression by rules (`min_severity`, `quiet_hours`, a silence of the embedding program):
//! whether a channel is notified at all, decided from the configuration and the time alone.

use crate::{
    config::ChannelOptions,
    event::{Kind, Rendered, Severity},
};

/// The name of the rule of quiet hours.
pub(super) const QUIET_HOURS: &str = "quiet_hours";

/// A rule that suppresses a notification on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SuppressionRule {
    /// Its name, a colon, and why it applies, for people.
    pub(crate) sentence: String,
    /// When a digest reports what it suppresses, in milliseconds since the Unix epoch; `None`
    /// where nothing does.
    pub(crate) digest_ms: Option<i64>,
}

impl SuppressionRule {
    /// A rule whose suppressed notifications no digest reports.
    pub(super) fn without_digest(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            digest_ms: None,
        }
    }

    /// Returns its name.
    pub(super) fn name(&self) -> &str {
        self.sentence.split(':').next().unwrap_or_default()
    }
}

/// Returns the rule that suppresses a notification on a channel at a time; `None` when it
/// passes.
///
/// A recovery passes whatever the channel's rules are: the store sends it to the recipients of
/// the problem, and to nobody else.
pub(super) fn suppression_of(
    rendered: &Rendered,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<SuppressionRule> {
    if let Some(rule) = &rendered.suppressed_by {
        return Some(SuppressionRule::without_digest(&**rule));
    }
    if rendered.ends_a_problem() || rendered.kind == Kind::Test {
        return None;
    }
    suppression_by_severity(rendered.severity, options, now_ms)
}

/// Returns the rule that suppresses messages of a severity at a time.
pub(crate) fn suppression_by_severity(
    severity: Severity,
    options: &ChannelOptions,
    now_ms: i64,
) -> Option<SuppressionRule> {
    let least = options.min_severity;
    if severity < least {
        let sentence = format!("min_severity: {severity} is milder than {least}");
        return Some(SuppressionRule::without_digest(sentence));
    }
    let quiet = options.quiet_hours.as_ref()?;
    if severity >= quiet.except || !quiet.covers(now_ms) {
        return None;
    }
    Some(SuppressionRule {
        sentence: format!("{QUIET_HOURS}: {quiet}"),
        digest_ms: Some(quiet.ends_after(now_ms)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Notification;

    #[test]
    fn what_is_too_mild_is_suppressed_but_for_recoveries_and_tests() {
        let options = ChannelOptions {
            min_severity: Severity::Warning,
            ..ChannelOptions::default()
        };
        let check = |severity, kind, incident: &str, expected: Option<&str>| {
            let notification = Notification::new("x").severity(severity).kind(kind);
            let rendered = notification.incident(incident).render("h", 0).unwrap();
            let rule = suppression_of(&rendered, &options, 0).map(|rule| rule.sentence);
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
