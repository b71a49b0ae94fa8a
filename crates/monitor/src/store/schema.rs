//! The tables, and their migrations.

use annunciator::store::SchemaPart;

/// The monitor's tables in a file, which may have tables of others.
pub(super) const MONITOR: SchemaPart = SchemaPart {
    name: "monitor",
    steps: &STEPS,
};

/// The migrations: the n-th leads to schema n. A released migration never changes.
pub(super) const STEPS: [&str; 4] = [
    "CREATE TABLE monitor_liveness (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        tick INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
        uptime_ms INTEGER NOT NULL, kernel_boot TEXT NOT NULL
     ) STRICT;
     CREATE TABLE monitor_globals (one INTEGER PRIMARY KEY CHECK (one = 1), content TEXT NOT NULL) STRICT;
     CREATE TABLE monitor_host (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE monitor_seen (
        host TEXT NOT NULL, family TEXT NOT NULL,
        tick INTEGER NOT NULL, wall_ms INTEGER NOT NULL, boots INTEGER NOT NULL, counter TEXT,
        PRIMARY KEY (host, family)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE monitor_held (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
     CREATE TABLE monitor_silence (host TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE monitor_history (
        id INTEGER PRIMARY KEY, host TEXT NOT NULL, wall_ms INTEGER NOT NULL, text TEXT NOT NULL
     ) STRICT;
     CREATE INDEX monitor_history_by_host ON monitor_history (host, id);
     CREATE TABLE monitor_telling (
        id INTEGER PRIMARY KEY, channel TEXT NOT NULL, host TEXT, state TEXT NOT NULL,
        again INTEGER NOT NULL, message TEXT NOT NULL, detail TEXT NOT NULL
     ) STRICT;
     CREATE INDEX monitor_telling_open ON monitor_telling (state) WHERE state IN ('pending', 'in_flight');
     CREATE INDEX monitor_telling_by_host ON monitor_telling (host, id);
     CREATE TABLE monitor_told (
        incident TEXT NOT NULL, channel TEXT NOT NULL,
        open INTEGER NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (incident, channel)
     ) STRICT, WITHOUT ROWID;",
    // The engine's store of deliveries has the fate of messages. Messages that wait here
    // are handed over to it.
    "CREATE TABLE monitor_waiting (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, host TEXT, names TEXT NOT NULL, message TEXT NOT NULL
     ) STRICT;
     CREATE INDEX monitor_waiting_by_host ON monitor_waiting (host, id);
     INSERT INTO monitor_waiting
        SELECT id, 'hbd/' || lower(hex(randomblob(16))) || '/' || id, host, json_array(channel),
            CASE json_array_length(message, '$.incidents')
                WHEN 1 THEN json_set(message, '$.incident', message ->> '$.incidents[0]')
                ELSE message
            END
        FROM monitor_telling WHERE state IN ('pending', 'in_flight');
     CREATE TABLE monitor_open (
        incident TEXT NOT NULL, name TEXT NOT NULL, under TEXT NOT NULL, PRIMARY KEY (incident, name)
     ) STRICT, WITHOUT ROWID;
     INSERT INTO monitor_open
        SELECT incident, channel, 'own' FROM monitor_told AS t WHERE open = 1 AND (told = 1 OR EXISTS (
            SELECT 1 FROM monitor_telling AS w WHERE w.channel = t.channel AND w.state IN ('pending', 'in_flight')
            AND EXISTS (SELECT 1 FROM json_each(w.message, '$.incidents') AS i WHERE i.value = t.incident)));
     DROP TABLE monitor_telling;
     DROP TABLE monitor_told;",
    // What pings say of a host's job changes as often as when it is heard.
    "ALTER TABLE monitor_seen ADD COLUMN job TEXT;",
    // Lines of earlier versions say nothing of the state.
    "ALTER TABLE monitor_history ADD COLUMN state TEXT;
     CREATE INDEX monitor_history_states ON monitor_history (host, id) WHERE state IS NOT NULL;",
];
