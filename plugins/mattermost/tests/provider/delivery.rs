//! What arrives at the stand-in by a webhook, and how it looks there.

use crate::standin::{hook_bench, webhook};
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Class, Kind, Severity};
use annunciator_testkit::mattermost::{CHANNEL, HOOK, Mattermost};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn when_a_message_is_sent_it_arrives_once_with_all_that_is_known() {
    let extra = json!({"username": "heartbeat-bot", "icon": "https://e.example/i.png",
        "footer": "by hb", "card": true});
    let bench = hook_bench(Mattermost::start().await, extra).await;
    let sample = Sample::new("CPU at 95 % ünïcode 🚨")
        .title("CPU")
        .severity(Severity::Critical)
        .attribute("metric", "cpu|percent")
        .attribute("url", "https://m.example/1");
    let outcomes = bench.channel.deliver(&sample).await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].class(), Class::Delivered);
    assert_eq!(outcomes[0].target(), CHANNEL);
    assert_eq!(bench.host.requests().len(), 1);
    let posts = bench.server.messages();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].channel, CHANNEL);
    assert_eq!(posts[0].username(), Some("heartbeat-bot"));
    assert_eq!(posts[0].icon_url(), Some("https://e.example/i.png"));
    assert_eq!(
        posts[0].attachments(),
        [json!({
            "color": "#d24b4e", "title": "CPU", "title_link": "https://m.example/1",
            "text": "CPU at 95 % ünïcode 🚨", "fallback": "CPU: CPU at 95 % ünïcode 🚨",
            "footer": "by hb",
            "fields": [{"short": true, "title": "metric", "value": "cpu|percent"}],
        })]
    );
    let card = posts[0].props["card"].as_str().unwrap();
    assert!(card.contains("| severity | critical |\n| host | prod-web-01 |"));
    assert!(card.contains("| metric | cpu\\|percent |"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_severity_differs_so_does_the_colour() {
    let extra = json!({"colors": {"warning": "#000000"}});
    let bench = hook_bench(Mattermost::start().await, extra).await;
    for severity in Severity::ALL {
        bench
            .channel
            .deliver(&Sample::new("x").severity(severity))
            .await;
    }
    let over = Sample::new("x").kind(Kind::Recovery);
    bench.channel.deliver(&over).await;
    let posts = bench.server.messages();
    let colors: Vec<Value> = posts
        .iter()
        .map(|p| p.attachments()[0]["color"].clone())
        .collect();
    assert_eq!(colors, ["#2f81f7", "#000000", "#d24b4e", "#3db887"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_there_is_no_bar_the_text_stands_alone() {
    let bench = hook_bench(Mattermost::start().await, json!({"attachment": false})).await;
    bench
        .channel
        .deliver(&Sample::new("down").title("Web"))
        .await;
    bench.channel.deliver(&Sample::new("down").host("")).await;
    let posts = bench.server.messages();
    assert_eq!(posts[0].message, "**Web**\ndown");
    assert_eq!(posts[1].message, "down");
    assert!(posts[0].attachments().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_text_names_people_nobody_is_woken() {
    let text = "@channel @all <!here> <@alice> ask @bob";
    let sample = || Sample::new(text).title("@here").attribute("who", "@alice");
    for attachment in [true, false] {
        let extra = json!({"attachment": attachment, "card": true});
        let quiet = hook_bench(Mattermost::start().await, extra).await;
        quiet.channel.deliver(&sample()).await;
        let post = &quiet.server.messages()[0];
        assert_eq!(post.mentions(), Vec::<String>::new());
        let whole = format!("{} {:?}", post.message, post.props);
        assert!(!whole.contains("@alice") && !whole.contains("@here"));
    }
    let loud = hook_bench(Mattermost::start().await, json!({"mentions": "allow"})).await;
    loud.channel.deliver(&sample()).await;
    let mentions = loud.server.messages()[0].mentions();
    for name in ["here", "channel", "all", "bob"] {
        assert!(mentions.iter().any(|known| known == name), "{mentions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_long_it_is_split_as_the_server_does() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    let outcomes = bench
        .channel
        .deliver(&Sample::new(&"ü".repeat(20_000)))
        .await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    let posts = bench.server.messages();
    let lengths: Vec<usize> = posts.iter().map(|p| p.message.chars().count()).collect();
    assert_eq!(lengths, [16_383, 20_000 - 16_383]);
    assert_eq!(posts[0].attachments().len(), 0);
    assert_eq!(posts[1].attachments().len(), 1);
    assert!(outcomes[0].raw().notes[0].contains("2 posts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_huge_it_is_cut_and_a_note_says_so() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    let outcomes = bench
        .channel
        .deliver(&Sample::new(&"🚨".repeat(1_000_000)))
        .await;
    assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    let posts = bench.server.messages();
    assert_eq!(posts.len(), 4);
    assert!(posts[3].message.ends_with('…'));
    assert!(outcomes[0].raw().notes[0].contains("was cut to 65532"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_odd_or_blank_it_is_safe() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    let odd = "a\0b\r\nc\u{202e}d";
    bench.channel.deliver(&Sample::new(odd)).await;
    let text = bench.server.messages()[0].attachments()[0]["text"].clone();
    assert_eq!(text, "ab\nc\u{202e}d");
    let outcomes = bench.channel.deliver(&Sample::new(" \0 ")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent);
    assert_eq!(bench.server.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_message_is_marked_the_server_gets_the_priority() {
    let extra = json!({"priorities": {"critical": "urgent", "warning": "important"},
        "requested_ack": true, "persistent_notifications": true, "post_type": "custom_alert"});
    let bench = hook_bench(Mattermost::start().await, extra).await;
    for severity in Severity::ALL {
        bench
            .channel
            .deliver(&Sample::new("x").severity(severity))
            .await;
    }
    let seen: Vec<Option<Value>> = bench
        .server
        .messages()
        .into_iter()
        .map(|p| p.priority)
        .collect();
    assert_eq!(
        seen,
        [
            None,
            Some(json!({"priority": "important", "requested_ack": true})),
            Some(json!({"priority": "urgent", "requested_ack": true,
                "persistent_notifications": true})),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_is_below_a_path_or_the_channel_is_a_person_it_is_reached() {
    let server = Mattermost::builder().base_path("/chat").start().await;
    let bench = hook_bench(server, json!({"channel": "@alice", "icon_emoji": "fire"})).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    let post = &bench.server.messages()[0];
    assert_eq!(post.channel, "@alice");
    assert_eq!(post.props["override_icon_emoji"], "fire");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_host_is_a_name_with_a_port_the_scheme_decides() {
    let server = Mattermost::start().await;
    let name = server.address().to_string();
    let settings = webhook(&name, &json!({"scheme": "http"}));
    let bench = crate::standin::open(server, &settings).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    let host = annunciator_sdk::testing::FakeHost::new();
    let settings = webhook("chat.example.com", &json!({}));
    let channel = host
        .open::<annunciator_mattermost::Mattermost>(&settings)
        .await;
    channel.unwrap().deliver(&Sample::new("x")).await;
    let url = format!("https://chat.example.com/hooks/{HOOK}");
    assert_eq!(host.requests()[0].url, url);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_only_other_targets_are_wanted_nothing_is_sent() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    let other = Sample::new("x").again(2, &["elsewhere"]);
    assert!(bench.channel.deliver(&other).await.is_empty());
    let this = Sample::new("x").again(2, &[CHANNEL]);
    assert_eq!(bench.channel.deliver(&this).await.len(), 1);
}
