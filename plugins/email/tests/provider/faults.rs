//! Emails that do not arrive: what each outcome says, and what the channel must not do about it.

use std::time::Duration;

use crate::support::{deliver, open, settings, with};
use annunciator_sdk::{Class, Fault as Whose, testing::Sample};
use annunciator_testkit::smtp::{Certificate, Fault, Mode, Moment, SmtpServer};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};

/// Replies that do not say what to do.
const UNKNOWN: [&str; 7] = [
    "5.2.1 disabled",
    "user not local",
    "4.3.0 local error",
    "5.0.0 no",
    "4.7.1 try later",
    "4.3.1 disk full",
    "4.5.3 too many",
];

#[tokio::test]
async fn when_a_command_is_refused_the_reply_decides() {
    use Class::{Permanent, Retry};
    for (moment, code, text, class, whose) in [
        (Moment::Greeting, 421, "4.3.2 closing", Retry, Whose::Remote),
        (
            Moment::Greeting,
            554,
            "5.7.1 blocked",
            Permanent,
            Whose::Remote,
        ),
        (Moment::Hello, 421, "4.7.0 too many", Retry, Whose::Remote),
        (Moment::Mail, 421, "4.7.0 slow down", Retry, Whose::Remote),
        (Moment::Mail, 451, "4.3.0 local error", Retry, Whose::Remote),
        (Moment::Mail, 452, "4.3.1 disk full", Retry, Whose::Remote),
        (
            Moment::Mail,
            530,
            "5.7.0 log in first",
            Permanent,
            Whose::Config,
        ),
        (
            Moment::Mail,
            550,
            "5.7.1 not your address",
            Permanent,
            Whose::Config,
        ),
        (
            Moment::Mail,
            553,
            "5.1.7 bad sender",
            Permanent,
            Whose::Config,
        ),
        (
            Moment::Mail,
            552,
            "5.3.4 too big",
            Permanent,
            Whose::Message,
        ),
        (Moment::Rcpt, 421, "4.3.2 closing", Retry, Whose::Remote),
        (Moment::Rcpt, 450, "4.7.1 greylisted", Retry, Whose::Remote),
        (
            Moment::Rcpt,
            454,
            "4.7.1 Relay access denied",
            Retry,
            Whose::Config,
        ),
        (
            Moment::Rcpt,
            450,
            "4.2.1 mailbox busy",
            Retry,
            Whose::Recipient,
        ),
        (Moment::Rcpt, 451, "4.3.0 local error", Retry, Whose::Remote),
        (Moment::Rcpt, 452, "4.3.1 disk full", Retry, Whose::Remote),
        (Moment::Rcpt, 452, "4.5.3 too many", Retry, Whose::Remote),
        (
            Moment::Rcpt,
            550,
            "5.1.1 no such user",
            Permanent,
            Whose::Recipient,
        ),
        (
            Moment::Rcpt,
            556,
            "5.1.10 null MX",
            Permanent,
            Whose::Recipient,
        ),
        (
            Moment::Rcpt,
            550,
            "5.2.1 disabled",
            Permanent,
            Whose::Recipient,
        ),
        (Moment::Rcpt, 552, "5.2.2 full", Permanent, Whose::Recipient),
        (
            Moment::Rcpt,
            554,
            "5.7.1 relay denied",
            Permanent,
            Whose::Config,
        ),
        (
            Moment::Rcpt,
            551,
            "user not local",
            Permanent,
            Whose::Recipient,
        ),
        (Moment::Data, 421, "4.3.2 closing", Retry, Whose::Remote),
        (Moment::Data, 451, "4.3.0 local error", Retry, Whose::Remote),
        (Moment::Data, 554, "5.0.0 no", Permanent, Whose::Message),
        (Moment::Dot, 421, "4.3.2 closing", Retry, Whose::Remote),
        (Moment::Dot, 451, "4.7.1 try later", Retry, Whose::Remote),
        (
            Moment::Dot,
            550,
            "5.7.1 spam\nreally",
            Permanent,
            Whose::Message,
        ),
        (Moment::Dot, 552, "5.3.4 too big", Permanent, Whose::Message),
    ] {
        for extensions in [&["PIPELINING"][..], &[][..]] {
            let server = SmtpServer::builder()
                .extensions(extensions)
                .start()
                .await
                .unwrap();
            server.fault(Fault::reply(moment, code, text));
            let channel = open(&settings(&server)).await;
            let outcomes = channel.deliver(&Sample::new("x")).await;
            let said = format!("{moment:?} {code} {text}: {outcomes:?}");
            assert_eq!(outcomes.len(), 1, "{said}");
            assert_eq!(outcomes[0].class(), class, "{said}");
            assert_eq!(outcomes[0].fault(), Some(whose), "{said}");
            assert!(
                outcomes[0].raw().code.starts_with(&code.to_string()),
                "{said}"
            );
            // Only known words have a hint.
            let hint = &outcomes[0].raw().hint;
            assert_eq!(hint.is_empty(), UNKNOWN.contains(&text), "{said}");
            // The channel works afterwards.
            let outcomes = channel.deliver(&Sample::new("y")).await;
            assert_eq!(outcomes[0].class(), Class::Delivered, "after {said}");
            assert_eq!(server.violations(), Vec::<String>::new(), "{said}");
            channel.close().await;
        }
    }
}

