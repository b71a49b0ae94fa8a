//! Acknowledgements: a person has taken over a problem.

use std::sync::Arc;

use annunciator_store::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, Begin, DeliveryId, IncidentQuery, Intake,
    Kind, OpenIncident, Proof, Query, Record, Severity, State, Step, Store,
};

use super::{
    NOW, Subject, accept, again, all, claim, end, intake, numbers, of_incident, prune, state,
};

/// The incident of [`of_incident`].
const INCIDENT: &str = "web-01/cpu";
const PROBLEM: Kind = Kind::Problem;

fn by(person: &str, target: AcknowledgeTarget) -> AcknowledgeRequest {
    AcknowledgeRequest {
        target,
        by: person.to_owned(),
        via: "page".to_owned(),
        note: String::new(),
        now_ms: NOW,
        until_ms: None,
        notice: None,
    }
}

fn by_anna() -> AcknowledgeRequest {
    by("anna", AcknowledgeTarget::Incident(INCIDENT.to_owned()))
}

async fn acknowledge(store: &Arc<dyn Store>, request: AcknowledgeRequest) -> Acknowledged {
    store.acknowledge(request).await.unwrap()
}

fn problem(name: &str, severity: Severity, channels: &[&str]) -> Intake {
    Intake {
        severity,
        ..of_incident(name, PROBLEM, channels)
    }
}

/// A problem of which channel `a` was notified.
async fn notified(subject: &dyn Subject) -> Arc<dyn Store> {
    let store = subject.open();
    accept(&store, problem("p", Severity::Warning, &["a"])).await;
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    store
}

async fn open(store: &Arc<dyn Store>) -> Vec<OpenIncident> {
    let query = IncidentQuery {
        now_ms: NOW,
        limit: 10,
        ..IncidentQuery::default()
    };
    store.incidents(query).await.unwrap()
}

async fn why(store: &Arc<dyn Store>, name: &str) -> String {
    let all = all(store).await;
    let mut found = all.into_iter().filter(|record| record.notification == name);
    found.next().unwrap().why
}

/// The rule names the person and the time, and no digest has the reminder.
pub async fn a_reminder_of_what_somebody_has_taken_over_is_suppressed(subject: &dyn Subject) {
    let store = notified(subject).await;
    let acknowledged = acknowledge(&store, by_anna()).await;
    assert_eq!(acknowledged.incident.as_deref(), Some(INCIDENT));
    assert_eq!((acknowledged.before, acknowledged.notice), (None, None));
    let mut reminder = problem("r", Severity::Warning, &["a", "b"]);
    reminder.intents[0].begin = Begin::Claimed {
        lease_until_ms: NOW + 1,
    };
    let accepted = accept(&subject.open(), reminder).await;
    for placed in &accepted.deliveries {
        // 2023-11-14T22:13:20Z.
        assert_eq!(
            (placed.state, &*placed.why, placed.fence),
            (State::Suppressed, "acknowledged: by anna, 22:13 UTC", 0)
        );
    }
    assert!(claim(&store, "a").await.is_empty());
}

/// It also ends the acknowledgement: what comes after is not suppressed.
pub async fn what_gets_worse_is_sent_although_somebody_has_taken_over(subject: &dyn Subject) {
    let store = notified(subject).await;
    acknowledge(&store, by_anna()).await;
    accept(&store, problem("worse", Severity::Critical, &["a"])).await;
    assert_eq!(state(&store, "worse", "a").await, State::Pending);
    accept(&store, problem("mild", Severity::Warning, &["a"])).await;
    assert_eq!(state(&store, "mild", "a").await, State::Pending);
    assert_eq!(open(&store).await[0].acknowledgement, None);
}

/// The end itself is sent.
pub async fn the_end_of_a_problem_ends_its_acknowledgement(subject: &dyn Subject) {
    let store = notified(subject).await;
    acknowledge(&store, by_anna()).await;
    accept(&store, of_incident("end", Kind::Recovery, &["a"])).await;
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    accept(&store, problem("next", Severity::Warning, &["a"])).await;
    assert_eq!(state(&store, "next", "a").await, State::Pending);
    assert_eq!(open(&store).await[0].acknowledgement, None);
}

