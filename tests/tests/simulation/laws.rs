//! What must hold, whatever happened. Each law answers with what breaks it.

use std::collections::{HashMap, HashSet};

use annunciator::{
    Kind, Severity,
    store::{Attempt, Record, State},
};
use serde_json::Value as Json;

use crate::life::{CHANNELS, Life};

type Lived = (Record, Vec<Attempt>);

/// All laws that were broken.
pub fn broken(life: &Life) -> Vec<String> {
    let laws = [
        everything_ends_and_adds_up,
        what_was_accepted_has_a_record_for_each_channel,
        nothing_is_tried_too_often_or_too_late,
        a_remote_s_waiting_time_is_kept,
        who_got_it_does_not_get_it_again,
        what_belongs_together_is_sent_in_order,
        an_end_follows_a_problem_that_was_sent,
        what_is_suppressed_has_a_rule_and_is_in_a_digest,
        steps_have_their_time,
        nobody_is_reminded_of_what_somebody_has_taken_over,
        what_is_due_does_not_wait,
    ];
    laws.iter().flat_map(|law| law(life)).collect()
}

fn what_is_due_does_not_wait(life: &Life) -> Vec<String> {
    life.late.clone()
}

fn content(record: &Record) -> Json {
    serde_json::from_str(&record.content).unwrap()
}

/// Those of a notification that the test told: no digests, no own trouble.
fn notified(life: &Life) -> impl Iterator<Item = &Lived> {
    let is_own = |record: &Record| {
        record.incident.starts_with("annunciator/") || !content(record)["digest_of"].is_null()
    };
    life.records
        .iter()
        .filter(move |(record, _)| !is_own(record))
}

fn show(record: &Record) -> String {
    let (id, channel, state) = (record.delivery, &record.channel, record.state);
    format!("delivery {id} on {channel}, {state} ({})", record.why)
}

fn targets(attempt: &Attempt) -> Vec<Json> {
    serde_json::from_str(&attempt.outcome).unwrap()
}

fn everything_ends_and_adds_up(life: &Life) -> Vec<String> {
    let open = life.records.iter().map(|(record, _)| record);
    let open = open.filter(|record| !record.state.has_ended());
    let mut broken: Vec<String> = open
        .map(|record| format!("{} has not ended", show(record)))
        .collect();
    if life.accounts.difference() != 0 {
        broken.push(format!("the accounts differ: {:?}", life.accounts));
    }
    broken
}

fn what_was_accepted_has_a_record_for_each_channel(life: &Life) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (record, _) in notified(life) {
        *counts.entry(&record.notification).or_default() += 1;
    }
    let mut broken = Vec::new();
    let mut names = HashSet::new();
    for notified in &life.notified {
        let name = &*notified.receipt.notification;
        let is_new = names.insert(name);
        if is_new == notified.receipt.repeated {
            broken.push(format!("{name} was accepted twice, or not at all"));
        }
        if counts.get(name) != Some(&notified.channels) {
            broken.push(format!("{name} has {:?} records", counts.get(name)));
        }
    }
    broken
}

fn nothing_is_tried_too_often_or_too_late(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    for (record, attempts) in &life.records {
        let channel = CHANNELS.iter().position(|name| *name == record.channel);
        let most = life.world.attempts[channel.unwrap()];
        // Attempts to see whether a remote is back do not count.
        let problem = format!("annunciator/channel/{}/circuit_open", record.channel);
        let mut all = life.records.iter();
        let was_out_of_order = all.any(|(one, _)| one.incident == problem);
        if attempts.len() > most as usize && !life.world.breaks && !was_out_of_order {
            broken.push(format!(
                "{} was tried {} times",
                show(record),
                attempts.len()
            ));
        }
        let late = |attempt: &&Attempt| {
            let expires = record.expires_ms;
            expires.is_some_and(|expires_ms| attempt.began_ms >= expires_ms)
        };
        if let Some(attempt) = attempts.iter().find(late) {
            broken.push(format!(
                "{} was tried at {}",
                show(record),
                attempt.began_ms
            ));
        }
    }
    broken
}