#[tokio::test]
async fn when_a_connection_is_lost_the_outcome_is_unknown_only_after_the_dot() {
    for (fault, class, stored) in [
        (Fault::drop(Moment::Greeting), Class::Retry, 0),
        (Fault::drop(Moment::Hello), Class::Retry, 0),
        (Fault::drop(Moment::Mail), Class::Retry, 0),
        (Fault::drop(Moment::Rcpt), Class::Retry, 0),
        (Fault::drop(Moment::Data), Class::Retry, 0),
        (Fault::drop(Moment::Dot), Class::Unknown, 0),
        (Fault::DropAfterStoring, Class::Unknown, 1),
    ] {
        let server = SmtpServer::start().await.unwrap();
        server.fault(fault.clone());
        let channel = open(&settings(&server)).await;
        let outcomes = channel.deliver(&Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), class, "{fault:?}: {outcomes:?}");
        assert_eq!(outcomes[0].fault(), Some(Whose::Network), "{fault:?}");
        assert_eq!(server.messages().len(), stored, "{fault:?}");
        let outcomes = channel.deliver(&Sample::new("x").again(2, &[])).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{fault:?}");
        let mails = server.messages();
        assert_eq!(
            mails[0].header("Message-ID"),
            mails[mails.len() - 1].header("Message-ID")
        );
        channel.close().await;
    }
}

#[tokio::test]
async fn when_the_server_is_slow_the_attempt_ends_before_the_host_does() {
    for (moment, class) in [
        (Moment::Greeting, Class::Retry),
        (Moment::Hello, Class::Retry),
        (Moment::Rcpt, Class::Retry),
        (Moment::Dot, Class::Unknown),
    ] {
        let server = SmtpServer::start().await.unwrap();
        server.always(Fault::slow(moment, Duration::from_secs(3600)));
        let sample = Sample::new("x").timeout(Duration::from_millis(500));
        let outcomes = deliver(&settings(&server), &sample).await;
        assert_eq!(outcomes[0].class(), class, "{moment:?}: {outcomes:?}");
    }
}

