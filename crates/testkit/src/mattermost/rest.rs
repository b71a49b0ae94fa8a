//! The part of the REST API v4 that a bot needs:
//! <https://developers.mattermost.com/api-documentation/>.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Answer, Request};

use super::BOT;
use super::directory::{is_id, new_id};
use super::post::Post;
use super::reading;
use super::refusal::{MattermostRefusal, NOT_PERMITTED};
use super::service::{MattermostService, MattermostState};
use super::text::MAX_POST_LENGTH;

const NO_SESSION: MattermostRefusal = MattermostRefusal::new(
    401,
    "api.context.session_expired.app_error",
    "Invalid or expired session, please login again.",
);
const NO_PAGE: MattermostRefusal = MattermostRefusal::new(
    404,
    "api.context.404.app_error",
    "Sorry, we could not find the page.",
);
const NO_TEAM: MattermostRefusal = MattermostRefusal::new(
    404,
    "app.team.get_by_name.missing.app_error",
    "Unable to find the existing team.",
);
const NO_CHANNEL: MattermostRefusal = MattermostRefusal::new(
    404,
    "app.channel.get_by_name.missing.app_error",
    "Channel does not exist.",
);
const BAD_BODY: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_body_param.app_error",
    "Invalid or missing post in request body.",
);
const BAD_CHANNEL_ID: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_body_param.app_error",
    "Invalid or missing channel_id in request body.",
);
const BAD_ROOT: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.post.create_post.root_id.app_error",
    "Invalid RootId parameter.",
);
const ROOT_ELSEWHERE: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.post.create_post.channel_root_id.app_error",
    "Invalid ChannelId for RootId parameter.",
);
const LONG_MESSAGE: MattermostRefusal = MattermostRefusal::new(
    400,
    "model.post.is_valid.message_length.app_error",
    "Post Message property is longer than the maximum permitted length.",
);
const ARCHIVED: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.post.create_post.can_not_post_to_deleted.error",
    "Can not post to deleted channel.",
);
const NOT_STORED: MattermostRefusal =
    MattermostRefusal::new(500, "app.post.save.app_error", "Unable to save the Post.");

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Draft {
    channel_id: String,
    message: String,
    root_id: String,
    file_ids: Vec<String>,
    props: serde_json::Map<String, Value>,
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    priority: Option<Value>,
}

/// Handles a call; `path` is the part after `/api/v4/`.
pub(super) async fn call(path: &[&str], request: &Request, service: &MattermostService) -> Answer {
    let bearer = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    if bearer != Some(service.state().directory.bot_token.as_str()) {
        return NO_SESSION.answer();
    }
    let answered = match (request.method(), path) {
        ("GET", ["users", "me"]) => Ok(me(service)),
        ("GET", ["teams", "name", team]) => team_of(team, service),
        ("GET", ["teams", "name", team, "channels", "name", channel]) => {
            channel_of(team, channel, service)
        }
        ("POST", ["posts"]) => create(request, service),
        ("GET", ["posts", post, "reactions"]) => reading::reactions(post, service),
        ("GET", ["posts", post, "thread"]) => reading::thread(post, request, service),
        ("GET", ["users", user]) => reading::user(user, service),
        ("POST", ["files"]) => upload(request, service).await,
        _ => Err(NO_PAGE),
    };
    answered.unwrap_or_else(MattermostRefusal::answer)
}

fn me(service: &MattermostService) -> Answer {
    let state = service.state();
    Answer::json(
        200,
        &json!({"id": state.directory.bot_id, "username": BOT, "is_bot": true}),
    )
}

fn team_of(name: &str, service: &MattermostService) -> Result<Answer, MattermostRefusal> {
    let state = service.state();
    if state.directory.team != name {
        return Err(NO_TEAM);
    }
    let document = json!({"id": state.directory.team_id, "name": name});
    Ok(Answer::json(200, &document))
}

