//! The section `web` of the configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use annunciator::{Config, EngineBuilder, Section, SectionProblem};
use axum::http::HeaderName;
use ipnet::IpNet;
use nix::unistd::User;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{proxy::Proxy, scope::Scope, tls::TlsFiles};

/// The name of the section.
const WEB: &str = "web";

/// What a user of this machine may do over the Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum UserScope {
    /// Look at everything.
    Read,
    /// Look, and act.
    Act,
}

impl From<UserScope> for Scope {
    fn from(scope: UserScope) -> Self {
        match scope {
            UserScope::Read => Self::Read,
            UserScope::Act => Self::Act,
        }
    }
}

/// The files of a certificate and its key, in PEM. They are read again when they change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    /// The certificate, followed by those of its issuers.
    cert: String,
    /// The private key.
    key: String,
}

/// A proxy in front of this server, which is believed what it says of requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProxyFile {
    /// The addresses or networks from which it connects, such as `127.0.0.1` or `10.1.0.0/16`:
    /// nobody else is believed.
    from: Vec<String>,
    /// The header in which it names whoever has logged in there, such as `X-Forwarded-User`. It
    /// has to set the header in every request. Default: none.
    user: Option<String>,
    /// What those users may do: `read` or `act`, by their names; `*` stands for all others.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, UserScope>")]
    users: BTreeMap<String, UserScope>,
}

/// The `web` section as it stands in the file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebFile {
    /// The address at which the API is served, such as `127.0.0.1:9680`. Default: none; the
    /// control socket serves it in any case.
    listen: Option<String>,
    /// The address by which people reach it, such as `https://hbd.example.com`, for links in
    /// messages.
    external_url: Option<String>,
    /// Names by which it is reached besides its addresses, `localhost` and that of
    /// `external_url`. Requests for other names are refused.
    #[serde(default)]
    hosts: Vec<String>,
    /// What users of this machine besides root and the program's own may do over the control
    /// socket: `read` or `act`, by their names.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, UserScope>")]
    users: BTreeMap<String, UserScope>,
    /// The certificate with which `listen` is served through TLS. Default: none, and plain HTTP.
    tls: Option<TlsFile>,
    /// A proxy in front of `listen`, which is believed from where a request comes, and whose. By
    /// default, none is.
    proxy: Option<ProxyFile>,
}

/// The checked `web` section of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebConfig {
    /// The TCP address to serve at.
    pub listen: Option<SocketAddr>,
    /// The address by which people reach the server, without a slash at its end.
    pub external_url: Option<String>,
    /// The names by which it may be reached, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// What users of this machine may do over the Unix socket, by their numbers.
    pub users: Vec<(u32, Scope)>,
    /// The certificate with which the address is served through TLS.
    pub tls: Option<TlsFiles>,
    /// The proxy in front of it.
    pub proxy: Option<Proxy>,
}

/// Declares the section `web` of a configuration file.
pub fn declare(builder: EngineBuilder) -> EngineBuilder {
    let schema = schemars::schema_for!(WebFile).to_value();
    builder.section(Section::new(WEB, schema).check(|json| WebConfig::read(json).1))
}

