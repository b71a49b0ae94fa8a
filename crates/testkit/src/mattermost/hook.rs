//! Incoming webhooks, checked in the order of the server's handler:
//! <https://developers.mattermost.com/integrate/webhooks/incoming/>.

use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};

use super::directory::{Hook, new_id};
use super::payload::Payload;
use super::post::{Post, permitted};
use super::refusal::MattermostRefusal;
use super::service::{MattermostService, MattermostState};
use super::text;

/// The maximum length of a post's props as JSON, in characters.
const MAX_PROPS_LENGTH: usize = 800_000;

const DISABLED: MattermostRefusal = MattermostRefusal::new(
    501,
    "web.incoming_webhook.disabled.app_error",
    "Incoming webhooks have been disabled by the system admin.",
);
const UNREADABLE: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.parse.app_error",
    "Unable to parse incoming data.",
);
const TOO_LARGE: MattermostRefusal = MattermostRefusal::new(
    413,
    "api.context.request_body_too_large.app_error",
    "Request body too large. Use a smaller payload.",
);
const NO_TEXT: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.text.app_error",
    "No text specified.",
);
const UNKNOWN_HOOK: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.invalid.app_error",
    "Invalid webhook.",
);
const UNKNOWN_USER: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.user.app_error",
    "Couldn't find the user.",
);
const UNKNOWN_CHANNEL: MattermostRefusal = MattermostRefusal::new(
    404,
    "web.incoming_webhook.channel.app_error",
    "Couldn't find the channel.",
);
const LOCKED: MattermostRefusal = MattermostRefusal::new(
    403,
    "web.incoming_webhook.channel_locked.app_error",
    "This webhook is not permitted to post to the requested channel.",
);
const NO_CREATOR: MattermostRefusal = MattermostRefusal::new(
    403,
    "web.incoming_webhook.user.app_error",
    "Couldn't find the user.",
);
const NOT_PERMITTED: MattermostRefusal = MattermostRefusal::new(
    403,
    "web.incoming_webhook.permissions.app_error",
    "Inappropriate channel permissions.",
);
const BAD_PRIORITY: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.priority.app_error",
    "Invalid priority.",
);
const BAD_TYPE: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_param.app_error",
    "Invalid or missing type.",
);
const LONG_PROPS: MattermostRefusal = MattermostRefusal::new(
    400,
    "web.incoming_webhook.split_props_length.app_error",
    "Unable to split webhook props into parts.",
);
const NOT_STORED: MattermostRefusal = MattermostRefusal::new(
    500,
    "api.post.create_post.app_error",
    "Unable to create post.",
);

/// Handles a call of a webhook.
pub(super) async fn call(id: &str, request: &Request, service: &MattermostService) -> Answer {
    let payload = if request.body().len() > service.payload_limit {
        Err(TOO_LARGE)
    } else {
        Payload::read(request).await.ok_or(UNREADABLE)
    };
    let posted = payload.and_then(|payload| post(id, &payload, service));
    match posted {
        Ok(()) => Answer::text(200, "ok"),
        Err(refusal) => refusal.of_hook(service.style, id, &request.media_type()),
    }
}

fn post(id: &str, payload: &Payload, service: &MattermostService) -> Result<(), MattermostRefusal> {
    if !service.webhooks {
        return Err(DISABLED);
    }
    let attachments = payload.attachments.as_deref().unwrap_or_default();
    if payload.text.is_empty() && attachments.is_empty() {
        return Err(NO_TEXT);
    }
    let mut state = service.state();
    let hook = state.directory.hooks.get(id).cloned().ok_or(UNKNOWN_HOOK)?;
    let (channel_id, channel) = destination(payload, &hook, &state)?;
    if !hook.creator_exists {
        return Err(NO_CREATOR);
    }
    if let Some(known) = state.directory.channels.get(&channel)
        && known.private
        && !known.joined
    {
        return Err(NOT_PERMITTED);
    }
    let priority = priority(payload)?;
    if payload.kind.starts_with("system_") {
        return Err(BAD_TYPE);
    }
    let props = props(payload, service.overrides)?;
    let parts = text::split(&text::from_slack(&payload.text));
    let last = parts.len() - 1;
    for (number, message) in parts.into_iter().enumerate() {
        let mut props = props.clone();
        let mut kind = payload.kind.clone();
        if number == last && !attachments.is_empty() {
            props.insert("attachments".to_owned(), converted(attachments));
            kind = "slack_attachment".to_owned();
        }
        let post = Post {
            id: new_id(),
            user_id: hook.creator_id.clone(),
            create_at: state.next_ms(),
            channel_id: channel_id.clone(),
            channel: channel.clone(),
            message,
            root_id: String::new(),
            kind,
            props,
            priority: priority.clone(),
            file_ids: Vec::new(),
            reactions: Vec::new(),
            acknowledgements: Vec::new(),
        };
        if !state.store(post, service) {
            return Err(NOT_STORED);
        }
    }
    Ok(())
}

/// Returns the channel's ID and name, considering the hook's lock.
fn destination(
    payload: &Payload,
    hook: &Hook,
    state: &MattermostState,
) -> Result<(String, String), MattermostRefusal> {
    let directory = &state.directory;
    if let Some(user) = payload.channel.strip_prefix('@') {
        if !directory.users.contains_key(user) {
            return Err(UNKNOWN_USER);
        }
        if hook.locked {
            return Err(LOCKED);
        }
        return Ok((format!("direct-{user}"), payload.channel.clone()));
    }
    let asked = payload
        .channel
        .strip_prefix('#')
        .unwrap_or(&payload.channel);
    let name = if asked.is_empty() {
        &hook.channel
    } else {
        asked
    };
    let channel = directory.channels.get(name).ok_or(UNKNOWN_CHANNEL)?;
    if hook.locked && channel.name != hook.channel {
        return Err(LOCKED);
    }
    Ok((channel.id.clone(), channel.name.clone()))
}

fn priority(payload: &Payload) -> Result<Option<Value>, MattermostRefusal> {
    match &payload.priority {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => match members.get("priority").and_then(Value::as_str) {
            Some("" | "important" | "urgent") => Ok(payload.priority.clone()),
            _ => Err(BAD_PRIORITY),
        },
        Some(_) => Err(BAD_PRIORITY),
    }
}

fn props(payload: &Payload, overrides: bool) -> Result<Map<String, Value>, MattermostRefusal> {
    let mut props = permitted(payload.props.as_ref());
    props.insert("from_webhook".to_owned(), json!("true"));
    if overrides {
        for (name, value) in [
            ("override_username", &payload.username),
            ("override_icon_url", &payload.icon_url),
            ("override_icon_emoji", &payload.icon_emoji),
        ] {
            if !value.is_empty() {
                props.insert(name.to_owned(), json!(value));
            }
        }
    }
    let attachments = json!(payload.attachments);
    let length = Value::Object(props.clone()).to_string().chars().count()
        + attachments.to_string().chars().count();
    if length > MAX_PROPS_LENGTH {
        return Err(LONG_PROPS);
    }
    Ok(props)
}

fn converted(attachments: &[Value]) -> Value {
    let mut attachments = attachments.to_vec();
    for attachment in &mut attachments {
        for part in ["pretext", "text"] {
            if let Some(Value::String(words)) = attachment.get_mut(part) {
                *words = text::from_slack(words);
            }
        }
    }
    Value::Array(attachments)
}
