//! What a bot reads of its posts: reactions, threads and accounts, checked in the order of the
//! server's handlers: `server/channels/api4/reaction.go`, `post.go` and `user.go` in
//! <https://github.com/mattermost/mattermost>.

use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};

use super::BOT;
use super::directory::is_id;
use super::post::Post;
use super::refusal::{ErrorStyle, MattermostRefusal, NOT_PERMITTED};
use super::service::{MattermostService, MattermostState};

/// The maximum number of posts of a page (`PerPageMaximum`).
const MAX_PER_PAGE: usize = 200;

const BAD_POST_ID: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_url_param.app_error",
    "Invalid or missing post_id parameter in request URL.",
);
const BAD_USER_ID: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_url_param.app_error",
    "Invalid or missing user_id parameter in request URL.",
);
const BAD_QUERY: MattermostRefusal = MattermostRefusal::new(
    400,
    "api.context.invalid_body_param.app_error",
    "Invalid or missing parameter in request body.",
);
const NO_POST: MattermostRefusal =
    MattermostRefusal::new(404, "app.post.get.app_error", "Unable to get the post.");
const NO_USER: MattermostRefusal = MattermostRefusal::new(
    404,
    "app.user.missing_account.const",
    "Unable to find the user.",
);

/// The reactions to a post. A post that does not exist is not permitted, as the server asks for the
/// permission by the post.
pub(super) fn reactions(
    id: &str,
    service: &MattermostService,
) -> Result<Answer, MattermostRefusal> {
    if !is_id(id) {
        return Err(BAD_POST_ID);
    }
    let state = service.state();
    let post = existing(id, &state, service).filter(|post| may_read(post, &state));
    let post = post.ok_or(NOT_PERMITTED)?;
    let reactions: Value = post.reactions.iter().map(|one| one.document(id)).collect();
    Ok(Answer::json(200, &reactions))
}

/// The thread of a post, the root always with it.
pub(super) fn thread(
    id: &str,
    request: &Request,
    service: &MattermostService,
) -> Result<Answer, MattermostRefusal> {
    if !is_id(id) {
        return Err(BAD_POST_ID);
    }
    let number = |name: &str| match request.query_value(name).as_deref() {
        None | Some("") => Ok(0),
        Some(text) => text.parse::<i64>().map_err(|_| BAD_QUERY),
    };
    let mut per_page = usize::try_from(number("perPage")?).map_err(|_| BAD_QUERY)?;
    let mut from = number("fromCreateAt")?;
    let direction = request.query_value("direction").unwrap_or_default();
    let from_post = request.query_value("fromPost").unwrap_or_default();
    let is_unordered = !matches!(direction.as_str(), "" | "up" | "down");
    if per_page > MAX_PER_PAGE || is_unordered || (!from_post.is_empty() && from == 0) {
        return Err(BAD_QUERY);
    }
    if service.style == ErrorStyle::Old {
        // Servers of that time knew no pages, and ignored them.
        (per_page, from) = (0, 0);
    }
    let state = service.state();
    // The post is looked up before the permission.
    let post = existing(id, &state, service).ok_or(NO_POST)?;
    if !may_read(&post, &state) {
        return Err(NOT_PERMITTED);
    }
    let root_id = if post.root_id.is_empty() {
        &post.id
    } else {
        &post.root_id
    };
    let root = existing(root_id, &state, service).ok_or(NO_POST)?;
    let mut replies = service.posts.entries();
    replies.retain(|reply| {
        let is_asked_for = match direction.as_str() {
            _ if from == 0 => true,
            "up" => reply.create_at < from,
            _ => reply.create_at > from,
        };
        reply.root_id == root.id && !state.deleted.contains(&reply.id) && is_asked_for
    });
    if direction == "up" {
        replies.reverse();
    }
    let has_next = per_page > 0 && replies.len() > per_page;
    if per_page > 0 {
        replies.truncate(per_page);
    }
    let listed = [&root].into_iter().chain(&replies);
    let order: Vec<&str> = listed.clone().map(|post| post.id.as_str()).collect();
    let posts: Map<String, Value> = listed
        .map(|post| (post.id.clone(), post.document()))
        .collect();
    let document = json!({
        "order": order, "posts": posts, "next_post_id": "", "prev_post_id": "",
        "has_next": has_next, "first_inaccessible_post_time": 0,
    });
    Ok(Answer::json(200, &document))
}

/// An account, as any other may see it. Only that of a bot says what it is.
pub(super) fn user(id: &str, service: &MattermostService) -> Result<Answer, MattermostRefusal> {
    if !is_id(id) {
        return Err(BAD_USER_ID);
    }
    let state = service.state();
    let directory = &state.directory;
    let mut found = directory.users.iter().find(|(_, user)| user.id == id);
    let (name, is_bot) = match found.take() {
        Some((name, user)) => (name.as_str(), user.is_bot),
        None if directory.bot_id == id => (BOT, true),
        None => return Err(NO_USER),
    };
    let mut document = json!({
        "id": id, "create_at": 1, "update_at": 1, "delete_at": 0, "username": name,
        "nickname": "", "first_name": "", "last_name": "", "roles": "system_user", "locale": "en",
    });
    if is_bot {
        document["is_bot"] = json!(true);
    }
    Ok(Answer::json(200, &document))
}

fn existing(id: &str, state: &MattermostState, service: &MattermostService) -> Option<Post> {
    let mut posts = service.posts.entries().into_iter();
    posts.find(|post| post.id == id && !state.deleted.contains(id))
}

fn may_read(post: &Post, state: &MattermostState) -> bool {
    let channel = state.directory.channel_by_id(&post.channel_id);
    channel.is_some_and(|channel| channel.joined)
}
