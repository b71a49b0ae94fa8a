//! The API over TCP: who may do what, by tokens, and how others are refused.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::{Value as Json, json};

use crate::{
    datagrams::heartbeat,
    monitor::{CALM, Home, Monitor, PATIENCE, wait_for, yaml},
};

/// A monitor's home, whose API is served over TCP.
fn home() -> Home {
    Home::with(&format!("{}web: {{listen: '127.0.0.1:0'}}\n", yaml(CALM)))
}

/// A monitor that serves the API over TCP, and its address.
fn started() -> (Home, Monitor, String) {
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    (home, monitor, address)
}

/// The address at which a monitor serves the API.
pub fn address(monitor: &Monitor) -> String {
    monitor.wait_for_log("the API is served");
    let log = monitor.log();
    let mut lines = log.lines();
    let line = lines.find(|line| line.contains("the API is served"));
    let (_, address) = line.unwrap().rsplit_once("address=").unwrap();
    address.trim().to_owned()
}

/// Makes a token by the command.
pub fn token(home: &Home, name: &str, scope: &str) -> String {
    let (status, out, err) = home.hbd(&["token", "add", name, "--scope", scope]);
    assert_eq!(status, 0, "{err}");
    out.trim().to_owned()
}

/// A request with these headers; the status and the answer.
pub fn request(address: &str, line: &str, headers: &[&str], body: Option<&Json>) -> (u16, Json) {
    let (head, text) = send(address, line, headers, body);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// A request without a body; the head and the body of the answer.
pub fn exchange(address: &str, line: &str, headers: &[&str]) -> (String, String) {
    send(address, line, headers, None)
}

fn send(address: &str, line: &str, headers: &[&str], body: Option<&Json>) -> (String, String) {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let kind = ["content-type: application/json"];
    let kind = if body.is_empty() { &[][..] } else { &kind[..] };
    let length = format!("content-length: {}", body.len());
    send_form(address, line, &[kind, headers].concat(), &length, &body)
}

/// A request with this body; the head and the body of the answer.
pub fn send_form(
    address: &str,
    line: &str,
    headers: &[&str],
    length: &str,
    body: &str,
) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("host:")) {
        head.push_str(&format!("host: {address}\r\n"));
    }
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("{length}\r\n\r\n{body}"));
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    let mut reader = BufReader::new(stream);
    while !answer.ends_with("\r\n\r\n") && reader.read_line(&mut answer).unwrap() > 0 {}
    // A stream of events has no end.
    if !answer.contains("text/event-stream") {
        reader.read_to_string(&mut answer).unwrap();
    }
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), text.to_owned())
}

pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

/// All routes of the description, as lines of requests, with whether they only look.
fn routes(monitor: &Monitor) -> Vec<(String, bool)> {
    let description = monitor.client().get("/openapi.json").unwrap();
    let mut routes = vec![("GET /api/v1/openapi.json".to_owned(), true)];
    for (path, methods) in description["paths"].as_object().unwrap() {
        let path = path.split('/').map(|segment| match segment {
            "{delivery}" => "1",
            "{channel}" => "a",
            other if other.starts_with('{') => "web-01",
            other => other,
        });
        let path = path.collect::<Vec<_>>().join("/");
        for method in methods.as_object().unwrap().keys() {
            let looks = method == "get";
            routes.push((format!("{} {path}", method.to_uppercase()), looks));
        }
    }
    assert!(routes.len() > 15, "{routes:?}");
    routes
}

#[test]
fn an_outsider_can_neither_look_nor_act_on_any_route() {
    let (home, monitor, address) = started();
    let ingest = bearer(&token(&home, "sender", "ingest:alerts"));
    let reader = bearer(&token(&home, "reader", "read"));
    let actor = bearer(&token(&home, "actor", "act"));
    for (line, looks) in routes(&monitor) {
        let status = |headers: &[&str]| request(&address, &line, headers, None).0;
        assert_eq!(status(&[]), 401, "{line}");
        assert_eq!(status(&["authorization: Basic eDp5"]), 401, "{line}");
        assert_eq!(status(&[&ingest]), 403, "{line}");
        let is_for_local_users = line.contains("/tokens");
        let by_reader = status(&[&reader]);
        // What others have done is for those who may act.
        let refused = is_for_local_users || !looks || line.ends_with("/acts");
        assert_eq!(by_reader == 403, refused, "{line}: {by_reader}");
        if is_for_local_users {
            assert_eq!(status(&[&actor]), 403, "{line}");
        }
        let foreign = "host: evil.example:80";
        assert_eq!(status(&[&actor, foreign]), 421, "{line}");
        if !looks {
            let page = "sec-fetch-site: cross-site";
            assert_eq!(status(&[&actor, page]), 403, "{line}");
        }
    }
    let unknown = request(&address, "GET /nothing", &[], None);
    assert_eq!(unknown.0, 401, "what there is, is nobody's business");
}

