//! The stand-in of Mattermost, REST v4: what a bot may do and what it may not.

use crate::raw;
use annunciator_testkit::mattermost::{BOT, BOT_TOKEN, CHANNEL, Mattermost, TEAM, Violation};
use serde_json::{Value, json};

async fn call(server: &Mattermost, method: &str, path: &str, body: &Value) -> raw::Reply {
    let bearer = format!("authorization: Bearer {BOT_TOKEN}");
    let path = format!("/api/v4/{path}");
    let body = body.to_string();
    let headers = [bearer.as_str(), "content-type: application/json"];
    raw::send(server.address(), method, &path, &headers, body.as_bytes())
        .await
        .unwrap()
}

async fn channel_id(server: &Mattermost, name: &str) -> String {
    let path = format!("teams/name/{TEAM}/channels/name/{name}");
    let channel = call(server, "GET", &path, &json!({})).await.json();
    channel["id"].as_str().unwrap().to_owned()
}

async fn post(server: &Mattermost, body: Value) -> raw::Reply {
    call(server, "POST", "posts", &body).await
}

#[tokio::test]
async fn when_the_token_is_missing_or_wrong_it_is_401() {
    let server = Mattermost::start().await;
    for header in ["x-none: 1", "authorization: Bearer wrong"] {
        let reply = raw::send(server.address(), "GET", "/api/v4/users/me", &[header], b"").await;
        assert_eq!(reply.unwrap().status, 401);
    }
    let path = format!("/api/v4/users/me?access_token={BOT_TOKEN}");
    let reply = raw::send(server.address(), "GET", &path, &[], b"").await;
    assert_eq!(reply.unwrap().status, 401);
    let leaked = Violation::SecretInQuery("/api/v4/users/me".to_owned());
    assert_eq!(server.violations(), [leaked]);
}

#[tokio::test]
async fn when_names_are_looked_up_unknown_ones_are_404() {
    let server = Mattermost::builder()
        .private_channel("secret", false)
        .start()
        .await;
    let get = async |path: &str| call(&server, "GET", path, &json!({})).await;
    assert_eq!(get("users/me").await.json()["is_bot"], true);
    assert_eq!(get("teams/name/ops").await.status, 200);
    assert_eq!(get("teams/name/other").await.status, 404);
    for (channel, status) in [(CHANNEL, 200), ("none", 404), ("secret", 404)] {
        let path = format!("teams/name/{TEAM}/channels/name/{channel}");
        assert_eq!(get(&path).await.status, status, "{channel}");
    }
    assert_eq!(get("nothing").await.status, 404);
}

#[tokio::test]
async fn when_a_bot_posts_and_replies_a_thread_grows() {
    let server = Mattermost::builder().channel("other").start().await;
    let channel = channel_id(&server, CHANNEL).await;
    let root = post(&server, json!({"channel_id": channel, "message": "down"})).await;
    assert_eq!(root.status, 201);
    let root = root.json()["id"].as_str().unwrap().to_owned();
    let reply = json!({"channel_id": channel, "message": "up", "root_id": root});
    let answered = post(&server, reply.clone()).await;
    assert_eq!(answered.status, 201);
    let nested = answered.json()["id"].clone();
    assert_eq!(server.messages()[1].root_id, root);
    for (name, value) in [
        ("root_id", nested),
        ("root_id", json!("nothing")),
        ("channel_id", json!(channel_id(&server, "other").await)),
    ] {
        let mut wrong = reply.clone();
        wrong[name] = value;
        assert_eq!(post(&server, wrong).await.status, 400, "{name}");
    }
    server.delete(&root);
    assert_eq!(post(&server, reply).await.status, 400);
    assert_eq!(server.messages().len(), 2);
}

#[tokio::test]
async fn when_a_post_is_wrong_it_is_refused() {
    let server = Mattermost::builder()
        .foreign_channel("foreign")
        .start()
        .await;
    let channel = channel_id(&server, CHANNEL).await;
    let foreign = channel_id(&server, "foreign").await;
    for (body, status) in [
        (json!("text"), 400),
        (json!({"channel_id": "x", "message": "m"}), 400),
        (json!({"channel_id": "x".repeat(26), "message": "m"}), 403),
        (json!({"channel_id": foreign, "message": "m"}), 403),
        (json!({"channel_id": channel, "message": " "}), 400),
        (
            json!({"channel_id": channel, "message": "m".repeat(16_384)}),
            400,
        ),
        (
            json!({"channel_id": channel, "message": "m".repeat(16_383)}),
            201,
        ),
        (
            json!({"channel_id": channel, "props": {"attachments": [{"text": "a"}]}}),
            201,
        ),
    ] {
        assert_eq!(post(&server, body.clone()).await.status, status);
    }
    server.archive(CHANNEL);
    let body = json!({"channel_id": channel, "message": "m"});
    assert_eq!(post(&server, body).await.status, 400);
}

#[tokio::test]
async fn when_a_file_is_uploaded_its_id_comes_back() {
    let server = Mattermost::start().await;
    let channel = channel_id(&server, CHANNEL).await;
    let bearer = format!("authorization: Bearer {BOT_TOKEN}");
    let kind = "content-type: multipart/form-data; boundary=X";
    let body = format!(
        "--X\r\ncontent-disposition: form-data; name=\"channel_id\"\r\n\r\n{channel}\r\n\
         --X\r\ncontent-disposition: form-data; name=\"files\"; filename=\"a.txt\"\r\n\r\nabc\r\n\
         --X--\r\n"
    );
    let headers = [bearer.as_str(), kind];
    let path = "/api/v4/files";
    let reply = raw::send(server.address(), "POST", path, &headers, body.as_bytes()).await;
    let reply = reply.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.json()["file_infos"][0]["size"], 3);
}

