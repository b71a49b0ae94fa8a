//! What the monitor has written down of its messages.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags};

/// A text: how many messages of it there are, and how often such a message
/// was told again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    pub count: u64,
    pub again: u64,
}

/// All messages.
#[derive(Debug, Default)]
pub struct Records {
    pub texts: BTreeMap<String, Row>,
    /// Messages that are not settled.
    pub open: u64,
}

impl Records {
    /// Reads them beside the monitor; nothing while it makes the file.
    pub fn read(file: &Path) -> Self {
        Self::try_read(file).unwrap_or_default()
    }

    fn try_read(file: &Path) -> rusqlite::Result<Self> {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut statement = database.prepare(
            "SELECT json_extract(message, '$.body'), count(*), sum(again),
                    sum(state IN ('pending', 'in_flight'))
             FROM monitor_telling GROUP BY 1",
        )?;
        let mut records = Self::default();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number =
                |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
            let counts = Row {
                count: number(1)?,
                again: number(2)?,
            };
            records.open += number(3)?;
            records.texts.insert(row.get(0)?, counts);
        }
        Ok(records)
    }
}
