//! The log of acts: whatever changes something is in it, with who did it and from where.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::{
    monitor::{CALM, Home, Monitor, wait_for, yaml},
    web::{address, bearer, exchange, request, send_form, token},
};

fn started() -> (Home, Monitor, String) {
    let web = "web: {listen: '127.0.0.1:0', proxy: {from: [127.0.0.1]}}\n";
    let home = Home::with(&format!("{}{web}", yaml(CALM)));
    let monitor = home.start();
    let address = address(&monitor);
    (home, monitor, address)
}

/// The acts, the oldest first: who, what, about what, and whether it was done.
fn acts(monitor: &Monitor) -> Vec<(String, String, String, bool)> {
    let page: Json = monitor.client().get("/acts?limit=1000").unwrap();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let acts = page["acts"].as_array().unwrap().iter().rev();
    acts.map(|act| {
        let done = act["done"].as_bool().unwrap();
        (
            text(&act["by"]),
            text(&act["act"]),
            text(&act["about"]),
            done,
        )
    })
    .collect()
}

#[test]
fn whatever_somebody_does_is_recorded_and_no_secret_is() {
    let (home, monitor, address) = started();
    let own = token(&home, "anna", "act");
    let reader = token(&home, "bob", "read");
    let (anna, bob) = (bearer(&own), bearer(&reader));
    let from = "x-forwarded-for: 203.0.113.7";
    let act = |line: &str, who: &str, body: Option<Json>| {
        let line = line.replace(" /", " /api/v1/");
        request(&address, &line, &[who, from], body.as_ref()).0
    };
    let problem = json!({ "message": "s3cret text", "incident": "web-01/disk", "host": "web-01", "kind": "problem" });
    assert_eq!(
        act("POST /notifications", &anna, Some(problem.clone())),
        202
    );
    assert_eq!(
        act("POST /notifications?dry_run=true", &anna, Some(problem)),
        200
    );
    let acknowledge = json!({ "incident": "web-01/disk" });
    assert_eq!(
        act("POST /acknowledgements", &bob, Some(acknowledge.clone())),
        403
    );
    assert_eq!(act("POST /acknowledgements", &anna, Some(acknowledge)), 200);
    assert_eq!(
        act(
            "DELETE /acknowledgements?incident=web-01%2Fdisk",
            &anna,
            None
        ),
        200
    );
    let silence = json!({ "seconds": 60, "why": "s3cret" });
    assert_eq!(act("PUT /hosts/web-01/silence", &anna, Some(silence)), 200);
    assert_eq!(act("DELETE /hosts/web-01/silence", &anna, None), 200);
    assert_eq!(act("POST /channels/a/check", &anna, None), 200);
    assert_eq!(act("POST /deliveries/1/retry", &anna, None), 422);
    assert_eq!(act("POST /reload", &anna, None), 200);
    assert_eq!(
        act("POST /reload", "authorization: Bearer wrong", None),
        401
    );
    let log_in = |token: &str| {
        let form = format!("token={token}");
        let length = format!("content-length: {}", form.len());
        let kind = "content-type: application/x-www-form-urlencoded";
        send_form(&address, "POST /login", &[kind, from], &length, &form).0
    };
    assert!(log_in(&own).contains("set-cookie"));
    assert!(log_in("guess").starts_with("HTTP/1.1 401"));
    assert_eq!(home.hbd(&["token", "remove", "bob"]).0, 0);
    monitor.signal(Signal::HUP);
    let last = (
        "SIGHUP".to_owned(),
        "reload".to_owned(),
        String::new(),
        true,
    );
    let found = wait_for("the last act", || {
        let acts = acts(&monitor);
        (acts.last() == Some(&last)).then_some(acts)
    });
    let own_name = found[0].0.clone();
    let here = own_name.as_str();
    let expected = [
        (here, "add token", "anna (act)", true),
        (here, "add token", "bob (read)", true),
        ("anna", "notify", "web-01, web-01/disk", true),
        ("bob", "acknowledge", "", false),
        ("anna", "acknowledge", "web-01/disk", true),
        ("anna", "withdraw", "web-01/disk", true),
        ("anna", "silence", "web-01", true),
        ("anna", "end silence", "web-01", true),
        ("anna", "check", "a", true),
        ("anna", "retry", "1", false),
        ("anna", "reload", "", true),
        ("anna", "log in", "", true),
        ("", "log in", "", false),
        (here, "remove token", "bob", true),
        ("SIGHUP", "reload", "", true),
    ];
    let found: Vec<_> = found
        .iter()
        .map(|(by, act, about, done)| (by.as_str(), act.as_str(), about.as_str(), *done))
        .collect();
    assert_eq!(found, expected);
    let file = home.path("acts.jsonl");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let log = monitor.log();
    let log: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" audit: "))
        .collect();
    let log = log.join("\n");
    for secret in [&own, &reader, "guess", "s3cret", "wrong"] {
        assert!(!text.contains(secret) && !log.contains(secret), "{secret}");
    }
    assert!(text.contains("\"from\":\"203.0.113.7\""), "{text}");
    assert!(log.contains("from=\"203.0.113.7\""), "{log}");
}

#[test]
fn acts_are_kept_and_read_page_by_page_by_those_who_may_act() {
    let (home, monitor, address) = started();
    let anna = bearer(&token(&home, "anna", "act"));
    for _ in 0..4 {
        assert_eq!(home.hbd(&["reload"]).0, 0);
    }
    assert_eq!(monitor.stop().0, Some(0));
    let monitor = home.start();
    let address = crate::web::address(&monitor).replace(&address, "");
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /api/v1/acts?limit=2{before}");
        let (status, page) = request(&address, &line, &[&anna], None);
        assert_eq!(status, 200, "{page}");
        let acts = page["acts"].as_array().unwrap().iter();
        seen.extend(acts.map(|act| act["number"].as_u64().unwrap()));
        match page["before"].as_u64() {
            Some(number) => before = format!("&before={number}"),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let accept = "accept: text/html";
    let (_, page) = exchange(&address, "GET /acts", &[accept, &anna]);
    assert!(
        page.contains("<b><bdi>add token</bdi></b> <bdi>anna (act)</bdi>"),
        "{page}"
    );
    assert!(page.contains("href=\"/acts\""), "{page}");
    let reader = bearer(&token(&home, "bob", "read"));
    let (head, _) = exchange(&address, "GET /acts", &[accept, &reader]);
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let (_, page) = exchange(&address, "GET /", &[accept, &reader]);
    assert!(!page.contains("href=\"/acts\""), "{page}");
}
