//! Emails that arrive: what is in them, who gets them, and over which connections.

use crate::support::{deliver, open, settings, with};
use annunciator_sdk::{Class, Kind, Severity, testing::Sample};
use annunciator_testkit::smtp::{Fault, Mode, Moment, SmtpServer};
use serde_json::json;

#[tokio::test]
async fn when_all_is_well_a_mail_with_every_header_arrives() {
    let server = SmtpServer::start().await.unwrap();
    let sample = Sample::new("CPU at 95 %\n.\nönly <b>text</b>")
        .title("CRITICAL: prod-web-01 🔥")
        .incident("prod-web-01/cpu")
        .kind(Kind::Problem)
        .severity(Severity::Critical);
    let outcomes = deliver(
        &with(
            settings(&server),
            json!({
                "cc": ["Boss <boss@example.com>"], "bcc": ["hidden@example.com", "OPS@example.com"],
                "reply_to": ["answers@example.com"], "envelope_sender": "bounces@example.com",
                "subject": "{severity} {title} on {host}", "subject_prefix": "[hb] ",
                "headers": {"X-Team": "größe"},
            }),
        ),
        &sample,
    )
    .await;
    let targets: Vec<&str> = outcomes.iter().map(|outcome| outcome.target()).collect();
    assert_eq!(
        targets,
        ["ops@example.com", "boss@example.com", "hidden@example.com"]
    );
    assert!(
        outcomes.iter().all(|o| o.class() == Class::Delivered),
        "{outcomes:?}"
    );

    let mails = server.wait_for(1).await;
    let mail = &mails[0];
    assert_eq!(mail.sender, "bounces@example.com");
    assert_eq!(mail.recipients, targets);
    assert_eq!(mail.hello, "monitor.example.com");
    assert_eq!(
        mail.subject(),
        "[hb] critical CRITICAL: prod-web-01 🔥 on prod-web-01"
    );
    assert_eq!(
        mail.text().replace("\r\n", "\n").trim_end(),
        "CPU at 95 %\n.\nönly <b>text</b>"
    );
    assert!(
        mail.html().contains("önly &lt;b&gt;text&lt;/b&gt;"),
        "{}",
        mail.html()
    );
    let id = "<0190f3c4-0000-7000-8000-000000000001@example.com>";
    let root = "<incident.prod-web-01=2Fcpu@example.com>";
    for (name, value) in [
        ("From", "Heartbeat <heartbeat@example.com>"),
        ("To", "ops@example.com"),
        ("Cc", "Boss <boss@example.com>"),
        ("Reply-To", "answers@example.com"),
        ("Message-ID", id),
        ("References", root),
        ("In-Reply-To", root),
        ("Date", "Fri, 02 Jan 2026 03:04:05 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("Importance", "high"),
    ] {
        assert_eq!(mail.header(name), value, "{name}");
    }
    assert!(mail.header("X-Team").starts_with("=?utf-8?"));
    assert_eq!(outcomes[0].raw().remote_id.as_str(), id);
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!(server.counts().transactions, 1);
}

#[tokio::test]
async fn when_only_a_blind_copy_s_address_is_not_ascii_it_arrives() {
    let server = SmtpServer::start().await.unwrap();
    let settings = with(settings(&server), json!({"bcc": ["größe@example.com"]}));
    let outcomes = deliver(&settings, &Sample::new("plain")).await;
    assert_eq!(outcomes.len(), 2);
    assert!(
        outcomes.iter().all(|o| o.class() == Class::Delivered),
        "{outcomes:?}"
    );
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_the_text_is_hostile_nothing_is_injected() {
    let server = SmtpServer::start().await.unwrap();
    let evil = "a\r\nBcc: evil@example.com\r\n\r\nbody\0\u{1b}[31m";
    let sample = Sample::new(&format!("x\r.\r\n.\r\nMAIL FROM:<e@example.com>\n{evil}"))
        .title(evil)
        .incident(evil)
        .host(evil)
        .id(evil);
    let outcomes = deliver(
        &with(
            settings(&server),
            json!({"subject": "{title}{host}{incident}"}),
        ),
        &sample,
    )
    .await;
    assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    assert!(
        outcomes[0]
            .raw()
            .notes
            .iter()
            .any(|note| note.contains("control characters"))
    );
    let mails = server.wait_for(1).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipients, ["ops@example.com"]);
    assert!(mails[0].raw_headers("Bcc").is_empty());
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_a_line_is_very_long_it_is_folded_for_the_wire() {
    let server = SmtpServer::start().await.unwrap();
    for (body, title) in [
        ("x".repeat(5_000), "t".repeat(5_000)),
        ("ö".repeat(100_000), "🔥".repeat(900)),
        (
            format!("{}\n", "word ".repeat(200_000)),
            "word ".repeat(500),
        ),
    ] {
        let outcomes = deliver(&settings(&server), &Sample::new(&body).title(&title)).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
        let mails = server.messages();
        assert_eq!(mails[mails.len() - 1].text().trim_end(), body.trim_end());
    }
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_the_server_accepts_less_the_mail_is_cut_and_a_note_says_so() {
    let server = SmtpServer::builder().size(40_000).start().await.unwrap();
    for body in ["line of text\n".repeat(20_000), "öäü".repeat(50_000)] {
        let outcomes = deliver(&settings(&server), &Sample::new(&body)).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
        assert!(
            outcomes[0]
                .raw()
                .notes
                .iter()
                .any(|note| note.contains("cut"))
        );
    }
    let mails = server.wait_for(2).await;
    assert!(mails.iter().all(|mail| mail.text().len() > 5_000));
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_one_of_three_is_refused_the_others_get_it() {
    let server = SmtpServer::builder()
        .refuse("b@example.com", 550, "5.1.1 no such user")
        .refuse_times("c@example.com", 450, "4.7.1 greylisted", 1)
        .start()
        .await
        .unwrap();
    let settings = with(
        settings(&server),
        json!({"recipients": ["a@example.com", "b@example.com", "c@example.com"]}),
    );
    let channel = open(&settings).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    let classes: Vec<Class> = outcomes.iter().map(|outcome| outcome.class()).collect();
    assert_eq!(classes, [Class::Delivered, Class::Permanent, Class::Retry]);
    assert_eq!(outcomes[1].raw().code.as_str(), "550 5.1.1");
    assert!(outcomes[2].wait().unwrap().as_secs() >= 300);

    let outcomes = channel
        .deliver(&Sample::new("x").again(2, &["c@example.com"]))
        .await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].class(), Class::Delivered);
    let mails = server.wait_for(2).await;
    assert_eq!(mails[0].recipients, ["a@example.com"]);
    assert_eq!(mails[1].recipients, ["c@example.com"]);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!(server.counts().connections, 1);
    channel.close().await;
    assert!(server.wait_until_idle().await);
    assert_eq!(server.counts().quits, 1);
}

#[tokio::test]
async fn when_all_are_refused_the_connection_is_still_good() {
    let server = SmtpServer::builder()
        .refuse_times("ops@example.com", 550, "5.1.1 no such user", 1)
        .start()
        .await
        .unwrap();
    let channel = open(&settings(&server)).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent);
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    assert_eq!(server.counts().connections, 1);
    assert_eq!(server.violations(), Vec::<String>::new());
    channel.close().await;
}

#[tokio::test]
async fn when_there_are_too_many_recipients_the_rest_follow_at_once() {
    let recipients: Vec<String> = (0..7).map(|n| format!("r{n}@example.com")).collect();
    for extensions in [&["PIPELINING", "8BITMIME"][..], &[][..]] {
        let server = SmtpServer::builder()
            .recipients_max(3)
            .extensions(extensions)
            .start()
            .await
            .unwrap();
        let settings = with(settings(&server), json!({"recipients": recipients}));
        let outcomes = deliver(&settings, &Sample::new("x")).await;
        assert!(
            outcomes.iter().all(|o| o.class() == Class::Delivered),
            "{outcomes:?}"
        );
        let mails = server.wait_for(3).await;
        let sizes: Vec<usize> = mails.iter().map(|mail| mail.recipients.len()).collect();
        assert_eq!(sizes, [3, 3, 1]);
        assert_eq!(server.counts().connections, 1);
    }
}

#[tokio::test]
async fn when_many_are_sent_at_once_connections_are_few_and_kept() {
    let server = SmtpServer::start().await.unwrap();
    let channel = open(&with(settings(&server), json!({"connections": 3}))).await;
    let samples: Vec<Sample> = (0..30)
        .map(|n| Sample::new("x").id(&n.to_string()))
        .collect();
    let all = futures_util::future::join_all(samples.iter().map(|s| channel.deliver(s))).await;
    assert!(all.iter().flatten().all(|o| o.class() == Class::Delivered));
    assert_eq!(server.messages().len(), 30);
    assert!(server.counts().connections <= 3, "{:?}", server.counts());
    channel.close().await;
}

#[tokio::test]
async fn when_a_kept_connection_has_died_another_takes_its_place() {
    for fault in [
        Fault::CloseWhenIdle {
            after: std::time::Duration::ZERO,
        },
        Fault::reply(Moment::Mail, 421, "4.4.2 idle for too long"),
    ] {
        let server = SmtpServer::start().await.unwrap();
        let channel = open(&settings(&server)).await;
        if matches!(fault, Fault::CloseWhenIdle { .. }) {
            server.fault(fault.clone());
            channel.deliver(&Sample::new("first")).await;
            assert!(server.wait_until_idle().await);
        } else {
            channel.deliver(&Sample::new("first")).await;
            server.fault(fault.clone());
        }
        let outcomes = channel.deliver(&Sample::new("second")).await;
        assert_eq!(
            outcomes[0].class(),
            Class::Delivered,
            "{fault:?}: {outcomes:?}"
        );
        assert_eq!(server.messages().len(), 2);
        assert_eq!(server.counts().connections, 2);
        channel.close().await;
    }
}

#[tokio::test]
async fn when_a_connection_lies_idle_for_too_long_it_is_closed() {
    let server = SmtpServer::start().await.unwrap();
    let channel = open(&with(settings(&server), json!({"idle_timeout": 1}))).await;
    channel.deliver(&Sample::new("x")).await;
    assert_eq!(server.counts().open, 1);
    assert!(server.wait_until_idle().await);
    assert_eq!(server.counts().quits, 1);
    let outcomes = channel.deliver(&Sample::new("y")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    channel.close().await;
}

#[tokio::test]
async fn when_the_line_is_encrypted_the_login_is_too() {
    for (mode, name, auth) in [
        (
            Mode::StartTls,
            "starttls",
            json!({"smtp_password": "s3cret"}),
        ),
        (
            Mode::StartTls,
            "starttls",
            json!({"smtp_password": "s3cret", "smtp_auth": "login"}),
        ),
        (
            Mode::ImplicitTls,
            "tls",
            json!({"smtp_password": "s3cret", "smtp_auth": "plain"}),
        ),
        (Mode::ImplicitTls, "tls", json!({"smtp_token": "s3cret"})),
    ] {
        let server = SmtpServer::builder()
            .mode(mode)
            .credentials("hb", "s3cret")
            .start()
            .await
            .unwrap();
        let base = json!({
            "smtp_tls": name, "smtp_server": "localhost", "smtp_user": "hb",
            "tls_ca_file": server.ca_file(), "tls_min_version": "1.3",
        });
        let settings = with(with(settings(&server), base), auth);
        let channel = open(&settings).await;
        let check = channel.check().await;
        assert!(check.is_ok(), "{check:?}");
        assert!(server.messages().is_empty());
        let outcomes = channel.deliver(&Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
        let mails = server.wait_for(1).await;
        assert_eq!(mails[0].user.as_deref(), Some("hb"));
        assert!(mails[0].encrypted);
        assert_eq!(server.violations(), Vec::<String>::new());
        channel.close().await;
    }
}

#[tokio::test]
async fn when_the_server_asks_for_a_certificate_the_configured_one_is_shown() {
    let server = SmtpServer::builder()
        .mode(Mode::ImplicitTls)
        .require_client_certificate()
        .start()
        .await
        .unwrap();
    let (certificate, key) = server.client_files().unwrap();
    let base = with(
        settings(&server),
        json!({"smtp_tls": "tls", "tls_ca_file": server.ca_file(), "tls_server_name": "localhost"}),
    );
    let outcomes = deliver(&base, &Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
    let settings = with(
        base,
        json!({"tls_client_cert": certificate, "tls_client_key": key}),
    );
    let outcomes = deliver(&settings, &Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
}

#[tokio::test]
async fn where_somebody_takes_over_is_a_link_of_its_own() {
    let server = SmtpServer::start().await.unwrap();
    let link = "https://hbd.example.com/ack/1.a-b.c_d?x&y";
    let sample = Sample::new("CPU at 95 %").attribute("acknowledge_url", link);
    deliver(&settings(&server), &sample).await;
    let mails = server.wait_for(1).await;
    let text = mails[0].text().replace("\r\n", "\n");
    assert!(
        text.contains(&format!("CPU at 95 %\n\nAcknowledge: {link}")),
        "{text}"
    );
    let anchor = "<a href=\"https://hbd.example.com/ack/1.a-b.c_d?x&amp;y\">Acknowledge</a>";
    assert!(mails[0].html().contains(anchor), "{}", mails[0].html());
}

#[tokio::test]
async fn a_page_about_it_is_a_link_below_the_text() {
    let server = SmtpServer::start().await.unwrap();
    let page = "https://hbd.example.com/deliveries?incident=a%2Fcpu&x=1";
    let urls = [
        (page, true),
        ("javascript:alert(1)", false),
        ("https://a b", false),
    ];
    for (number, (url, is_link)) in (1..).zip(urls) {
        let sample = Sample::new("CPU at 95 %").attribute("url", url);
        deliver(&settings(&server), &sample).await;
        let mails = server.wait_for(number).await;
        let mail = mails.last().unwrap();
        let text = mail.text().replace("\r\n", "\n");
        assert_eq!(
            text.contains(&format!("CPU at 95 %\n\n{url}")),
            is_link,
            "{text}"
        );
        let anchor = format!("<a href=\"{}\">", url.replace('&', "&amp;"));
        assert_eq!(mail.html().contains(&anchor), is_link, "{}", mail.html());
        assert!(is_link || !text.contains(url), "{text}");
    }
}
