//! No secret reaches a person's eyes, whatever is wrong with the file: canaries in
//! the places of secrets, in YAML of every shape, and something that is broken.
//!
//! `ANNUNCIATOR_FULL=1` tries a hundred thousand; those that ever failed stand in
//! `tests/corpus/secrets` and are tried each time.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fmt::Write as _, fs, path::Path, thread};

use annunciator::{Catalog, EngineBuilder, Problems};
use annunciator_testkit::{effort::rounds, rig::Rig};
use annunciator_tests::yaml::{CANARY, Shapes};

const PLUGINS: [&str; 6] = [
    "annunciator-email",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-signal",
    "annunciator-webhook",
    "fixture-steady",
];

/// Cases of each of the threads.
fn cases() -> u64 {
    rounds(1_000, 25_000)
}

const THREADS: u64 = 4;

struct Bench {
    _rig: Rig,
    builder: EngineBuilder,
    plugins: Catalog,
}

impl Bench {
    fn new() -> Self {
        let rig = Rig::new(&PLUGINS).unwrap();
        let builder = annunciator_monitor::declare(rig.exactly("").unwrap());
        Self {
            plugins: builder.find_plugins(),
            builder,
            _rig: rig,
        }
    }

    /// All that anybody could see of a file.
    fn seen(&self, text: &str) -> String {
        let mut seen = String::new();
        let problems = match self.builder.check_text(text, &self.plugins) {
            Ok((config, warnings)) => {
                write!(seen, "{config:?}").unwrap();
                for channel in config.channels() {
                    write!(seen, "{channel:?}").unwrap();
                }
                warnings
            }
            Err(problems) => *problems,
        };
        seen.push_str(&of(&problems));
        seen
    }

    /// What is seen of a file's canaries, if anything is.
    fn leak(&self, text: &str) -> Option<String> {
        let seen = self.seen(text);
        let at = seen.find(CANARY)?;
        let from = seen[..at]
            .char_indices()
            .rev()
            .nth(300)
            .map_or(0, |(at, _)| at);
        Some(seen[from..].chars().take(500).collect())
    }
}

fn of(problems: &Problems) -> String {
    let mut seen = format!("{problems}\n{problems:?}\n{}\n", problems.source());
    for problem in problems.iter() {
        write!(seen, "{problem:?}").unwrap();
    }
    seen
}

