//! The validation of the settings: what does not result in a request, and what is likely a mistake.
//! Each template is tried with two examples that have nothing in common.

use annunciator_sdk::Problem;

use crate::{
    config::{Config, Method},
    message::{Parts, Wrong, address},
    template::{evaluate, examples},
};

/// The headers that are derived from the rest of the request.
const DERIVED_HEADERS: [&str; 5] = [
    "content-type",
    "content-length",
    "host",
    "transfer-encoding",
    "connection",
];

/// Returns everything that is wrong with the settings, and warnings about likely mistakes.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    header_names(config, &mut found);
    statuses(config, &mut found);
    expressions(config, &mut found);
    if config.method == Method::Get && config.body.is_some() {
        found.push(
            Problem::warning("body", "is not sent with the method GET")
                .help("use POST, or remove it"),
        );
    }
    if config
        .sign
        .as_ref()
        .is_some_and(|sign| sign.key.expose().is_empty())
    {
        found.push(Problem::error("sign.key", "is empty").help("anybody could sign with it"));
    }
    requests(config, &mut found);
    found
}

fn requests(config: &Config, found: &mut Vec<Problem>) {
    let mut origins = Vec::new();
    for values in examples(config) {
        let mut wrongs = match Parts::of(config, &values) {
            Ok(parts) => {
                origins.push(parts.url.origin());
                Vec::new()
            }
            Err(wrongs) => wrongs,
        };
        let check = config.check_url.iter();
        wrongs.extend(check.filter_map(|url| address("check_url", url.expose(), &values).err()));
        if !wrongs.is_empty() {
            // The second example would show the same errors.
            found.extend(wrongs.iter().map(problem));
            return;
        }
    }
    if origins.windows(2).any(|pair| pair[0] != pair[1]) {
        found.push(
            Problem::error("url", "leads to different servers for different messages").help(
                "write scheme, name and port without templates: no message may choose the server",
            ),
        );
        return;
    }
    let is_plain = |url: &str| url.trim_start().to_ascii_lowercase().starts_with("http://");
    let has_secrets = !config.secrets.is_empty() || !config.headers.is_empty();
    if is_plain(config.url.expose()) && has_secrets {
        found.push(Problem::warning("url", "sends secrets unencrypted").help("use https"));
    }
}

fn problem(wrong: &Wrong) -> Problem {
    let problem = Problem::error(wrong.field.clone(), &wrong.what);
    if wrong.help.is_empty() {
        problem
    } else {
        problem.help(wrong.help)
    }
}

fn header_names(config: &Config, found: &mut Vec<Problem>) {
    let signed = config.sign.iter().flat_map(|sign| {
        let stamp = sign
            .timestamp_header
            .iter()
            .map(|name| ("sign.timestamp_header".to_owned(), name));
        std::iter::once(("sign.header".to_owned(), &sign.header)).chain(stamp)
    });
    let plain = config
        .headers
        .keys()
        .map(|name| (format!("headers.{name}"), name));
    for (field, name) in plain.chain(signed) {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            found.push(Problem::error(field, "is not a name of a header"));
        } else if DERIVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let problem = Problem::error(field, "is derived from the rest of the request");
            found.push(match name.eq_ignore_ascii_case("content-type") {
                true => problem.help("use content_type for the type of the body"),
                false => problem,
            });
        }
    }
    if config.content_type.is_empty()
        || !config
            .content_type
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte))
    {
        found.push(Problem::error("content_type", "is not a content type"));
    }
}

fn statuses(config: &Config, found: &mut Vec<Problem>) {
    for status in config.statuses.keys() {
        let is_class = matches!(status.as_str(), "1xx" | "2xx" | "3xx" | "4xx" | "5xx");
        let is_status = status
            .parse()
            .is_ok_and(|status: u16| (100..600).contains(&status));
        if !is_class && !is_status {
            found.push(
                Problem::error(format!("statuses.{status}"), "is not a status")
                    .help("write a status such as 409, or a class such as 5xx"),
            );
        }
    }
}

fn expressions(config: &Config, found: &mut Vec<Problem>) {
    for (name, expression) in config.answer.expressions() {
        // The answer is empty: only the syntax of the expression matters here.
        let nothing = minijinja::context! { answer => minijinja::context! {} };
        if let Err(what) = evaluate(expression, &nothing) {
            found.push(
                Problem::error(format!("answer.{name}"), what)
                    .help("write an expression without braces, such as answer.json.ok"),
            );
        }
    }
}