/// From its last moment on it is as if it had never been.
pub async fn an_acknowledgement_ends_at_its_time(subject: &dyn Subject) {
    let store = notified(subject).await;
    let limited = AcknowledgeRequest {
        until_ms: Some(NOW + 10),
        ..by_anna()
    };
    acknowledge(&store, limited).await;
    let at = |name: &str, accepted_ms| Intake {
        accepted_ms,
        ..problem(name, Severity::Warning, &["a"])
    };
    accept(&store, at("before", NOW + 9)).await;
    accept(&store, at("after", NOW + 10)).await;
    assert_eq!(state(&store, "before", "a").await, State::Suppressed);
    assert_eq!(state(&store, "after", "a").await, State::Pending);
}

/// The answer says whether there was one.
pub async fn an_acknowledgement_can_be_withdrawn(subject: &dyn Subject) {
    let store = notified(subject).await;
    acknowledge(&store, by_anna()).await;
    let withdraw = || store.withdraw(INCIDENT.to_owned(), NOW);
    assert!(withdraw().await.unwrap());
    assert!(!withdraw().await.unwrap());
    accept(&store, problem("r", Severity::Warning, &["a"])).await;
    assert_eq!(state(&store, "r", "a").await, State::Pending);
}

/// A group whose steps begin one after the other.
fn in_steps(mut intake: Intake) -> Intake {
    for (intent, number) in intake.intents.iter_mut().zip(1..) {
        intent.begin = Begin::At(NOW + 10_000 * (i64::from(number) - 1));
        intent.step = Some(Step {
            group: "oncall".into(),
            number,
            until: Proof::Acknowledged,
        });
    }
    intake
}

/// Also steps on channels that were not notified: nobody needs to be called.
pub async fn steps_that_wait_are_superseded_when_somebody_has_taken_over(subject: &dyn Subject) {
    let store = subject.open();
    let steps = in_steps(problem("p", Severity::Critical, &["a", "b", "c"]));
    let accepted = accept(&store, steps).await;
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    let acknowledged = acknowledge(&subject.open(), by_anna()).await;
    let ids: Vec<DeliveryId> = accepted.deliveries.iter().map(|one| one.delivery).collect();
    assert_eq!(numbers(acknowledged.superseded), ids[1..]);
    assert_eq!(state(&store, "p", "c").await, State::Superseded);
    assert_eq!(why(&store, "p").await, "taken over by anna");
    assert_eq!(store.next_due(NOW).await.unwrap(), None);
}

/// A mail that waits for its server is a record and calls nobody; reminders behind it are not
/// needed.
pub async fn a_channel_that_was_not_notified_yet_still_gets_its_first_message(
    subject: &dyn Subject,
) {
    let store = subject.open();
    accept(&store, problem("p", Severity::Warning, &["a"])).await;
    accept(&store, problem("r", Severity::Warning, &["a"])).await;
    acknowledge(&store, by_anna()).await;
    assert_eq!(state(&store, "r", "a").await, State::Pending);
    let first = claim(&store, "a").await;
    let superseded = end(&store, &first[0], State::Delivered).await;
    assert_eq!(superseded.len(), 1);
    assert_eq!(state(&store, "r", "a").await, State::Superseded);
}

/// Its attempt was under way when the acknowledgement came, and failed.
pub async fn a_step_in_flight_is_not_tried_again_when_somebody_has_taken_over(
    subject: &dyn Subject,
) {
    let store = subject.open();
    accept(
        &store,
        in_steps(problem("p", Severity::Critical, &["a", "b"])),
    )
    .await;
    let claims = claim(&store, "a").await;
    acknowledge(&store, by_anna()).await;
    assert_eq!(state(&store, "p", "a").await, State::InFlight);
    assert_eq!(again(&store, &claims[0]).await, [claims[0].delivery]);
    assert_eq!(state(&store, "p", "a").await, State::Superseded);
}

