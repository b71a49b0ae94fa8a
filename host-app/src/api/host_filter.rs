//! Filters of hosts, as people type them: words that must all hold, such as
//! `state:overdue channel:oncall web`.

use annunciator::Config;
use annunciator_monitor::machine::{HostState, HostView, LinkState};

/// The state by which silenced hosts are found, besides those of connections.
pub(super) const SILENCED: &str = "silenced";
/// The maximum number of words; more are refused.
const MAX_WORDS: usize = 32;

/// A filter of hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HostFilter(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// A part of the name.
    Name(String),
    /// A state's name, or `silenced`.
    State(String),
    /// A channel or group that is notified of what is about the host.
    Channel(String),
}

/// Returns the names of all states that can be asked for.
pub(super) fn states() -> impl Iterator<Item = &'static str> {
    let states = LinkState::ALL.map(LinkState::name);
    states.into_iter().chain([HostState::NEW, SILENCED])
}

impl HostFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Returns a sentence that names the word that is wrong, and what would be right.
    pub(super) fn read(text: &str, config: &Config) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > MAX_WORDS {
            return Err(format!("a filter has at most {MAX_WORDS} words"));
        }
        let conditions = words.into_iter().map(|word| match word.split_once(':') {
            None => Ok(Condition::Name(word.to_owned())),
            Some(("state", state)) => state_of(state),
            Some(("channel", name)) if is_named(config, name) => {
                Ok(Condition::Channel(name.to_owned()))
            }
            Some(("channel", name)) => Err(format!("there is no channel or group `{name}`")),
            // A name may have a colon, too.
            Some(_) if config.hosts().iter().any(|(name, _)| name.contains(word)) => {
                Ok(Condition::Name(word.to_owned()))
            }
            Some((key, _)) => Err(format!(
                "hosts are not filtered by `{key}`: write state:NAME, channel:NAME, or a part of the host's name"
            )),
        });
        Ok(Self(conditions.collect::<Result<_, _>>()?))
    }

    /// Adds that the host is in this state; an empty name asks for nothing.
    ///
    /// # Errors
    /// Returns a sentence with the states that there are.
    pub(super) fn in_state(mut self, state: &str) -> Result<Self, String> {
        if !state.is_empty() {
            self.0.push(state_of(state)?);
        }
        Ok(self)
    }

    /// Returns whether it covers every host.
    pub(super) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a host is asked for.
    pub(super) fn covers(&self, host: &HostView, config: &Config) -> bool {
        self.0.iter().all(|condition| match condition {
            Condition::Name(part) => host.host.contains(part.as_str()),
            Condition::State(state) if state == SILENCED => host.silenced_until_ms.is_some(),
            Condition::State(state) => host.state.name() == state,
            Condition::Channel(name) => config.named_by_host(&host.host).contains(&name.as_str()),
        })
    }
}

fn state_of(name: &str) -> Result<Condition, String> {
    if states().any(|one| one == name) {
        return Ok(Condition::State(name.to_owned()));
    }
    let states = states().collect::<Vec<_>>().join(", ");
    Err(format!(
        "there is no state `{name}`: the states are {states}"
    ))
}

fn is_named(config: &Config, name: &str) -> bool {
    config.channel(name).is_some() || config.groups().any(|group| group.name() == name)
}
