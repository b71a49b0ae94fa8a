//! The retry policy: decides after an attempt whether the delivery has ended, and otherwise after
//! which backoff and for which targets it is retried. A pure function: time and jitter are passed
//! in.
//!
//! A delivery that ended without success and is not retried stays in the store as failed, as in a
//! dead-letter queue, until a person retries it or it is pruned.

use std::time::Duration;

use annunciator_store::State;

use super::target_report::{ALL_TARGETS, Class, TargetReport};
use crate::config::ChannelOptions;

/// The number of times that an abandoned delivery is reclaimed without a backoff. A program may be
/// restarted a few times for other reasons.
const MAX_ABANDONED: u32 = 3;

/// The results of an attempt, and what else the decision about a retry depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptResults<'a> {
    /// The result for each target.
    pub(super) targets: &'a [TargetReport],
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
    /// Whether it was a probe of the circuit breaker, which does not count as an attempt.
    pub(super) is_probe: bool,
    /// Whether targets with an unknown result are retried.
    pub(super) resend: bool,
    /// Whether a target failed permanently in an earlier attempt.
    pub(super) failed_before: bool,
    /// The remaining time to live, or `None` for no limit.
    pub(super) left: Option<Duration>,
}

/// The verdict after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The delivery has ended.
    Ended { state: State, why: String },
    /// The delivery is retried after this backoff.
    Retry {
        after: Duration,
        /// The targets to retry. An empty list means all targets.
        targets: Vec<String>,
    },
}

/// Decides whether the delivery has ended or is retried. `jitter` is between 0 and 1.
pub(super) fn next_step(
    results: &AttemptResults<'_>,
    options: &ChannelOptions,
    jitter: f64,
) -> Verdict {
    let over = |state, why: String| Verdict::Ended { state, why };
    let has = |class| results.targets.iter().any(|target| target.class == class);
    let open = |target: &&TargetReport| match target.class {
        Class::Retry => true,
        Class::Unknown => results.resend,
        Class::Delivered | Class::Permanent => false,
    };
    let left: Vec<&TargetReport> = results.targets.iter().filter(open).collect();
    if left.is_empty() {
        return match () {
            () if has(Class::Permanent) || results.failed_before => {
                over(State::Failed, String::new())
            }
            () if has(Class::Unknown) => over(State::Unknown, String::new()),
            () => over(State::Delivered, String::new()),
        };
    }
    if results.attempt >= options.retry.attempts && !results.is_probe {
        let state = if has(Class::Retry) || has(Class::Permanent) || results.failed_before {
            State::Failed
        } else {
            State::Unknown
        };
        let why = match results.attempt {
            1 => String::new(),
            attempts => format!("given up after {attempts} attempts"),
        };
        return over(state, why);
    }
    let asked = left.iter().filter_map(|target| target.retry_after).max();
    let after = asked
        .unwrap_or_default()
        .max(backoff(results.attempt, options, jitter));
    if results.left.is_some_and(|left| after >= left) {
        let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
        let why = format!("the next attempt, in {after}, would come after its time to live");
        return over(State::Expired, why);
    }
    let all = left.iter().any(|target| target.target == ALL_TARGETS);
    let targets = left.iter().map(|target| target.target.clone());
    Verdict::Retry {
        after,
        targets: if all { Vec::new() } else { targets.collect() },
    }
}

/// Returns the backoff before an abandoned delivery is retried, from the [`MAX_ABANDONED`]th
/// reclaim on: a poison message must not crash the process in a loop.
pub(super) fn backoff_after_abandonment(
    abandoned: u32,
    options: &ChannelOptions,
    jitter: f64,
) -> Option<Duration> {
    let beyond = abandoned.checked_sub(MAX_ABANDONED)?;
    Some(backoff(beyond, options, jitter))
}

