//! The floors of each crate, from the ground up, and the circles of its files.

use std::collections::BTreeSet;

/// A crate's modules from the ground up, and the files that import one another.
pub struct House {
    /// The root file.
    pub root: &'static str,
    /// On each floor the modules that need not know each other. Two that do are one,
    /// with `+` between.
    pub floors: &'static [&'static [&'static str]],
    /// The circles of its files.
    pub circles: &'static [Circle],
}

/// Files that import one another, directly or by others of them.
pub struct Circle {
    /// Their paths below the folder of the root file.
    pub files: &'static [&'static str],
    /// Why they do.
    pub reason: &'static str,
}

impl Circle {
    pub fn set(&self) -> BTreeSet<&'static str> {
        self.files.iter().copied().collect()
    }
}

pub const HOUSES: &[House] = &[
    House {
        root: "crates/core/src/lib.rs",
        floors: &[
            &["code", "ffi", "note", "version"],
            &["message", "outcome", "proofs", "services"],
            &["provider"],
            &["module"],
            &["load"],
        ],
        circles: &[],
    },
    House {
        root: "crates/engine/src/lib.rs",
        floors: &[
            &["clock", "event", "line"],
            &["alerts", "plugin"],
            &["services"],
            &["worker"],
            &["runtime"],
            &["config"],
            &["delivery", "standalone"],
            &["router"],
            &["engine"],
        ],
        circles: &[
            Circle {
                files: &[
                    "config/content.rs",
                    "config/group.rs",
                    "config/host_table.rs",
                    "config/model.rs",
                    "config/section.rs",
                ],
                reason: "the configuration holds the checked values of sections, \
                          hosts and groups, and the check of a section is given the \
                          configuration",
            },
            Circle {
                files: &[
                    "config/files.rs",
                    "config/locate.rs",
                    "config/problem.rs",
                    "config/redact.rs",
                    "config/reference.rs",
                ],
                reason: "a problem says where it stands and what of it may be \
                          shown, by the rules for what refers to a secret, and \
                          these rules report problems",
            },
            Circle {
                files: &[
                    "config/options/channel.rs",
                    "config/options/rate.rs",
                    "config/options/value.rs",
                    "config/quiet_hours/mod.rs",
                ],
                reason: "options read kinds of values that are options themselves",
            },
            Circle {
                files: &["config/groups.rs", "config/naming.rs"],
                reason: "a group lists names, and a name may be that of a group",
            },
            Circle {
                files: &["config/schema.rs", "config/schema/format.rs"],
                reason: "the reader by schemas checks formats, which are read by \
                          methods of the reader",
            },
            Circle {
                files: &["delivery/attempt.rs", "delivery/persist.rs"],
                reason: "the task of an attempt persists its outcome, by methods \
                          of the task",
            },
        ],
    },
    House {
        root: "crates/ingest/src/lib.rs",
        floors: &[
            &["limits", "request"],
            &["error", "event", "mail", "word"],
            &["expression", "payload"],
            &["formats", "mapping"],
            &["source"],
            &["config"],
        ],
        circles: &[],
    },
    House {
        root: "crates/monitor/src/lib.rs",
        floors: &[
            &["ping", "schedule", "thresholds", "timestamp"],
            &["machine"],
            &["config", "incidents"],
            &["store"],
            &["notify"],
            &["running"],
        ],
        circles: &[
            Circle {
                files: &["config/hosts.rs", "config/mod.rs", "config/monitor.rs"],
                reason: "the root declares the sections, which share the root's \
                          helpers",
            },
            Circle {
                files: &[
                    "notify/recorder.rs",
                    "notify/recording.rs",
                    "notify/writing.rs",
                ],
                reason: "the recorder starts the recording task, which shares the \
                          recorder's state and its timeout with each write",
            },
        ],
    },
    House {
        root: "crates/protocol/src/lib.rs",
        floors: &[
            &["datagram", "limits", "reject"],
            &["name", "reason"],
            &["key", "scalar"],
            &["key_file", "signature", "skip"],
            &["encode", "keyring", "wire"],
            &["decode"],
        ],
        circles: &[],
    },
    House {
        root: "crates/sdk/src/lib.rs",
        floors: &[
            &[
                "acknowledgement",
                "child",
                "delivery",
                "http",
                "login",
                "redaction",
                "secret",
                "time",
                "waiting",
            ],
            &["outcome"],
            &["finding", "guard+host", "proofs"],
            &["log", "provider"],
            &["runtime", "shell"],
            &["export", "testing"],
        ],
        circles: &[Circle {
            files: &["guard.rs", "host.rs"],
            reason: "the guard runs code in a host's name, and the host's \
                          calls run under the guard",
        }],
    },
    House {
        root: "crates/store/src/lib.rs",
        floors: &[
            &["numbered"],
            &["delivery", "error", "kind", "proof", "severity"],
            &["accounts", "content"],
            &["record"],
            &["intake+settle"],
            &["acknowledgement", "feed"],
            &["rules", "store"],
            &["memory", "sqlite"],
        ],
        circles: &[
            Circle {
                files: &[
                    "sqlite/accept.rs",
                    "sqlite/digest.rs",
                    "sqlite/incident.rs",
                    "sqlite/settle.rs",
                    "sqlite/step.rs",
                ],
                reason: "a rule that is applied asks for the next one, as a \
                          settlement that ends a digest, and a digest is accepted \
                          like a notification",
            },
            Circle {
                files: &["intake.rs", "settle.rs"],
                reason: "what is accepted may supersede what was accepted before, \
                          and what is settled may begin a digest",
            },
            Circle {
                files: &["memory/indexes.rs", "memory/orders.rs"],
                reason: "the indexes are kept in order by methods of their own in \
                          a second file",
            },
            Circle {
                files: &["rules/change.rs", "rules/incident.rs"],
                reason: "a change of an incident is made of two of its states, and \
                          a rule of incidents returns one",
            },
        ],
    },
    House {
        root: "crates/testkit/src/lib.rs",
        floors: &[
            &["artefacts", "effort", "hasty", "http", "outside", "smtp"],
            &["stores"],
            &["mattermost", "pushover", "rig", "signal"],
            &["ensemble", "live", "suite"],
        ],
        circles: &[
            Circle {
                files: &[
                    "mattermost/hook.rs",
                    "mattermost/reading.rs",
                    "mattermost/rest.rs",
                    "mattermost/routes.rs",
                    "mattermost/service.rs",
                ],
                reason: "a stand-in's state is served by the routes that it starts",
            },
            Circle {
                files: &["pushover/routes.rs", "pushover/service.rs"],
                reason: "a stand-in's state is served by the routes that it starts",
            },
            Circle {
                files: &["signal/daemon.rs", "signal/http.rs", "signal/stream.rs"],
                reason: "the daemon's state is served by the transports that it \
                          starts",
            },
            Circle {
                files: &["smtp/builder.rs", "smtp/mod.rs", "smtp/session.rs"],
                reason: "the builder starts the server, and the server's sessions \
                          read what was built",
            },
        ],
    },
    House {
        root: "crates/validator/src/lib.rs",
        floors: &[
            &["answer", "miss", "readable", "whose"],
            &["host"],
            &["subject"],
            &["checks"],
            &["child", "report", "waiver"],
            &["examine"],
        ],
        circles: &[],
    },
    House {
        root: "crates/web/src/lib.rs",
        floors: &[
            &[
                "circumstances",
                "credentials",
                "links",
                "planned",
                "problem",
                "report",
                "scope",
                "shared_incidents",
                "test_message",
                "tls",
                "unkept",
            ],
            &["acts", "extract", "plugins", "proxy", "serve", "tokens"],
            &["config", "sessions"],
            &["cookie"],
            &["identity"],
            &["api", "ingest"],
            &["page"],
            &["router"],
        ],
        circles: &[],
    },
    House {
        root: "crates/xtask/src/main.rs",
        floors: &[&["build"], &["bench", "crash", "demo", "dist", "soak"]],
        circles: &[],
    },
    House {
        root: "host-app/src/bin/hbd/main.rs",
        floors: &[
            &["arguments", "output"],
            &["beside", "log", "problems"],
            &["setup"],
            &["outbox"],
            &["commands"],
        ],
        circles: &[
            Circle {
                files: &["commands/preview.rs", "commands/send.rs"],
                reason: "what is previewed is sent, and what is sent is previewed \
                          first",
            },
            Circle {
                files: &["commands/deliveries/mod.rs", "commands/deliveries/show.rs"],
                reason: "the root calls its subcommands, which share the root's \
                          helpers",
            },
        ],
    },
    House {
        root: "host-app/src/lib.rs",
        floors: &[&["duration", "http", "snippet"], &["api", "sender"]],
        circles: &[
            Circle {
                files: &["sender/addresses.rs", "sender/happening.rs"],
                reason: "addresses that were found are one of the things that \
                          happen, and say so",
            },
            Circle {
                files: &["sender/disks.rs", "sender/sampler.rs"],
                reason: "the sampler measures disks, whose numbers are rounded as \
                          all of its are",
            },
        ],
    },
    House {
        root: "plugins/email/src/lib.rs",
        floors: &[],
        circles: &[
            Circle {
                files: &["login.rs", "session.rs"],
                reason: "what a session offers decides how it logs in",
            },
            Circle {
                files: &["outcome.rs", "refusal.rs"],
                reason: "a refusal is a verdict, and a verdict may be one of \
                          refusal",
            },
        ],
    },
    House {
        root: "plugins/signal/src/lib.rs",
        floors: &[],
        circles: &[Circle {
            files: &["outcome.rs", "refusal.rs"],
            reason: "a refusal is a verdict, and a verdict may be one of \
                          refusal",
        }],
    },
];
