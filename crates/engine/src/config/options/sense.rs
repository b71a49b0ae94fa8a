//! What is sound by itself, and makes no sense together.
//!
//! A contradiction is told at what this mapping says of it, be the other half the
//! engine's or that of all channels; one that stands elsewhere is told there.

use std::time::Duration;

use super::{
    super::{
        policy::ChannelOptions,
        problem::{Findings, Problem},
        tree::NodeId,
    },
    KEY,
};

/// Where the mapping says what.
#[derive(Default)]
pub(super) struct Said {
    pub(super) timeout: Option<NodeId>,
    pub(super) ttl: Option<NodeId>,
    pub(super) attempts: Option<NodeId>,
    pub(super) first: Option<NodeId>,
    pub(super) max: Option<NodeId>,
}

/// Finds contradictions. A timeout that nobody chose gives way.
pub(super) fn check(options: &mut ChannelOptions, said: &Said, findings: &mut Findings) {
    let chosen = said.timeout.is_some() || options.timeout != ChannelOptions::default().timeout;
    if !chosen {
        options.timeout = options.timeout.min(options.ttl);
    }
    let (retry, shown) = (&options.retry, humantime::format_duration);
    let pair = |one: Duration, other: Duration| (shown(one), shown(other));
    let mut wrong = |places: &[(&str, Option<NodeId>)], sentence: String, help: &str| {
        let place = places
            .iter()
            .find_map(|(field, place)| Some((field, (*place)?)));
        if let Some((field, id)) = place {
            let problem = Problem::error(sentence).help(help);
            findings.at(id, problem.field(format!("{KEY}.{field}")));
        }
    };
    let (ttl, first) = (("ttl", said.ttl), ("retry.first", said.first));
    if retry.first > retry.max {
        let (one, longest) = pair(retry.first, retry.max);
        wrong(
            &[first, ("retry.max", said.max)],
            format!("the first pause ({one}) is longer than the longest ({longest})"),
            "lower `first`, or raise `max`",
        );
    }
    if options.ttl < retry.first && retry.attempts > 1 {
        let (life, pause) = pair(options.ttl, retry.first);
        wrong(
            &[ttl, first, ("retry.attempts", said.attempts)],
            format!("the time to live ({life}) is shorter than the first pause ({pause})"),
            "raise `ttl`, or lower `retry.first`",
        );
    }
    if options.timeout > options.ttl {
        let (attempt, life) = pair(options.timeout, options.ttl);
        wrong(
            &[("timeout", said.timeout), ttl],
            format!("one attempt may take longer ({attempt}) than the time to live ({life})"),
            "lower `timeout`, or raise `ttl`",
        );
    }
}
