//! The settings of a pushover channel, and their validation.

use std::collections::BTreeMap;

use annunciator_sdk::{Problem, Secret, Severity, logins};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use crate::encryption::Key;
use crate::priority::{Priorities, Priority};
use crate::recipient;

/// The limits of the service, in characters and seconds: <https://pushover.net/api>.
pub(crate) const MAX_TITLE_LENGTH: usize = 250;
const MAX_URL_LENGTH: usize = 512;
const MAX_URL_TITLE_LENGTH: usize = 100;
const MAX_DEVICE_LENGTH: usize = 25;
const MIN_RETRY_SECONDS: u32 = 30;
const MAX_EXPIRE_SECONDS: u32 = 10_800;
const MAX_REPEATS: u32 = 50;
const KEY_LENGTH: usize = 30;

/// The maximum number of people with names: as many as a group of the service can have,
/// <https://support.pushover.net/i39-pushover-groups>, would be enough for anybody.
const MAX_PEOPLE: usize = 1000;

/// The sounds that every account has: <https://pushover.net/api#sounds>.
const SOUNDS: [&str; 23] = [
    "pushover",
    "bike",
    "bugle",
    "cashregister",
    "classical",
    "cosmic",
    "falling",
    "gamelan",
    "incoming",
    "intermission",
    "magic",
    "mechanical",
    "pianobar",
    "siren",
    "spacealarm",
    "tugboat",
    "alien",
    "climb",
    "persistent",
    "echo",
    "updown",
    "vibrate",
    "none",
];

fn api_url() -> String {
    "https://api.pushover.net".to_owned()
}

fn retry() -> u32 {
    60
}

/// Returns how long the 50 repeats last after which the service stops, in seconds.
fn expire() -> u32 {
    3000
}

fn yes() -> bool {
    true
}

/// The settings of a pushover channel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The API token of your application, from <https://pushover.net/apps>.
    pub token: Secret<String>,
    /// The key of a user or group. Several keys are separated by commas; at most 50.
    pub user: Secret<String>,
    /// The names of the devices that get the messages, separated by commas. Default: all of the
    /// user's devices.
    pub device: Option<String>,
    /// The priority of every message: a number from -2 to 2, or lowest, low, normal, high or
    /// emergency. Default: by severity, see priorities.
    pub priority: Option<Priority>,
    /// The priorities by severity; not together with priority. Default: info -1, warning 0,
    /// critical 1.
    #[serde(default)]
    pub priorities: Option<Priorities>,
    /// The interval between two alarms of an emergency, in seconds, at least 30. Default: 60.
    #[serde(default = "retry")]
    #[schemars(range(min = 30))]
    pub retry: u32,
    /// The time after which an emergency is no longer repeated, in seconds, at most 10800.
    /// Default: 3000.
    #[serde(default = "expire")]
    #[schemars(range(min = 1, max = 10800))]
    pub expire: u32,
    /// The address that Pushover requests when somebody acknowledges an emergency. Default: none.
    pub callback: Option<String>,
    /// The tags of emergencies, by which they can be cancelled. Default: none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether an emergency is cancelled when its incident recovers. Default: true.
    #[serde(default = "yes")]
    pub cancel_on_recovery: bool,
    /// Whether the other emergencies of an incident are cancelled when somebody has acknowledged
    /// it, here or by another channel. Default: true.
    #[serde(default = "yes")]
    pub cancel_on_acknowledgement: bool,
    /// The user keys of people, by the names that are shown when they acknowledge an emergency.
    /// Default: none, so that the device and the beginning of the key are shown.
    #[serde(default)]
    pub people: BTreeMap<String, Secret<String>>,
    /// The name of the sound of every message. Default: the device's own sound.
    pub sound: Option<String>,
    /// The link under the message, if the notification has no attribute `url`. Default: none.
    pub url: Option<String>,
    /// The text of the link. Default: none.
    pub url_title: Option<String>,
    /// The time after which a message disappears from the devices, in seconds; it does not apply to
    /// emergencies. Default: none, so that messages stay.
    #[schemars(range(min = 1))]
    pub ttl: Option<u32>,
    /// Whether Pushover's tags (b, i, u, font, a) in a text have their effect. Default: false.
    #[serde(default)]
    pub html: bool,
    /// Whether the text is shown in a monospace font; not together with html. Default: false.
    #[serde(default)]
    pub monospace: bool,
    /// Whether the message shows the time of the event instead of the time of the delivery.
    /// Default: true.
    #[serde(default = "yes")]
    pub timestamp: bool,
    /// The key of the end-to-end encryption, as typed into the app: 64 hexadecimal digits. Default:
    /// none, so that messages are not encrypted end to end.
    pub encryption_key: Option<Secret<String>>,
    /// The title of every message. Default: the notification's title, or else its host.
    pub title: Option<String>,
    /// The address of the API, for a proxy or a test. Default: <https://api.pushover.net>.
    #[serde(default = "api_url")]
    pub api_url: String,
    /// The path of a PEM file with certificates to trust besides the system's, for a proxy.
    /// Default: none.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

