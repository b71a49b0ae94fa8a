//! A bar of a host's last 24 hours: its states, and when the monitor saw nothing.

use annunciator_monitor::{
    StateChange,
    machine::{BlindSpan, HostState, LinkState},
};
use annunciator_web::page::length;
use maud::{Markup, html};

/// What the bar shows, in milliseconds.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The width of the bar, in units of its own: minutes.
const WIDTH: i64 = 24 * 60;
/// The milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// What a host was in a part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    State(HostState),
    /// The monitor was blind.
    Blind,
    /// Nothing was recorded.
    Unknown,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::State(state) => state.name(),
            Self::Blind => "monitor blind",
            Self::Unknown => "not recorded",
        }
    }

    /// Returns the class of its colour and its height, in parts of 60: what is worse is higher.
    fn look(self) -> (&'static str, i64) {
        match self {
            Self::State(HostState::Known(LinkState::Up)) => ("bar-up", 24),
            Self::State(HostState::Known(LinkState::Overdue | LinkState::Failed)) => {
                ("bar-bad", 60)
            }
            Self::State(HostState::Known(_)) => ("bar-uneasy", 40),
            Self::State(HostState::New) | Self::Unknown => ("bar-none", 4),
            Self::Blind => ("bar-blind", 12),
        }
    }
}

/// A part of the day, in milliseconds since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    from_ms: i64,
    to_ms: i64,
    part: Part,
}

/// Returns what a host was from `since_ms` to a day later, without gaps.
fn segments(changes: &[StateChange], blind: &[BlindSpan], since_ms: i64) -> Vec<Segment> {
    // By the clock: where it was set back, what came later stands later all the same.
    let mut starts = vec![(0, Part::Unknown)];
    for change in changes {
        let last = starts.last().map_or(0, |(at, _)| *at);
        let at = (change.wall_ms - since_ms).clamp(last, DAY_MS);
        starts.push((at, Part::State(change.state)));
    }
    let mut cuts: Vec<i64> = starts.iter().map(|(at, _)| *at).collect();
    let within = |at_ms: i64| (at_ms - since_ms).clamp(0, DAY_MS);
    cuts.extend(
        blind
            .iter()
            .flat_map(|span| [within(span.from_ms), within(span.to_ms)]),
    );
    cuts.push(DAY_MS);
    cuts.sort_unstable();
    cuts.dedup();
    let mut segments: Vec<Segment> = Vec::new();
    for pair in cuts.windows(2) {
        let [from_ms, to_ms] = *pair else { continue };
        let is_blind = blind
            .iter()
            .any(|span| within(span.from_ms) <= from_ms && to_ms <= within(span.to_ms));
        let state = starts.iter().rev().find(|(at, _)| *at <= from_ms);
        let part = match state {
            _ if is_blind => Part::Blind,
            Some((_, part)) => *part,
            None => Part::Unknown,
        };
        match segments.last_mut() {
            Some(last) if last.part == part => last.to_ms = to_ms,
            _ => segments.push(Segment {
                from_ms,
                to_ms,
                part,
            }),
        }
    }
    segments
}

/// Returns in words how long each was, the longest first.
fn in_words(segments: &[Segment]) -> String {
    let mut sums: Vec<(&'static str, i64)> = Vec::new();
    for segment in segments {
        let name = segment.part.name();
        let took = segment.to_ms - segment.from_ms;
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += took,
            None => sums.push((name, took)),
        }
    }
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    let sums = sums
        .iter()
        .map(|(name, sum)| format!("{name} {}", length(*sum)));
    format!("The last 24 hours: {}", sums.collect::<Vec<_>>().join(", "))
}

/// Shows the day before `now_ms`.
pub(super) fn day_bar(changes: &[StateChange], blind: &[BlindSpan], now_ms: i64) -> Markup {
    let segments = segments(changes, blind, now_ms - DAY_MS);
    html! {
        svg.strip.day viewBox={ "0 0 " (WIDTH) " 60" } preserveAspectRatio="none" role="img" aria-label=(in_words(&segments)) {
            @for segment in &segments {
                @let (class, height) = segment.part.look();
                @let from = segment.from_ms / MINUTE_MS;
                rect.(class) x=(from) y=(60 - height) height=(height)
                    width=((segment.to_ms / MINUTE_MS - from).max(1)) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE_MS;
    /// When the day begins.
    const SINCE: i64 = 1_000 * HOUR;
    const UP: HostState = HostState::Known(LinkState::Up);
    const OVERDUE: HostState = HostState::Known(LinkState::Overdue);

    fn change(hour: i64, state: HostState) -> StateChange {
        StateChange {
            wall_ms: SINCE + hour * HOUR,
            state,
        }
    }

    /// The hour at which each segment begins, and its name.
    fn shown(changes: &[StateChange], blind: &[(i64, i64)]) -> Vec<(i64, &'static str)> {
        let blind: Vec<BlindSpan> = blind
            .iter()
            .map(|(from, to)| BlindSpan {
                from_ms: SINCE + from * HOUR,
                to_ms: SINCE + to * HOUR,
            })
            .collect();
        let segments = segments(changes, &blind, SINCE);
        assert_eq!(segments.first().unwrap().from_ms, 0);
        assert_eq!(segments.last().unwrap().to_ms, DAY_MS);
        for pair in segments.windows(2) {
            assert_eq!(pair[0].to_ms, pair[1].from_ms);
        }
        let shown = segments.iter();
        shown
            .map(|segment| (segment.from_ms / HOUR, segment.part.name()))
            .collect()
    }

    #[test]
    fn a_day_has_the_states_since_they_began() {
        assert_eq!(shown(&[], &[]), [(0, "not recorded")]);
        assert_eq!(shown(&[change(-50, UP)], &[]), [(0, "up")]);
        assert_eq!(
            shown(&[change(-1, UP), change(3, OVERDUE), change(5, UP)], &[]),
            [(0, "up"), (3, "overdue"), (5, "up")]
        );
        assert_eq!(
            shown(&[change(20, UP), change(21, UP)], &[]),
            [(0, "not recorded"), (20, "up")]
        );
    }

    #[test]
    fn what_the_monitor_did_not_see_is_no_state() {
        let changes = [change(-1, UP), change(4, OVERDUE)];
        assert_eq!(
            shown(&changes, &[(2, 6), (-5, -1), (23, 99)]),
            [
                (0, "up"),
                (2, "monitor blind"),
                (6, "overdue"),
                (23, "monitor blind")
            ]
        );
        assert_eq!(shown(&changes, &[(-9, 99)]), [(0, "monitor blind")]);
    }

    #[test]
    fn a_clock_that_was_set_back_turns_no_order_around() {
        let changes = [change(8, OVERDUE), change(2, UP)];
        assert_eq!(shown(&changes, &[]), [(0, "not recorded"), (8, "up")]);
        let changes = [change(30, OVERDUE)];
        assert_eq!(shown(&changes, &[]), [(0, "not recorded")]);
    }

    #[test]
    fn a_bar_says_in_words_what_it_shows() {
        let changes = [change(-1, UP), change(22, OVERDUE)];
        let words = in_words(&segments(&changes, &[], SINCE));
        assert_eq!(words, "The last 24 hours: up 22 h, overdue 2 h");
    }
}
