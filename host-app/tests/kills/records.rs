//! What the monitor has recorded of its messages: those that wait to be handed over, and
//! those in the store of deliveries. Both are in one file.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags};

/// A text: the number of its messages, how often such a message was sent again, and how
/// many were over before anybody was notified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    pub count: u64,
    pub again: u64,
    pub superseded: u64,
}

/// All messages.
#[derive(Debug, Default)]
pub struct Records {
    pub texts: BTreeMap<String, Row>,
    /// Messages that are still to be delivered.
    pub open: u64,
    /// The number of messages sent again, by the store's accounts.
    pub again: u64,
}

/// Each message once, by its key: it may be handed over and not struck out.
const MESSAGES: &str = "
    WITH message (key, body, again, open, superseded) AS (
        SELECT n.key, json_extract(n.content, '$.body'), sum(d.again), sum(d.state <= 1),
            sum(d.state = 6)
        FROM outbox_notification AS n JOIN outbox_delivery AS d ON d.notification = n.id
        GROUP BY n.id
        UNION ALL
        SELECT key, json_extract(message, '$.body'), 0, 1, 0 FROM monitor_waiting
    )
    SELECT body, count(DISTINCT key), sum(again), sum(open), sum(superseded) FROM message GROUP BY body";
const AGAIN: &str = "SELECT coalesce((SELECT count FROM outbox_account WHERE name = 'again'), 0)";

impl Records {
    /// Reads them beside the monitor; nothing while it makes the file.
    pub fn read(file: &Path) -> Self {
        Self::try_read(file).unwrap_or_default()
    }

    fn try_read(file: &Path) -> rusqlite::Result<Self> {
        let mut database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // At one moment.
        let database = database.transaction()?;
        let mut statement = database.prepare(MESSAGES)?;
        let mut records = Self {
            again: database
                .query_row(AGAIN, [], |row| row.get::<_, i64>(0))?
                .unsigned_abs(),
            ..Self::default()
        };
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number =
                |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
            let counts = Row {
                count: number(1)?,
                again: number(2)?,
                superseded: number(4)?,
            };
            records.open += number(3)?;
            records.texts.insert(row.get(0)?, counts);
        }
        Ok(records)
    }
}