impl Config {
    /// Returns the logins in the addresses, which the service may repeat in its answers.
    pub(crate) fn logins(&self) -> Vec<String> {
        // `api_url` has no login: the validation refuses it.
        let addresses = [&self.callback, &self.url].into_iter().flatten();
        addresses.flat_map(|address| logins(address)).collect()
    }

    pub(crate) fn any_emergency(&self) -> bool {
        match (self.priority, &self.priorities) {
            (Some(priority), _) => priority == Priority::EMERGENCY,
            (None, Some(table)) => table.any_emergency(),
            (None, None) => false,
        }
    }

    /// Returns the priority of a message or a problem of this severity.
    pub(crate) fn priority_of(&self, severity: Severity) -> Priority {
        match (self.priority, &self.priorities) {
            (Some(priority), _) => priority,
            (None, Some(table)) => table.of_severity(severity),
            (None, None) => Priorities::default().of_severity(severity),
        }
    }

    /// Returns what the service would refuse, as errors, and what is likely a mistake, as warnings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        self.keys(&mut found);
        self.devices(&mut found);
        self.emergency(&mut found);
        self.known_people(&mut found);
        self.texts(&mut found);
        self.address(&mut found);
        found
    }

    fn keys(&self, found: &mut Vec<Problem>) {
        let token = self.token.expose();
        if token.trim().is_empty() {
            found.push(Problem::error("token", "is empty").help(FIND_TOKEN));
        } else if !is_key(token) {
            found.push(Problem::warning("token", NO_KEY).help(FIND_TOKEN));
        }
        let keys = recipient::keys(self.user.expose());
        if keys.is_empty() {
            found.push(Problem::error("user", "is empty").help(FIND_USER));
        }
        if keys.len() > recipient::MAX_RECIPIENTS {
            let most = recipient::MAX_RECIPIENTS;
            let what = format!("names {} keys, more than {most}", keys.len());
            found.push(Problem::error("user", what).help("make a group of them at Pushover"));
        }
        if let Some(key) = &self.encryption_key
            && Key::parse(key.expose()).is_none()
        {
            found.push(
                Problem::error("encryption_key", "is not a key")
                    .help("write 64 hexadecimal digits, the same as in the app's settings"),
            );
        }
        if keys.iter().any(|key| !is_key(key)) {
            found.push(Problem::warning("user", NO_KEY).help(FIND_USER));
        }
    }

    fn devices(&self, found: &mut Vec<Problem>) {
        let valid = |name: &str| {
            let letters = name.bytes();
            !name.is_empty()
                && name.len() <= MAX_DEVICE_LENGTH
                && letters
                    .into_iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        let devices = self.device.as_deref().unwrap_or_default();
        if !devices.is_empty() && !devices.split(',').map(str::trim).all(valid) {
            let problem = Problem::error("device", "is not a name that a device can have");
            found.push(problem.help(
                "write 1 to 25 letters, digits, _ and -, as shown at https://pushover.net; \
                 separate several names by commas",
            ));
        }
    }

    fn emergency(&self, found: &mut Vec<Problem>) {
        if self.priority.is_some() && self.priorities.is_some() {
            found.push(
                Problem::error("priorities", "cannot be used together with priority")
                    .help("keep priority for a fixed priority, or priorities for one by severity"),
            );
        }
        if self.retry < MIN_RETRY_SECONDS {
            found.push(
                Problem::error("retry", "is too small")
                    .help("Pushover repeats at most every 30 seconds"),
            );
        }
        if !(1..=MAX_EXPIRE_SECONDS).contains(&self.expire) {
            found.push(
                Problem::error("expire", "is out of range")
                    .help("write 1 to 10800 seconds, which are 3 hours"),
            );
        }
        let repeats = self.expire.checked_div(self.retry).unwrap_or_default();
        if self.any_emergency() && repeats > MAX_REPEATS {
            let what =
                format!("asks for more than {MAX_REPEATS} repeats, after which Pushover stops");
            found.push(Problem::warning("expire", what).help("raise retry or lower expire"));
        }
        if self.callback.as_deref().is_some_and(|url| !is_web(url)) {
            found.push(
                Problem::error("callback", "is not an http or https address")
                    .help("write one such as https://monitor.example.com/acknowledged"),
            );
        }
        for (number, tag) in self.tags.iter().enumerate() {
            if tag.trim().is_empty() || tag.contains(',') {
                let path = format!("tags[{number}]");
                found.push(Problem::error(path, "is empty or contains a comma"));
            }
        }
        if !self.any_emergency() && (self.callback.is_some() || !self.tags.is_empty()) {
            let field = if self.callback.is_some() {
                "callback"
            } else {
                "tags"
            };
            found.push(
                Problem::warning(field, "has no effect, since no message is an emergency")
                    .help("set priority: emergency, or an emergency in priorities"),
            );
        }
    }

    fn known_people(&self, found: &mut Vec<Problem>) {
        if self.people.len() > MAX_PEOPLE {
            let what = format!("names {} people, more than {MAX_PEOPLE}", self.people.len());
            found.push(Problem::error("people", what));
        }
        for (name, key) in &self.people {
            let path = format!("people.{name}");
            if name.trim().is_empty() {
                found.push(
                    Problem::error("people", "has a name that is blank")
                        .help("write the name under which others know the person"),
                );
            } else if !is_key(key.expose().trim()) {
                found.push(Problem::warning(path, NO_KEY).help(FIND_USER));
            }
        }
    }

    fn texts(&self, found: &mut Vec<Problem>) {
        let limits = [
            ("title", &self.title, MAX_TITLE_LENGTH),
            ("url", &self.url, MAX_URL_LENGTH),
            ("url_title", &self.url_title, MAX_URL_TITLE_LENGTH),
        ];
        for (field, text, limit) in limits {
            let length = text.as_deref().unwrap_or_default().chars().count();
            if length > limit {
                let what =
                    format!("has {length} characters, more than the {limit} that Pushover allows");
                found.push(Problem::error(field, what));
            }
        }
        if self.html && self.monospace {
            found.push(
                Problem::error("monospace", "cannot be used together with html")
                    .help("remove one of them"),
            );
        }
        if self.ttl == Some(0) {
            found.push(Problem::error("ttl", "must be at least 1 second"));
        }
        if let Some(sound) = &self.sound
            && !SOUNDS.contains(&sound.as_str())
        {
            let what = format!("{sound} is not one of Pushover's own sounds");
            found.push(
                Problem::warning("sound", what).help(
                    "ignore this if you uploaded it; else see https://pushover.net/api#sounds",
                ),
            );
        }
    }

    fn address(&self, found: &mut Vec<Problem>) {
        let Ok(url) = Url::parse(&self.api_url) else {
            found.push(
                Problem::error("api_url", "is not an address")
                    .help("write one such as https://host"),
            );
            return;
        };
        let has_login = !url.username().is_empty() || url.password().is_some();
        let extra = url.query().is_some() || url.fragment().is_some() || has_login;
        if !matches!(url.scheme(), "http" | "https") || extra {
            found.push(
                Problem::error(
                    "api_url",
                    "must be an http or https address without a login or a query",
                )
                .help("write one such as https://api.pushover.net"),
            );
        } else if url.scheme() == "http" && !is_loopback(&url) {
            found.push(
                Problem::warning("api_url", "sends token and user key unencrypted")
                    .help("use https"),
            );
        }
    }
}

const NO_KEY: &str = "does not look like a Pushover key, which has 30 letters and digits";
const FIND_TOKEN: &str = "copy the API token of your application from https://pushover.net/apps";
const FIND_USER: &str = "copy the user key from https://pushover.net, or a group's key";

fn is_key(text: &str) -> bool {
    text.len() == KEY_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_web(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
