//! Last stage: the record. What came of it is logged, channel by channel.

use super::report::ChannelReport;

/// Logs a channel's report.
pub(super) fn settle(report: &ChannelReport, notification: &str, host: &str) {
    let (channel, channel_type) = (&report.channel, &report.channel_type);
    let ms = report.duration.as_millis();
    if report.delivered {
        let targets = report.targets.len();
        tracing::info!(%channel, %channel_type, host, notification, targets, ms, "sent notification");
    }
    // The specification's users grep for these words.
    for failure in report.failures() {
        tracing::error!(
            %channel, %channel_type, host, notification, ms,
            target = %failure.target, fault = %failure.fault, code = %failure.code, hint = %failure.hint,
            "failed to send notification: {}", failure.detail
        );
    }
    for target in &report.targets {
        for note in &target.notes {
            tracing::info!(%channel, target = %target.target, notification, "{note}");
        }
    }
}
