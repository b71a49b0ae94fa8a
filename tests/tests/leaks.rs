//! Canary secrets in every channel, servers that repeat whatever they are
//! told, everything logged: no canary may appear anywhere.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use annunciator::Engine;
use annunciator_testkit::{
    http::{Answer, Fault, HttpServer},
    rig::Rig,
    smtp::{self, Mode, Moment, SmtpServer},
};
use tracing_subscriber::fmt::MakeWriter;

const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-pushover",
    "annunciator-signal",
    "annunciator-mattermost",
];

/// The log of the whole process, every level of every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Answers every request with everything that stood in it.
async fn parrot() -> HttpServer {
    let repeat = |request: annunciator_testkit::http::Request| async move {
        let status = match request.text().len() % 3 {
            0 => 400,
            1 => 403,
            _ => 500,
        };
        let body = format!(
            "{{\"id\": \"{path}\", \"request_id\": \"{path}\", \"message\": \"{path} {text}\", \"errors\": [\"{path} {text}\"], \"status\": 0}}",
            path = request.path(),
            text = request.text().replace(['"', '\\'], " "),
        );
        Answer::text(status, body).header("X-Path", request.path())
    };
    HttpServer::start(repeat).await.unwrap()
}

fn configuration(http: &str, smtp: &SmtpServer, user: &str) -> String {
    format!(
        "notification_channels:
  mail: {{type: email, recipients: [a@example.com], sender: b@example.com, smtp_server: 127.0.0.1,
    smtp_port: {port}, tls_ca_file: {ca}, smtp_user: {user}, smtp_password: canary-password}}
  push: {{type: pushover, token: canarytokencanarytokencanaryto, user: canaryusercanaryusercanaryuser,
    priority: 2, retry: 60, expire: 3000, api_url: '{http}'}}
  hook: {{type: mattermost, host: '{http}', token: canaryhookcanaryhookcanary, channel: ops}}
  bot: {{type: mattermost, host: '{http}', bot_token: canarybotncanarybotncanary, team: t, channel: ops}}
  line: {{type: signal, rpc: '{http}', user: +12025551234, recipient: +12025555678}}
default_notification_channels: [mail, push, hook, bot, line]
",
        port = smtp.port(),
        ca = smtp.ca_file().unwrap().display(),
    )
}

/// Sends and checks; answers everything that a person could get to see.
async fn exercise(engine: &Engine) -> String {
    let report = engine.notify_default("hello").await.unwrap();
    let checks = engine.check(&[]).await.unwrap();
    let printed: Vec<String> = report
        .channels()
        .values()
        .flat_map(|channel| &channel.targets)
        .map(ToString::to_string)
        .collect();
    format!(
        "{report:?}\n{}\n{printed:?}\n{checks:?}\n{engine:?}\n{:?}",
        serde_json::to_string(&report).unwrap(),
        engine.config()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_seen_whatever_fails() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();

    let http = parrot().await;
    let smtp = SmtpServer::builder()
        .mode(Mode::StartTls)
        .credentials("known", "canary-password")
        .start()
        .await
        .unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let mut seen = String::new();
    for user in ["known", "unknown"] {
        let engine = rig
            .start(&configuration(&http.url(), &smtp, user))
            .await
            .unwrap();
        seen += &exercise(&engine).await;
        let faults = [
            Fault::html_page(),
            Fault::proxy_error(502),
            Fault::ResetBeforeStoring,
            Fault::Answer(Answer::status(429).header("Retry-After", 3)),
            Fault::Answer(
                Answer::status(302).header("Location", "http://127.0.0.1:1/canary-elsewhere"),
            ),
        ];
        for fault in faults {
            http.always(fault);
            smtp.fault(smtp::Fault::reply(
                Moment::Mail,
                550,
                "5.7.1 you said canary-password",
            ));
            seen += &exercise(&engine).await;
        }
        http.always(None);
        let _ = engine.shutdown(Duration::from_secs(10)).await;
    }
    // What the remote itself made up is not our secret.
    let seen = seen
        .replace("canary-elsewhere", "")
        .replace("you said canary-password", "");
    check("what is answered", &seen);

    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(
        logged.contains("failed to send notification"),
        "nothing was logged"
    );
    let ours = logged
        .replace("canary-elsewhere", "")
        .replace("you said canary-password", "");
    check("the log", &ours);
}

fn check(what: &str, text: &str) {
    let text = text.replace("canary: None", "");
    if let Some(at) = text.find("canary") {
        let start = (0..=at.saturating_sub(200))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let around: String = text[start..].chars().take(400).collect();
        panic!("a canary stands in {what}: …{around}…");
    }
}
