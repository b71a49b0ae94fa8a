//! After the attempt: whether it is over, and if not, when and for which
//! targets it is tried again. Without I/O, clock and chance: all three are
//! passed in.

use std::time::Duration;

use annunciator_store::State;

use super::{
    classify::ALL_TARGETS,
    report::{Class, TargetReport},
};
use crate::config::ChannelOptions;

/// From so often on, what was left behind is not tried at once: a program may be
/// started anew a few times for other reasons.
const MAX_ABANDONED: u32 = 3;

/// What is known when an attempt has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried<'a> {
    /// What came of it.
    pub(super) targets: &'a [TargetReport],
    /// Which attempt it was; 1 for the first.
    pub(super) attempt: u32,
    /// Whether it was only to see whether the remote is back: that uses up no
    /// attempts.
    pub(super) is_probe: bool,
    /// Whether it is sent again when nobody knows what came of it.
    pub(super) resend: bool,
    /// Whether a target failed for good in an earlier attempt.
    pub(super) failed_before: bool,
    /// How long it is worth delivering from now on.
    pub(super) left: Option<Duration>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is over.
    Over { state: State, why: String },
    /// It is tried again.
    Again {
        after: Duration,
        /// Empty for all.
        targets: Vec<String>,
    },
}

/// Judges an attempt. `dice` is between 0 and 1.
pub(super) fn judge(tried: &Tried<'_>, options: &ChannelOptions, dice: f64) -> Verdict {
    let over = |state, why: String| Verdict::Over { state, why };
    let has = |class| tried.targets.iter().any(|target| target.class == class);
    let open = |target: &&TargetReport| match target.class {
        Class::Retry => true,
        Class::Unknown => tried.resend,
        Class::Delivered | Class::Permanent => false,
    };
    let left: Vec<&TargetReport> = tried.targets.iter().filter(open).collect();
    if left.is_empty() {
        return match () {
            () if has(Class::Permanent) || tried.failed_before => {
                over(State::Failed, String::new())
            }
            () if has(Class::Unknown) => over(State::Unknown, String::new()),
            () => over(State::Delivered, String::new()),
        };
    }
    if tried.attempt >= options.retry.attempts && !tried.is_probe {
        let state = if has(Class::Retry) || has(Class::Permanent) || tried.failed_before {
            State::Failed
        } else {
            State::Unknown
        };
        let why = match tried.attempt {
            1 => String::new(),
            attempts => format!("given up after {attempts} attempts"),
        };
        return over(state, why);
    }
    let asked = left.iter().filter_map(|target| target.retry_after).max();
    let after = asked
        .unwrap_or_default()
        .max(pause(tried.attempt, options, dice));
    if tried.left.is_some_and(|left| after >= left) {
        let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
        let why = format!("the next attempt, in {after}, would come after its time to live");
        return over(State::Expired, why);
    }
    let all = left.iter().any(|target| target.target == ALL_TARGETS);
    let targets = left.iter().map(|target| target.target.clone());
    Verdict::Again {
        after,
        targets: if all { Vec::new() } else { targets.collect() },
    }
}

/// How long what was left behind is left alone: its holder may have died of it,
/// and must not do so again and again.
pub(super) fn pause_after(abandoned: u32, options: &ChannelOptions, dice: f64) -> Option<Duration> {
    let beyond = abandoned.checked_sub(MAX_ABANDONED)?;
    Some(pause(beyond, options, dice))
}