/// The pages for whoever is not logged in: the login, its end, and the button of a link in a mail.
const FOR_ANYBODY: [&str; 3] = ["/login", "/logout", "/ack/{link}"];

/// All pages and what their forms ask for, as the sources have them.
fn pages() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/api", "../crates/web/src", "../crates/web/src/page"]
        .map(|folder| crates.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let texts = files.map(|file| file.unwrap().path());
    let texts = texts.filter(|path| path.extension().is_some_and(|one| one == "rs"));
    let texts: Vec<String> = texts
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let constant = |text: &str, name: &str| {
        let declared = format!("const {name}: &str = \"");
        let (_, rest) = text.split_once(&declared)?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let mut pages = Vec::new();
    for text in &texts {
        for route in text.split(".route(").skip(1) {
            let (address, handlers) = route.split_once(", ").unwrap();
            let handlers = handlers.lines().next().unwrap();
            let address = match address.trim_start_matches('&') {
                literal if literal.starts_with('"') => literal.trim_matches('"').to_owned(),
                built if built.starts_with("format!(\"{") => {
                    let (name, rest) = built["format!(\"{".len()..].split_once('}').unwrap();
                    let all = texts.iter().find_map(|text| constant(text, name));
                    let rest = rest.split('"').next().unwrap();
                    all.unwrap() + &rest.replace("{{", "{").replace("}}", "}")
                }
                asset if asset.ends_with(".path") => continue,
                name => {
                    let here = constant(text, name);
                    let all = || texts.iter().find_map(|text| constant(text, name));
                    here.or_else(all).unwrap()
                }
            };
            if address.starts_with("/ping/") || FOR_ANYBODY.contains(&&*address) {
                continue;
            }
            for (handler, method) in [("get(", "GET"), ("post(", "POST")] {
                if handlers.contains(handler) {
                    pages.push(format!("{method} {address}"));
                }
            }
        }
    }
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

#[test]
fn an_outsider_can_neither_look_at_a_page_nor_act_on_one() {
    let (home, monitor, address) = started();
    let sender = bearer(&token(&home, "sender", "ingest:alerts"));
    let reader = bearer(&token(&home, "reader", "read"));
    let before = monitor.status();
    for page in pages() {
        let line = page.replace("{channel}", "a").replace("{delivery}", "1");
        let line = line.replace("{host}", "web-01").replace("{incident}", "i");
        let form = |headers: &[&str]| {
            let kind = [
                "content-type: application/x-www-form-urlencoded",
                "accept: text/html",
            ];
            let headers = [&kind[..], headers].concat();
            let (head, _) = send_form(&address, &line, &headers, "content-length: 0", "");
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, head)
        };
        let (status, head) = form(&[]);
        let to_login = status == 303 && head.contains("location: /login");
        assert!(to_login || status == 401, "{line}: {head}");
        assert_eq!(form(&["cookie: annunciator=made-up"]).0, status, "{line}");
        assert_eq!(form(&[&sender]).0, 403, "{line}");
        assert_eq!(form(&[&reader, "host: evil.example:80"]).0, 421, "{line}");
        let by_reader = form(&[&reader]).0;
        let is_refused = line.starts_with("POST") || line == "GET /acts";
        assert_eq!(by_reader == 403, is_refused, "{line}: {by_reader}");
    }
    let after = monitor.status();
    assert_eq!(after["silences"], before["silences"]);
    let acts = monitor.client().get("/acts").unwrap();
    let mut acts = acts["acts"].as_array().unwrap().iter();
    let others = acts.find(|act| act["act"] != "add token" && act["done"] == true);
    assert_eq!(others, None, "somebody did something");
}

#[test]
fn a_notification_to_nobody_is_refused_and_can_be_sent_again() {
    let (home, _monitor, address) = started();
    let actor = bearer(&token(&home, "anna", "act"));
    let line = "POST /api/v1/notifications";
    let to = |channels: &[&str]| json!({ "message": "hello", "key": "k", "channels": channels });
    for line in [line, "POST /api/v1/notifications?wait=10s"] {
        let (status, problem) = request(&address, line, &[&actor], Some(&to(&[])));
        let no_channel = json!("urn:annunciator:problem:no_channel");
        assert_eq!((status, &problem["type"]), (422, &no_channel));
    }
    let (status, receipt) = request(&address, line, &[&actor], Some(&to(&["a"])));
    assert_eq!((status, &receipt["repeated"]), (202, &json!(false)));
}

#[test]
fn a_token_works_until_it_is_removed() {
    let (home, monitor, address) = started();
    monitor.send(&heartbeat("web-01", 1));
    let actor = bearer(&token(&home, "anna", "act"));
    let body = json!({ "seconds": 60, "why": "new disks" });
    let line = "PUT /api/v1/hosts/web-01/silence";
    let (status, answer) = request(&address, line, &[&actor], Some(&body));
    assert_eq!((status, &answer["was_silenced"]), (200, &json!(false)));
    let message = json!({ "message": "hello", "key": "k" });
    let line = "POST /api/v1/notifications";
    let (status, first) = request(&address, line, &[&actor], Some(&message));
    assert_eq!(status, 202, "{first}");
    let (_, again) = request(&address, line, &[&actor], Some(&message));
    assert_eq!(again["repeated"], true);
    assert_eq!(again["notification"], first["notification"]);
    let other = json!({ "message": "bye" });
    let key = "idempotency-key: k";
    let (status, conflict) = request(&address, line, &[&actor, key], Some(&other));
    assert_eq!(
        (status, &conflict["differs"]),
        (409, &json!("its message differs"))
    );
    let (_, listed, _) = home.hbd(&["token", "list", "--json"]);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["tokens"][0]["name"], "anna");
    assert_eq!(listed["tokens"][0]["scope"], "act");
    assert_eq!(home.hbd(&["token", "remove", "anna"]).0, 0);
    wait_for("a token that does not work any more", || {
        let status = request(&address, "GET /api/v1/status", &[&actor], None).0;
        (status == 401).then_some(())
    });
    let (status, _, err) = home.hbd(&["token", "remove", "anna"]);
    assert_eq!(status, 2);
    assert!(err.contains("there is no token `anna`"), "{err}");
}