/// Returns a jittered exponential backoff ("full jitter"), so that deliveries that failed together
/// are not retried together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
fn backoff(attempt: u32, options: &ChannelOptions, jitter: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let longest = options.retry.first.saturating_mul(doubled);
    // The embedding program's clock may return anything.
    let share = if jitter.is_nan() { 1.0 } else { jitter };
    longest
        .min(options.retry.max)
        .mul_f64(share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{attempt::outcome, target_report::classify};
    use annunciator_core::{code, outcome::OutcomeV1};

    fn target(name: &str, class: code::OutcomeClass) -> TargetReport {
        classify(OutcomeV1 {
            target: name.into(),
            ..outcome(class, code::Fault::REMOTE, "x".to_owned())
        })
    }

    fn check(targets: &[TargetReport], attempt: u32) -> Verdict {
        let results = AttemptResults {
            targets,
            attempt,
            is_probe: false,
            resend: true,
            failed_before: false,
            left: None,
        };
        next_step(&results, &ChannelOptions::default(), 1.0)
    }

    fn over(state: State) -> Verdict {
        let why = String::new();
        Verdict::Ended { state, why }
    }

    #[test]
    fn only_failed_targets_are_retried() {
        use code::OutcomeClass as Is;
        let targets = [
            target("a", Is::DELIVERED),
            target("b", Is::RETRY),
            target("c", Is::PERMANENT),
            target("d", Is::UNKNOWN),
        ];
        let Verdict::Retry { targets: left, .. } = check(&targets, 1) else {
            panic!("it is over");
        };
        assert_eq!(left, ["b", "d"]);
        let all = [target("", Is::RETRY)];
        let Verdict::Retry { targets: left, .. } = check(&all, 1) else {
            panic!("it is over");
        };
        assert!(left.is_empty());
    }

    #[test]
    fn when_nothing_is_left_the_worst_counts() {
        use code::OutcomeClass as Is;
        let check = |classes: &[Is], expected| {
            let targets: Vec<_> = classes.iter().map(|class| target("t", *class)).collect();
            let Verdict::Ended { state, .. } = super::tests::check(&targets, 8) else {
                panic!("it goes on");
            };
            assert_eq!(state, expected);
        };
        check(&[Is::DELIVERED, Is::DELIVERED], State::Delivered);
        check(&[Is::DELIVERED, Is::PERMANENT, Is::UNKNOWN], State::Failed);
        check(&[Is::DELIVERED, Is::UNKNOWN], State::Unknown);
    }

    #[test]
    fn who_failed_for_good_in_an_earlier_attempt_is_not_forgotten() {
        let targets = [target("a", code::OutcomeClass::DELIVERED)];
        let results = AttemptResults {
            targets: &targets,
            attempt: 2,
            is_probe: false,
            resend: true,
            failed_before: true,
            left: None,
        };
        let verdict = next_step(&results, &ChannelOptions::default(), 1.0);
        assert_eq!(verdict, over(State::Failed));
    }

    #[test]
    fn an_unknown_result_is_retried_unless_that_is_not_wanted() {
        let targets = [target("a", code::OutcomeClass::UNKNOWN)];
        assert!(matches!(check(&targets, 7), Verdict::Retry { .. }));
        let Verdict::Ended { state, .. } = check(&targets, 8) else {
            panic!("it goes on");
        };
        assert_eq!(state, State::Unknown);
        let options = ChannelOptions::default();
        let results = AttemptResults {
            targets: &targets,
            attempt: 1,
            is_probe: false,
            resend: false,
            failed_before: false,
            left: None,
        };
        assert_eq!(next_step(&results, &options, 1.0), over(State::Unknown));
    }

    #[test]
    fn backoffs_double_up_to_the_longest_and_jitter_shortens_them() {
        let options = ChannelOptions::default();
        let seconds: Vec<u64> = (1..12)
            .map(|attempt| backoff(attempt, &options, 1.0).as_secs())
            .collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(backoff(3, &options, 0.25).as_secs(), 2);
        assert_eq!(backoff(u32::MAX, &options, 1.0).as_secs(), 600);
    }

    #[test]
    fn jitter_that_is_no_number_is_bounded() {
        let options = ChannelOptions::default();
        for (jitter, seconds) in [
            (0.0, 0),
            (-1.0, 0),
            (f64::NEG_INFINITY, 0),
            (1.0, 2),
            (7.0, 2),
            (f64::INFINITY, 2),
            (f64::NAN, 2),
        ] {
            let expected = Duration::from_secs(seconds);
            assert_eq!(backoff(1, &options, jitter), expected, "{jitter}");
        }
    }

    #[test]
    fn a_retry_after_of_the_remote_comes_first() {
        let mut busy = target("a", code::OutcomeClass::RETRY);
        busy.retry_after = Some(Duration::from_secs(3600));
        let expected = Verdict::Retry {
            after: Duration::from_secs(3600),
            targets: vec!["a".to_owned()],
        };
        assert_eq!(check(&[busy.clone()], 1), expected);
        let results = AttemptResults {
            targets: &[busy],
            attempt: 1,
            is_probe: false,
            resend: true,
            failed_before: false,
            left: Some(Duration::from_secs(3000)),
        };
        let Verdict::Ended { state, why } = next_step(&results, &ChannelOptions::default(), 1.0)
        else {
            panic!("it goes on");
        };
        assert_eq!(state, State::Expired);
        assert!(why.contains("in 1h, would come after"), "{why}");
    }

    #[test]
    fn an_abandoned_delivery_backs_off_longer_and_longer() {
        let options = ChannelOptions::default();
        let delays: Vec<Option<u64>> = (1..7)
            .map(|times| Some(backoff_after_abandonment(times, &options, 1.0)?.as_secs()))
            .collect();
        assert_eq!(delays, [None, None, Some(2), Some(2), Some(4), Some(8)]);
    }

    #[test]
    fn attempts_are_used_up() {
        let targets = [target("a", code::OutcomeClass::RETRY)];
        let why = "given up after 8 attempts".to_owned();
        let state = State::Failed;
        assert_eq!(check(&targets, 8), Verdict::Ended { state, why });
    }
}
