//! AUTH (RFC 4954): which mechanism, and its exchange.
//!
//! Credentials leave this machine only over TLS, and never appear in a
//! failure.

use annunciator_sdk::Secret;
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    config::{AuthMethod, Config},
    failure::{Cause, Failure, Phase},
    session::Capabilities,
    wire::{Patience, Wire},
};

/// Who logs in, and with what.
pub(crate) struct Login<'a> {
    user: &'a str,
    password: Option<&'a Secret<String>>,
    token: Option<&'a Secret<String>>,
    method: AuthMethod,
}

impl<'a> Login<'a> {
    /// The login that the settings ask for, if any.
    pub(crate) fn of(config: &'a Config) -> Option<Self> {
        Some(Self {
            user: config.smtp_user.as_deref()?,
            password: config.smtp_password.as_ref(),
            token: config.smtp_token.as_ref(),
            method: config.smtp_auth,
        })
    }

    /// Logs in over this line.
    pub(crate) async fn perform(
        &self,
        wire: &mut Wire,
        can: &Capabilities,
        patience: Patience,
    ) -> Result<(), Failure> {
        if !wire.encrypted && !wire.peer.ip().is_loopback() {
            return Err(Failure::new(Phase::Auth, Cause::ClearText));
        }
        let (mut first, second) = self.exchange(can)?;
        first.push_str("\r\n");
        let mut reply = wire.command(&first, Phase::Auth, patience).await?;
        let mut answers = second.into_iter();
        while reply.code == 334 {
            // With no answer left, the server wants more than it should (or,
            // as Gmail does, explains why a token is bad): an empty line makes
            // it say no properly.
            let mut answer = answers.next().unwrap_or_default();
            answer.push_str("\r\n");
            reply = wire.command(&answer, Phase::Auth, patience).await?;
            if answer.len() == 2 && reply.code == 334 {
                break;
            }
        }
        if reply.is_ok() {
            Ok(())
        } else {
            Err(Failure::new(Phase::Auth, Cause::Reply(reply)))
        }
    }

    /// The first command, and the answers to the challenges behind it.
    fn exchange(
        &self,
        can: &Capabilities,
    ) -> Result<(Zeroizing<String>, Vec<Zeroizing<String>>), Failure> {
        let offers = |name: &str| can.auth.iter().any(|offered| offered == name);
        let wanted: &[&str] = match (self.method, self.token.is_some()) {
            (AuthMethod::Plain, _) => &["PLAIN"],
            (AuthMethod::Login, _) => &["LOGIN"],
            (AuthMethod::Xoauth2, _) | (AuthMethod::Auto, true) => &["XOAUTH2"],
            (AuthMethod::Auto, false) => &["PLAIN", "LOGIN"],
        };
        let chosen = wanted.iter().find(|name| offers(name));
        let secret = self.password.or(self.token);
        let (Some(mechanism), Some(secret)) = (chosen, secret) else {
            let offered = match can.auth.is_empty() {
                true => "none".to_owned(),
                false => can.auth.join(" "),
            };
            return Err(Failure::new(Phase::Auth, Cause::NoMechanism(offered)));
        };
        let (user, secret) = (self.user, secret.expose());
        Ok(match *mechanism {
            "PLAIN" => {
                let plain = Zeroizing::new(format!("\0{user}\0{secret}"));
                (
                    Zeroizing::new(format!("AUTH PLAIN {}", *encode(&plain))),
                    Vec::new(),
                )
            }
            "LOGIN" => (
                Zeroizing::new("AUTH LOGIN".to_owned()),
                vec![encode(user), encode(secret)],
            ),
            _ => {
                let bearer = Zeroizing::new(format!("user={user}\x01auth=Bearer {secret}\x01\x01"));
                (
                    Zeroizing::new(format!("AUTH XOAUTH2 {}", *encode(&bearer))),
                    Vec::new(),
                )
            }
        })
    }
}

fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}