#[test]
fn whoever_acknowledges_is_named_and_the_reminder_is_not_sent() {
    let (home, _monitor, address) = started();
    let actor = bearer(&token(&home, "anna", "act"));
    let problem = |text: &str| {
        let problem = ["--problem", "--incident", "web-01/disk", "--severity"];
        let typed = [
            &["notify", "--host", "web-01"],
            &problem[..],
            &["critical", text],
        ]
        .concat();
        home.hbd(&typed)
    };
    assert_eq!(problem("disk full").0, 0);
    let body = json!({ "host": "web-01", "note": "I look" });
    let line = "POST /api/v1/acknowledgements";
    let (status, answer) = request(&address, line, &[&actor], Some(&body));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["acknowledged"][0]["incident"], "web-01/disk");
    let (_, open) = request(&address, "GET /api/v1/incidents", &[&actor], None);
    let incident = &open["incidents"][0];
    assert_eq!(incident["acknowledgement"]["by"], "anna");
    assert_eq!(incident["subject"], "disk full");
    for command in [&["status"][..], &["explain", "web-01"]] {
        let (_, out, _) = home.hbd(command);
        let line = "web-01/disk is taken over by anna (API) since ";
        assert!(out.contains(line) && out.contains(": I look\n"), "{out}");
    }
    let (_, out, _) = home.hbd(&["deliveries", "show", "1"]);
    assert!(out.contains("taken over:     by anna (API) at "), "{out}");
    let (status, out, _) = problem("disk still full");
    assert_eq!(status, 1);
    assert!(out.contains("not sent: suppressed"), "{out}");
    assert!(out.contains("acknowledged: by anna, "), "{out}");
    // A user of this machine takes over from her, and gives it back.
    let (status, out, err) = home.hbd(&["ack", "web-01/disk", "--by", "bob"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "web-01/disk is taken over; 1 channel is notified of that\n"
    );
    assert_eq!(home.hbd(&["ack", "web-01/disk", "--release"]).0, 0);
    assert_eq!(problem("disk still full").0, 0);
    let (status, _, err) = home.hbd(&["ack", "db-01"]);
    assert_eq!(status, 2);
    assert!(err.contains("no such problem is open"), "{err}");
}

