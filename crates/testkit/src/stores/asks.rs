//! The random calls of a store and of the model.

use annunciator_store::{Kind, Proof, Severity, State};
use proptest::prelude::*;

/// The channels of the notifications.
pub(super) const CHANNELS: [&str; 2] = ["a", "b"];

/// An age that nothing reaches, in milliseconds.
pub(super) const NEVER: i64 = 1_000_000_000;

/// A call that is made of both.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Accept {
        kind: Kind,
        severity: Severity,
        incident: u8,
        lane: u8,
        key: Option<u8>,
        begin: u8,
        both: bool,
        until: Option<Proof>,
        once: Option<u64>,
    },
    Claim {
        channel: usize,
        limit: u32,
        /// Some of the claims that are or were held.
        in_flight: Vec<prop::sample::Index>,
        only_expired: bool,
    },
    Settle {
        which: prop::sample::Index,
        end: Option<State>,
        digest: Option<u8>,
        proof: Option<Proof>,
        pause: i64,
        is_tried: bool,
        is_uncounted: bool,
        may_have_arrived: bool,
    },
    Prove {
        which: prop::sample::Index,
        proof: Proof,
    },
    /// Acknowledges an incident, or a delivery that is or was held.
    Acknowledge {
        incident: u8,
        which: Option<prop::sample::Index>,
        by: bool,
        /// How long it is to hold, in milliseconds.
        holds: Option<i64>,
        with_notice: bool,
    },
    Withdraw {
        incident: u8,
    },
    /// Claims whatever can be claimed, and ends it.
    EndAll,
    Retry,
    Prune {
        limit: u32,
        /// The age of what is old, in milliseconds; below 0 for all.
        age: i64,
        beyond: u64,
    },
    Wait(i64),
}

fn proof() -> impl Strategy<Value = Proof> {
    prop::sample::select(Proof::ALL.to_vec())
}

pub(super) fn ask() -> impl Strategy<Value = Ask> {
    let kind = prop_oneof![
        Just(Kind::Message),
        Just(Kind::Problem),
        Just(Kind::Recovery)
    ];
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let accept = (
        kind,
        severity,
        0_u8..3,
        0_u8..3,
        prop::option::weighted(0.3, 0_u8..4),
        0_u8..8,
        any::<bool>(),
        prop::option::weighted(0.4, proof()),
        prop::option::weighted(0.2, 0_u64..2),
    );
    let accept = accept.prop_map(
        |(kind, severity, incident, lane, key, begin, both, until, once)| Ask::Accept {
            kind,
            severity,
            incident,
            lane,
            key,
            begin,
            both,
            until,
            once,
        },
    );
    let ends = State::ALL.into_iter().filter(|state| state.has_ended());
    let end = prop::option::of(prop::sample::select(ends.collect::<Vec<_>>()));
    let which = any::<prop::sample::Index>;
    let settle = (
        which(),
        end,
        prop::option::weighted(0.2, 0_u8..2),
        prop::option::of(proof()),
        0_i64..3_000,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
    );
    let settle = settle.prop_map(
        |(which, end, digest, proof, pause, is_tried, is_uncounted, may_have_arrived)| {
            Ask::Settle {
                which,
                end,
                digest,
                proof,
                pause,
                is_tried,
                is_uncounted,
                may_have_arrived,
            }
        },
    );
    let claim = (
        0..CHANNELS.len(),
        1_u32..4,
        prop::collection::vec(which(), 0..3),
        prop::bool::weighted(0.1),
    );
    let claim = claim.prop_map(|(channel, limit, in_flight, only_expired)| Ask::Claim {
        channel,
        limit,
        in_flight,
        only_expired,
    });
    let acknowledge = (
        1_u8..3,
        prop::option::weighted(0.4, which()),
        prop::bool::weighted(0.8),
        prop::option::weighted(0.3, 0_i64..5_000),
        prop::bool::weighted(0.7),
    );
    let acknowledge =
        acknowledge.prop_map(
            |(incident, which, by, holds, with_notice)| Ask::Acknowledge {
                incident,
                which,
                by,
                holds,
                with_notice,
            },
        );
    let age = prop::sample::select(vec![-1_i64, 1_000, NEVER]);
    // A number that is never exceeded, or one that is exceeded soon.
    let beyond = prop_oneof![Just(60), 0_u64..4];
    let prune = (prop_oneof![0_u32..4, Just(60)], age, beyond);
    let prune = prune.prop_map(|(limit, age, beyond)| Ask::Prune { limit, age, beyond });
    prop_oneof![
        4 => accept,
        3 => claim,
        4 => settle,
        1 => (which(), proof()).prop_map(|(which, proof)| Ask::Prove { which, proof }),
        2 => acknowledge,
        1 => (1_u8..3).prop_map(|incident| Ask::Withdraw { incident }),
        1 => Just(Ask::EndAll),
        1 => Just(Ask::Retry),
        2 => prune,
        2 => (0_i64..4_000).prop_map(Ask::Wait),
    ]
}
