//! Claims: each delivery once, in the right order, and not before its time.

use std::{collections::BTreeSet, sync::Arc};

use annunciator_store::{Begin, ClaimRequest, Intake, Severity, State, Store};

use super::{LATER, NOW, Subject, accept, again, claim, claim_at, end, intake, names, state};

/// Two handles claim from two channels.
pub async fn each_is_claimed_once_whoever_asks(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    accept(&store, intake("one", &["a", "b"])).await;
    let claims = claim(&store, "a").await;
    assert_eq!(names(&claims), ["one"]);
    assert_eq!((claims[0].attempts, claims[0].abandoned), (0, false));
    assert_eq!(claims[0].accepted_ms, NOW);
    assert!(claim(&other, "a").await.is_empty());
    assert!(claim(&store, "a").await.is_empty());
    assert_eq!(names(&claim(&other, "b").await), ["one"]);
    assert!(claim(&other, "c").await.is_empty());
}

/// The deliveries have three severities.
pub async fn the_worst_come_first_then_the_oldest(subject: &dyn Subject) {
    let store = subject.open();
    for (name, severity) in [
        ("info-1", Severity::Info),
        ("critical-1", Severity::Critical),
        ("warning", Severity::Warning),
        ("critical-2", Severity::Critical),
        ("info-2", Severity::Info),
    ] {
        let taken = intake(name, &["a"]);
        accept(&store, Intake { severity, ..taken }).await;
    }
    let claims = claim(&store, "a").await;
    assert_eq!(
        names(&claims),
        ["critical-1", "critical-2", "warning", "info-1", "info-2"]
    );
}

/// This concerns all pending deliveries of a channel, whenever they are due, and none in flight.
pub async fn what_expires_next_is_known(subject: &dyn Subject) {
    let store = subject.open();
    let next = async |channel: &str, now_ms| {
        let next = store.next_expiry(channel.to_owned(), now_ms);
        next.await.unwrap()
    };
    assert_eq!(next("a", NOW).await, None);
    for (name, begin, expires_ms) in [
        ("never", Begin::At(NOW), None),
        ("later", Begin::At(NOW), Some(NOW + 3000)),
        ("soon", Begin::At(NOW + 500), Some(NOW + 1000)),
    ] {
        let mut waits = intake(name, &["a"]);
        waits.intents[0].begin = begin;
        waits.intents[0].expires_ms = expires_ms;
        accept(&store, waits).await;
    }
    assert_eq!(next("b", NOW).await, None);
    assert_eq!(next("a", NOW).await, Some(NOW + 1000));
    assert_eq!(next("a", NOW + 999).await, Some(NOW + 1000));
    assert_eq!(next("a", NOW + 1000).await, Some(NOW + 3000));
    assert_eq!(names(&claim(&store, "a").await), ["never", "later"]);
    assert_eq!(next("a", NOW + 1000).await, None);
}

/// It cannot be claimed before its time, and that time is known.
pub async fn what_is_due_later_waits(subject: &dyn Subject) {
    let store = subject.open();
    for (name, at_ms) in [("late", NOW + 2000), ("soon", NOW + 1000)] {
        let mut later = intake(name, &["a"]);
        later.intents[0].begin = Begin::At(at_ms);
        accept(&store, later).await;
    }
    assert!(claim(&store, "a").await.is_empty());
    assert!(store.ready(NOW).await.unwrap().is_empty());
    assert_eq!(store.next_due(NOW).await.unwrap(), Some(NOW + 1000));
    assert_eq!(store.ready(NOW + 1000).await.unwrap(), ["a"]);
    assert_eq!(names(&claim_at(&store, "a", NOW + 1000).await), ["soon"]);
    assert_eq!(store.next_due(NOW + 1000).await.unwrap(), Some(NOW + 2000));
    assert_eq!(names(&claim_at(&store, "a", NOW + 5000).await), ["late"]);
    assert_eq!(store.next_due(NOW + 5000).await.unwrap(), None);
}