/// Exponential with full jitter: whoever failed together does not come back
/// together. <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
fn pause(attempt: u32, options: &ChannelOptions, dice: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let longest = options.retry.first.saturating_mul(doubled);
    // An embedding program's clock may answer anything.
    let share = if dice.is_nan() { 1.0 } else { dice };
    longest
        .min(options.retry.max)
        .mul_f64(share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{attempt::outcome, classify::classify};
    use annunciator_core::{code, outcome::OutcomeV1};

    fn target(name: &str, class: code::OutcomeClass) -> TargetReport {
        classify(OutcomeV1 {
            target: name.into(),
            ..outcome(class, code::Fault::REMOTE, "x".to_owned())
        })
    }

    fn check(targets: &[TargetReport], attempt: u32) -> Verdict {
        let tried = Tried {
            targets,
            attempt,
            is_probe: false,
            resend: true,
            failed_before: false,
            left: None,
        };
        judge(&tried, &ChannelOptions::default(), 1.0)
    }

    fn over(state: State) -> Verdict {
        let why = String::new();
        Verdict::Over { state, why }
    }

    #[test]
    fn only_targets_that_failed_are_tried_again() {
        use code::OutcomeClass as Is;
        let targets = [
            target("a", Is::DELIVERED),
            target("b", Is::RETRY),
            target("c", Is::PERMANENT),
            target("d", Is::UNKNOWN),
        ];
        let Verdict::Again { targets: left, .. } = check(&targets, 1) else {
            panic!("it is over");
        };
        assert_eq!(left, ["b", "d"]);
        let all = [target("", Is::RETRY)];
        let Verdict::Again { targets: left, .. } = check(&all, 1) else {
            panic!("it is over");
        };
        assert!(left.is_empty());
    }

    #[test]
    fn when_nothing_is_left_the_worst_counts() {
        use code::OutcomeClass as Is;
        let check = |classes: &[Is], expected| {
            let targets: Vec<_> = classes.iter().map(|class| target("t", *class)).collect();
            let Verdict::Over { state, .. } = super::tests::check(&targets, 8) else {
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
        let tried = Tried {
            targets: &targets,
            attempt: 2,
            is_probe: false,
            resend: true,
            failed_before: true,
            left: None,
        };
        let verdict = judge(&tried, &ChannelOptions::default(), 1.0);
        assert_eq!(verdict, over(State::Failed));
    }

    #[test]
    fn what_was_sent_without_an_answer_is_sent_again_unless_that_is_not_wanted() {
        let targets = [target("a", code::OutcomeClass::UNKNOWN)];
        assert!(matches!(check(&targets, 7), Verdict::Again { .. }));
        let Verdict::Over { state, .. } = check(&targets, 8) else {
            panic!("it goes on");
        };
        assert_eq!(state, State::Unknown);
        let options = ChannelOptions::default();
        let tried = Tried {
            targets: &targets,
            attempt: 1,
            is_probe: false,
            resend: false,
            failed_before: false,
            left: None,
        };
        assert_eq!(judge(&tried, &options, 1.0), over(State::Unknown));
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_chance_shortens_them() {
        let options = ChannelOptions::default();
        let seconds: Vec<u64> = (1..12)
            .map(|attempt| pause(attempt, &options, 1.0).as_secs())
            .collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(pause(3, &options, 0.25).as_secs(), 2);
        assert_eq!(pause(u32::MAX, &options, 1.0).as_secs(), 600);
    }

    #[test]
    fn chance_that_is_none_is_at_once_or_the_whole_pause() {
        let options = ChannelOptions::default();
        for (dice, seconds) in [
            (0.0, 0),
            (-1.0, 0),
            (f64::NEG_INFINITY, 0),
            (1.0, 2),
            (7.0, 2),
            (f64::INFINITY, 2),
            (f64::NAN, 2),
        ] {
            let expected = Duration::from_secs(seconds);
            assert_eq!(pause(1, &options, dice), expected, "{dice}");
        }
    }

    #[test]
    fn the_remote_s_own_waiting_time_comes_first() {
        let mut busy = target("a", code::OutcomeClass::RETRY);
        busy.retry_after = Some(Duration::from_secs(3600));
        let expected = Verdict::Again {
            after: Duration::from_secs(3600),
            targets: vec!["a".to_owned()],
        };
        assert_eq!(check(&[busy.clone()], 1), expected);
        let tried = Tried {
            targets: &[busy],
            attempt: 1,
            is_probe: false,
            resend: true,
            failed_before: false,
            left: Some(Duration::from_secs(3000)),
        };
        let Verdict::Over { state, why } = judge(&tried, &ChannelOptions::default(), 1.0) else {
            panic!("it goes on");
        };
        assert_eq!(state, State::Expired);
        assert!(why.contains("in 1h, would come after"), "{why}");
    }

    #[test]
    fn what_its_holders_die_of_is_left_alone_longer_and_longer() {
        let options = ChannelOptions::default();
        let pauses: Vec<Option<u64>> = (1..7)
            .map(|times| Some(pause_after(times, &options, 1.0)?.as_secs()))
            .collect();
        assert_eq!(pauses, [None, None, Some(2), Some(2), Some(4), Some(8)]);
    }

    #[test]
    fn attempts_are_used_up() {
        let targets = [target("a", code::OutcomeClass::RETRY)];
        let why = "given up after 8 attempts".to_owned();
        let state = State::Failed;
        assert_eq!(check(&targets, 8), Verdict::Over { state, why });
    }
}