#[test]
fn numbers_are_for_those_who_may_look_and_health_is_for_everybody() {
    let (home, monitor, address) = started();
    let reader = bearer(&token(&home, "prometheus", "read"));
    let (head, text) = exchange(&address, "GET /metrics", &[&reader]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    assert!(text.contains("\nhbd_hosts_watched 2\n"), "{text}");
    let without = exchange(&address, "GET /metrics", &[]);
    assert!(without.0.starts_with("HTTP/1.1 401"), "{without:?}");
    let sender = bearer(&token(&home, "sender", "ingest:alerts"));
    let sent = exchange(&address, "GET /metrics", &[&sender]);
    assert!(sent.0.starts_with("HTTP/1.1 403"), "{sent:?}");
    for headers in [&[][..], &["authorization: Bearer wrong"], &[&reader]] {
        let (head, text) = exchange(&address, "GET /healthz", headers);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(text, "{\"status\":\"ok\"}\n");
    }
    let foreign = exchange(&address, "GET /healthz", &["host: evil.example"]);
    assert!(foreign.0.starts_with("HTTP/1.1 421"), "{foreign:?}");
    // At the control socket, too.
    let mut stream = UnixStream::connect(&monitor.control).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\nhbd_hosts_watched 2\n"), "{answer}");
}

/// The reason stays with those who may look, as it may name a path.
#[test]
fn health_is_one_word_for_whoever_is_not_known() {
    let home = home();
    std::fs::write(home.path("state.sqlite"), "no database").unwrap();
    let monitor = home.start();
    let address = address(&monitor);
    let (status, known) = monitor.fetch("GET", "/healthz");
    assert_eq!(status, 200);
    assert!(known.contains("\"reason\":\""), "{known}");
    let (head, text) = exchange(&address, "GET /healthz", &[]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(text, "{\"status\":\"degraded\"}\n");
}

/// A form that a browser sends, or a page that it asks for; the head and the page.
fn browse(address: &str, line: &str, cookie: &str, form: Option<&str>) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let form = form.unwrap_or_default();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\naccept: text/html\r\n\
         origin: http://{address}\r\ncookie: {cookie}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), page.to_owned())
}

#[test]
fn somebody_logs_in_with_a_browser_and_takes_an_incident_over() {
    let (home, _monitor, address) = started();
    let token = token(&home, "anna", "act");
    let problem = ["--problem", "--incident", "web-01/disk", "disk full"];
    let typed = [&["notify", "--host", "web-01"], &problem[..]].concat();
    assert_eq!(home.hbd(&typed).0, 0);
    let (head, _) = browse(&address, "GET /", "", None);
    assert!(
        head.starts_with("HTTP/1.1 303") && head.contains("location: /login"),
        "{head}"
    );
    let (head, page) = browse(&address, "POST /login", "", Some(&format!("token={token}")));
    assert!(head.starts_with("HTTP/1.1 303"), "{head}\n{page}");
    let (_, rest) = head.split_once("set-cookie: ").unwrap();
    let logged_in = rest.split(';').next().unwrap().to_owned();
    let (_, page) = browse(&address, "GET /", &logged_in, None);
    assert!(
        page.contains("disk full") && page.contains("Take over"),
        "{page}"
    );
    assert!(
        page.contains("never heard") && page.contains("href=\"/hosts/web-01\""),
        "{page}"
    );
    let act = "POST /acknowledge?incident=web-01%2Fdisk";
    let (head, page) = browse(&address, act, &logged_in, Some(""));
    assert!(head.starts_with("HTTP/1.1 303"), "{head}\n{page}");
    let (_, page) = browse(&address, "GET /", &logged_in, None);
    assert!(
        page.contains("taken over</span> by <b><bdi>anna</bdi>"),
        "{page}"
    );
    let incidents = "GET /api/v1/incidents";
    let (_, open) = request(&address, incidents, &[&bearer(&token)], None);
    let acknowledgement = &open["incidents"][0]["acknowledgement"];
    assert_eq!(acknowledgement["by"], "anna");
    assert_eq!(acknowledgement["via"], "the page");

    let silence = "POST /hosts/web-01/silence";
    let (head, page) = browse(&address, silence, &logged_in, Some("length=1h&why=disks"));
    assert!(head.contains("location: /hosts/web-01"), "{head}\n{page}");
    let (_, page) = browse(&address, "GET /hosts/web-01", &logged_in, None);
    assert!(
        page.contains("silenced until") && page.contains("<bdi>disks</bdi>"),
        "{page}"
    );
    let (_, page) = browse(&address, "GET /hosts?state=silenced", &logged_in, None);
    assert!(page.contains("<bdi>web-01</bdi>"), "{page}");
    let (head, _) = browse(
        &address,
        "POST /hosts/web-01/end-silence",
        &logged_in,
        Some(""),
    );
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    let (_, page) = browse(&address, "GET /hosts?state=silenced", &logged_in, None);
    assert!(page.contains("There are no such hosts."), "{page}");
    for wrong in [
        "length=soon",
        "length=0s",
        "length=10years",
        "length=1h&x=1",
        "",
    ] {
        let (head, _) = browse(&address, silence, &logged_in, Some(wrong));
        assert!(head.starts_with("HTTP/1.1 422"), "{wrong}: {head}");
    }
}
