-- What a monitor of the first schema had written when it was killed.
CREATE TABLE schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
INSERT INTO schema_version VALUES ('monitor', 1);
PRAGMA application_id = 1097756277;
INSERT INTO monitor_telling VALUES
    (1, 'x', 'c', 'delivered', 0,
     '{"host":"c","incidents":["c/cpu"],"part":"problem","severity":"critical","body":"CRITICAL: c","occurred_ms":5}', ''),
    (2, 'x', 'a', 'in_flight', 1,
     '{"host":"a","incidents":["a/IPv4/heartbeat"],"part":"problem","severity":"critical","body":"a IPv4 overdue","occurred_ms":5}', ''),
    (3, 'y', NULL, 'pending', 0,
     '{"incidents":["a/IPv4/heartbeat","b/IPv4/heartbeat"],"part":"problem","severity":"critical","body":"2 overdue at once: a IPv4, b IPv4","occurred_ms":6}', ''),
    (4, 'x', 'a', 'pending', 0,
     '{"host":"a","part":"message","severity":"info","body":"a booted","occurred_ms":7}', ''),
    (5, 'z', 'a', 'failed', 0,
     '{"host":"a","incidents":["a/IPv4/heartbeat"],"part":"problem","severity":"critical","body":"a IPv4 overdue","occurred_ms":5}', 'no');
INSERT INTO monitor_told VALUES
    ('c/cpu', 'x', 1, 1),
    ('a/IPv4/heartbeat', 'x', 1, 0),
    ('a/IPv4/heartbeat', 'y', 1, 0),
    ('a/IPv4/heartbeat', 'z', 1, 0),
    ('b/IPv4/heartbeat', 'y', 1, 0),
    ('d/IPv4/heartbeat', 'x', 0, 1);