fn a_remote_s_waiting_time_is_kept(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    for (record, attempts) in &life.records {
        for pair in attempts.windows(2) {
            let waits = targets(&pair[0]);
            let waits = waits
                .iter()
                .filter_map(|target| target["retry_after_ms"].as_i64());
            let wait = waits.max().unwrap_or(0);
            if pair[1].began_ms < pair[0].ended_ms + wait {
                broken.push(format!(
                    "{} was tried before {wait} ms were over",
                    show(record)
                ));
            }
        }
    }
    broken
}

fn who_got_it_does_not_get_it_again(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    for (record, attempts) in &life.records {
        let mut got = HashSet::new();
        for attempt in attempts {
            for target in targets(attempt) {
                let name = target["target"].as_str().unwrap().to_owned();
                if got.contains(&name) {
                    broken.push(format!("{}: {name} was told again", show(record)));
                }
                if target["class"] == "delivered" {
                    got.insert(name);
                }
            }
        }
    }
    broken
}

fn what_belongs_together_is_sent_in_order(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    let mut last: HashMap<(&str, &str), &Record> = HashMap::new();
    for (record, attempts) in &life.records {
        let (Some(first), false) = (attempts.first(), record.incident.is_empty()) else {
            continue;
        };
        let lane = (&*record.channel, &*record.incident);
        if let Some(before) = last.insert(lane, record)
            && before
                .ended_ms
                .is_none_or(|ended_ms| ended_ms > first.began_ms)
        {
            broken.push(format!(
                "{} was sent before {} ended",
                show(record),
                show(before)
            ));
        }
    }
    broken
}

/// Whether people may have read it by a time, by itself or in a digest, or part
/// of them.
fn may_have_arrived(life: &Life, record: &Record, attempts: &[Attempt], by_ms: i64) -> bool {
    let in_digest =
        digest_of(life, record).is_some_and(|(digest, attempts)| arrived(digest, attempts, by_ms));
    in_digest || arrived(record, attempts, by_ms)
}

fn arrived(record: &Record, attempts: &[Attempt], by_ms: i64) -> bool {
    let arrived = |target: &Json| target["class"] == "delivered" || target["class"] == "unknown";
    record.reclaims > 0
        || attempts
            .iter()
            .filter(|attempt| attempt.ended_ms <= by_ms)
            .any(|attempt| targets(attempt).iter().any(arrived))
}

fn an_end_follows_a_problem_that_was_sent(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    // Whether a problem was to be told since the last end that was.
    let mut problems: HashMap<(&str, &str), Vec<&Lived>> = HashMap::new();
    for lived in notified(life) {
        let (record, attempts) = lived;
        let lane = (&*record.channel, &*record.incident);
        let by_ms = match attempts.first() {
            Some(first) => first.began_ms,
            None => record.ended_ms.unwrap_or(i64::MAX),
        };
        let was_notified =
            |(problem, tried): &&&Lived| may_have_arrived(life, problem, tried, by_ms);
        match content(record)["kind"].as_str() {
            Some("problem") => problems.entry(lane).or_default().push(lived),
            Some("recovery") if record.state.may_have_arrived() => {
                let problems = problems.remove(&lane).unwrap_or_default();
                if !problems.is_empty() && !problems.iter().any(|one| was_notified(&one)) {
                    let lane = notified(life).filter(|(one, _)| {
                        one.channel == record.channel && one.incident == record.incident
                    });
                    let story: Vec<String> = lane
                        .map(|(one, tried)| {
                            format!("{} {} {tried:?}", content(one)["kind"], show(one))
                        })
                        .collect();
                    broken.push(format!(
                        "{} ends what nobody was told:\n{}",
                        show(record),
                        story.join("\n")
                    ));
                }
            }
            Some("recovery") if record.state == State::Superseded => {
                let problems = problems.remove(&lane).unwrap_or_default();
                if let Some((notified, _)) = problems.iter().find(was_notified) {
                    broken.push(format!(
                        "{} was told, and {} not",
                        show(notified),
                        show(record)
                    ));
                }
            }
            _ => {}
        }
    }
    broken
}

