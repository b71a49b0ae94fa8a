//! A mail has a signed link: whoever follows it takes the incident over, without logging in.

use std::{fs, os::unix::fs::PermissionsExt as _};

use annunciator_testkit::{rig::Rig, smtp::SmtpServer};
use tokio::runtime::Runtime;

use crate::{
    datagrams::heartbeat,
    monitor::{Home, Monitor, QUICK, wait_for, yaml},
    web::{address, exchange, send_form},
};

/// A monitor whose default channel is a mail server, and its address.
struct Mailing {
    home: Home,
    monitor: Monitor,
    address: String,
    server: SmtpServer,
    runtime: Runtime,
}

fn started() -> Mailing {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(SmtpServer::start()).unwrap();
    let channel = format!(
        "  m: {{type: email, recipients: [a@example.com], sender: hbd@example.com, \
         smtp_server: 127.0.0.1, smtp_port: {}, smtp_tls: none}}\n\
         default_notification_channels: [m]",
        server.port()
    );
    let web = "web: {listen: '127.0.0.1:0', external_url: 'http://localhost/hbd'}\n";
    let yaml = yaml(QUICK).replace("default_notification_channels: [a]", &channel);
    let rig = Rig::new(&["fixture-steady", "annunciator-email"]).unwrap();
    let home = Home::of(rig);
    home.configure(&format!("{yaml}{web}"));
    let monitor = home.start();
    let address = address(&monitor);
    Mailing {
        home,
        monitor,
        address,
        server,
        runtime,
    }
}

impl Mailing {
    /// Has a host be overdue, and returns the link of the mail, below the server's address.
    fn link(&self) -> String {
        self.monitor.send(&heartbeat("web-01", 1));
        self.runtime.block_on(self.server.wait_for(1));
        let mails = self.server.messages();
        let mut texts = mails.iter().map(|mail| mail.text());
        let text = texts
            .find(|text| text.contains("web-01 IPv4 overdue"))
            .unwrap();
        let (_, link) = text
            .split_once("Acknowledge: http://localhost/hbd")
            .unwrap();
        link.lines().next().unwrap().trim().to_owned()
    }

    fn follow(&self, link: &str) -> (String, String) {
        exchange(
            &self.address,
            &format!("GET {link}"),
            &["accept: text/html"],
        )
    }

    fn press(&self, link: &str, headers: &[&str]) -> (String, String) {
        let headers = [&["accept: text/html"], headers].concat();
        send_form(
            &self.address,
            &format!("POST {link}"),
            &headers,
            "content-length: 0",
            "",
        )
    }

    /// Who has taken the incident over.
    fn taken_by(&self) -> Option<String> {
        let incidents = self.monitor.client().get("/incidents").unwrap();
        let taken = &incidents["incidents"][0]["acknowledgement"]["by"];
        taken.as_str().map(str::to_owned)
    }
}

#[test]
fn whoever_presses_the_button_takes_over_and_whoever_follows_the_link_does_not() {
    let mailing = started();
    let link = mailing.link();
    let (head, page) = mailing.follow(&link);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{page}");
    assert!(
        page.contains("web-01 IPv4 overdue") && page.contains(">Acknowledge</button>"),
        "{page}"
    );
    assert_eq!(mailing.taken_by(), None);
    let foreign = mailing.press(&link, &["sec-fetch-site: cross-site"]);
    assert!(foreign.0.starts_with("HTTP/1.1 403"), "{foreign:?}");
    assert_eq!(mailing.taken_by(), None);
    for _ in 0..2 {
        let (head, page) = mailing.press(&link, &["sec-fetch-site: same-origin"]);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{page}");
        assert!(
            page.contains("taken over</span> by <b><bdi>somebody with the link"),
            "{page}"
        );
    }
    assert_eq!(
        mailing.taken_by().as_deref(),
        Some("somebody with the link")
    );
    let acts = mailing.monitor.client().get("/acts").unwrap();
    let act = &acts["acts"][0];
    assert_eq!(act["act"], "acknowledge");
    assert_eq!(act["about"], "web-01/IPv4/heartbeat");
    assert_eq!(act["from"], "127.0.0.1");
    // The key stays, and nobody else may read it.
    let key = mailing.home.path("acknowledge.key");
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, fs::read(&key).unwrap().len()), (0o600, 32));
    // What can be looked at does not have the link.
    let signature = link.rsplit('.').next().unwrap();
    let deliveries = mailing
        .monitor
        .client()
        .get("/deliveries")
        .unwrap()
        .to_string();
    let log = mailing.monitor.log();
    assert!(!deliveries.contains(signature) && !log.contains(signature));
}

#[test]
fn a_link_that_is_wrong_reveals_nothing() {
    let mailing = started();
    let link = mailing.link();
    let forged = link.replacen("/ack/1", "/ack/2", 1);
    for wrong in [forged.as_str(), "/ack/x", "/ack/1.d2ViLTAx.AAAA"] {
        for (head, page) in [mailing.follow(wrong), mailing.press(wrong, &[])] {
            assert!(head.starts_with("HTTP/1.1 403"), "{head}");
            assert!(page.contains("This link is not valid."), "{page}");
            assert!(!page.contains("web-01"), "{page}");
        }
    }
    assert_eq!(mailing.taken_by(), None);
    let foreign = exchange(
        &mailing.address,
        &format!("GET {link}"),
        &["host: evil.example"],
    );
    assert!(foreign.0.starts_with("HTTP/1.1 421"), "{foreign:?}");
}

#[test]
fn a_problem_that_is_over_is_not_taken_over() {
    let mailing = started();
    let link = mailing.link();
    wait_for("the end of the problem", || {
        mailing
            .monitor
            .send(&heartbeat("web-01", 1 + mailing.monitor.count(None)));
        let (_, page) = mailing.follow(&link);
        page.contains("This problem is over.").then_some(())
    });
    let (head, _) = mailing.press(&link, &[]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}
