//! Before anything is recorded: whether a channel is to be told at all.

use crate::{
    config::ChannelOptions,
    event::{Kind, Rendered},
};

/// The rule that keeps a notification back from a channel, in words; `None`
/// when it may pass.
///
/// The end of a problem passes whatever the channel's rules are: the store
/// sends it to those who were told the problem, and to nobody else.
pub(super) fn kept_back(rendered: &Rendered, options: &ChannelOptions) -> Option<String> {
    if let Some(rule) = &rendered.kept_back {
        return Some(rule.to_string());
    }
    let ends_a_problem = rendered.kind == Kind::Recovery && !rendered.message.incident.is_empty();
    if ends_a_problem || rendered.kind == Kind::Test {
        return None;
    }
    let least = options.min_severity;
    (rendered.severity < least)
        .then(|| format!("min_severity: {} is milder than {least}", rendered.severity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Notification, Severity};

    #[test]
    fn what_is_too_mild_is_kept_back_but_for_ends_and_tests() {
        let options = ChannelOptions {
            min_severity: Severity::Warning,
            ..ChannelOptions::default()
        };
        let check = |severity, kind, incident: &str, expected: Option<&str>| {
            let notification = Notification::new("x").severity(severity).kind(kind);
            let rendered = notification.incident(incident).render("h", 0).unwrap();
            assert_eq!(kept_back(&rendered, &options).as_deref(), expected);
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