impl WebConfig {
    /// Returns the section of a configuration, which must have been loaded with [`declare`].
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let nothing = Json::Object(serde_json::Map::new());
        Self::read(config.section(WEB).unwrap_or(&nothing)).0
    }

    /// Reads a section that is valid for its schema, and returns the problems that a schema
    /// cannot find.
    fn read(json: &Json) -> (Self, Vec<SectionProblem>) {
        let mut problems = Vec::new();
        let file = WebFile::deserialize(json).unwrap_or_else(|error| {
            problems.push(SectionProblem::error([""; 0], error.to_string()));
            WebFile::default()
        });
        let listen =
            file.listen.and_then(|text| {
                let parsed = text.parse::<SocketAddr>();
                if parsed.is_err() {
                    let problem =
                        SectionProblem::error(["listen"], format!("`{text}` is not an address"));
                    problems.push(problem.help(
                        "write an IP address and a port, such as 127.0.0.1:9680 or [::1]:9680",
                    ));
                }
                parsed.ok()
            });
        let external_url = file.external_url.and_then(|text| {
            let url = text.trim_end_matches('/').to_owned();
            if host_of(&url).is_some() {
                return Some(url);
            }
            let problem = SectionProblem::error(
                ["external_url"],
                format!("`{text}` is not the address of a server"),
            );
            problems
                .push(problem.help("write it from the scheme on, such as https://hbd.example.com"));
            None
        });
        let mut hosts: Vec<String> = file.hosts;
        hosts.extend(external_url.as_deref().and_then(host_of).map(str::to_owned));
        let mut users = Vec::new();
        for (name, scope) in file.users {
            let scope = Scope::from(scope);
            match User::from_name(&name) {
                Ok(Some(user)) => users.push((user.uid.as_raw(), scope)),
                Ok(None) | Err(_) => {
                    let sentence = format!("there is no user `{name}` on this machine");
                    // A user who has left must not keep the program from starting.
                    problems.push(SectionProblem::warning(["users", name.as_str()], sentence));
                }
            }
        }
        let tls = file.tls.map(|tls| TlsFiles {
            cert: absolute("cert", &tls.cert, &mut problems),
            key: absolute("key", &tls.key, &mut problems),
        });
        let is_protected = tls.is_some() || file.proxy.is_some();
        if let Some(address) = listen.filter(|address| !address.ip().is_loopback())
            && !is_protected
        {
            let sentence = format!(
                "{address} can be reached from other machines, and everybody on the way could read tokens"
            );
            let problem = SectionProblem::error(["listen"], sentence);
            problems.push(problem.help(
                "set `web.tls`, or `web.proxy` with the addresses of a proxy with TLS, or listen at 127.0.0.1",
            ));
        }
        let proxy = file.proxy.map(|proxy| read_proxy(proxy, &mut problems));
        let config = Self {
            listen,
            external_url,
            hosts,
            users,
            tls,
            proxy,
        };
        (config, problems)
    }
}

/// Returns the path of a file, which must not depend on where the program is started.
fn absolute(
    key: &'static str,
    text: &str,
    problems: &mut Vec<SectionProblem>,
) -> std::path::PathBuf {
    let path = Path::new(text);
    if !path.is_absolute() {
        let sentence = format!("`{text}` depends on the folder that the program is started in");
        let problem = SectionProblem::error(["tls", key], sentence);
        problems.push(problem.help("write the absolute path, from /"));
    }
    path.to_owned()
}

