//! The validation of the settings: what the server would refuse, and what is likely a mistake.

use annunciator_sdk::Problem;
use url::Url;

use crate::address::Address;
use crate::config::Config;
use crate::signs::Signs;
use crate::style::MessagePriority;

/// The maximum length of the name of a channel or team:
/// <https://docs.mattermost.com/collaborate/channel-naming-conventions.html>.
const MAX_NAME_LENGTH: usize = 64;

/// The maximum length of a reaction's or an acknowledging word's name. That of an emoji is the
/// server's `EmojiNameMaxLength`:
/// <https://github.com/mattermost/mattermost/blob/master/server/public/model/emoji.go>.
const MAX_SIGN_LENGTH: usize = 64;

/// The length of a server's tokens.
const TOKEN_LENGTH: usize = 26;

/// Returns everything that is wrong with the settings, and warnings about likely mistakes.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    address(config, &mut found);
    access(config, &mut found);
    channel(config, &mut found);
    looks(config, &mut found);
    priority(config, &mut found);
    acknowledging(config, &mut found);
    found
}

fn address(config: &Config, found: &mut Vec<Problem>) {
    match Address::parse(&config.host, config.scheme) {
        Err(bad) => found.push(Problem::error(bad.field, bad.what).help(bad.help)),
        Ok(address) if address.is_exposed() => {
            let field = if config.scheme.is_some() {
                "scheme"
            } else {
                "host"
            };
            found.push(Problem::warning(field, "sends the token unencrypted").help("use https"));
        }
        Ok(_) => {}
    }
}

fn access(config: &Config, found: &mut Vec<Problem>) {
    let by_hook = "copy the part after /hooks/ of the webhook's address";
    match (&config.token, &config.bot_token) {
        (Some(_), Some(_)) => found.push(
            Problem::error("bot_token", "cannot be used together with token")
                .help("keep token to post by a webhook, or bot_token to post as a bot"),
        ),
        (None, None) => found.push(
            Problem::error("token", "is missing")
                .help(format!("{by_hook}; or set bot_token and team")),
        ),
        _ => {}
    }
    for (field, token) in [("token", &config.token), ("bot_token", &config.bot_token)] {
        let Some(token) = token else { continue };
        let token = token.expose().trim();
        let shaped =
            token.len() == TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if token.is_empty() {
            found.push(Problem::error(field, "is empty").help(by_hook));
        } else if !shaped {
            let what = "does not look like a Mattermost token, which has 26 letters and digits";
            found.push(Problem::warning(field, what).help(match field {
                "token" => by_hook,
                _ => "copy the token that was shown when the bot was created",
            }));
        }
    }
    let by_bot = config.bot_token.is_some();
    match &config.team {
        None if by_bot => found.push(
            Problem::error("team", "is missing")
                .help("write the team's name as in its address: https://host/TEAM/channels/…"),
        ),
        Some(team) if by_bot && !is_name(team) => found.push(not_a_name("team", team)),
        Some(_) if !by_bot => found.push(
            Problem::warning("team", "has no effect without bot_token")
                .help("a webhook belongs to a team already"),
        ),
        _ => {}
    }
}

fn channel(config: &Config, found: &mut Vec<Problem>) {
    let channel = config.channel.as_str();
    let by_bot = config.bot_token.is_some();
    if channel.trim().is_empty() {
        let help = "write the channel's name as in its address, such as town-square";
        found.push(Problem::error("channel", "is empty").help(help));
    } else if let Some(user) = channel.strip_prefix('@') {
        if by_bot {
            found.push(
                Problem::error("channel", "must be a channel when a bot posts")
                    .help("a webhook (token) can write to @user"),
            );
        } else if user.is_empty() || user.contains(char::is_whitespace) {
            let help = "write @ and the name with which the person logs in";
            found.push(Problem::error("channel", "is not a user's name").help(help));
        }
    } else if !is_name(channel.strip_prefix('#').unwrap_or(channel)) {
        found.push(not_a_name("channel", channel));
    }
}

