//! The floors of each crate, from the ground up, and the largest circle of its files.

/// A crate's modules from the ground up, and the files that import one another.
pub struct House {
    /// The root file.
    pub root: &'static str,
    /// On each floor the modules that need not know each other. Two that do are one,
    /// with `+` between.
    pub floors: &'static [&'static [&'static str]],
    /// How many files the largest circle has, and why it is one.
    pub circle: Option<(usize, &'static str)>,
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
        circle: None,
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
        circle: Some((
            5,
            "config, three times: a problem says where it stands and what of it may be \
             shown, by the rules for what refers to a secret; the check of a section is \
             given the configuration that holds it; options read kinds of values that are \
             options themselves",
        )),
    },
    House {
        root: "crates/monitor/src/lib.rs",
        floors: &[
            &["thresholds", "timestamp"],
            &["machine"],
            &["config", "incidents"],
            &["store"],
            &["notify"],
            &["running"],
        ],
        circle: Some((
            3,
            "config: its root declares the sections, which share the root's helpers",
        )),
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
        circle: None,
    },
    House {
        root: "crates/sdk/src/lib.rs",
        floors: &[
            &[
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
        circle: Some((
            2,
            "the guard runs code in a host's name, and the host's calls run under the guard",
        )),
    },
    House {
        root: "crates/store/src/lib.rs",
        floors: &[
            &["delivery", "error", "kind", "proof", "severity"],
            &["accounts", "content"],
            &["record"],
            &["intake+settle"],
            &["rules", "store"],
            &["memory", "sqlite"],
        ],
        circle: Some((
            5,
            "sqlite: a rule that is applied asks for the next one, as a settlement that \
             ends a digest, and a digest is accepted like a notification",
        )),
    },
    House {
        root: "crates/testkit/src/lib.rs",
        floors: &[
            &["artefacts", "effort", "hasty", "http", "outside", "smtp"],
            &["stores"],
            &["mattermost", "pushover", "rig", "signal"],
            &["ensemble", "live", "suite"],
        ],
        circle: Some((
            4,
            "a stand-in's state is served by the routes that it starts",
        )),
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
        circle: None,
    },
    House {
        root: "crates/xtask/src/main.rs",
        floors: &[&["build"], &["bench", "crash", "demo", "dist", "soak"]],
        circle: None,
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
        circle: Some((
            2,
            "commands: what is previewed is sent, and what is sent is previewed first",
        )),
    },
    House {
        root: "host-app/src/lib.rs",
        floors: &[
            &["http", "planned", "report", "sender", "unkept"],
            &["control"],
        ],
        circle: Some((
            2,
            "sender: addresses that were found are one of the things that happen, and say so",
        )),
    },
    House {
        root: "plugins/email/src/lib.rs",
        floors: &[],
        circle: Some((2, "what a session offers decides how it logs in")),
    },
    House {
        root: "plugins/signal/src/lib.rs",
        floors: &[],
        circle: Some((
            2,
            "a refusal is a verdict, and a verdict may be one of refusal",
        )),
    },
];
