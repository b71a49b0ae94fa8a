//! Pages of hosts and channels, and what they show of the plan and of the configuration.

use serde_json::json;

use crate::{
    datagrams::{busy, heartbeat},
    monitor::{CALM, Home, Monitor, QUICK, wait_for, yaml},
    web::{address, bearer, exchange, request, send_form, token},
};

/// A monitor with 205 hosts besides its two, and a channel that is quiet at night.
struct Pages {
    _home: Home,
    _monitor: Monitor,
    address: String,
    credential: String,
}

fn started() -> Pages {
    let quiet = "delivery: {quiet_hours: {from: '22:00', to: '07:00', timezone: UTC}}";
    let mut yaml = yaml(CALM).replace(
        "notes: HOME/notes}",
        &format!("token: t0p-s3cret, notes: HOME/notes}}\n  night: {{type: steady, text: hello, {quiet}}}"),
    );
    for number in 0..205 {
        yaml.push_str(&format!("  rack-{number:03}: {{watch: true}}\n"));
    }
    let night = "  night-01: {watch: true, notification_channels: [night]}\n  db:5432: {}\n";
    let home = Home::with(&format!("{yaml}{night}web: {{listen: '127.0.0.1:0'}}\n"));
    let monitor = home.start();
    let address = address(&monitor);
    let credential = bearer(&token(&home, "anna", "act"));
    Pages {
        _home: home,
        _monitor: monitor,
        address,
        credential,
    }
}

impl Pages {
    fn page(&self, path: &str) -> String {
        let headers = [&*self.credential, "accept: text/html"];
        let (head, page) = exchange(&self.address, &format!("GET {path}"), &headers);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{page}");
        page
    }

    /// Sends a form; the head and the page of the answer.
    fn submit(&self, path: &str, form: &str) -> (String, String) {
        let line = format!("POST {path}");
        let headers = [&*self.credential, "accept: text/html"];
        let length = format!(
            "content-length: {}\r\ncontent-type: application/x-www-form-urlencoded",
            form.len()
        );
        send_form(&self.address, &line, &headers, &length, form)
    }

    fn json(&self, line: &str, body: Option<&serde_json::Value>) -> (u16, serde_json::Value) {
        request(&self.address, line, &[&self.credential], body)
    }
}

/// The number of hosts in a table.
fn rows(page: &str) -> usize {
    page.matches("id=\"host-").count()
}

#[test]
fn hosts_are_found_by_words_and_shown_a_hundred_at_a_time() {
    let pages = started();
    let first = pages.page("/hosts?name=rack");
    assert_eq!(rows(&first), 100);
    assert!(first.contains("1 to 100 of 205"), "{first}");
    assert!(
        first.contains("/hosts?state=&amp;name=rack&amp;page=2"),
        "{first}"
    );
    let last = pages.page("/hosts?name=rack&page=3");
    assert_eq!(rows(&last), 5);
    assert!(last.contains("201 to 205 of 205"), "{last}");
    assert_eq!(rows(&pages.page("/hosts?name=rack&page=99")), 5);
    assert_eq!(rows(&pages.page("/hosts?name=db%3A54")), 1);
    let of_channel = pages.page("/hosts?name=channel%3Anight");
    assert_eq!(rows(&of_channel), 1);
    assert!(of_channel.contains("night-01"), "{of_channel}");
    let bar = "aria-label=\"The last 24 hours: not recorded 1 d\"";
    assert!(of_channel.contains(bar), "{of_channel}");
    let both = pages.page("/hosts?name=state%3Anew+channel%3Aa+rack-20&state=new");
    assert_eq!(rows(&both), 5, "{both}");
    for (wrong, why) in [
        (
            "state%3Abroken",
            "there is no state `broken`: the states are up, late,",
        ),
        ("channel%3Anobody", "there is no channel or group `nobody`"),
        (
            "color%3Ared",
            "hosts are not filtered by `color`: write state:NAME",
        ),
    ] {
        let by_state = wrong.strip_prefix("state%3A");
        let by_state = by_state.map(|state| pages.page(&format!("/hosts?state={state}")));
        assert!(by_state.is_none_or(|page| page.contains(why)));
        let page = pages.page(&format!("/hosts?name={wrong}"));
        assert!(page.contains(why), "{page}");
        assert_eq!(rows(&page), 0);
        let preview = pages.page(&format!("/silences?name={wrong}"));
        assert!(preview.contains(why), "{preview}");
        let (status, problem) = pages.json(&format!("GET /api/v1/hosts?filter={wrong}"), None);
        assert_eq!(status, 422, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(why),
            "{problem}"
        );
    }
    let listed = |filter: &str| pages.json(&format!("GET /api/v1/hosts{filter}"), None).1;
    let count = |filter: &str| listed(filter)["hosts"].as_array().unwrap().len();
    assert_eq!(count("?filter=channel:a%20rack-20"), 5);
    assert_eq!(count(""), 209);
}