#[test]
fn whatever_is_broken_no_canary_is_seen() {
    let bench = Bench::new();
    let leaks: Vec<(u64, String, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let bench = &bench;
                scope.spawn(move || {
                    let seeds = (0..cases()).map(|case| thread * 1_000_000 + case);
                    seeds
                        .filter_map(|seed| {
                            let text = Shapes::new(seed).configuration();
                            let leak = bench.leak(&text)?;
                            Some((seed, text, leak))
                        })
                        .take(3)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    for (seed, text, leak) in &leaks {
        println!("--- {seed}\n{text}\n{text:?}\n--- shows\n{leak}\n");
    }
    assert!(leaks.is_empty(), "{} files show a secret", leaks.len());
}

#[test]
fn those_that_ever_failed_show_nothing() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/secrets");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(CANARY), "{}", path.display());
        let leak = bench.leak(&text);
        assert!(
            leak.is_none(),
            "{}: {}",
            path.display(),
            leak.unwrap_or_default()
        );
        files += 1;
    }
    assert!(files > 10, "{files}");
}

#[test]
fn the_shapes_are_often_sound_and_often_not() {
    let bench = Bench::new();
    let texts = (0..400).map(|seed| Shapes::new(seed).configuration());
    let (mut sound, mut syntax, mut wrong) = (0, 0, 0);
    for text in texts {
        match bench.builder.check_text(&text, &bench.plugins) {
            Ok(_) => sound += 1,
            Err(problems) if problems.to_string().contains("this is not YAML") => syntax += 1,
            Err(_) => wrong += 1,
        }
    }
    assert!(
        sound > 10 && syntax > 80 && wrong > 80,
        "{sound} {syntax} {wrong}"
    );
}

/// Fields that take an address or a server, in channels that are sound without them.
const ADDRESSES: [(&str, &str); 8] = [
    ("mattermost, channel: a, token: x", "host"),
    ("mattermost, channel: a, token: x, host: h", "icon"),
    (
        "email, recipients: [a@b.example], sender: a@b.example",
        "smtp_server",
    ),
    (
        "email, recipients: [a@b.example], sender: a@b.example, smtp_server: h",
        "smtp_hello",
    ),
    ("pushover, token: x, user: y", "api_url"),
    (
        "pushover, token: x, user: y, priority: emergency",
        "callback",
    ),
    ("pushover, token: x, user: y", "url"),
    ("signal, user: +12025551234, note_to_self: true", "rpc"),
];

#[test]
fn a_login_in_an_address_is_shown_in_no_field() {
    let bench = Bench::new();
    let secret = format!("{CANARY}000123");
    let logins = [format!("u:{secret}"), secret.clone(), format!(":{secret}")];
    let mut sound = 0;
    for (channel, field) in ADDRESSES {
        for login in &logins {
            for scheme in ["https://", "http://", "smtp://", "tcp://", "//", "u:"] {
                for server in ["h.example", "h.example:1", "h.example:1/x", "h:x", ""] {
                    let address = format!("{scheme}{login}@{server}");
                    for quotes in ["\"", "'"] {
                        for more in ["", ", colour: red"] {
                            let text = format!(
                                "notification_channels:\n  c: {{type: {channel}, {field}: \
                                 {quotes}{address}{quotes}{more}}}\n"
                            );
                            let leak = bench.leak(&text);
                            assert!(leak.is_none(), "{text}\n{}", leak.unwrap_or_default());
                            let checked = bench.builder.check_text(&text, &bench.plugins);
                            sound += u32::from(checked.is_ok());
                        }
                    }
                }
            }
        }
    }
    assert!(sound > 10, "{sound}");
}

#[test]
fn a_token_in_the_way_into_a_server_is_not_shown() {
    let bench = Bench::new();
    let secret = format!("{CANARY}000124");
    let addresses = [
        format!("https://chat.example.com/hooks/{secret}"),
        format!("chat.example.com/hooks/{secret}"),
        format!("chat:8065/hooks/{secret}"),
        format!("chat/hooks/{secret}"),
        format!("https:/chat.example.com/hooks/{secret}"),
        format!("https://chat.example.com?token={secret}"),
        format!("https://chat.example.com/#{secret}"),
    ];
    for (channel, field) in ADDRESSES {
        for address in &addresses {
            for quotes in ["", "'", "\""] {
                let text = format!(
                    "notification_channels:\n  c:\n    {field}: {quotes}{address}{quotes}\n    \
                     <<: {{type: {channel}}}\n    colour: red\n"
                );
                // Where one word and a way is a name that is sound, nothing is hidden.
                let is_fine = address.starts_with("chat/") && field != "host";
                let leak = bench.leak(&text);
                assert!(
                    is_fine || leak.is_none(),
                    "{text}\n{}",
                    leak.unwrap_or_default()
                );
            }
        }
    }
}

#[test]
fn a_scalar_where_secrets_stand_below_is_one() {
    let bench = Bench::new();
    let secret = format!("{CANARY}000125");
    let hook = "type: webhook, url: 'https://h.example/', ";
    for text in [
        format!("monitor: {{keys: [\"all-2026:{secret}\"]}}"),
        format!("monitor: {{keys: {secret}}}"),
        format!("monitor: {secret}"),
        format!("notification_channels: {{c: {{{hook}sign: {secret}}}}}"),
        format!("notification_channels: {{c: {{{hook}sign: [{secret}]}}}}"),
        format!("notification_channels: {{c: {{{hook}secrets: {secret}}}}}"),
        format!("notification_channels: {{c: {{{hook}headers: {secret}}}}}"),
    ] {
        let leak = bench.leak(&text);
        assert!(leak.is_none(), "{text}\n{}", leak.unwrap_or_default());
        let checked = bench.builder.check_text(&text, &bench.plugins);
        assert!(checked.is_err(), "{text}");
    }
}

#[test]
fn a_name_of_what_holds_a_secret_is_shown_only_if_it_can_be_one() {
    let bench = Bench::new();
    let seen = |reference: &str| {
        bench.seen(&format!(
            "notification_channels: {{c: {{type: mattermost, host: h, channel: a, token: {{{reference}}}, \
             colour: red}}}}"
        ))
    };
    for form in ["env", "file", "credential"] {
        for name in [
            "hunter2secret",
            "Hunter",
            "xoxb-1234567-abcDEF",
            "JBSWY3DPEHPK3PXP",
            "s3cret pw",
            "all-2026:x",
            "0123456789abcdef0123456789abcdef",
            "YWJjZGVmZ2hpamtsbW5vcA==",
        ] {
            // This can be the name of a credential.
            if form != "credential" || !["hunter2secret", "Hunter"].contains(&name) {
                let seen = seen(&format!("{form}: \"{name}\""));
                assert!(!seen.contains(name), "{seen}");
            }
        }
    }
    for (form, name) in [
        ("env", "ANNUNCIATOR_TEST_NO_SUCH"),
        ("env", "S3_TOKEN_2"),
        ("env", "no_such_token"),
        ("file", "/no/such/token-1.txt"),
        ("credential", "smtp_password2"),
    ] {
        let seen = seen(&format!("{form}: {name}"));
        assert!(seen.contains(name), "{seen}");
    }
}
