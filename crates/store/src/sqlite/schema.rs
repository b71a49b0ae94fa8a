//! The tables, and the migration of older files.

use rusqlite::{Connection, Transaction};

/// The `application_id` of SQLite that marks a database as Annunciator's: "Annu" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x416e_6e75;

/// One part of a file: tables that belong together and have a version of their own.
#[derive(Debug, Clone, Copy)]
pub struct SchemaPart {
    /// The part's name, under which the file records its version.
    pub name: &'static str,
    /// The steps from nothing to the newest schema, as SQL: the n-th leads to schema n. A
    /// released step never changes.
    pub steps: &'static [&'static str],
}

impl SchemaPart {
    /// Returns the number of the newest schema that is known here.
    #[must_use]
    pub const fn newest(&self) -> i64 {
        self.steps.len() as i64
    }
}

/// The tables of the store of deliveries.
pub(super) const DELIVERIES: SchemaPart = SchemaPart {
    name: "outbox",
    steps: &STEPS,
};

/// The steps from nothing to the newest schema: the n-th leads to schema n. A released step never
/// changes.
///
/// States, severities and kinds are stored as the numbers of their enums. All indexes over
/// deliveries but one are partial and hold only what has not ended: the time to find work does
/// not depend on the length of the history. `ready` is 1 when `due_ms` has passed: due deliveries
/// are found by their severity, later ones by their time. Numbers are never reused, because a
/// late settlement must not meet another delivery. `proof` and `until` count from 1, with 0 for
/// none. `gathers` is the batch key of a digest; `digest` is the digest for which a delivery was
/// suppressed. `since` is the first notification of a problem after the last end. Triggers fill the
/// change feed, so that no statement can forget it; they keep its last 100,000 changes
/// ([`MAX_FEED_LENGTH`](crate::MAX_FEED_LENGTH)). A claim (state 1) is no change.
const STEPS: [&str; 4] = ["
    CREATE TABLE outbox_notification (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT,
        host TEXT NOT NULL, incident TEXT NOT NULL, lane TEXT NOT NULL,
        kind INTEGER NOT NULL, severity INTEGER NOT NULL,
        accepted_ms INTEGER NOT NULL, content TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX outbox_notification_by_key ON outbox_notification (key) WHERE key IS NOT NULL;
    CREATE INDEX outbox_notification_by_host ON outbox_notification (host) WHERE host <> '';
    CREATE TABLE outbox_delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT, notification INTEGER NOT NULL, channel TEXT NOT NULL,
        incident TEXT NOT NULL, lane TEXT NOT NULL, kind INTEGER NOT NULL, severity INTEGER NOT NULL,
        state INTEGER NOT NULL, ready INTEGER NOT NULL, due_ms INTEGER NOT NULL,
        expires_ms INTEGER, ended_ms INTEGER, owner TEXT, lease_until_ms INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
        attempts_before INTEGER NOT NULL DEFAULT 0, again INTEGER NOT NULL DEFAULT 0,
        targets TEXT, why TEXT NOT NULL DEFAULT '',
        proof INTEGER NOT NULL DEFAULT 0, step INTEGER NOT NULL DEFAULT 0,
        until INTEGER NOT NULL DEFAULT 0, step_of TEXT, gathers TEXT, digest INTEGER
    ) STRICT;
    CREATE INDEX outbox_delivery_by_notification ON outbox_delivery (notification);
    CREATE INDEX outbox_delivery_ready ON outbox_delivery (channel, severity DESC, id)
        WHERE state = 0 AND ready = 1;
    CREATE INDEX outbox_delivery_waiting ON outbox_delivery (due_ms) WHERE state = 0 AND ready = 0;
    CREATE INDEX outbox_delivery_flying ON outbox_delivery (channel, owner, severity DESC, id, lease_until_ms)
        WHERE state = 1;
    CREATE INDEX outbox_delivery_lane ON outbox_delivery (channel, lane, id)
        WHERE state <= 1 AND lane <> '';
    CREATE INDEX outbox_delivery_incident ON outbox_delivery (channel, incident, id)
        WHERE state <= 1 AND incident <> '';
    CREATE INDEX outbox_delivery_gathering ON outbox_delivery (channel, gathers, id)
        WHERE state = 0 AND gathers IS NOT NULL;
    CREATE INDEX outbox_delivery_digest ON outbox_delivery (digest, id) WHERE digest IS NOT NULL;
    CREATE INDEX outbox_delivery_kept_back ON outbox_delivery (channel, incident, notification)
        WHERE digest IS NOT NULL AND kind = 1;
    CREATE INDEX outbox_delivery_failed ON outbox_delivery (id) WHERE state = 3;
    CREATE TABLE outbox_attempt (
        delivery INTEGER NOT NULL, number INTEGER NOT NULL,
        began_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, outcome TEXT NOT NULL,
        PRIMARY KEY (delivery, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox_incident (
        channel TEXT NOT NULL, incident TEXT NOT NULL, told INTEGER NOT NULL, newest INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (channel, incident)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_incident_newest ON outbox_incident (newest);
    CREATE TABLE outbox_recent (
        channel TEXT NOT NULL, incident TEXT NOT NULL, fingerprint INTEGER NOT NULL,
        delivery INTEGER NOT NULL, until_ms INTEGER NOT NULL,
        PRIMARY KEY (channel, incident, fingerprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox_kept (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX outbox_kept_by_key ON outbox_kept (channel, key);
    CREATE TABLE outbox_account (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
", "
    CREATE INDEX outbox_delivery_expiring ON outbox_delivery (channel, expires_ms)
        WHERE state = 0;
", "
    CREATE TABLE outbox_acknowledgement (
        incident TEXT PRIMARY KEY, person TEXT NOT NULL, via TEXT NOT NULL, note TEXT NOT NULL,
        at_ms INTEGER NOT NULL, until_ms INTEGER, severity INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_incident_by_name ON outbox_incident (incident);
    CREATE INDEX outbox_notification_by_incident ON outbox_notification (incident, id)
        WHERE incident <> '';
    CREATE INDEX outbox_kept_by_age ON outbox_kept (channel, number);
", "
    CREATE TABLE outbox_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER, incident TEXT
    ) STRICT;
    CREATE TRIGGER outbox_delivery_added AFTER INSERT ON outbox_delivery BEGIN
        INSERT INTO outbox_change (delivery) VALUES (new.id);
    END;
    CREATE TRIGGER outbox_delivery_changed
    AFTER UPDATE OF state, why, due_ms, attempts, proof ON outbox_delivery WHEN new.state <> 1 BEGIN
        INSERT INTO outbox_change (delivery) VALUES (new.id);
    END;
    CREATE TRIGGER outbox_acknowledgement_added AFTER INSERT ON outbox_acknowledgement BEGIN
        INSERT INTO outbox_change (incident) VALUES (new.incident);
    END;
    CREATE TRIGGER outbox_acknowledgement_deleted AFTER DELETE ON outbox_acknowledgement BEGIN
        INSERT INTO outbox_change (incident) VALUES (old.incident);
    END;
    CREATE TRIGGER outbox_change_bounded AFTER INSERT ON outbox_change BEGIN
        DELETE FROM outbox_change WHERE number <= new.number - 100000;
    END;
"];

/// The state of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The database has the newest schema now.
    Ready,
    /// The database has a schema that is not known here.
    Newer(i64),
    /// The database belongs to another program.
    Foreign,
}

/// Migrates a part of a database to its newest schema.
pub(super) fn migrate(transaction: &Transaction<'_>, part: &SchemaPart) -> rusqlite::Result<Found> {
    let application: i64 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Ok(Found::Foreign);
    }
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    )?;
    let (version, newest) = (version(transaction, part)?, part.newest());
    if version > newest {
        return Ok(Found::Newer(version));
    }
    for step in part
        .steps
        .iter()
        .skip(usize::try_from(version).unwrap_or_default())
    {
        transaction.execute_batch(step)?;
    }
    if version < newest {
        // The ID belongs to the file, not to the part: the first part sets it.
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute(
            "INSERT OR REPLACE INTO schema_version VALUES (?1, ?2)",
            (part.name, newest),
        )?;
    }
    Ok(Found::Ready)
}

/// Returns the schema number of a part of a database; 0 for none.
pub(super) fn version(database: &Connection, part: &SchemaPart) -> rusqlite::Result<i64> {
    database.query_row(
        "SELECT coalesce((SELECT version FROM schema_version WHERE part = ?1), 0)",
        [part.name],
        |row| row.get(0),
    )
}
