//! Validates the settings: reports what a mail server would refuse, before anything is sent and
//! without any input or output.

use std::net::IpAddr;

use annunciator_sdk::Problem;
use lettre::message::header::HeaderName;

use crate::{
    address,
    config::{AuthMethod, Config, PORT_TLS, TlsMode},
    message::{PLACEHOLDERS, placeholders},
};

/// Headers that the plugin writes itself.
const OWN_HEADERS: [&str; 20] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "x-auto-response-suppress",
    "return-path",
    "received",
    "importance",
    "x-priority",
];

/// Returns every problem of these settings.
pub(crate) fn validate(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    addresses(config, &mut problems);
    server(config, &mut problems);
    login(config, &mut problems);
    tls(config, &mut problems);
    content(config, &mut problems);
    numbers(config, &mut problems);
    problems
}

fn addresses(config: &Config, problems: &mut Vec<Problem>) {
    if config.recipients.is_empty() {
        problems.push(
            Problem::error("recipients", "the list is empty")
                .help("name at least one address, such as `[ops@example.com]`"),
        );
    }
    for (field, list) in [
        ("recipients", &config.recipients),
        ("cc", &config.cc),
        ("bcc", &config.bcc),
        ("reply_to", &config.reply_to),
    ] {
        for (index, text) in list.iter().enumerate() {
            if let Err(error) = address::parse(text) {
                problems.push(address_problem(format!("{field}[{index}]"), error));
            }
        }
    }
    if let Err(error) = address::parse(&config.sender) {
        problems.push(address_problem("sender".to_owned(), error));
    }
    if let Some(text) = config
        .envelope_sender
        .as_deref()
        .filter(|text| *text != "<>")
        && let Err(error) = address::parse(text)
    {
        problems.push(address_problem("envelope_sender".to_owned(), error));
    }
}

fn address_problem(path: String, error: String) -> Problem {
    Problem::error(path, error).help("write `ops@example.com` or `Ops <ops@example.com>`")
}

fn server(config: &Config, problems: &mut Vec<Problem>) {
    let server = config.server();
    let is_literal = server.parse::<std::net::IpAddr>().is_ok();
    if server.is_empty() || server.contains(|c: char| c.is_whitespace() || c.is_control()) {
        problems.push(Problem::error(
            "smtp_server",
            "must be a host name or an IP address",
        ));
    } else if server.contains('@') {
        // The message never repeats the value, because it may contain a password.
        problems.push(
            Problem::error("smtp_server", "must not contain a user name or a password")
                .help("write them in `smtp_user` and `smtp_password`"),
        );
    } else if server.contains("://") || server.contains('/') {
        problems.push(
            Problem::error("smtp_server", "must be a host name, not a URL")
                .help("write only the host name, such as `smtp.example.com`"),
        );
    } else if server.contains(':') && !is_literal {
        problems.push(
            Problem::error("smtp_server", "must not contain a port")
                .help("write the port in `smtp_port`"),
        );
    }
    if config.smtp_port == Some(0) {
        problems.push(Problem::error("smtp_port", "there is no port 0"));
    }
    if config.smtp_port == Some(PORT_TLS) && config.smtp_tls == Some(TlsMode::StartTls) {
        problems.push(
            Problem::warning(
                "smtp_tls",
                "port 465 speaks TLS from the first byte, not STARTTLS",
            )
            .help("set `smtp_tls: tls`, or use port 587"),
        );
    }
    if config.smtp_port == Some(587) && config.smtp_tls == Some(TlsMode::Tls) {
        problems.push(
            Problem::warning(
                "smtp_tls",
                "port 587 speaks STARTTLS, not TLS from the first byte",
            )
            .help("set `smtp_tls: starttls`, or use port 465"),
        );
    }
    if let Some(hello) = &config.smtp_hello
        && (hello.is_empty() || !hello.chars().all(|c| c.is_ascii_graphic()))
    {
        problems.push(
            Problem::error("smtp_hello", "must be a host name")
                .help("write a name such as `monitor.example.com`"),
        );
    }
}