/// The second delivery waits for the first, also when that is tried again.
pub async fn a_lane_keeps_its_order(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let in_lane = |name: &str, severity| Intake {
        lane: "web-01".to_owned(),
        severity,
        ..intake(name, &["a"])
    };
    accept(&store, in_lane("first", Severity::Info)).await;
    accept(&store, in_lane("second", Severity::Critical)).await;
    let first = claim(&store, "a").await;
    assert_eq!(names(&first), ["first"]);
    assert!(claim(&other, "a").await.is_empty());
    again(&store, &first[0]).await;
    let first = claim(&other, "a").await;
    assert_eq!(names(&first), ["first"]);
    assert_eq!(first[0].attempts, 0, "no attempt was made");
    end(&other, &first[0], State::Delivered).await;
    assert_eq!(names(&claim(&store, "a").await), ["second"]);
}

/// Whoever polls would ask for its deliveries in vain, again and again.
pub async fn a_channel_whose_lanes_all_wait_is_not_ready(subject: &dyn Subject) {
    let store = subject.open();
    let in_lane = |name: &str| Intake {
        lane: "web-01".to_owned(),
        ..intake(name, &["a"])
    };
    accept(&store, in_lane("first")).await;
    let first = claim(&store, "a").await;
    accept(&store, in_lane("second")).await;
    assert!(store.ready(NOW).await.unwrap().is_empty());
    accept(&store, intake("free", &["a"])).await;
    assert_eq!(store.ready(NOW).await.unwrap(), ["a"]);
    assert_eq!(names(&claim(&store, "a").await), ["free"]);
    assert!(store.ready(NOW).await.unwrap().is_empty());
    end(&store, &first[0], State::Delivered).await;
    assert_eq!(store.ready(NOW).await.unwrap(), ["a"]);
}

/// Other lanes, deliveries without a lane, and other channels go on.
pub async fn a_lane_holds_up_nobody_else(subject: &dyn Subject) {
    let store = subject.open();
    let in_lane = |name: &str, lane: &str| Intake {
        lane: lane.to_owned(),
        ..intake(name, &["a", "b"])
    };
    accept(&store, in_lane("first", "x")).await;
    accept(&store, in_lane("second", "x")).await;
    accept(&store, in_lane("other", "y")).await;
    accept(&store, in_lane("none", "")).await;
    accept(&store, in_lane("none-2", "")).await;
    let expected = ["first", "other", "none", "none-2"];
    assert_eq!(names(&claim(&store, "a").await), expected);
    assert_eq!(names(&claim(&store, "b").await), expected);
}

/// A caller that accepts a delivery cannot overtake its lane.
pub async fn what_is_accepted_behind_its_lane_waits(subject: &dyn Subject) {
    let store = subject.open();
    let in_lane = |name: &str| {
        let mut held = Intake {
            lane: "x".to_owned(),
            ..intake(name, &["a"])
        };
        held.intents[0].begin = Begin::Claimed {
            lease_until_ms: LATER,
        };
        held
    };
    let first = accept(&store, in_lane("first")).await;
    let second = accept(&store, in_lane("second")).await;
    assert_eq!(first.deliveries[0].state, State::InFlight);
    assert_eq!(second.deliveries[0].state, State::Pending);
}

/// It is unknown whether the message was sent.
pub async fn a_claim_that_ran_out_is_another_s(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    accept(&store, intake("one", &["a"])).await;
    let first = claim(&store, "a").await;
    assert!(claim_at(&other, "a", LATER).await.is_empty());
    assert_eq!(other.ready(LATER + 1).await.unwrap(), ["a"]);
    let second = claim_at(&other, "a", LATER + 1).await;
    assert!(second[0].abandoned);
    assert!(second[0].fence > first[0].fence);
    assert_eq!(store.accounts().await.unwrap().reclaims, 1);
    assert_eq!(state(&store, "one", "a").await, State::InFlight);
}

/// The holder's settlement may wait for a disk, or a clock was set.
pub async fn what_its_holder_still_works_on_is_not_claimed_again(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["held", "lost"] {
        accept(&store, intake(name, &["a"])).await;
    }
    let claims = claim(&store, "a").await;
    let wanted = ClaimRequest {
        channel: Arc::from("a"),
        limit: 10,
        now_ms: LATER + 1,
        lease_until_ms: LATER + 2,
        in_flight: vec![claims[0].delivery],
        only_expired: false,
    };
    let again = store.claim(wanted).await.unwrap();
    assert_eq!(names(&again), names(&claims[1..]));
    assert!(again[0].abandoned);
}