fn channel_of(
    team: &str,
    name: &str,
    service: &MattermostService,
) -> Result<Answer, MattermostRefusal> {
    let state = service.state();
    if state.directory.team != team {
        return Err(NO_TEAM);
    }
    let channel = state.directory.channels.get(name).ok_or(NO_CHANNEL)?;
    if channel.private && !channel.joined {
        return Err(NO_CHANNEL);
    }
    let document = json!({
        "id": channel.id,
        "team_id": state.directory.team_id,
        "name": channel.name,
        "type": if channel.private { "P" } else { "O" },
        "delete_at": i64::from(channel.archived),
    });
    Ok(Answer::json(200, &document))
}

fn create(request: &Request, service: &MattermostService) -> Result<Answer, MattermostRefusal> {
    let draft: Draft = serde_json::from_slice(request.body()).map_err(|_| BAD_BODY)?;
    if !is_id(&draft.channel_id) {
        return Err(BAD_CHANNEL_ID);
    }
    let mut state = service.state();
    let directory = &state.directory;
    let channel = directory.channel_by_id(&draft.channel_id).cloned();
    let channel = channel
        .filter(|channel| channel.joined)
        .ok_or(NOT_PERMITTED)?;
    if channel.archived {
        return Err(ARCHIVED);
    }
    root(&draft, &state, service)?;
    if draft.message.chars().count() > MAX_POST_LENGTH {
        return Err(LONG_MESSAGE);
    }
    let empty = draft.message.trim().is_empty() && draft.file_ids.is_empty();
    if empty && !draft.props.contains_key("attachments") {
        return Err(BAD_BODY);
    }
    let post = Post {
        id: new_id(),
        user_id: state.directory.bot_id.clone(),
        create_at: state.next_ms(),
        channel_id: channel.id,
        channel: channel.name,
        message: draft.message,
        root_id: draft.root_id,
        kind: String::new(),
        props: draft.props,
        priority: draft.metadata.priority,
        file_ids: draft.file_ids,
        reactions: Vec::new(),
        acknowledgements: Vec::new(),
    };
    let document = post.document();
    if !state.store(post, service) {
        return Err(NOT_STORED);
    }
    Ok(Answer::json(201, &document))
}

/// Requires that the root of a reply exists, is a root, and is in the same channel.
fn root(
    draft: &Draft,
    state: &MattermostState,
    service: &MattermostService,
) -> Result<(), MattermostRefusal> {
    if draft.root_id.is_empty() {
        return Ok(());
    }
    if state.deleted.contains(&draft.root_id) {
        return Err(BAD_ROOT);
    }
    let posts = service.posts.entries();
    let root = posts.iter().find(|post| post.id == draft.root_id);
    match root {
        Some(root) if root.channel_id != draft.channel_id => Err(ROOT_ELSEWHERE),
        Some(root) if root.root_id.is_empty() => Ok(()),
        _ => Err(BAD_ROOT),
    }
}

async fn upload(
    request: &Request,
    service: &MattermostService,
) -> Result<Answer, MattermostRefusal> {
    let parts = request.multipart().await.map_err(|_| BAD_BODY)?;
    let channel = parts.iter().find(|(name, _, _)| name == "channel_id");
    let channel = channel.map(|(_, _, id)| String::from_utf8_lossy(id).into_owned());
    let known = channel.and_then(|id| service.state().directory.channel_by_id(&id).cloned());
    if !known.is_some_and(|channel| channel.joined) {
        return Err(NOT_PERMITTED);
    }
    let files = parts.iter().filter(|(name, _, _)| name == "files");
    let infos: Vec<Value> = files
        .map(|(_, media_type, bytes)| {
            json!({"id": new_id(), "size": bytes.len(), "mime_type": media_type})
        })
        .collect();
    if infos.is_empty() {
        return Err(BAD_BODY);
    }
    Ok(Answer::json(
        201,
        &json!({"file_infos": infos, "client_ids": []}),
    ))
}