#[test]
fn a_filter_that_covers_every_host_silences_them_only_if_that_is_typed() {
    let pages = started();
    let silence = |form: &str| pages.submit("/silences", form).0;
    // Every host is new.
    for all in ["name=", "name=state%3Anew"] {
        let head = silence(&format!("{all}&length=1h"));
        assert!(head.starts_with("HTTP/1.1 422"), "{all}: {head}");
    }
    let head = silence("name=color%3Ared&length=1h");
    assert!(head.starts_with("HTTP/1.1 422"), "{head}");
    let head = silence("name=channel%3Anight&length=1h");
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    let (_, silenced) = pages.json("GET /api/v1/silences", None);
    let silenced = silenced["silences"].as_array().unwrap();
    assert_eq!(silenced.len(), 1, "{silenced:?}");
    assert_eq!(silenced[0]["host"], "night-01");
}

#[test]
fn what_would_be_sent_is_shown_for_any_time_of_the_day() {
    let pages = started();
    let at = |at: &str| pages.page(&format!("/hosts/night-01?severity=warning&at={at}"));
    let day = at("2026-11-30T12:00");
    assert!(day.contains("<bdi>notified</bdi>"), "{day}");
    let night = at("2026-11-30T03:00");
    assert!(night.contains("suppressed by quiet_hours"), "{night}");
    assert!(night.contains("value=\"2026-11-30T03:00\""), "{night}");
    let recovery = pages.page("/hosts/night-01?recovery=yes&at=2026-11-30T12%3A00");
    assert!(recovery.contains("<bdi>notified</bdi>"), "{recovery}");

    let route = |query: &str| pages.json(&format!("GET /api/v1/route?{query}"), None);
    let night_ms = 1_764_471_600_000_i64;
    let (status, plan) = route(&format!("host=night-01&severity=warning&at_ms={night_ms}"));
    assert_eq!((status, &plan["notified"]), (200, &json!(false)), "{plan}");
    assert_eq!(plan["channels"][0]["channel"], "night");
    let (_, plan) = route("channels=a,night&severity=critical&at_ms=1764504000000");
    assert_eq!(plan["channels"].as_array().unwrap().len(), 2, "{plan}");
    let (status, problem) = route("channels=nobody");
    assert_eq!(status, 422);
    assert!(problem["detail"].as_str().unwrap().contains("nobody"));
    for wrong in ["severity=loud", "at_ms=-1", "at_ms=soon", "x=1"] {
        let (status, problem) = route(wrong);
        assert_eq!(status, 400, "{wrong}: {problem}");
    }
}

