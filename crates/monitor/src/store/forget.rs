//! Deletes hosts that are gone: not configured any more, and not heard for so long that the
//! machine has forgotten them, too.

use std::{collections::HashSet, sync::Arc, time::Duration};

use rusqlite::{Transaction, params};

use super::{error::StoreError, state::StateStore};
use crate::machine::Tick;

/// How long a host's state is kept after the host was removed from the configuration, in
/// case it returns.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

impl StateStore {
    /// Deletes the rows of hosts that are not configured and were last heard more than 30
    /// days before this moment. Returns the number of hosts.
    ///
    /// # Errors
    /// Returns [`StoreError`] if nothing was deleted.
    pub async fn forget(
        &self,
        configured: HashSet<Arc<str>>,
        now: Tick,
    ) -> Result<usize, StoreError> {
        let forgotten = self.file().write(move |transaction| {
            let gone = gone(transaction, &configured, now)?;
            for name in &gone {
                forget(transaction, &configured, name)?;
            }
            Ok(gone.len())
        });
        Ok(forgotten.await?)
    }
}

fn gone(
    transaction: &Transaction<'_>,
    configured: &HashSet<Arc<str>>,
    now: Tick,
) -> rusqlite::Result<Vec<String>> {
    // A host that was never heard has no state to keep.
    let mut statement = transaction.prepare(
        "SELECT host, max(tick) FROM monitor_seen GROUP BY host
         UNION ALL SELECT name, 0 FROM monitor_host WHERE name NOT IN (SELECT host FROM monitor_seen)",
    )?;
    let rows = statement.query_map([], |row| {
        let heard = Tick(row.get::<_, i64>(1)?.cast_unsigned());
        Ok((row.get::<_, String>(0)?, heard))
    })?;
    let mut gone = Vec::new();
    for row in rows {
        let (name, heard) = row?;
        if !configured.contains(name.as_str()) && now.since(heard) >= FORGET_AFTER {
            gone.push(name);
        }
    }
    Ok(gone)
}

fn forget(
    transaction: &Transaction<'_>,
    configured: &HashSet<Arc<str>>,
    name: &str,
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM monitor_host WHERE name = ?1", [name])?;
    transaction.execute("DELETE FROM monitor_seen WHERE host = ?1", [name])?;
    // The slash matters: one host's name may begin with another's.
    let prefix = format!("{name}/");
    if !configured.iter().any(|other| other.starts_with(&prefix)) {
        transaction.execute(
            "DELETE FROM monitor_open WHERE substr(incident, 1, length(?1)) = ?1",
            params![prefix],
        )?;
    }
    Ok(())
}