fn looks(config: &Config, found: &mut Vec<Problem>) {
    if config.icon.is_some() && config.icon_emoji.is_some() {
        found.push(
            Problem::error("icon_emoji", "cannot be used together with icon")
                .help("remove one of them: the server would show only the emoji"),
        );
    }
    let is_web =
        |text: &String| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if config.icon.as_ref().is_some_and(|icon| !is_web(icon)) {
        found.push(
            Problem::error("icon", "is not an http or https address").help(
                "write one such as https://example.com/icon.png; for an emoji, use icon_emoji",
            ),
        );
    }
    for (severity, color) in config.colors.all() {
        let digits = color.strip_prefix('#').unwrap_or_default();
        let valid = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !valid {
            let path = format!("colors.{severity}");
            found.push(
                Problem::error(path, "is not a colour")
                    .help("write one such as \"#d24b4e\", in quotes"),
            );
        }
    }
    if let Some(kind) = &config.post_type {
        if config.bot_token.is_some() {
            found.push(
                Problem::error("post_type", "cannot be used together with bot_token")
                    .help("only a webhook supports it"),
            );
        } else if kind.starts_with("system_") {
            found.push(
                Problem::error("post_type", "must not begin with system_")
                    .help("write one such as custom_alert"),
            );
        }
    }
    if config.bot_token.is_some() {
        let fields = [
            ("username", &config.username),
            ("icon", &config.icon),
            ("icon_emoji", &config.icon_emoji),
        ];
        for (field, value) in fields {
            if value.is_some() {
                found.push(
                    Problem::warning(field, "has no effect when a bot posts")
                        .help("set the bot's name and picture on the server"),
                );
            }
        }
    }
}

fn priority(config: &Config, found: &mut Vec<Problem>) {
    if config.priority.is_some() && config.priorities.is_some() {
        found.push(
            Problem::error("priorities", "cannot be used together with priority")
                .help("keep priority for a fixed priority, or priorities for one by severity"),
        );
    }
    let fixed = config.priority.into_iter();
    let by_severity = config.priorities.iter().flat_map(|table| table.all());
    let marks: Vec<MessagePriority> = fixed.chain(by_severity).collect();
    if config.requested_ack && !marks.iter().any(|mark| *mark != MessagePriority::Standard) {
        found.push(
            Problem::error(
                "requested_ack",
                "needs a message that is important or urgent",
            )
            .help("set priority or priorities"),
        );
    }
    if config.persistent_notifications && !marks.contains(&MessagePriority::Urgent) {
        found.push(
            Problem::error("persistent_notifications", "needs a message that is urgent")
                .help("set priority: urgent, or an urgent one in priorities"),
        );
    }
}

fn acknowledging(config: &Config, found: &mut Vec<Problem>) {
    let by_bot = config.bot_token.is_some();
    if config.acknowledge == Some(true) && !by_bot {
        found.push(
            Problem::error("acknowledge", "needs a bot: a webhook sees no reactions")
                .help("set bot_token and team in place of token"),
        );
    }
    if config.acknowledges() && Signs::new(config).is_empty() {
        found.push(
            Problem::error("acknowledge_reactions", "leaves nothing that acknowledges")
                .help("name a reaction, or a word in acknowledge_words; or set acknowledge: false"),
        );
    }
    let lists = [
        ("acknowledge_reactions", &config.acknowledge_reactions),
        ("acknowledge_words", &config.acknowledge_words),
    ];
    for (field, list) in lists {
        if list.is_some() && !config.acknowledges() {
            let help = match by_bot {
                true => "remove it, or acknowledge: false",
                false => "only a bot (bot_token) sees reactions and replies",
            };
            found.push(Problem::warning(field, "has no effect").help(help));
        }
        for (number, text) in list.iter().flatten().enumerate() {
            if text.chars().count() > MAX_SIGN_LENGTH {
                let path = format!("{field}[{number}]");
                let what = format!("has more than {MAX_SIGN_LENGTH} characters");
                found.push(Problem::error(path, what));
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
        })
}

fn not_a_name(field: &'static str, shown: &str) -> Problem {
    let likely: String = shown
        .trim()
        .trim_start_matches(['#', '~'])
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("-");
    Problem::error(field, format!("is not a name as in an address: {shown}")).help(format!(
        "write lower case letters, digits, - and _, as the browser shows it in the address: \
         perhaps {likely}"
    ))
}
