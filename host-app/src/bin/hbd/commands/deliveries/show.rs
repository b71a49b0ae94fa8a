//! `hbd deliveries show`: prints a delivery's message, its attempts, its outcome, and what
//! it sums up if it is a digest.

use std::time::Duration;

use annunciator::{
    Proof, TargetReport,
    store::{Attempt, DeliveryId, IncidentQuery, Query, Record, StoreError},
};
use annunciator_monitor::timestamp::{format_duration, format_timestamp};
use serde::Serialize;
use serde_json::json;

use crate::{
    Exit,
    arguments::{Show, Since},
    outbox::Outbox,
    output::{Output, one_line},
};

/// The maximum number of deliveries of a digest that are printed.
const MAX_DIGESTED: u32 = 50;

pub(super) fn run(outbox: &Outbox, show: &Show, output: &Output) -> Result<Exit, StoreError> {
    let delivery = DeliveryId(show.delivery);
    let Some(record) = outbox.one(delivery)? else {
        let path = outbox.path().display();
        output.error(format!("{path} holds no delivery {delivery}"));
        output.help("`hbd deliveries` lists them");
        return Ok(Exit::Failed);
    };
    let attempts = outbox.ask(|store| store.attempts(delivery))?;
    let digested = Query {
        digest: Some(delivery),
        limit: MAX_DIGESTED,
        ..Query::default()
    };
    let digested = outbox.ask(|store| store.deliveries(digested))?;
    if show.json {
        let tried: Vec<Tried> = attempts.iter().map(Tried::of).collect();
        let digested: Vec<DeliveryId> = digested.iter().map(|one| one.delivery).collect();
        output.json(&json!({
            "delivery": super::about(&record),
            "attempts": tried,
            "tells_of": digested,
        }));
        return Ok(Exit::Ok);
    }
    let taken_over = taken_over(outbox, &record)?;
    for (name, text) in facts(&record).into_iter().chain(taken_over) {
        output.line(&format!("{:<16}{}", format!("{name}:"), one_line(&text)));
    }
    if !attempts.is_empty() {
        output.line("\nattempts:");
    }
    for (number, attempt) in (1..).zip(&attempts) {
        lines(number, attempt).for_each(|line| output.line(&format!("  {line}")));
    }
    let wording = record.wording();
    output.line("\nmessage:");
    let body = wording.as_ref().map(|wording| wording.body.as_str());
    for line in body.unwrap_or("(it cannot be read)").lines() {
        output.line(&format!("  {}", one_line(line)));
    }
    if !digested.is_empty() {
        output.line("\nsums up:");
    }
    for one in &digested {
        let (id, message) = (one.delivery, super::first_line(one));
        output.line(&format!("  {id}  {message}"));
    }
    Ok(Exit::Ok)
}

/// An attempt in JSON.
#[derive(Debug, Serialize)]
struct Tried {
    began_ms: i64,
    ended_ms: i64,
    targets: Vec<TargetReport>,
}

impl Tried {
    fn of(attempt: &Attempt) -> Self {
        Self {
            began_ms: attempt.began_ms,
            ended_ms: attempt.ended_ms,
            targets: TargetReport::of_attempt(attempt),
        }
    }
}

/// Returns the fields of a delivery that have a value, by name.
fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let state = match record.why.as_str() {
        "" => record.state.to_string(),
        why => format!("{}: {why}", record.state),
    };
    let wording = record.wording();
    let kind = wording.as_ref().map(|wording| wording.kind.name());
    let mut facts = vec![
        ("delivery", record.delivery.to_string()),
        ("notification", record.notification.clone()),
        ("channel", record.channel.clone()),
        ("state", state),
        ("severity", record.severity.to_string()),
    ];
    let time = |ms: Option<i64>| ms.map(|ms| format_timestamp(ms).to_string());
    let more = [
        ("kind", kind.map(str::to_owned)),
        ("host", Some(record.host.clone())),
        ("incident", Some(record.incident.clone())),
        (
            "title",
            wording.as_ref().map(|wording| wording.title.clone()),
        ),
        ("accepted", time(Some(record.accepted_ms))),
        ("group", step(record)),
        ("digest", record.digest.map(|id| format!("delivery {id}"))),
        ("tried next", time(record.due_ms)),
        ("expires", time(record.expires_ms)),
        ("ended", time(record.ended_ms)),
        ("attempts", Some(record.attempts.to_string())),
        ("proof", record.proof.map(|proof| proof.name().to_owned())),
        ("abandoned", abandoned(record)),
    ];
    let said = more.into_iter();
    facts.extend(said.filter_map(|(name, text)| Some((name, text.filter(|it| !it.is_empty())?))));
    let attributes = wording.map(|wording| wording.attributes);
    for (name, value) in attributes.unwrap_or_default() {
        facts.push(("attribute", format!("{name} = {value}")));
    }
    facts
}

/// Returns who has taken over the delivery's incident, as far as that is open.
fn taken_over(
    outbox: &Outbox,
    record: &Record,
) -> Result<Option<(&'static str, String)>, StoreError> {
    if record.incident.is_empty() || record.is_over {
        return Ok(None);
    }
    let query = IncidentQuery::one(record.incident.clone(), Since::ago(Duration::ZERO).ms);
    let open = outbox.ask(|store| store.incidents(query))?;
    let taken = open.into_iter().find_map(|open| open.acknowledgement);
    Ok(taken.map(|taken| {
        let at = format_timestamp(taken.at_ms);
        let note = match taken.note.as_str() {
            "" => String::new(),
            note => format!(": {note}"),
        };
        let text = format!("by {} ({}) at {at}{note}", taken.by, taken.via);
        ("taken over", text)
    }))
}

fn step(record: &Record) -> Option<String> {
    let group = record.group.as_ref()?;
    Some(format!("{group}, step {}", record.step))
}

fn abandoned(record: &Record) -> Option<String> {
    let times = match record.reclaims {
        0 => return None,
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    Some(format!(
        "{times}: the process that held it was gone, and it may have arrived without a record"
    ))
}

fn lines(number: u32, attempt: &Attempt) -> impl Iterator<Item = String> {
    let took = attempt.ended_ms.saturating_sub(attempt.began_ms);
    let took = Duration::from_millis(u64::try_from(took).unwrap_or_default());
    let first = format!(
        "{number}  {}, took {}",
        format_timestamp(attempt.began_ms),
        format_duration(took)
    );
    let targets = TargetReport::of_attempt(attempt).into_iter();
    let notified = targets.flat_map(|target| of_target(&target));
    std::iter::once(first).chain(notified)
}

/// Returns the recorded outcome of one target.
fn of_target(target: &TargetReport) -> Vec<String> {
    let mut line = format!("   {}: {}", one_line(&target.target), target.class);
    let proof = target.proof.map(Proof::name).unwrap_or_default();
    for (before, word, after) in [
        (" (proof: ", proof, ")"),
        (" (", &*target.code, ")"),
        (", the remote calls it ", &*target.remote_id, ""),
        (": ", &*target.detail, ""),
        ("; ", &*target.hint, ""),
    ] {
        if !word.is_empty() {
            line.push_str(&format!("{before}{}{after}", one_line(word)));
        }
    }
    let mut lines = vec![line];
    if let Some(backoff) = target.retry_after {
        let backoff = format_duration(backoff);
        lines.push(format!("     the remote asked to wait {backoff}"));
    }
    let notes = target.notes.iter();
    lines.extend(notes.map(|note| format!("     {}", one_line(note))));
    lines
}
