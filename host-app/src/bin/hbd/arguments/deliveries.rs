//! The arguments of the commands about deliveries.

use annunciator::store::State;
use clap::{
    ArgGroup, Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::since::Since;

/// The default number of deliveries in a list.
const PAGE: u32 = 50;
/// The maximum number of deliveries in a list, all of which are in memory.
const MAX_PAGE_SIZE: i64 = 100_000;

/// Which deliveries to list, and how.
#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    /// List only those in this state; may be given several times
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub(crate) state: Vec<State>,

    #[command(flatten)]
    pub(crate) about: About,

    /// List only those that were accepted since then: an age such as 2h or 7d, or a
    /// time such as "2026-11-22 14:00", in UTC unless it has an offset
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,

    /// List only those that are older than this one: the next page
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) before: Option<i64>,

    /// List at most this many, the newest
    #[arg(long, value_name = "COUNT", default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=MAX_PAGE_SIZE))]
    pub(crate) limit: u32,

    /// Count all of them instead, and compare the sum with what was accepted
    #[arg(long, conflicts_with_all = ["state", "host", "channel", "since", "before", "limit"])]
    pub(crate) audit: bool,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) one: Option<One>,
}

impl Deliveries {
    /// Returns whether JSON is requested.
    pub(crate) fn is_json(&self) -> bool {
        match &self.one {
            Some(One::Show(show)) => show.json,
            None => self.json,
        }
    }
}

/// A command about one delivery.
#[derive(Debug, Subcommand)]
pub(crate) enum One {
    /// Show one delivery with all of its attempts
    Show(Show),
}

/// Which delivery to show, and how.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its number in the list
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) delivery: i64,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What deliveries are about.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// Select only those about this host
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Select only those to this channel
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

/// Which deliveries to try again.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["deliveries", "failed"])))]
pub(crate) struct Retry {
    /// Their numbers in the list
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..), conflicts_with_all = ["since", "host", "channel"])]
    pub(crate) deliveries: Vec<i64>,

    /// Retry all failed and unknown deliveries since --since
    #[arg(long, requires = "since")]
    pub(crate) failed: bool,

    /// Select those that were accepted since then: an age such as 2h or 7d, or a
    /// time such as "2026-11-22 14:00", in UTC unless it has an offset
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,

    #[command(flatten)]
    pub(crate) about: About,
}

/// Parses a state so that shells complete the names and clap suggests the nearest one.
fn states() -> impl TypedValueParser<Value = State> {
    let names = PossibleValuesParser::new(State::ALL.map(State::name));
    names.try_map(|name| {
        let named = |state: &State| state.name() == name;
        State::ALL.into_iter().find(named).ok_or(UnknownState)
    })
}

/// An error returned when a text is not the name of a state.
#[derive(Debug, thiserror::Error)]
#[error("there is no such state")]
struct UnknownState;
