//! Configurations in YAML of every shape, with canaries where secrets belong, and
//! something that is broken.

use fastrand::Rng;

/// What every canary begins with. It stands nowhere else.
pub const CANARY: &str = "Kanarie";

/// Channels by type, each with its fields: whether one is a secret, and what
/// stands there else.
const TYPES: [(&str, &[(&str, &str)]); 6] = [
    (
        "mattermost",
        &[
            ("host", "a.example.com"),
            ("token", SECRET),
            ("channel", "ops"),
        ],
    ),
    ("pushover", &[("token", SECRET), ("user", SECRET)]),
    (
        "email",
        &[
            ("recipients", "[ops@example.com]"),
            ("sender", "hb@example.com"),
            ("smtp_server", "mx.example.com"),
            ("smtp_user", "hb"),
            ("smtp_password", SECRET),
        ],
    ),
    (
        "webhook",
        &[
            ("url", "https://example.com/hook"),
            ("secrets", "{key: SECRET}"),
        ],
    ),
    (
        "steady",
        &[("text", "hello"), ("token", SECRET), ("port", "25")],
    ),
    ("emial", &[("password", SECRET)]),
];

/// Stands for a canary in [`TYPES`].
const SECRET: &str = "SECRET";

/// What is put in somewhere, or in the place of something.
const TOKENS: [&str; 40] = [
    "\t", " ", "  ", "\n", "\n\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{feff}", ":", ": ",
    ":\t", ",", "#", " # ", "- ", "-", "[", "]", "{", "}", "'", "\"", "|", ">-", "|\n", "&a ",
    "*a", "!x ", "!!str ", "? ", "<<: ", "%", "@", "`", "\\", "---\n", "...\n", "a",
];

/// Writes one configuration after the other.
#[derive(Debug)]
pub struct Shapes {
    rng: Rng,
    out: String,
    /// Anchors that were written, for aliases.
    anchors: Vec<String>,
}