#[tokio::test]
async fn when_quit_fails_after_the_mail_it_is_delivered_all_the_same() {
    let server = SmtpServer::start().await.unwrap();
    server.fault(Fault::reply(Moment::Quit, 500, "5.0.0 no"));
    let outcomes = deliver(&settings(&server), &Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
}

#[tokio::test]
async fn when_the_password_is_wrong_it_is_tried_once() {
    for (auth, replies) in [
        (json!({"smtp_password": "canary-secret"}), None),
        (
            json!({"smtp_password": "canary-secret", "smtp_auth": "login"}),
            None,
        ),
        (json!({"smtp_token": "canary-secret"}), None),
        (
            json!({"smtp_password": "canary-secret"}),
            Some((534, "5.7.9 use another way")),
        ),
        (
            json!({"smtp_password": "canary-secret"}),
            Some((454, "4.7.0 later")),
        ),
    ] {
        let server = SmtpServer::builder()
            .credentials("hb", "right")
            .auth_in_clear()
            .start()
            .await
            .unwrap();
        if let Some((code, text)) = replies {
            server.always(Fault::reply(Moment::Auth, code, text));
        }
        let settings = with(with(settings(&server), json!({"smtp_user": "hb"})), auth);
        let channel = open(&settings).await;
        let (one, two) = (Sample::new("x"), Sample::new("y"));
        let (one, two) = tokio::join!(channel.deliver(&one), channel.deliver(&two));
        let passing = matches!(replies, Some((454, _)));
        for outcome in one.iter().chain(&two) {
            let class = if passing {
                Class::Retry
            } else {
                Class::Permanent
            };
            assert_eq!(outcome.class(), class, "{outcome:?}");
            let shown = format!("{outcome:?}");
            assert!(!shown.contains("canary"), "{shown}");
            assert!(!shown.contains("Y2FuYXJ5"), "{shown}");
        }
        let attempts = server.counts().auth_attempts;
        assert_eq!(attempts, if passing { 2 } else { 1 });
        let check = channel.check().await;
        assert!(!check.is_ok());
        assert!(!format!("{check:?}").contains("canary"));
        channel.close().await;
    }
}

#[tokio::test]
async fn when_encryption_is_impossible_nothing_is_sent() {
    // STARTTLS is missing.
    let server = SmtpServer::start().await.unwrap();
    let starttls = json!({"smtp_tls": "starttls", "smtp_server": "localhost"});
    let outcomes = deliver(
        &with(settings(&server), starttls.clone()),
        &Sample::new("x"),
    )
    .await;
    assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
    assert!(
        outcomes[0].raw().detail.contains("STARTTLS"),
        "{outcomes:?}"
    );

    // The certificate is bad, or no trusted authority has signed it.
    for (mode, name) in [(Mode::StartTls, "starttls"), (Mode::ImplicitTls, "tls")] {
        for (certificate, trusted) in [
            (Certificate::Expired, true),
            (Certificate::WrongName, true),
            (Certificate::Good, false),
        ] {
            let server = SmtpServer::builder()
                .mode(mode)
                .certificate(certificate)
                .start()
                .await
                .unwrap();
            let tls = json!({"smtp_tls": name, "smtp_server": "localhost"});
            let mut settings = with(settings(&server), tls);
            if trusted {
                settings = with(settings, json!({"tls_ca_file": server.ca_file()}));
            }
            let outcomes = deliver(&settings, &Sample::new("x")).await;
            assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
            assert_eq!(outcomes[0].fault(), Some(Whose::Config));
            assert!(
                outcomes[0].raw().detail.contains("certificate"),
                "{outcomes:?}"
            );
            assert!(server.messages().is_empty());
        }
    }
}

#[tokio::test]
async fn when_the_mode_does_not_fit_the_port_the_outcome_says_so() {
    let implicit = SmtpServer::builder()
        .mode(Mode::ImplicitTls)
        .start()
        .await
        .unwrap();
    for mode in ["starttls", "none"] {
        let settings = with(
            settings(&implicit),
            json!({"smtp_tls": mode, "connect_timeout": 1}),
        );
        let outcomes = deliver(&settings, &Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
        assert!(
            outcomes[0].raw().detail.contains("TLS from the first byte"),
            "{outcomes:?}"
        );
    }
    let plain = SmtpServer::start().await.unwrap();
    let settings = with(settings(&plain), json!({"smtp_tls": "tls"}));
    let outcomes = deliver(&settings, &Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
    assert!(
        outcomes[0].raw().hint.contains("smtp_tls: starttls"),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn when_another_protocol_answers_it_is_named() {
    for (banner, word) in [
        ("* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        ("+OK POP3 ready\r\n", "POP3"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "web server"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        ("nonsense without an end", "no mail server"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(banner.as_bytes()).await.unwrap();
        });
        let settings = json!({
            "recipients": ["a@example.com"], "sender": "b@example.com",
            "smtp_server": "127.0.0.1", "smtp_port": port, "smtp_tls": "none",
        });
        let outcomes = deliver(&settings, &Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), Class::Permanent, "{outcomes:?}");
        assert!(outcomes[0].raw().hint.contains(word), "{outcomes:?}");
        task.await.unwrap();
    }
}

#[tokio::test]
async fn when_nobody_listens_it_is_retried() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for (server, whose) in [
        ("127.0.0.1", Whose::Network),
        ("does-not-exist.invalid", Whose::Config),
    ] {
        let settings = json!({
            "recipients": ["a@example.com", "b@example.com"], "sender": "b@example.com",
            "smtp_server": server, "smtp_port": port,
        });
        let outcomes = deliver(&settings, &Sample::new("x")).await;
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert_eq!(outcome.class(), Class::Retry, "{outcome:?}");
            // Without any DNS, the resolver reports that instead.
            let fault = outcome.fault();
            assert!(
                fault == Some(whose) || fault == Some(Whose::Network),
                "{outcome:?}"
            );
        }
    }
}
