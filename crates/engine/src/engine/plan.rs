//! A dry run of routing and rules: what would be sent where and when, without sending anything.

use serde::{Deserialize, Serialize};

use crate::{
    clock::milliseconds,
    config::{ChannelIndex, Config, Named},
    delivery::suppression_by_severity,
    delivery::{Turn, pass_over_disabled},
    event::{Proof, Severity},
    router::{Route, UnknownChannel, find, turns},
};

/// What would happen to a notification on one channel. [`Config::plan`] returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Planned {
    /// The name of the channel.
    pub channel: String,
    /// When the channel would be notified, in milliseconds since the Unix epoch. A later step of a
    /// group is notified only if no earlier step was enough.
    pub at_ms: i64,
    /// The group, if the channel is a step of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The number of the step in its group, from 1; 0 without a group.
    pub step: u32,
    /// The proof that ends the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Proof>,
    /// The greatest proof that the channel can give for such a notification, if the channel is a
    /// step of a group and its plugin can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proves: Option<Proof>,
    /// Whether that is less than the proof that ends the group, so that this step never ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_ends: bool,
    /// The rule that would suppress the notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// When a digest would report the suppressed notification, in milliseconds since the Unix
    /// epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_ms: Option<i64>,
}

impl Config {
    /// Returns what would happen to a notification about a host, in the order in which channels
    /// would be notified.
    ///
    /// Rules that depend on earlier notifications (`rate_limit`, `dedup`) are not considered.
    /// `now_ms` is the time of the notification, in milliseconds since the Unix epoch.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(config: &annunciator::Config) {
    /// use annunciator::Severity;
    ///
    /// for planned in config.plan("prod-web-01", Severity::Critical, 1_763_850_000_000) {
    ///     println!("{}: {:?}", planned.channel, planned.rule);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn plan(&self, host: &str, severity: Severity, now_ms: i64) -> Vec<Planned> {
        let at_once = || {
            let channels = self.route(host).iter();
            channels.map(|index| Named::Channel(*index)).collect()
        };
        let named = self.groups_of(host).map_or_else(at_once, <[Named]>::to_vec);
        self.plan_named(&named, severity, now_ms)
    }

    /// Returns what would happen to a notification on a route, as [`plan`](Self::plan) does for a
    /// host.
    ///
    /// # Errors
    /// [`UnknownChannel`] when a name is unknown.
    pub fn plan_route(
        &self,
        route: Route<'_>,
        severity: Severity,
        now_ms: i64,
    ) -> Result<Vec<Planned>, UnknownChannel> {
        let named = match route {
            Route::Host(host) => return Ok(self.plan(host, severity, now_ms)),
            Route::Defaults => self.defaults.named(),
            Route::Channels(names) => find(self, names)?,
        };
        Ok(self.plan_named(&named, severity, now_ms))
    }

    fn plan_named(&self, named: &[Named], severity: Severity, now_ms: i64) -> Vec<Planned> {
        let mut steps = StepClock::default();
        let channel = |index: ChannelIndex| self.channels.get(usize::try_from(index).ok()?);
        let mut turns = turns(self, named);
        pass_over_disabled(turns.iter_mut().filter_map(|(index, turn)| {
            let is_disabled = channel(*index)?.disabled().is_some();
            Some((is_disabled, turn.as_mut()?))
        }));
        let planned = turns.into_iter();
        let mut planned: Vec<Planned> = planned
            .filter_map(|(index, turn)| {
                let channel = channel(index)?;
                let at_ms = now_ms.saturating_add(steps.begin(turn.as_ref()));
                let rule = suppression_by_severity(severity, channel.options(), at_ms);
                steps.is_notified |= rule.is_none();
                let until = turn.as_ref().map(|turn| turn.step.until);
                let proves = until
                    .filter(|_| channel.disabled().is_none())
                    .map(|_| channel.proofs().of(severity));
                Some(Planned {
                    channel: channel.name().to_owned(),
                    at_ms,
                    group: turn.as_ref().map(|turn| turn.step.group.to_string()),
                    step: turn.as_ref().map_or(0, |turn| turn.step.number),
                    until,
                    never_ends: proves.is_some() && proves < until,
                    proves,
                    digest_ms: rule.as_ref().and_then(|rule| rule.digest_ms),
                    rule: rule.map(|rule| rule.sentence),
                })
            })
            .collect();
        planned.sort_by_key(|planned| planned.at_ms);
        planned
    }
}

/// The times of a group's steps: if all steps that have begun are suppressed, the next step begins
/// at once, and the steps behind it begin earlier by as much.
#[derive(Debug, Default)]
struct StepClock {
    sooner_ms: i64,
    is_notified: bool,
}

impl StepClock {
    /// Returns when the next step begins, in milliseconds from now. Must be called for the steps in
    /// their order, one group after the other.
    fn begin(&mut self, turn: Option<&Turn>) -> i64 {
        let Some(turn) = turn else {
            return 0;
        };
        let after_ms = milliseconds(turn.after);
        if turn.step.number == 1 {
            *self = Self::default();
        } else if !self.is_notified {
            self.sooner_ms = after_ms;
        }
        after_ms.saturating_sub(self.sooner_ms)
    }
}
