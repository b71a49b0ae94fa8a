//! SQLite's query plans: each statement finds its rows by the index that was made for it, however
//! much else there is, and already in order.

use rusqlite::Connection;

use super::{
    accept, acknowledge, acknowledgement, claim, digest, feed, history, incident, key_value,
    schema, step, windows,
};

/// Returns the steps of a plan, without what surrounds them.
fn plan(statement: &str) -> Vec<String> {
    let mut database = Connection::open_in_memory().unwrap();
    let transaction = database.transaction().unwrap();
    schema::migrate(&transaction, &schema::DELIVERIES).unwrap();
    transaction.commit().unwrap();
    let mut explained = database
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap();
    // Nothing is bound, since the plan is the same for all values.
    explained
        .raw_query()
        .mapped(|row| row.get(3))
        .map(Result::unwrap)
        .collect()
}

/// Checks that each step that reads a table or an index is one of these, and that none sorts.
fn check(statement: &str, expected: &[&str]) {
    let steps = plan(statement);
    let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
    assert!(!sorts, "it sorts: {steps:#?}");
    let reads = steps.iter().map(String::as_str).filter(|step| {
        // The result of a recursion's step is not a table, and neither is a row of constants.
        let reads = step.starts_with("SCAN") || step.starts_with("SEARCH");
        reads && *step != "SCAN found" && *step != "SCAN CONSTANT ROW"
    });
    let reads: Vec<&str> = reads.collect();
    assert_eq!(reads, expected, "{steps:#?}");
}

#[test]
fn what_is_due_is_found_worst_first() {
    check(
        claim::READY,
        &[
            "SEARCH d USING INDEX outbox_delivery_ready (channel=?)",
            "SEARCH earlier USING INDEX outbox_delivery_lane (channel=? AND lane=? AND id<?)",
        ],
    );
}

#[test]
fn what_becomes_due_is_found_by_its_time() {
    check(
        claim::DUE,
        &[
            "SEARCH outbox_delivery USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_waiting (due_ms<?)",
        ],
    );
    check(
        claim::NEXT_DUE,
        &["SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_waiting (due_ms>?)"],
    );
}

#[test]
fn what_expires_is_found_by_its_time() {
    check(
        claim::NEXT_EXPIRY,
        &[
            "SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_expiring (channel=? AND expires_ms>?)",
        ],
    );
}

#[test]
fn what_was_claimed_is_found_by_its_holder() {
    let flying = "SEARCH outbox_delivery USING INDEX outbox_delivery_flying";
    check(
        claim::HOLDERS,
        &["SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_flying (channel=?)"],
    );
    let of_holder = format!("{flying} (channel=? AND owner=?)");
    check(claim::ABANDONED, &[&of_holder]);
    check(claim::RUN_OUT, &[&of_holder]);
    // All deliveries in flight, and nothing else.
    check(
        claim::FLYING,
        &["SCAN outbox_delivery USING COVERING INDEX outbox_delivery_flying"],
    );
}

#[test]
fn channels_are_found_one_by_one() {
    check(
        claim::CHANNELS,
        &[
            "SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_ready",
            "SEARCH outbox_delivery USING COVERING INDEX outbox_delivery_ready (channel>?)",
        ],
    );
}

#[test]
fn a_lane_s_and_an_incident_s_are_found_by_name() {
    check(
        accept::BUSY,
        &["SEARCH outbox_delivery USING INDEX outbox_delivery_lane (channel=? AND lane=?)"],
    );
    check(
        incident::FACTS,
        &[
            "SCAN (subquery-1)",
            "SEARCH i USING PRIMARY KEY (channel=? AND incident=?) LEFT-JOIN",
            "SEARCH d USING INDEX outbox_delivery_incident (channel=? AND incident=?) LEFT-JOIN",
        ],
    );
}

#[test]
fn an_acknowledgement_and_what_it_is_of_are_found_by_name() {
    check(
        acknowledgement::STORED,
        &["SEARCH outbox_acknowledgement USING PRIMARY KEY (incident=?)"],
    );
    check(
        acknowledge::SEVERITY,
        &[
            "SEARCH outbox_notification USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH outbox_incident USING INDEX outbox_incident_by_name (incident=?)",
        ],
    );
    check(
        acknowledge::CHANNELS,
        &["SEARCH outbox_incident USING COVERING INDEX outbox_incident_by_name (incident=?)"],
    );
    check(
        acknowledge::LATER_KIND,
        &[
            "SEARCH outbox_notification USING INDEX outbox_notification_by_incident (incident=? AND id>?)",
            "SEARCH outbox_incident USING INDEX outbox_incident_by_name (incident=?)",
        ],
    );
    // All open incidents, and of the rest what belongs to them.
    check(
        acknowledge::OPEN,
        &[
            "SCAN outbox_incident USING INDEX outbox_incident_by_name",
            "SCAN i",
            "SEARCH n USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
            "SEARCH f USING INDEX outbox_notification_by_incident (incident=? AND id>?)",
            "SEARCH k USING INDEX outbox_notification_by_incident (incident=? AND id>?)",
        ],
    );
}

#[test]
fn what_was_accepted_before_is_found_by_its_key() {
    check(
        accept::KNOWN,
        &["SEARCH outbox_notification USING INDEX outbox_notification_by_key (key=?)"],
    );
    check(
        accept::ACCEPTED,
        &["SEARCH outbox_delivery USING INDEX outbox_delivery_by_notification (notification=?)"],
    );
}

#[test]
fn what_is_old_is_found_oldest_first() {
    check(
        history::OLDEST,
        &[
            "SCAN n",
            "SEARCH d USING INDEX outbox_delivery_by_notification (notification=?)",
            "SEARCH g USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    );
    check(
        history::DONE_WITH,
        &[
            "SEARCH i USING INDEX outbox_incident_newest (newest=?)",
            "SEARCH d USING INDEX outbox_delivery_incident (channel=? AND incident=?)",
        ],
    );
}

#[test]
fn a_digest_is_found_by_what_it_gathers_and_its_problems_by_their_incident() {
    check(
        digest::GATHERING,
        &["SEARCH outbox_delivery USING INDEX outbox_delivery_gathering (channel=? AND gathers=?)"],
    );
    check(
        digest::LEASE,
        &[
            "SEARCH d USING INDEX outbox_delivery_kept_back (channel=? AND incident=? AND notification>?)",
            "SEARCH g USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    );
}

#[test]
fn steps_are_found_by_their_notification() {
    check(
        step::STEPS,
        &["SEARCH outbox_delivery USING INDEX outbox_delivery_by_notification (notification=?)"],
    );
}

#[test]
fn the_values_of_a_channel_are_found_by_their_age() {
    check(
        key_value::OLDEST,
        &[
            "SEARCH outbox_kept USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH outbox_kept USING COVERING INDEX outbox_kept_by_age (channel=?)",
        ],
    );
}

#[test]
fn a_window_is_found_by_what_opened_it() {
    check(
        windows::OPENED,
        &[
            "SEARCH r USING PRIMARY KEY (channel=? AND incident=? AND fingerprint=?)",
            "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    );
}

#[test]
fn what_has_changed_is_found_by_its_number() {
    check(
        feed::AFTER,
        &["SEARCH outbox_change USING INTEGER PRIMARY KEY (rowid>?)"],
    );
}