impl Shapes {
    /// The same sequence for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            out: String::new(),
            anchors: Vec::new(),
        }
    }

    /// The next configuration.
    pub fn configuration(&mut self) -> String {
        self.out.clear();
        self.anchors.clear();
        if self.one_in(20) {
            self.out.push('\u{feff}');
        }
        if self.one_in(4) {
            self.comment();
            self.out.push('\n');
        }
        if self.one_in(3) {
            // Somewhere to take values from.
            self.out.push_str("x-shared:\n");
            for i in 0..self.rng.usize(1..3) {
                let name = format!("s{i}");
                let canary = self.canary();
                let scalar = self.quoted(&canary);
                self.out.push_str(&format!("  {name}: &{name} {scalar}\n"));
                self.anchors.push(name);
            }
        }
        self.out.push_str("notification_channels:");
        let channels = self.rng.usize(1..4);
        if self.one_in(4) {
            self.out.push_str(" {");
            for i in 0..channels {
                let name = format!("c{i}");
                self.flow_channel(&name);
                self.out.push_str(if i + 1 < channels { ", " } else { "" });
            }
            self.out.push('}');
            self.end();
        } else {
            self.end();
            for i in 0..channels {
                if self.one_in(2) {
                    self.out.push_str("  ");
                    self.flow_channel(&format!("c{i}"));
                    self.end();
                } else {
                    self.block_channel(&format!("c{i}"));
                }
            }
        }
        if self.one_in(2) {
            self.out.push_str("default_notification_channels: [c0]\n");
        }
        if self.one_in(2) {
            let canary = self.canary();
            let hosts = [
                "hosts: {web: {watch: true}}\n".to_owned(),
                "hosts:\n  web:\n    notification_channels: [c0, nobody]\n".to_owned(),
                "hosts:\n  web-*:\n    watch: yes\n".to_owned(),
                format!("hosts:\n  web:\n    password: {canary}\n"),
                format!("hosts: {{web: {{dyndns: false, tresholds: [{canary}]}}}}\n"),
                format!("hosts:\n  web: {canary}\n"),
            ];
            let hosts = self.rng.choice(&hosts).cloned();
            self.out.push_str(&hosts.unwrap_or_default());
        }
        if self.one_in(6) {
            let canary = self.canary();
            let name = self.name_like("token");
            self.out.push_str(&format!("{name}: {canary}\n"));
        }
        if self.one_in(2) {
            for _ in 0..self.rng.usize(1..4) {
                self.break_something();
            }
        }
        self.lines_end_otherwise();
        std::mem::take(&mut self.out)
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.rng.u32(0..many) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.rng.choice(from).copied().unwrap_or_default()
    }

    fn canary(&mut self) -> String {
        let behind = self.pick(&["", "", "X", "$", "!", "/a=b", "#c", ":d", "ä", "''"]);
        format!("{CANARY}{:06}{behind}", self.rng.u32(0..1_000_000))
    }

    /// A name, perhaps mistyped.
    fn name_like(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        if self.one_in(8) {
            let at = self.rng.usize(0..name.len());
            name.remove(at);
        }
        name
    }

    /// A text as a scalar of one line.
    fn quoted(&mut self, text: &str) -> String {
        match self.rng.u32(0..5) {
            0 => format!("'{}'", text.replace('\'', "''")),
            1 => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            _ => text.to_owned(),
        }
    }

    /// A secret where one belongs, in some way or other.
    fn secret(&mut self, is_block: bool, indent: usize) -> String {
        let canary = self.canary();
        let scalar = self.quoted(&canary);
        let below = " ".repeat(indent + 2);
        match self.rng.u32(0..25) {
            0 => format!("[{scalar}]"),
            18 => format!("x${{{canary}}}y"),
            1 => format!("{{{scalar}}}"),
            2 => format!("{{{scalar}: x}}"),
            3 => format!("{{a: {scalar}}}"),
            4 => format!("!!str {scalar}"),
            5 => format!("!mine {scalar}"),
            6 => format!("!!int {scalar}"),
            7 => {
                let name = format!("a{}", self.anchors.len());
                self.anchors.push(name.clone());
                format!("&{name} {scalar}")
            }
            8..=10 => match self.anchors.last() {
                Some(name) => format!("*{name}"),
                None => scalar,
            },
            11 if is_block => format!("|\n{below}{canary}"),
            12 if is_block => format!(">-\n{below}{canary}\n{below}{canary}"),
            13 if is_block => format!("\n{below}{scalar}"),
            14 if is_block => format!("\n{below}- {scalar}"),
            15 if is_block => format!("\n{below}{scalar}: {scalar}"),
            16 => format!("[[{scalar}, b], {{c: {scalar}}}]"),
            17 => format!("{scalar} {scalar}"),
            _ => scalar,
        }
    }

    fn colon(&mut self) -> &'static str {
        if self.one_in(6) {
            self.pick(&[":  ", ":\t", ": \t", " : ", ":"])
        } else {
            ": "
        }
    }

    fn fields(&mut self) -> Vec<(String, &'static str)> {
        let (name, fields) = *self.rng.choice(&TYPES).unwrap_or(&TYPES[0]);
        let mut all = vec![("type".to_owned(), name)];
        for (field, value) in fields {
            if !self.one_in(12) {
                all.push((self.name_like(field), value));
            }
        }
        if self.one_in(6) {
            all.push(("delivery".to_owned(), "{timeout: 30, canary: {evry: 3h}}"));
        }
        if self.one_in(6) {
            all.push(("colour".to_owned(), "SECRET"));
        }
        if self.one_in(3) {
            self.rng.shuffle(&mut all);
        }
        all
    }

    fn value(&mut self, value: &str, is_block: bool, indent: usize) -> String {
        match value {
            SECRET => self.secret(is_block, indent),
            value if value.contains(SECRET) => {
                let secret = self.secret(false, indent);
                value.replace(SECRET, &secret)
            }
            value if self.one_in(10) => self.quoted(value),
            value if self.one_in(20) => format!("[{value}]"),
            value => value.to_owned(),
        }
    }

    fn flow_channel(&mut self, name: &str) {
        let colon = self.colon();
        self.out.push_str(&format!("{name}{colon}{{"));
        let fields = self.fields();
        let last = fields.len().saturating_sub(1);
        for (i, (field, value)) in fields.into_iter().enumerate() {
            let (colon, value) = (self.colon(), self.value(value, false, 0));
            self.out.push_str(&format!("{field}{colon}{value}"));
            self.out.push_str(if i < last { ", " } else { "" });
        }
        self.out.push('}');
    }

    fn block_channel(&mut self, name: &str) {
        let indent = self.rng.usize(3..7);
        self.out.push_str(&format!("  {name}:"));
        self.end();
        for (field, value) in self.fields() {
            let (colon, value) = (self.colon(), self.value(value, true, indent));
            let field = match self.rng.u32(0..12) {
                0 => format!("\"{field}\""),
                1 => format!("'{field}'"),
                2 => format!("? {field}\n{}", " ".repeat(indent)),
                _ => field,
            };
            self.out
                .push_str(&format!("{}{field}{colon}{value}", " ".repeat(indent)));
            self.end();
        }
    }

    /// Ends a line, perhaps with a comment.
    fn end(&mut self) {
        if self.one_in(6) {
            self.out.push(' ');
            self.comment();
        }
        self.out.push('\n');
    }

    fn comment(&mut self) {
        // Some of these end a line in YAML, and with it the comment.
        let special = match self.rng.u32(0..16) {
            0 => "\u{2028}",
            1 => "\u{85}",
            2 => "\u{2029}# ",
            _ => self.pick(&["", "\t", "ä", "'", "\""]),
        };
        let canary = if self.one_in(4) {
            self.canary()
        } else {
            String::new()
        };
        self.out
            .push_str(&format!("# was token: {special}{canary}"));
    }

    /// A place in the text that is not within a canary.
    fn place(&mut self) -> usize {
        for _ in 0..8 {
            let at = self.rng.usize(0..=self.out.len());
            let start = at.saturating_sub(CANARY.len() + 8);
            let near = (start..at).filter_map(|from| self.out.get(from..));
            let is_within = near.into_iter().any(|rest| {
                rest.strip_prefix(CANARY)
                    .is_some_and(|rest| !rest.is_empty())
            });
            if self.out.is_char_boundary(at) && !is_within {
                return at;
            }
        }
        0
    }

    fn break_something(&mut self) {
        let at = self.place();
        match self.rng.u32(0..8) {
            0..=3 => {
                let token = self.pick(&TOKENS);
                self.out.insert_str(at, token);
            }
            // A character of punctuation or white space is gone.
            4 | 5 => {
                let next = self.out[at..].chars().next();
                if next.is_some_and(|c| !c.is_alphanumeric()) {
                    self.out.remove(at);
                }
            }
            6 => self.out.truncate(at),
            _ => {
                let line = self.out[at..].lines().next().unwrap_or_default().to_owned();
                self.out.insert_str(at, &format!("{line}\n"));
            }
        }
    }

    fn lines_end_otherwise(&mut self) {
        let end = match self.rng.u32(0..16) {
            0 | 1 => "\r\n",
            2 => "\r",
            3 => "\u{85}",
            4 => "\u{2028}",
            _ => return,
        };
        self.out = self.out.replace('\n', end);
    }
}