fn notice(name: &str, channels: &[&str]) -> Option<Intake> {
    Some(of_incident(name, Kind::Message, channels))
}

/// Whoever was not told of the problem is not told who has it, and a second word of the same
/// person is none.
pub async fn channels_that_were_notified_are_told_once_who_has_taken_over(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, problem("p", Severity::Warning, &["a", "b", "c"])).await;
    let delivered = claim(&store, "a").await;
    end(&store, &delivered[0], State::Delivered).await;
    assert_eq!(claim(&store, "b").await.len(), 1, "in flight");
    let request = |name: &str| AcknowledgeRequest {
        notice: notice(name, &["a", "b", "c", "d"]),
        ..by_anna()
    };
    let notice = acknowledge(&store, request("t")).await.notice.unwrap();
    let channels: Vec<&str> = notice.deliveries.iter().map(|one| &*one.channel).collect();
    assert_eq!(channels, ["a", "b"]);
    assert_eq!(state(&store, "t", "a").await, State::Pending);
    let again = acknowledge(&store, request("u")).await;
    assert_eq!(again.notice, None);
    assert_eq!(again.before.unwrap().by, "anna");
}

/// Another person replaces the first.
pub async fn whoever_takes_over_next_is_announced_too(subject: &dyn Subject) {
    let store = notified(subject).await;
    acknowledge(&store, by_anna()).await;
    let by_bob = AcknowledgeRequest {
        notice: notice("t", &["a"]),
        by: "bob".to_owned(),
        ..by_anna()
    };
    assert!(acknowledge(&store, by_bob).await.notice.is_some());
    let valid = open(&store).await.remove(0).acknowledgement.unwrap();
    assert_eq!((&*valid.by, valid.severity), ("bob", Severity::Warning));
    accept(&store, problem("r", Severity::Info, &["a"])).await;
    assert_eq!(why(&store, "r").await, "acknowledged: by bob, 22:13 UTC");
}

/// Its proof says so, and so does its incident's acknowledgement.
pub async fn a_delivery_is_acknowledged_with_its_problem(subject: &dyn Subject) {
    let store = notified(subject).await;
    let delivery = all(&store).await[0].delivery;
    let acknowledged = acknowledge(&store, by("anna", AcknowledgeTarget::Delivery(delivery))).await;
    assert_eq!(acknowledged.incident.as_deref(), Some(INCIDENT));
    let all = all(&store).await;
    assert_eq!(all[0].proof, Some(Proof::Acknowledged));
    // A message without an incident has a proof, and nothing else.
    let message = accept(&store, in_steps(intake("m", &["a", "b"]))).await;
    let first = AcknowledgeTarget::Delivery(message.deliveries[0].delivery);
    let acknowledged = acknowledge(&store, by("anna", first)).await;
    assert_eq!(acknowledged.incident, None);
    assert_eq!(
        numbers(acknowledged.superseded),
        [
            message.deliveries[0].delivery,
            message.deliveries[1].delivery
        ]
    );
}

/// Neither an unknown incident, nor one that is over, nor a message of an earlier problem.
pub async fn what_is_not_open_is_not_acknowledged(subject: &dyn Subject) {
    let store = notified(subject).await;
    let earlier = all(&store).await[0].delivery;
    let nothing = |name: &str| by("anna", AcknowledgeTarget::Incident(name.to_owned()));
    for name in ["", "nothing"] {
        assert_eq!(acknowledge(&store, nothing(name)).await.incident, None);
    }
    accept(&store, of_incident("end", Kind::Recovery, &["a"])).await;
    // Its end waits to be delivered: there is nothing to take over, and the next problem must not
    // be silenced.
    assert_eq!(acknowledge(&store, by_anna()).await.incident, None);
    let of_delivery = by("anna", AcknowledgeTarget::Delivery(earlier));
    assert_eq!(acknowledge(&store, of_delivery).await.incident, None);
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    assert_eq!(acknowledge(&store, by_anna()).await.incident, None);
    accept(&store, problem("next", Severity::Warning, &["a"])).await;
    let earlier = by("anna", AcknowledgeTarget::Delivery(earlier));
    assert_eq!(acknowledge(&store, earlier).await.incident, None);
    assert_eq!(open(&store).await[0].acknowledgement, None);
}

