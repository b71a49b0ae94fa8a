//! The section `web` of the configuration.

use std::net::SocketAddr;

use annunciator::{Config, EngineBuilder, Section, SectionProblem};
use nix::unistd::User;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::scope::Scope;

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
    #[schemars(with = "std::collections::BTreeMap<String, UserScope>")]
    users: std::collections::BTreeMap<String, UserScope>,
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
                let parsed = text.parse();
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
            let scope = match scope {
                UserScope::Read => Scope::Read,
                UserScope::Act => Scope::Act,
            };
            match User::from_name(&name) {
                Ok(Some(user)) => users.push((user.uid.as_raw(), scope)),
                Ok(None) | Err(_) => {
                    let sentence = format!("there is no user `{name}` on this machine");
                    // A user who has left must not keep the program from starting.
                    problems.push(SectionProblem::warning(["users", name.as_str()], sentence));
                }
            }
        }
        let config = Self {
            listen,
            external_url,
            hosts,
            users,
        };
        (config, problems)
    }
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
