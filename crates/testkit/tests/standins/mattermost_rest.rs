//! The stand-in of Mattermost, REST v4: what a bot may do and what it may not.

use crate::raw;
use annunciator_testkit::mattermost::{BOT_TOKEN, CHANNEL, Mattermost, TEAM, Violation};
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