/// The first was deleted with all that was known of it.
pub async fn a_later_problem_of_the_same_name_is_not_silenced(subject: &dyn Subject) {
    let store = notified(subject).await;
    acknowledge(&store, by_anna()).await;
    assert_eq!(prune(&store, NOW + 1, 10).await, 1);
    assert_eq!(open(&store).await, []);
    accept(&store, problem("later", Severity::Warning, &["a"])).await;
    assert_eq!(state(&store, "later", "a").await, State::Pending);
}

/// Each with its host, its channels and the notifications of it.
pub async fn open_incidents_are_listed_the_most_severe_first(subject: &dyn Subject) {
    let store = notified(subject).await;
    let named = |name: &str, incident: &str, severity, accepted_ms| Intake {
        incident: incident.to_owned(),
        host: "db-01".to_owned(),
        accepted_ms,
        ..problem(name, severity, &["a", "b"])
    };
    accept(&store, named("x", "later", Severity::Warning, NOW + 5)).await;
    accept(&store, named("y", "worst", Severity::Critical, NOW + 9)).await;
    accept(&store, named("z", "worst", Severity::Critical, NOW + 11)).await;
    acknowledge(&store, by_anna()).await;
    let open = open(&store).await;
    let names: Vec<&str> = open.iter().map(|one| &*one.incident).collect();
    assert_eq!(names, ["worst", INCIDENT, "later"]);
    assert_eq!((open[0].since_ms, open[0].newest_ms), (NOW + 9, NOW + 11));
    assert_eq!(open[0].content, r#"{"body":"z"}"#);
    let channels = [("a".to_owned(), false), ("b".to_owned(), false)];
    assert_eq!(open[0].channels, channels);
    assert_eq!(open[1].channels, [("a".to_owned(), true)]);
    assert_eq!(open[1].acknowledgement.as_ref().unwrap().by, "anna");
    let of_host = IncidentQuery {
        host: Some("db-01".to_owned()),
        now_ms: NOW,
        limit: 1,
        ..IncidentQuery::default()
    };
    let of_host = store.incidents(of_host).await.unwrap();
    assert_eq!(of_host[0].incident, "worst");
    let one = IncidentQuery {
        incident: Some("later".to_owned()),
        limit: 10,
        ..IncidentQuery::default()
    };
    assert_eq!(store.incidents(one).await.unwrap().len(), 1);
    let of_incident = Query {
        incident: Some("worst".to_owned()),
        limit: 10,
        ..Query::default()
    };
    let records: Vec<Record> = store.deliveries(of_incident).await.unwrap();
    assert_eq!(records.len(), 4);
}

/// The end goes to the channels of its own time: the problem is over for the others, too.
pub async fn what_has_ended_is_not_open_although_a_channel_was_not_notified_of_the_end(
    subject: &dyn Subject,
) {
    let store = notified(subject).await;
    let recovery = |name: &str, channels: &[&str]| of_incident(name, Kind::Recovery, channels);
    accept(&store, recovery("over", &["b"])).await;
    assert_eq!(open(&store).await, []);
    accept(&store, problem("again", Severity::Warning, &["a"])).await;
    assert_eq!(open(&store).await.len(), 1);
    // It is over with the acceptance of its end, and not with the delivery.
    accept(&store, recovery("over again", &["a"])).await;
    assert_eq!(state(&store, "over again", "a").await, State::Pending);
    assert_eq!(open(&store).await, []);
}