fn login(config: &Config, problems: &mut Vec<Problem>) {
    let (user, password, token) = (
        config
            .smtp_user
            .as_deref()
            .is_some_and(|user| !user.is_empty()),
        config.smtp_password.is_some(),
        config.smtp_token.is_some(),
    );
    if config.smtp_user.as_deref() == Some("") {
        problems.push(Problem::error("smtp_user", "the user name is empty"));
    }
    if password && token {
        problems.push(
            Problem::error(
                "smtp_token",
                "`smtp_token` and `smtp_password` exclude each other",
            )
            .help("keep the one that the server requires"),
        );
    }
    if (password || token) && !user {
        let field = if password {
            "smtp_password"
        } else {
            "smtp_token"
        };
        problems.push(
            Problem::error(field, "there is no user name for the login").help("set `smtp_user`"),
        );
    }
    if user && !password && !token {
        problems.push(
            Problem::error("smtp_user", "there is no password for the login")
                .help("set `smtp_password`, or `smtp_token` for XOAUTH2"),
        );
    }
    match config.smtp_auth {
        AuthMethod::Xoauth2 if !token => problems
            .push(Problem::error("smtp_auth", "`xoauth2` needs a token").help("set `smtp_token`")),
        AuthMethod::Plain | AuthMethod::Login if !password => problems.push(
            Problem::error("smtp_auth", "this mechanism needs a password")
                .help("set `smtp_password`"),
        ),
        _ => {}
    }
    let address = config.server().parse::<IpAddr>();
    let local = config.server() == "localhost" || address.is_ok_and(|ip| ip.is_loopback());
    if user && config.tls_mode() == TlsMode::None && !local {
        problems.push(
            Problem::error(
                "smtp_tls",
                "a password is never sent over an unencrypted connection",
            )
            .help("set `smtp_tls: starttls` or `tls`, or remove `smtp_user`"),
        );
    }
}

fn tls(config: &Config, problems: &mut Vec<Problem>) {
    match (&config.tls_client_cert, &config.tls_client_key) {
        (Some(_), None) => problems.push(Problem::error(
            "tls_client_cert",
            "a client certificate needs its key in `tls_client_key`",
        )),
        (None, Some(_)) => problems.push(Problem::error(
            "tls_client_key",
            "a client key needs its certificate in `tls_client_cert`",
        )),
        _ => {}
    }
    if config.tls_mode() == TlsMode::None {
        for (field, set) in [
            ("tls_ca_file", config.tls_ca_file.is_some()),
            ("tls_client_cert", config.tls_client_cert.is_some()),
            ("tls_server_name", config.tls_server_name.is_some()),
        ] {
            if set {
                problems.push(Problem::warning(
                    field,
                    "has no effect with `smtp_tls: none`",
                ));
            }
        }
    }
    if let Some(name) = &config.tls_server_name
        && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
    {
        problems.push(Problem::error("tls_server_name", "must be a host name"));
    }
}

fn content(config: &Config, problems: &mut Vec<Problem>) {
    for (field, text) in [
        ("subject", &config.subject),
        ("subject_prefix", &config.subject_prefix),
    ] {
        if text.chars().any(char::is_control) {
            problems.push(Problem::error(
                field,
                "must be a single line without control characters",
            ));
        }
    }
    for name in placeholders(&config.subject) {
        if !PLACEHOLDERS.contains(&name) {
            problems.push(
                Problem::error("subject", format!("`{{{name}}}` is not a placeholder")).help(
                    format!("the placeholders are {{{}}}", PLACEHOLDERS.join("}, {")),
                ),
            );
        }
    }
    for (name, value) in &config.headers {
        let path = format!("headers.{name}");
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            problems.push(
                Problem::error(path, "the channel writes this header itself")
                    .help("use the channel's settings, such as `reply_to` or `subject`"),
            );
        } else if name.is_empty()
            || name.contains(|c: char| !c.is_ascii_graphic() || c == ':')
            || HeaderName::new_from_ascii(name.clone()).is_err()
        {
            problems.push(Problem::error(path, "this is not a header name"));
        } else if value.chars().any(char::is_control) {
            problems.push(Problem::error(
                path,
                "must be a single line without control characters",
            ));
        }
    }
}

fn numbers(config: &Config, problems: &mut Vec<Problem>) {
    for (field, number) in [
        ("connections", u32::from(config.connections)),
        ("recipients_per_mail", u32::from(config.recipients_per_mail)),
        ("connect_timeout", config.connect_timeout),
        ("command_timeout", config.command_timeout),
        ("data_timeout", config.data_timeout),
    ] {
        if number == 0 {
            problems.push(Problem::error(field, "must be at least 1"));
        }
    }
}