/// Headers that say something else, and must not name a user.
const TAKEN_HEADERS: [&str; 7] = [
    "authorization",
    "cookie",
    "host",
    "origin",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

fn read_proxy(file: ProxyFile, problems: &mut Vec<SectionProblem>) -> Proxy {
    let mut wrong = |path: Vec<String>, sentence: String, help: &str| {
        let path = std::iter::once("proxy".to_owned()).chain(path);
        let path: Vec<String> = path.collect();
        problems.push(SectionProblem::error(path, sentence).help(help));
    };
    let from_key = || vec!["from".to_owned()];
    if file.from.is_empty() {
        let sentence = "no address is named, so that nobody is believed".to_owned();
        wrong(
            from_key(),
            sentence,
            "write the proxy's address, such as 127.0.0.1",
        );
    }
    let mut from = Vec::new();
    for (at, text) in file.from.iter().enumerate() {
        let path = vec!["from".to_owned(), at.to_string()];
        let net = text.parse::<IpNet>();
        match net.or_else(|_| text.parse().map(|ip: std::net::IpAddr| IpNet::from(ip))) {
            Ok(net) if net.prefix_len() == 0 => {
                let sentence = format!("`{text}` is everybody, who would be believed");
                wrong(
                    path,
                    sentence,
                    "write the proxy's address, such as 127.0.0.1",
                );
            }
            Ok(net) => from.push(net),
            Err(_) => {
                let sentence = format!("`{text}` is neither an address nor a network");
                wrong(path, sentence, "write it such as 127.0.0.1 or 10.1.0.0/16");
            }
        }
    }
    let mut proxy = Proxy::new(from);
    let user_key = || vec!["user".to_owned()];
    if let Some(text) = &file.user {
        match text.parse::<HeaderName>() {
            Ok(name) if TAKEN_HEADERS.contains(&name.as_str()) => {
                let sentence = format!("`{text}` does not name a user");
                wrong(
                    user_key(),
                    sentence,
                    "write the header that the proxy sets, such as X-Forwarded-User",
                );
            }
            Ok(name) => proxy = proxy.user(name),
            Err(_) => {
                let sentence = format!("`{text}` is not the name of a header");
                wrong(user_key(), sentence, "write it such as X-Forwarded-User");
            }
        }
    }
    match (&file.user, file.users.is_empty()) {
        (Some(_), true) => wrong(
            user_key(),
            "nothing is granted to the users that the proxy names".to_owned(),
            "add `users`, such as {anna: act, \"*\": read}",
        ),
        (None, false) => wrong(
            vec!["users".to_owned()],
            "the proxy names no user".to_owned(),
            "add `user`, the header that the proxy sets, such as X-Forwarded-User",
        ),
        _ => {}
    }
    let users = file.users.into_iter();
    users.fold(proxy, |proxy, (name, scope)| {
        proxy.grant(name, Scope::from(scope))
    })
}

/// Returns the name of a server in its address; `None` if it is not such an address.
fn host_of(url: &str) -> Option<&str> {
    let rest = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = authority
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-._~:[]".contains(c));
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    (is_plain && !host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_section_is_read_with_the_names_that_follow_from_it() {
        let (config, problems) = WebConfig::read(&json!({
            "listen": "127.0.0.1:9680",
            "external_url": "https://hbd.example.com:8443/monitor/",
            "hosts": ["hbd"],
            "users": {"root": "read"},
        }));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(config.listen, Some(([127, 0, 0, 1], 9680).into()));
        let url = "https://hbd.example.com:8443/monitor";
        assert_eq!(config.external_url.as_deref(), Some(url));
        assert_eq!(config.hosts, ["hbd", "hbd.example.com"]);
        assert_eq!(config.users, [(0, Scope::Read)]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let (config, problems) = WebConfig::read(&json!({
            "listen": "here",
            "external_url": "hbd.example.com",
            "users": {"nobody-of-this-name": "act"},
        }));
        assert_eq!(config, WebConfig::default());
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    /// The sentences about a section.
    fn said(json: &Json) -> Vec<String> {
        let problems = WebConfig::read(json).1.into_iter();
        problems.map(|problem| format!("{problem:?}")).collect()
    }

    #[test]
    fn beyond_this_machine_there_is_tls_or_a_proxy() {
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            let said = said(&json!({"listen": address}));
            assert!(
                said.len() == 1 && said[0].contains("can be reached"),
                "{said:?}"
            );
            for with in [
                json!({"listen": address, "tls": {"cert": "/c", "key": "/k"}}),
                json!({"listen": address, "proxy": {"from": ["10.0.0.2"]}}),
            ] {
                assert_eq!(self::said(&with), [""; 0]);
            }
        }
        assert_eq!(said(&json!({"listen": "[::1]:1"})), [""; 0]);
    }

    #[test]
    fn a_proxy_is_believed_from_named_addresses_only() {
        let (config, problems) = WebConfig::read(&json!({"proxy": {
            "from": ["127.0.0.1", "10.1.0.0/16"], "user": "X-Forwarded-User",
            "users": {"anna": "act", "*": "read"},
        }}));
        assert!(problems.is_empty(), "{problems:?}");
        let proxy = config.proxy.unwrap();
        assert!(proxy.is_at([10, 1, 2, 3].into()) && !proxy.is_at([127, 0, 0, 2].into()));
        for (wrong, part) in [
            (json!({"from": []}), "nobody is believed"),
            (json!({"from": ["0.0.0.0/0"]}), "everybody"),
            (json!({"from": ["proxy"]}), "neither an address"),
            (
                json!({"from": ["::1"], "user": "a b", "users": {"*": "read"}}),
                "name of a header",
            ),
            (
                json!({"from": ["::1"], "user": "Host", "users": {"*": "read"}}),
                "does not name",
            ),
            (
                json!({"from": ["::1"], "user": "X-U"}),
                "nothing is granted",
            ),
            (
                json!({"from": ["::1"], "users": {"*": "read"}}),
                "names no user",
            ),
        ] {
            let said = said(&json!({ "proxy": wrong }));
            assert!(
                said.len() == 1 && said[0].contains(part),
                "{wrong}: {said:?}"
            );
        }
        let relative = said(&json!({"tls": {"cert": "c", "key": "/k"}}));
        assert!(relative.len() == 1, "{relative:?}");
    }

    #[test]
    fn only_the_address_of_a_server_is_one() {
        for (url, host) in [
            ("https://a.example", Some("a.example")),
            ("http://[::1]:80/x", Some("::1")),
            ("https://", None),
            ("ftp://a", None),
            ("https://user:secret@a", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
