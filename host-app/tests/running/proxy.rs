//! A proxy in front of the monitor: what it says is believed from its address, and nowhere else.

use serde_json::json;

use crate::{
    monitor::{CALM, Home, Monitor, yaml},
    web::{address, bearer, exchange, request, token},
};

/// A monitor that believes a proxy at this address, and its own address.
fn behind(proxy: &str) -> (Home, Monitor, String) {
    let web = format!(
        "web:
  listen: '127.0.0.1:0'
  proxy: {{from: [{proxy}], user: X-Forwarded-User, users: {{anna: act, '*': read}}}}
"
    );
    let home = Home::with(&format!("{}{web}", yaml(CALM)));
    let monitor = home.start();
    let address = address(&monitor);
    (home, monitor, address)
}

const SILENCE: &str = "PUT /api/v1/hosts/web-01/silence";

#[test]
fn users_of_the_proxy_may_do_what_is_granted_to_them() {
    let (home, _monitor, address) = behind("127.0.0.1/32");
    let body = json!({ "seconds": 60 });
    let act = |headers: &[&str]| request(&address, SILENCE, headers, Some(&body)).0;
    let look = |headers: &[&str]| request(&address, "GET /api/v1/status", headers, None).0;
    let (anna, bob) = ("x-forwarded-user: anna", "x-forwarded-user: bob");
    assert_eq!((look(&[anna]), act(&[anna])), (200, 200));
    assert_eq!((look(&[bob]), act(&[bob])), (200, 403));
    assert_eq!((look(&[]), look(&["x-forwarded-user:"])), (401, 401));
    // Of two names, one may be whoever's who sent the request.
    assert_eq!(look(&[anna, bob]), 401);
    assert_eq!(look(&[anna, "host: evil.example"]), 421);
    assert_eq!(act(&[anna, "sec-fetch-site: cross-site"]), 403);
    // Tokens stay with users of this machine, and a token counts more than the header.
    let tokens = request(&address, "GET /api/v1/tokens", &[anna], None).0;
    assert_eq!(tokens, 403);
    let reader = bearer(&token(&home, "reader", "read"));
    assert_eq!(act(&[anna, &reader]), 403);
    assert_eq!(look(&[anna, &bearer("wrong")]), 401);
}

#[test]
fn what_anybody_else_says_of_themselves_counts_for_nothing() {
    let (_home, _monitor, address) = behind("127.0.0.9");
    let anna = "x-forwarded-user: anna";
    let (status, _) = request(&address, "GET /api/v1/status", &[anna], None);
    assert_eq!(status, 401);
    // Nor that the way is encrypted.
    let forged = ["x-forwarded-proto: https", "host: 10.0.0.1"];
    let (head, page) = log_in(
        &address,
        "x",
        &[&forged[..], &["origin: http://10.0.0.1"]].concat(),
    );
    assert!(
        page.contains("log in through a proxy with TLS"),
        "{head}\n{page}"
    );
}

#[test]
fn a_cookie_of_a_login_through_tls_at_the_proxy_is_for_tls_only() {
    let (home, _monitor, address) = behind("127.0.0.1");
    let token = token(&home, "anna", "act");
    let (head, page) = log_in(&address, &token, &["x-forwarded-proto: https"]);
    assert!(head.starts_with("HTTP/1.1 303"), "{head}\n{page}");
    assert!(head.contains("set-cookie: __Host-annunciator="), "{head}");
    let (head, _) = log_in(&address, &token, &["x-forwarded-proto: http"]);
    assert!(head.contains("set-cookie: annunciator="), "{head}");
}

/// Wrong tokens count for whoever sends them, and not for the proxy.
#[test]
fn whoever_guesses_behind_the_proxy_keeps_nobody_else_out() {
    let (home, _monitor, address) = behind("127.0.0.1");
    let reader = bearer(&token(&home, "reader", "read"));
    let from = |ip: &str, authorization: &str| {
        let origin = format!("x-forwarded-for: 192.0.2.9, {ip}");
        let headers = [origin.as_str(), authorization];
        request(&address, "GET /api/v1/status", &headers, None).0
    };
    let wrong = bearer("wrong");
    let guesses: Vec<u16> = (0..30).map(|_| from("203.0.113.7", &wrong)).collect();
    assert_eq!(guesses.last(), Some(&429));
    assert_eq!(from("203.0.113.8", &wrong), 401);
    assert_eq!(from("203.0.113.7", &reader), 200);
}

fn log_in(address: &str, token: &str, headers: &[&str]) -> (String, String) {
    let form = format!("token={token}");
    let length = format!("content-length: {}", form.len());
    let kind = "content-type: application/x-www-form-urlencoded";
    let headers = [headers, &[kind, "accept: text/html"]].concat();
    crate::web::send_form(address, "POST /login", &headers, &length, &form)
}

#[test]
fn beyond_this_machine_without_tls_or_a_proxy_it_does_not_start() {
    let home = Home::with(&format!("{}web: {{listen: '0.0.0.0:0'}}\n", yaml(CALM)));
    for command in ["check", "run"] {
        let (status, _, err) = home.hbd(&[command]);
        assert_eq!(status, 2, "{err}");
        let place = format!("{}:16:15", home.file());
        assert!(err.contains(&place), "{err}");
        assert!(err.contains("error: web.listen: 0.0.0.0:0 "), "{err}");
        assert!(err.contains("can be reached from other machines"), "{err}");
        assert!(err.contains("set `web.tls`, or `web.proxy`"), "{err}");
    }
}

#[test]
fn whoever_is_not_logged_in_at_the_proxy_is_sent_to_log_in_here() {
    let (_home, _monitor, address) = behind("127.0.0.1");
    let (head, _) = exchange(&address, "GET /", &["accept: text/html"]);
    assert!(head.contains("location: /login"), "{head}");
    let headers = ["accept: text/html", "x-forwarded-user: bob"];
    let (_, page) = exchange(&address, "GET /", &headers);
    assert!(page.contains("<bdi>bob</bdi> (may look)"), "{page}");
    // Logging out is the proxy's.
    assert!(!page.contains("Log out"), "{page}");
}