/// It does not take the place of others, however urgent it is.
pub async fn what_its_holder_still_works_on_takes_no_place(subject: &dyn Subject) {
    let store = subject.open();
    for (name, severity) in [
        ("held-1", Severity::Critical),
        ("held-2", Severity::Critical),
        ("lost", Severity::Info),
    ] {
        let taken = intake(name, &["a"]);
        accept(&store, Intake { severity, ..taken }).await;
    }
    let claims = claim(&store, "a").await;
    let wanted = ClaimRequest {
        channel: Arc::from("a"),
        limit: 2,
        now_ms: LATER + 1,
        lease_until_ms: LATER + 2,
        in_flight: claims.iter().take(2).map(|claim| claim.delivery).collect(),
        only_expired: false,
    };
    let again = store.claim(wanted).await.unwrap();
    assert_eq!(names(&again), ["lost"]);
}

/// Who held a delivery does not matter.
pub async fn the_worst_of_all_holders_come_first(subject: &dyn Subject) {
    const HOLDERS: u32 = 4;
    let store = subject.open();
    let (mut worst, mut holders) = (Vec::new(), Vec::new());
    for number in 0..HOLDERS {
        for severity in [Severity::Critical, Severity::Info] {
            let name = format!("{}-{number}", severity.name());
            let taken = intake(&name, &["a"]);
            accept(&store, Intake { severity, ..taken }).await;
            let holder = subject.open();
            assert_eq!(names(&claim(&holder, "a").await), [name.as_str()]);
            holders.push(holder);
            worst.extend((severity == Severity::Critical).then_some(name));
        }
    }
    let wanted = ClaimRequest {
        channel: Arc::from("a"),
        limit: HOLDERS,
        now_ms: LATER + 1,
        lease_until_ms: LATER + 2,
        in_flight: Vec::new(),
        only_expired: false,
    };
    assert_eq!(names(&store.claim(wanted).await.unwrap()), worst);
}

/// Deliveries of a channel that was removed do not wait forever.
pub async fn only_what_is_too_late_is_claimed_if_that_is_wanted(subject: &dyn Subject) {
    let store = subject.open();
    for (name, expires_ms) in [("never", None), ("later", Some(LATER)), ("late", Some(NOW))] {
        let mut intake = intake(name, &["a"]);
        intake.intents[0].expires_ms = expires_ms;
        accept(&store, intake).await;
    }
    let wanted = |now_ms| ClaimRequest {
        channel: Arc::from("a"),
        limit: 10,
        now_ms,
        lease_until_ms: now_ms + 1,
        in_flight: Vec::new(),
        only_expired: true,
    };
    let late = store.claim(wanted(NOW)).await.unwrap();
    assert_eq!(names(&late), ["late"]);
    end(&store, &late[0], State::Expired).await;
    assert_eq!(store.claim(wanted(NOW)).await.unwrap(), []);
    assert_eq!(names(&claim(&store, "a").await), ["never", "later"]);
    // Abandoned deliveries, too.
    let left = store.claim(wanted(LATER + 1)).await.unwrap();
    assert_eq!(names(&left), ["later"]);
}

/// Eight callers claim five hundred deliveries through two handles.
pub async fn many_at_once_claim_each_once(subject: &dyn Subject) {
    const DELIVERIES: usize = 500;
    let stores = [subject.open(), subject.open()];
    let accepting = (0..DELIVERIES).map(|i| stores[i % 2].accept(intake(&i.to_string(), &["a"])));
    for accepted in accepting.collect::<Vec<_>>() {
        accepted.await.unwrap();
    }
    let claiming = (0..8).map(|i| tokio::spawn(claim_all(Arc::clone(&stores[i % 2]))));
    let mut claimed = Vec::new();
    for some in claiming.collect::<Vec<_>>() {
        claimed.extend(some.await.unwrap());
    }
    assert_eq!(claimed.len(), DELIVERIES);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), DELIVERIES);
}

async fn claim_all(store: Arc<dyn Store>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let wanted = ClaimRequest {
            channel: Arc::from("a"),
            limit: 7,
            now_ms: NOW,
            lease_until_ms: LATER,
            in_flight: Vec::new(),
            only_expired: false,
        };
        let claims = store.claim(wanted).await.unwrap();
        if claims.is_empty() {
            return all;
        }
        all.extend(names(&claims));
    }
}
