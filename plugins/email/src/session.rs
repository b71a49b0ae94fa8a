//! Opens a session: a connection that is encrypted, introduced (EHLO), logged in, and so ready for
//! emails.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    config::{Config, TlsMode},
    failure::{Cause, Failure, Phase},
    login::Login,
    reply::Reply,
    tls::Tls,
    wire::{Deadline, Wire},
};

/// The server's capabilities, by its EHLO reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) starttls: bool,
    pub(crate) pipelining: bool,
    pub(crate) utf8: bool,
    pub(crate) eight_bit: bool,
    /// Whether the server supports `SIZE`, and its limit in octets, if it named one.
    pub(crate) size: Option<Option<usize>>,
    pub(crate) auth: Vec<String>,
}

impl Capabilities {
    /// Parses an EHLO reply.
    pub(crate) fn of(reply: &Reply) -> Self {
        let mut capabilities = Self::default();
        for line in reply.lines.iter().skip(1) {
            let upper = line.to_ascii_uppercase();
            let mut words = upper.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => capabilities.starttls = true,
                Some("PIPELINING") => capabilities.pipelining = true,
                Some("SMTPUTF8") => capabilities.utf8 = true,
                Some("8BITMIME") => capabilities.eight_bit = true,
                Some("SIZE") => {
                    let limit = words.next().and_then(|limit| limit.parse().ok());
                    // Zero means that there is no limit (RFC 1870).
                    capabilities.size = Some(limit.filter(|limit| *limit > 0));
                }
                Some("AUTH") => capabilities.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        capabilities
    }
}

/// The timeouts of each kind of step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) command: Duration,
    pub(crate) data: Duration,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Self {
        let seconds = |number: u32| Duration::from_secs(u64::from(number));
        Self {
            connect: seconds(config.connect_timeout),
            command: seconds(config.command_timeout),
            data: seconds(config.data_timeout),
        }
    }
}

/// A connection that is ready for emails.
pub(crate) struct Session {
    pub(crate) wire: Wire,
    pub(crate) can: Capabilities,
    pub(crate) limits: Limits,
}

impl Session {
    /// Opens a session. All of it ends before `end`.
    pub(crate) async fn open(
        config: &Config,
        tls: Option<&Tls>,
        end: Instant,
    ) -> Result<Self, Failure> {
        let limits = Limits::of(config);
        let deadline = Deadline {
            step: limits.connect,
            end,
        };
        let mut wire = Wire::connect(config.server(), config.port(), deadline).await?;
        let secrets = Login::of(config).map(|login| login.secrets());
        wire = wire.hiding(secrets.unwrap_or_default());
        let mode = config.tls_mode();
        if let (TlsMode::Tls, Some(tls)) = (mode, tls) {
            wire = wire.encrypt(tls, deadline).await?;
        }
        let greeting = wire.reply(Phase::Greeting, deadline).await?;
        expect_ok(Phase::Greeting, greeting)?;

        let deadline = deadline.step(limits.command);
        let hello = hello_name(config, &wire);
        let mut can = introduce(&mut wire, &hello, deadline).await?;
        if let (TlsMode::StartTls, Some(tls)) = (mode, tls) {
            if !can.starttls {
                return Err(Failure::new(Phase::StartTls, Cause::NoStartTls));
            }
            let reply = wire
                .command("STARTTLS\r\n", Phase::StartTls, deadline)
                .await?;
            expect_ok(Phase::StartTls, reply)?;
            wire = wire.encrypt(tls, deadline.step(limits.connect)).await?;
            can = introduce(&mut wire, &hello, deadline).await?;
        }
        if let Some(login) = Login::of(config) {
            login.perform(&mut wire, &can, deadline).await?;
        }
        Ok(Self { wire, can, limits })
    }

    /// Returns the limits of a command in an attempt that ends at `end`.
    pub(crate) fn deadline(&self, end: Instant) -> Deadline {
        Deadline {
            step: self.limits.command,
            end,
        }
    }

    /// Checks that the server still answers (NOOP).
    pub(crate) async fn is_alive(&mut self, end: Instant) -> Result<(), Failure> {
        let deadline = self.deadline(end);
        let reply = self
            .wire
            .command("NOOP\r\n", Phase::Other, deadline)
            .await?;
        expect_ok(Phase::Other, reply)
    }

    /// Closes the session (QUIT). The server's reply does not matter: the emails are sent.
    pub(crate) async fn quit(mut self, end: Instant) {
        let deadline = self.deadline(end);
        let _ = self.wire.command("QUIT\r\n", Phase::Other, deadline).await;
    }
}

async fn introduce(
    wire: &mut Wire,
    hello: &str,
    deadline: Deadline,
) -> Result<Capabilities, Failure> {
    let reply = wire
        .command(&format!("EHLO {hello}\r\n"), Phase::Hello, deadline)
        .await?;
    // A server that is too old for EHLO (RFC 5321, section 3.2) has no other capabilities.
    if matches!(reply.code, 500 | 502) {
        let reply = wire
            .command(&format!("HELO {hello}\r\n"), Phase::Hello, deadline)
            .await?;
        expect_ok(Phase::Hello, reply)?;
        return Ok(Capabilities::default());
    }
    expect_ok(Phase::Hello, reply.clone())?;
    Ok(Capabilities::of(&reply))
}

/// Returns the name for EHLO: the configured one, otherwise this machine's if it is fully
/// qualified, otherwise the address literal that RFC 5321, section 4.1.4, requires.
fn hello_name(config: &Config, wire: &Wire) -> String {
    if let Some(name) = &config.smtp_hello {
        return name.clone();
    }
    let name = hostname::get()
        .ok()
        .and_then(|name| name.into_string().ok());
    let full = |name: &String| {
        name.contains('.')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
    };
    name.filter(full).unwrap_or_else(|| match wire.local {
        std::net::SocketAddr::V4(address) => format!("[{}]", address.ip()),
        std::net::SocketAddr::V6(address) => format!("[IPv6:{}]", address.ip()),
    })
}

/// Returns a negative reply as a failure.
pub(crate) fn expect_ok(phase: Phase, reply: Reply) -> Result<(), Failure> {
    if reply.is_ok() {
        Ok(())
    } else {
        Err(Failure::new(phase, Cause::Reply(reply)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_in_every_spelling() {
        let reply = Reply {
            code: 250,
            lines: [
                "mail.example.com",
                "size 1000",
                "AUTH=LOGIN",
                "auth PLAIN XOAUTH2",
                "PIPELINING",
                "8BITMIME",
                "SMTPUTF8",
                "STARTTLS",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        let can = Capabilities::of(&reply);
        assert_eq!(can.size, Some(Some(1000)));
        assert_eq!(can.auth, ["LOGIN", "PLAIN", "XOAUTH2"]);
        assert!(can.pipelining && can.eight_bit && can.utf8 && can.starttls);
    }
}
