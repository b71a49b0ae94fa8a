//! `hbd deliveries`: lists what became of notifications, channel by channel.
//!
//! This module has the list; `show` shows one delivery in full, and `audit` counts them
//! all.

mod audit;
mod show;

use annunciator::{
    Kind,
    store::{DeliveryId, Query, Record},
};
use annunciator_monitor::timestamp::format_timestamp;
use serde::Serialize;
use serde_json::json;

use crate::{
    Exit,
    arguments::{Arguments, Deliveries, One},
    outbox::{self, Outbox},
    output::{Output, one_line},
};

/// The maximum length of a message in a list, in characters.
const MAX_LINE_LENGTH: usize = 80;

pub(crate) fn run(arguments: &Arguments, deliveries: &Deliveries, output: &Output) -> Exit {
    let outbox = match Outbox::open(arguments, output) {
        Ok(outbox) => outbox,
        Err(exit) => return exit,
    };
    let done = match &deliveries.one {
        Some(One::Show(show)) => show::run(&outbox, show, output),
        None if deliveries.audit => audit::run(&outbox, deliveries.json, output),
        None => list(&outbox, deliveries, output),
    };
    done.unwrap_or_else(|error| outbox::failed(&error, output))
}

fn list(
    outbox: &Outbox,
    deliveries: &Deliveries,
    output: &Output,
) -> Result<Exit, annunciator::store::StoreError> {
    let query = Query {
        before: deliveries.before.map(DeliveryId),
        // One more than is printed, to see whether there are more.
        limit: deliveries.limit + 1,
        ..outbox::query(&deliveries.state, &deliveries.about, deliveries.since)
    };
    let mut records = outbox.ask(|store| store.deliveries(query))?;
    let is_all = records.len() <= deliveries.limit as usize;
    records.truncate(deliveries.limit as usize);
    let last = records.last().filter(|_| !is_all);
    let last = last.map(|record| record.delivery);
    if deliveries.json {
        let listed: Vec<Details<'_>> = records.iter().map(about).collect();
        output.json(&json!({ "deliveries": listed, "before": last }));
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        let path = outbox.path().display();
        output.line(&format!("{path} holds no such delivery"));
        return Ok(Exit::Ok);
    }
    let rows: Vec<[String; 7]> = records.iter().map(row).collect();
    let heads = [
        "ID", "ACCEPTED", "HOST", "CHANNEL", "STATE", "ATTEMPTS", "MESSAGE",
    ];
    output.table(heads, &rows);
    if let Some(last) = last {
        let shown = records.len();
        output.line(&format!(
            "\nthe newest {shown} are shown: --before {last} shows older ones, --limit more at once"
        ));
    }
    Ok(Exit::Ok)
}

fn row(record: &Record) -> [String; 7] {
    [
        record.delivery.to_string(),
        format_timestamp(record.accepted_ms).to_string(),
        one_line(&record.host),
        one_line(&record.channel),
        record.state.to_string(),
        record.attempts.to_string(),
        first_line(record),
    ]
}

/// Returns the title of a message, or its first line.
fn first_line(record: &Record) -> String {
    let Some(wording) = record.wording() else {
        return "(it cannot be read)".to_owned();
    };
    let lines = [wording.title.as_str()].into_iter();
    let mut lines = lines.chain(wording.body.lines()).map(str::trim);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown: String = line.chars().take(MAX_LINE_LENGTH).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    one_line(&shown)
}

/// All fields of a delivery, without its attempts.
#[derive(Debug, Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    record: &'a Record,
    #[serde(flatten)]
    message: Option<Message>,
}

/// The title and the body of a message; the engine defines its stored form.
#[derive(Debug, Serialize)]
struct Message {
    title: String,
    body: String,
    kind: Kind,
    occurred_at_ms: i64,
    attributes: Vec<AttributeJson>,
}

#[derive(Debug, Serialize)]
struct AttributeJson {
    name: String,
    value: String,
}

fn about(record: &Record) -> Details<'_> {
    let message = record.wording().map(|wording| {
        let attributes = wording.attributes.into_iter();
        Message {
            title: wording.title,
            body: wording.body,
            kind: wording.kind,
            occurred_at_ms: wording.occurred_at_ms,
            attributes: attributes
                .map(|(name, value)| AttributeJson { name, value })
                .collect(),
        }
    });
    Details { record, message }
}
