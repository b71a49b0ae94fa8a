//! Converts rows of the tables into values.

use std::sync::Arc;

use rusqlite::Row;
use serde::de::DeserializeOwned;

use crate::{
    incidents::OutboundMessage,
    machine::{LinkFamily, Moment, Seen, Tick},
};

pub(super) fn moment(row: &Row<'_>, first: usize) -> rusqlite::Result<Moment> {
    Ok(Moment {
        tick: Tick(row.get::<_, i64>(first)?.cast_unsigned()),
        wall_ms: row.get(first + 1)?,
    })
}

pub(super) fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    Ok(Arc::from(row.get_ref(column)?.as_str()?))
}

pub(super) fn content<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    json(row, 0)
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| odd(column, error))
}

fn odd(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

pub(super) fn seen(row: &Row<'_>) -> rusqlite::Result<Seen> {
    let counter: Option<String> = row.get(5)?;
    let family = row.get_ref(1)?.as_str()?;
    Ok(Seen {
        host: name(row, 0)?,
        family: LinkFamily::named(family).unwrap_or(LinkFamily::V4),
        at: moment(row, 2)?,
        boots: row.get(4)?,
        counter: match counter {
            Some(text) => Some(text.parse().map_err(|error| odd(5, error))?),
            None => None,
        },
        job: match row.get_ref(6)?.as_str_or_null()? {
            Some(_) => Some(json(row, 6)?),
            None => None,
        },
    })
}

pub(super) fn outbound(row: &Row<'_>) -> rusqlite::Result<OutboundMessage> {
    Ok(OutboundMessage {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        key: name(row, 1)?,
        names: json(row, 2)?,
        message: Arc::new(json(row, 3)?),
    })
}