#[test]
fn a_channel_is_tried_with_a_text_and_what_came_of_it_is_shown() {
    let pages = started();
    let line = "POST /api/v1/channels/a/test";
    let (status, tested) = pages.json(
        line,
        Some(&json!({ "message": "hello from here", "title": "Drill" })),
    );
    assert_eq!(
        (status, &tested["delivered"]),
        (200, &json!(true)),
        "{tested}"
    );
    let (_, deliveries) = pages.json("GET /api/v1/deliveries?channel=a", None);
    assert_eq!(deliveries["deliveries"][0]["body"], "hello from here");
    assert_eq!(deliveries["deliveries"][0]["title"], "Drill");
    let (status, _) = pages.json(line, Some(&json!({ "text": "x" })));
    assert_eq!(status, 422);
    let unknown = "POST /api/v1/channels/nobody/test";
    assert_eq!(pages.json(unknown, Some(&json!({}))).0, 404);
    let (head, page) = pages.submit("/channels/a/test", "message=");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{page}");
    assert!(page.contains(">delivered</span>"), "{page}");
    let (_, acts) = pages.json("GET /api/v1/acts", None);
    assert_eq!(acts["acts"][0]["act"], "test");
    assert_eq!(acts["acts"][0]["about"], "a");
}

#[test]
fn the_configuration_is_answered_without_secrets() {
    let pages = started();
    let (status, config) = pages.json("GET /api/v1/config", None);
    assert_eq!(status, 200);
    let text = config.to_string();
    assert!(!text.contains("t0p-s3cret"), "{text}");
    assert_eq!(config["channels"][0]["name"], "a");
    assert_eq!(config["default_channels"], json!(["a"]));
    assert_eq!(config["hosts"]["night-01"]["channels"], json!(["night"]));
    assert!(!pages.page("/configuration").contains("t0p-s3cret"));
}

#[test]
fn plugins_are_listed_with_the_hashes_of_their_files() {
    let pages = started();
    let (status, list) = pages.json("GET /api/v1/plugins", None);
    assert_eq!(status, 200);
    let plugins = list["plugins"].as_array().unwrap().iter();
    let mut steady = plugins.filter(|one| one["channel_types"] == json!(["steady"]));
    let steady = steady.next().unwrap();
    let hash = steady["sha256"].as_str().unwrap();
    assert_eq!(hash.len(), 64, "{steady}");
    assert_eq!(list["rejected"], json!([]));
    let page = pages.page("/channels");
    assert!(
        page.contains(hash) && page.contains("No lock file is in use"),
        "{page}"
    );
    assert!(page.contains("data-label=\"Waiting\">nothing<"), "{page}");
}

#[test]
fn what_waits_for_a_channel_is_counted() {
    let stuck = yaml(CALM).replace(
        "type: steady, text: hello, notes: HOME/notes",
        "type: ill_behaved, how: never_answers",
    );
    let home = Home::with(&format!("{stuck}web: {{listen: '127.0.0.1:0'}}\n"));
    let monitor = home.start();
    let address = address(&monitor);
    let pages = Pages {
        credential: bearer(&token(&home, "anna", "act")),
        address,
        _home: home,
        _monitor: monitor,
    };
    let notify = "POST /api/v1/notifications";
    for _ in 0..2 {
        assert_eq!(pages.json(notify, Some(&json!({ "message": "x" }))).0, 202);
    }
    let page = pages.page("/channels");
    assert!(page.contains(">2</a>, the oldest for "), "{page}");
}

#[test]
fn the_day_of_a_host_has_what_it_was() {
    let home = Home::with(&format!("{}web: {{listen: '127.0.0.1:0'}}\n", yaml(QUICK)));
    let monitor = home.start();
    let address = address(&monitor);
    monitor.send(&heartbeat("web-01", 1));
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
    let pages = Pages {
        credential: bearer(&token(&home, "anna", "read")),
        address,
        _home: home,
        _monitor: monitor,
    };
    for path in ["/hosts?name=web-01", "/hosts/web-01"] {
        let page = pages.page(path);
        let (_, rest) = page.split_once("aria-label=\"The last 24 hours: ").unwrap();
        let (label, rest) = rest.split_once('"').unwrap();
        assert!(label.starts_with("not recorded 23 h 59 min"), "{label}");
        assert!(label.contains("overdue"), "{label}");
        assert!(rest.contains("class=\"bar-bad\""), "{rest}");
    }
}

