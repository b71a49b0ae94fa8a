//! The settings of a pushover channel, and what the service would refuse.

use annunciator_sdk::{Problem, Secret, Severity, logins};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use crate::encryption::Key;
use crate::priority::{Priorities, Priority};
use crate::recipient;

/// Limits of <https://pushover.net/api>, in characters and seconds.
pub(crate) const MAX_TITLE_LENGTH: usize = 250;
const MAX_URL_LENGTH: usize = 512;
const MAX_URL_TITLE_LENGTH: usize = 100;
const MAX_DEVICE_LENGTH: usize = 25;
const MIN_RETRY_SECONDS: u32 = 30;
const MAX_EXPIRE_SECONDS: u32 = 10_800;
const MAX_REPEATS: u32 = 50;
const KEY_LENGTH: usize = 30;

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

/// As long as the 50 repeats, at which the service stops, last.
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
    /// Token of your application, from <https://pushover.net/apps>.
    pub token: Secret<String>,
    /// Key of the user or group; several are separated by commas.
    pub user: Secret<String>,
    /// Names of devices, separated by commas. Default: all of the user's.
    pub device: Option<String>,
    /// Priority of every message, from -2 to 2 or lowest to emergency. Default:
    /// by severity, see priorities.
    pub priority: Option<Priority>,
    /// Priority by severity.
    #[serde(default)]
    pub priorities: Option<Priorities>,
    /// Seconds between two alarms of an emergency, at least 30. Default: 60.
    #[serde(default = "retry")]
    #[schemars(range(min = 30))]
    pub retry: u32,
    /// Seconds until an emergency is no longer repeated, at most 10800.
    /// Default: 3000.
    #[serde(default = "expire")]
    #[schemars(range(min = 1, max = 10800))]
    pub expire: u32,
    /// Address that Pushover calls when an emergency is acknowledged.
    pub callback: Option<String>,
    /// Tags of emergencies, for a cancellation by tag.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether an emergency is cancelled when its incident recovers. Default:
    /// true.
    #[serde(default = "yes")]
    pub cancel_on_recovery: bool,
    /// Sound in place of the device's own.
    pub sound: Option<String>,
    /// Link under the message, when the notification has none of its own.
    pub url: Option<String>,
    /// Text of that link.
    pub url_title: Option<String>,
    /// Seconds after which the message disappears from the devices; no meaning
    /// for emergencies.
    #[schemars(range(min = 1))]
    pub ttl: Option<u32>,
    /// Keeps Pushover's tags (b, i, u, font, a) in a text and shows them.
    #[serde(default)]
    pub html: bool,
    /// Shows the text in a monospace font.
    #[serde(default)]
    pub monospace: bool,
    /// Shows the time of the event, not that of the delivery. Default: true.
    #[serde(default = "yes")]
    pub timestamp: bool,
    /// Key of the end-to-end encryption, as typed into the app: 64 hexadecimal
    /// digits.
    pub encryption_key: Option<Secret<String>>,
    /// Title of every message. Default: the notification's, else its host.
    pub title: Option<String>,
    /// Address of the API. Default: <https://api.pushover.net>.
    #[serde(default = "api_url")]
    pub api_url: String,
    /// File of PEM certificates to trust besides the system's, for a proxy.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

impl Config {
    /// The logins in its addresses, which the service may repeat.
    pub(crate) fn logins(&self) -> Vec<String> {
        // A login in `api_url` is refused.
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

    /// The priority of a message or a problem of this severity.
    pub(crate) fn priority_of(&self, severity: Severity) -> Priority {
        match (self.priority, &self.priorities) {
            (Some(priority), _) => priority,
            (None, Some(table)) => table.of_severity(severity),
            (None, None) => Priorities::default().of_severity(severity),
        }
    }

    /// All that the service would refuse, and what is likely a mistake.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        self.keys(&mut found);
        self.devices(&mut found);
        self.emergency(&mut found);
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
                Problem::error("encryption_key", "is no key")
                    .help("64 hexadecimal digits, the same as in the app's settings"),
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
            let problem = Problem::error("device", "is no name that a device can have");
            found.push(problem.help(
                "1 to 25 letters, digits, _ and -, as shown at https://pushover.net; \
                 commas between several",
            ));
        }
    }

    fn emergency(&self, found: &mut Vec<Problem>) {
        if self.priority.is_some() && self.priorities.is_some() {
            found.push(
                Problem::error("priorities", "cannot be used together with priority")
                    .help("keep priority for one priority always, priorities for one by severity"),
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
                    .help("from 1 to 10800 seconds, which are 3 hours"),
            );
        }
        let repeats = self.expire.checked_div(self.retry).unwrap_or_default();
        if self.any_emergency() && repeats > MAX_REPEATS {
            let what = format!("asks for more than {MAX_REPEATS} repeats, where Pushover stops");
            found.push(Problem::warning("expire", what).help("raise retry or lower expire"));
        }
        if self.callback.as_deref().is_some_and(|url| !is_web(url)) {
            found.push(
                Problem::error("callback", "is no http or https address")
                    .help("such as https://monitor.example.com/acknowledged"),
            );
        }
        for (number, tag) in self.tags.iter().enumerate() {
            if tag.trim().is_empty() || tag.contains(',') {
                let path = format!("tags[{number}]");
                found.push(Problem::error(path, "is empty or holds a comma"));
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

    fn texts(&self, found: &mut Vec<Problem>) {
        let limits = [
            ("title", &self.title, MAX_TITLE_LENGTH),
            ("url", &self.url, MAX_URL_LENGTH),
            ("url_title", &self.url_title, MAX_URL_TITLE_LENGTH),
        ];
        for (field, text, limit) in limits {
            let length = text.as_deref().unwrap_or_default().chars().count();
            if length > limit {
                let what = format!("has {length} characters, more than the {limit} of Pushover");
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
            let what = format!("{sound} is none of Pushover's own sounds");
            found.push(
                Problem::warning("sound", what)
                    .help("fine if you uploaded it; else see https://pushover.net/api#sounds"),
            );
        }
    }

    fn address(&self, found: &mut Vec<Problem>) {
        let Ok(url) = Url::parse(&self.api_url) else {
            found.push(Problem::error("api_url", "is not an address").help("such as https://host"));
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
                .help("such as https://api.pushover.net"),
            );
        } else if url.scheme() == "http" && !is_loopback(&url) {
            found.push(
                Problem::warning("api_url", "sends token and user key unencrypted")
                    .help("use https"),
            );
        }
    }
}

const NO_KEY: &str = "does not look like a key of Pushover, which has 30 letters and digits";
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