#[tokio::test]
async fn reactions_are_listed_for_posts_that_the_bot_may_read() {
    let server = Mattermost::start().await;
    let get = async |path: &str| call(&server, "GET", path, &json!({})).await;
    let channel = channel_id(&server, CHANNEL).await;
    let root = post(&server, json!({"channel_id": channel, "message": "down"})).await;
    let id = root.json()["id"].as_str().unwrap().to_owned();
    let path = format!("posts/{id}/reactions");
    assert_eq!(get(&path).await.json(), json!([]));
    assert!(server.react(&id, "alice", "eyes") && server.react(&id, BOT, "+1"));
    assert!(!server.react("nothing", "alice", "eyes") && !server.react(&id, "nobody", "eyes"));
    let reactions = get(&path).await.json();
    assert_eq!(reactions[0]["emoji_name"], "eyes");
    assert_eq!(reactions[0]["post_id"], id);
    assert_eq!(reactions[1]["user_id"], root.json()["user_id"]);
    assert!(reactions[0]["create_at"].as_i64() > root.json()["create_at"].as_i64());
    assert_eq!(get("posts/short/reactions").await.status, 400);
    let absent = format!("posts/{}/reactions", "a".repeat(26));
    assert_eq!(get(&absent).await.status, 403);
    server.join(CHANNEL, false);
    assert_eq!(get(&path).await.status, 403);
    server.join(CHANNEL, true);
    server.delete(&id);
    assert_eq!(get(&path).await.status, 403);
}

#[tokio::test]
async fn a_thread_has_its_root_and_the_page_of_replies_that_was_asked_for() {
    let server = Mattermost::builder().other_bot("greeter").start().await;
    let get = async |path: &str| call(&server, "GET", path, &json!({})).await;
    let channel = channel_id(&server, CHANNEL).await;
    let root = post(&server, json!({"channel_id": channel, "message": "down"})).await;
    let id = root.json()["id"].as_str().unwrap().to_owned();
    for (user, text) in [("alice", "one"), ("greeter", "two"), ("bob", "three")] {
        assert!(server.reply(&id, user, text));
    }
    assert!(!server.reply(&id, "nobody", "x") && !server.reply("nothing", "alice", "x"));
    assert!(server.acknowledge(&id, "alice"));
    let thread = async |query: &str| get(&format!("posts/{id}/thread{query}")).await.json();
    let said = |thread: &Value| -> Vec<String> {
        let order = thread["order"].as_array().unwrap().iter();
        let posts = order.map(|id| &thread["posts"][id.as_str().unwrap()]);
        let texts = posts.map(|post| post["message"].as_str().unwrap().to_owned());
        texts.collect()
    };
    let all = thread("").await;
    assert_eq!(said(&all), ["down", "one", "two", "three"]);
    let pressed = &all["posts"][&id]["metadata"]["acknowledgements"];
    assert_eq!(pressed[0]["post_id"], id);
    let posts = server.messages();
    assert_eq!(posts[2].props["from_bot"], "true");
    let since = |at: usize| posts[at].create_at;
    let query = format!("?direction=down&perPage=1&fromCreateAt={}", since(1));
    let page = thread(&query).await;
    assert_eq!(
        (said(&page), &page["has_next"]),
        (vec!["down".into(), "two".into()], &json!(true))
    );
    let up = thread(&format!("?direction=up&fromCreateAt={}", since(3))).await;
    assert_eq!(said(&up), ["down", "two", "one"]);
    // The thread of a reply is that of its root.
    let of_reply = get(&format!("posts/{}/thread", posts[1].id)).await.json();
    assert_eq!(said(&of_reply).len(), 4);
    for query in [
        "?perPage=201",
        "?perPage=x",
        "?direction=left",
        "?fromPost=a",
        "?fromCreateAt=x",
    ] {
        assert_eq!(
            get(&format!("posts/{id}/thread{query}")).await.status,
            400,
            "{query}"
        );
    }
    assert_eq!(get("posts/short/thread").await.status, 400);
    assert_eq!(
        get(&format!("posts/{}/thread", "a".repeat(26)))
            .await
            .status,
        404
    );
    server.join(CHANNEL, false);
    assert_eq!(get(&format!("posts/{id}/thread")).await.status, 403);
    server.delete(&id);
    assert_eq!(get(&format!("posts/{id}/thread")).await.status, 404);
}

#[tokio::test]
async fn an_account_says_its_name_and_that_of_a_bot_what_it_is() {
    let server = Mattermost::start().await;
    let get = async |path: &str| call(&server, "GET", path, &json!({})).await;
    let channel = channel_id(&server, CHANNEL).await;
    let root = post(&server, json!({"channel_id": channel, "message": "down"})).await;
    let id = root.json()["id"].as_str().unwrap().to_owned();
    assert!(server.react(&id, "alice", "eyes"));
    let person = server.messages()[0].reactions[0].user_id.clone();
    let person = get(&format!("users/{person}")).await.json();
    assert_eq!(
        (&person["username"], person.get("is_bot")),
        (&json!("alice"), None)
    );
    let bot = root.json()["user_id"].as_str().unwrap().to_owned();
    let bot = get(&format!("users/{bot}")).await.json();
    assert_eq!(
        (&bot["username"], &bot["is_bot"]),
        (&json!(BOT), &json!(true))
    );
    assert_eq!(get("users/short").await.status, 400);
    assert_eq!(get(&format!("users/{}", "a".repeat(26))).await.status, 404);
}