fn what_is_suppressed_has_a_rule_and_is_in_a_digest(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    let suppressed = notified(life).map(|(record, _)| record);
    for record in suppressed.filter(|record| record.state == State::Suppressed) {
        let rule = record.why.split(':').next().unwrap();
        let is_reported = digest_of(life, record).is_some_and(|(digest, attempts)| {
            let begins = |attempt: &Attempt| record.ended_ms.unwrap() <= attempt.began_ms;
            let same = content(digest)["digest_of"]["rule"] == rule;
            let is_tried = attempts.iter().all(begins) && !attempts.is_empty();
            same && digest.channel == record.channel && (is_tried || digest.state == State::Expired)
        });
        match rule {
            "quiet_hours" | "rate_limit" if !is_reported => {
                broken.push(format!("{} is in no digest", show(record)));
            }
            "quiet_hours" | "rate_limit" | "min_severity" | "dedup" | "acknowledged" => {}
            _ => broken.push(format!("{} has no rule", show(record))),
        }
    }
    broken
}

/// Until the problem ends or gets worse; and what comes after that is not suppressed for it.
fn nobody_is_reminded_of_what_somebody_has_taken_over(life: &Life) -> Vec<String> {
    let mut broken = Vec::new();
    let mut newest: HashMap<&str, Severity> = HashMap::new();
    let mut taken: HashMap<&str, Severity> = HashMap::new();
    let mut takings = life.taken.iter().peekable();
    for (number, one) in life.notified.iter().enumerate() {
        while let Some(it) = takings.next_if(|it| it.after <= number) {
            let severity = newest.get(&*it.incident).copied().unwrap_or_default();
            // The same person does not take over twice, but sees it as it is now.
            taken.insert(&it.incident, severity);
        }
        let Some(incident) = one.incident.as_deref().filter(|_| !one.receipt.repeated) else {
            continue;
        };
        let held = taken.get(incident).copied();
        let is_reminder = one.kind == Kind::Problem && held.is_some_and(|it| one.severity <= it);
        if !is_reminder {
            taken.remove(incident);
        }
        if one.kind == Kind::Problem {
            newest.insert(incident, one.severity);
        }
        let records = life.records.iter().map(|(record, _)| record);
        for record in records.filter(|record| record.notification == one.receipt.notification) {
            let is_by_anna = record.why.starts_with("acknowledged: by anna");
            let is_right = match is_reminder {
                true => record.state == State::Suppressed,
                false => !is_by_anna,
            };
            if !is_right {
                let held = if is_reminder { "anna" } else { "nobody" };
                broken.push(format!("{} although {held} had it", show(record)));
            }
        }
    }
    broken
}

/// The digest that tells of what was kept back.
fn digest_of<'a>(life: &'a Life, record: &Record) -> Option<&'a Lived> {
    let is_it = |(one, _): &&Lived| Some(one.delivery) == record.digest;
    life.records.iter().find(is_it)
}

fn steps_have_their_time(life: &Life) -> Vec<String> {
    let Some((_, time)) = &life.world.steps else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    for (record, attempts) in notified(life).filter(|(record, _)| record.step > 1) {
        let Some(first) = attempts.first() else {
            continue;
        };
        let turn_ms = record.accepted_ms + time * i64::from(record.step - 1);
        let earlier = notified(life).map(|(earlier, _)| earlier).find(|earlier| {
            earlier.notification == record.notification && earlier.step == record.step - 1
        });
        let failed = earlier.is_some_and(|earlier| {
            let ended = earlier
                .ended_ms
                .is_some_and(|ended_ms| ended_ms <= first.began_ms);
            ended && earlier.state != State::Delivered
        });
        if first.began_ms < turn_ms && !failed {
            broken.push(format!("{} was told before its turn", show(record)));
        }
    }
    broken
}
