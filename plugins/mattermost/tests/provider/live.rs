//! The plugin as a host program loads it, with the engine's own HTTP client: what only real
//! connections show.

use annunciator_testkit::http::{Fault, SelfSigned};
use annunciator_testkit::live::{Class, Kind, Live, Notification, Status};
use annunciator_testkit::mattermost::{BOT_TOKEN, CHANNEL, HOOK, Mattermost, TEAM};
use annunciator_testkit::rig::Rig;

fn webhook(server: &Mattermost, extra: &str) -> String {
    let url = server.url();
    format!("type: mattermost\nhost: {url}\ntoken: {HOOK}\nchannel: {CHANNEL}\n{extra}")
}

fn bot(server: &Mattermost, extra: &str) -> String {
    let url = server.url();
    format!(
        "type: mattermost\nhost: {url}\nbot_token: {BOT_TOKEN}\nteam: {TEAM}\n\
         channel: {CHANNEL}\n{extra}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_message_is_sent_it_arrives_once() {
    let server = Mattermost::start().await;
    let settings = webhook(&server, "username: heartbeat-bot\npriority: urgent\n");
    let live = Live::start(&settings).await.unwrap();
    let alert = Notification::new("CPU at 95 % ünïcode 🚨").title("CPU");
    assert_eq!(live.classes(alert).await, [Class::Delivered]);
    let posts = server.messages();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].username(), Some("heartbeat-bot"));
    assert_eq!(posts[0].attachments()[0]["text"], "CPU at 95 % ünïcode 🚨");
    let check = live.check().await.unwrap();
    assert_eq!(check.status, Status::Ok, "{check:?}");
    assert_eq!(server.messages().len(), 1);
    assert!(live.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_bot_is_notified_of_one_incident_its_posts_form_a_thread() {
    let server = Mattermost::start().await;
    let live = Live::start(&bot(&server, "")).await.unwrap();
    for kind in [Kind::Problem, Kind::Problem, Kind::Recovery] {
        let message = Notification::new("text").incident("a").kind(kind);
        assert_eq!(live.classes(message).await, [Class::Delivered]);
    }
    let posts = server.messages();
    let root = posts[0].id.as_str();
    let roots: Vec<&str> = posts.iter().map(|post| post.root_id.as_str()).collect();
    assert_eq!(roots, ["", root, root]);
    assert_eq!(live.check().await.unwrap().status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_fails_it_is_known_what_may_have_arrived() {
    let server = Mattermost::start().await;
    let live = Live::start(&webhook(&server, "")).await.unwrap();
    for (fault, class) in [
        (Fault::ResetBeforeStoring, Class::Unknown),
        (Fault::ResetAfterStoring, Class::Unknown),
        (Fault::html_page(), Class::Permanent),
        (Fault::proxy_error(502), Class::Retry),
        (Fault::huge_body(20_000_000), Class::Permanent),
    ] {
        server.fault(fault.clone());
        assert_eq!(live.classes("x").await, [class], "{fault:?}");
    }
    assert_eq!(server.messages().len(), 1);
    drop(server);
    // Nobody listens there any more.
    for target in live.send("x").await {
        assert!(matches!(target.class, Class::Retry | Class::Unknown));
        assert!(!format!("{target:?}").contains(HOOK));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_certificate_is_self_signed_its_file_makes_it_trusted() {
    let certificate = SelfSigned::create().unwrap();
    let server = Mattermost::builder()
        .tls(certificate.server())
        .start()
        .await;
    let distrusting = Live::start(&webhook(&server, "")).await.unwrap();
    let refused = distrusting.send("x").await;
    assert_ne!(refused[0].class, Class::Delivered, "{refused:?}");
    assert!(refused[0].detail.contains("certificate"), "{refused:?}");
    let file = certificate.file();
    let trusting = webhook(&server, &format!("ca_file: {}\n", file.display()));
    let trusting = Live::start(&trusting).await.unwrap();
    assert_eq!(trusting.classes("x").await, [Class::Delivered]);
    assert_eq!(server.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_many_are_sent_at_once_each_arrives_once() {
    let server = Mattermost::start().await;
    let live = Live::start(&webhook(&server, "attachment: false\n"))
        .await
        .unwrap();
    let texts: Vec<String> = (0..100)
        .map(|number| format!("message {number:03}"))
        .collect();
    let sent = texts
        .iter()
        .map(|text| live.classes(Notification::new(text.as_str())));
    for classes in futures_util::future::join_all(sent).await {
        assert_eq!(classes, [Class::Delivered]);
    }
    let mut seen: Vec<String> = server.messages().into_iter().map(|p| p.message).collect();
    seen.sort();
    assert_eq!(seen, texts);
}

#[test]
fn when_settings_are_wrong_the_sentences_name_line_field_and_remedy() {
    let rig = Rig::new(&["annunciator-mattermost"]).unwrap();
    let read = |settings: &str| {
        let yaml = format!("notification_channels:\n  m:\n    type: mattermost\n{settings}");
        rig.problems(&yaml).unwrap()
    };
    let host = "    host: c.example\n";
    let placeholder = read(&format!(
        "{host}    token: your-webhook-token\n    channel: ops\n"
    ));
    assert!(placeholder.contains("heartbeat.yaml:5"), "{placeholder}");
    assert!(!placeholder.contains("your-webhook"), "{placeholder}");
    let wrong = read(&format!(
        "{host}    channel: Devops Alerts\n    bot_token: {BOT_TOKEN}\n    token: {HOOK}\n    \
         team: ops\n    mentions: never\n"
    ));
    for part in [
        "heartbeat.yaml:5",
        "perhaps devops-alerts",
        "bot_token",
        "cannot be used together with token",
        "mentions",
        "neutralise",
    ] {
        assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
    }
    assert!(
        !wrong.contains(HOOK) && !wrong.contains(BOT_TOKEN),
        "{wrong}"
    );
    let missing = read("    host: c.example\n    channel: ops\n");
    assert!(
        missing.contains("token") && missing.contains("/hooks/"),
        "{missing}"
    );
}