#[test]
fn a_host_s_metrics_stand_with_their_thresholds_the_worst_first() {
    let home = Home::with(&format!("{}web: {{listen: '127.0.0.1:0'}}\n", yaml(CALM)));
    let monitor = home.start();
    let mut datagram = busy("web-01", 1, 85.0);
    datagram
        .metrics
        .insert(0, ("a_monitor.unruled".into(), 66.666_666));
    monitor.send(&datagram);
    let pages = Pages {
        address: address(&monitor),
        credential: bearer(&token(&home, "anna", "read")),
        _home: home,
        _monitor: monitor,
    };
    let page = wait_for("the metrics", || {
        let page = pages.page("/hosts/web-01");
        page.contains("id=\"metrics\"").then_some(page)
    });
    let (_, table) = page.split_once("id=\"metrics\"").unwrap();
    let (ruled, unruled) = table.split_once("a_monitor.unruled").unwrap();
    for part in [
        "cpu_monitor.cpu_percent",
        "85.0",
        ">WARNING</span>",
        "WARNING &gt; 80.0, CRITICAL &gt; 90.0",
        "low=\"80\" high=\"90\"",
    ] {
        assert!(ruled.contains(part), "{part}: {ruled}");
    }
    let (value, _) = unruled.split_once("</tr>").unwrap();
    assert!(
        value.contains("66.67") && !value.contains("meter"),
        "{value}"
    );
}

#[test]
fn the_file_is_compared_with_what_is_in_force_and_reloaded_on_the_page() {
    let written = format!("{}web: {{listen: '127.0.0.1:0'}}\n", yaml(CALM));
    let home = Home::with(&written);
    let monitor = home.start();
    let [reader, actor] = ["read", "act"].map(|scope| bearer(&token(&home, scope, scope)));
    let pages = Pages {
        address: address(&monitor),
        credential: actor,
        _home: home,
        _monitor: monitor,
    };
    let home = &pages._home;
    let file = || pages.page("/configuration/file");
    assert!(
        pages
            .page("/configuration")
            .contains("href=\"/configuration/file\"")
    );
    assert!(file().contains(">in force</span>"), "{}", file());

    let secret = "token: t0p-s3cret, text: hello";
    home.configure(&written.replace("text: hello", secret));
    assert!(file().contains(">changed</span>"), "{}", file());
    let (head, page) = pages.submit("/configuration/reload", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{page}");
    assert!(
        page.contains("0 channels kept, 1 opened, 1 closed"),
        "{page}"
    );
    assert!(page.contains(">in force</span>"), "{page}");

    home.configure(&written.replace("text: hello", &format!("{secret}, colour: s3cond")));
    let rejected = file();
    for part in [
        "would be rejected",
        "has an error",
        "colour",
        "<pre class=\"snippet\"",
    ] {
        assert!(rejected.contains(part), "{part}: {rejected}");
    }
    assert!(!rejected.contains("s3c"), "{rejected}");
    let (head, page) = pages.submit("/configuration/reload", "");
    assert!(head.starts_with("HTTP/1.1 422"), "{head}\n{page}");
    assert!(
        page.contains("the old configuration stays in force"),
        "{page}"
    );

    let (_, acts) = pages.json("GET /api/v1/acts", None);
    assert_eq!(acts["acts"][0]["act"], "reload");
    let pages = Pages {
        credential: reader,
        ..pages
    };
    assert!(
        pages
            .page("/configuration/file")
            .contains("would be rejected")
    );
    let (head, _) = pages.submit("/configuration/reload", "");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
}
