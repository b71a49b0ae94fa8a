//! The JSON Schema of the engine's own options, for editors. What only a reading
//! finds, such as an unknown time zone, is left to it.

use serde_json::{Value as Json, json};

/// The options of one channel.
pub(in super::super) fn of_one() -> Json {
    object(
        "How the engine treats the channel. What is not said here is as the `delivery:` at the top of the file has it.",
        channel(),
    )
}

/// The options of all channels that don't say it themselves, and the rest.
pub(in super::super) fn of_all() -> Json {
    let mut fields = channel();
    fields["store"] = json!({
        "type": ["string", "null"],
        "pattern": "^(/.*[^/]|:memory:|none|)$",
        "description": "Absolute path of the file that keeps deliveries; `:memory:` for none that outlives the program, `none` for one attempt each.",
    });
    fields["wait"] =
        time("How long a call that wants the outcome waits for it; 30s unless it is said.");
    fields["keep"] = object(
        "How much is kept of what has ended.",
        json!({
            "age": time("What is older is deleted; 90 days unless it is said."),
            "notifications": {
                "type": "integer", "minimum": 1,
                "description": "What is beyond so many of the newest is deleted; 10000000 unless it is said.",
            },
        }),
    );
    object(
        "How the engine treats all channels that don't say it themselves.",
        fields,
    )
}

/// A group of channels.
pub(in super::super) fn of_a_group() -> Json {
    let mut group = object(
        "Channels that are tried one after the other.",
        json!({
            "first_of": {
                "type": "array", "minItems": 1, "items": { "type": "string" },
                "description": "Names of channels and groups, in the order in which they are tried.",
            },
            "until": {
                "enum": ["accepted", "delivered", "acknowledged"],
                "description": "Which proof ends it; accepted unless it is said.",
            },
            "step_after": time("How long each step has to reach that; 2m unless it is said."),
        }),
    );
    group["required"] = json!(["first_of"]);
    group
}

/// A time such as 30s.
fn time(description: &str) -> Json {
    json!({ "type": "string", "pattern": "[0-9] *[A-Za-z]", "description": description })
}

fn object(description: &str, fields: Json) -> Json {
    json!({
        "type": "object", "description": description,
        "properties": fields, "additionalProperties": false,
    })
}

fn channel() -> Json {
    json!({
        "timeout": time("How long one attempt may take; 30s unless it is said."),
        "required": { "type": "boolean", "description": "Refuse to start without the channel's plugin." },
        "min_severity": severity("What is milder is kept back; info unless it is said."),
        "retry": object("How often it is tried, and when, where deliveries are kept.", json!({
            "attempts": {
                "type": "integer", "minimum": 1, "maximum": super::MOST_ATTEMPTS,
                "description": "Attempts in all; 8 unless it is said.",
            },
            "first": time("How long the first pause may be; 2s unless it is said. Each further one may be twice as long."),
            "max": time("How long a pause may be at most; 10m unless it is said."),
        })),
        "ttl": time("What could not be delivered for so long is not delivered any more; 24h unless it is said."),
        "rate_limit": {
            "type": "string", "pattern": "^ *[0-9]+ */ *[0-9A-Za-z ]+$|^none$",
            "description": "How much may be sent, such as 30/min; `none` for as much as there is.",
        },
        "on_unknown": {
            "enum": ["resend", "drop", "ask"],
            "description": "What happens to what was sent without an answer; resend unless it is said.",
        },
        "isolation": {
            "enum": ["none", "process"],
            "description": "Where the plugin runs: in this program, or in a process of its own, so that a crash of it harms nobody else; none unless it is said.",
        },
        "canary": { "anyOf": [ canary(), { "const": "none" } ] },
        "quiet_hours": { "anyOf": [ quiet_hours(), { "const": "none" } ] },
        "dedup": {
            "type": "string", "pattern": "[0-9] *[A-Za-z]|^none$",
            "description": "The same message of the same incident is told once within this time; `none` for each time.",
        },
    })
}

fn canary() -> Json {
    let mut canary = object(
        "How the channel proves that it works, nothing delivered.",
        json!({
            "every": time("How often."),
            "failures": {
                "type": "integer", "minimum": 1,
                "description": "So many that fail in a row are told through the other channels; 2 unless it is said.",
            },
        }),
    );
    canary["required"] = json!(["every"]);
    canary
}

fn quiet_hours() -> Json {
    let minute = |description: &str| {
        json!({
            "type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$", "description": description,
        })
    };
    let mut hours = object(
        "When people are left in peace.",
        json!({
            "from": minute("From this time of day, such as \"22:00\"."),
            "to": minute("Until this one, perhaps of the day after."),
            "timezone": { "type": "string", "description": "By the clocks of this time zone, such as Europe/Berlin; UTC unless it is said." },
            "except": {
                "enum": ["warning", "critical"],
                "description": "What is as bad as this is told all the same; critical unless it is said.",
            },
        }),
    );
    hours["required"] = json!(["from", "to"]);
    hours
}

fn severity(description: &str) -> Json {
    json!({ "enum": ["info", "warning", "critical"], "description": description })
}
