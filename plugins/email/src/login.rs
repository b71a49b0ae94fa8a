//! AUTH (RFC 4954): which mechanism, and its exchange.
//!
//! Credentials leave this machine only over TLS, and never appear in a
//! failure.

use annunciator_sdk::{Secret, without_secrets};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    config::{AuthMethod, Config},
    failure::{Cause, Failure, Phase},
    session::Capabilities,
    wire::{Deadline, Wire},
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

    /// What must be seen nowhere, in every form in which it is sent.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let secrets = self.password.into_iter().chain(self.token);
        let forms = secrets.flat_map(|secret| {
            let secret = secret.expose();
            let encoded = [
                encode(secret),
                encode(&plain(self.user, secret)),
                encode(&bearer(self.user, secret)),
            ];
            // Without its padding it tells as much.
            let bare = encoded
                .clone()
                .map(|form| Zeroizing::new(form.trim_end_matches('=').to_owned()));
            [Zeroizing::new(secret.clone())]
                .into_iter()
                .chain(encoded)
                .chain(bare)
        });
        forms.filter(|form| !form.is_empty()).collect()
    }

    /// Logs in over this line.
    pub(crate) async fn perform(
        &self,
        wire: &mut Wire,
        can: &Capabilities,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        if !wire.encrypted && !wire.peer.ip().is_loopback() {
            return Err(Failure::new(Phase::Auth, Cause::ClearText));
        }
        let (mut first, second) = self.exchange(can)?;
        first.push_str("\r\n");
        let mut reply = wire.command(&first, Phase::Auth, deadline).await?;
        let mut answers = second.into_iter();
        while reply.code == 334 {
            // With no answer left, the server wants more than it should (or,
            // as Gmail does, explains why a token is bad): an empty line makes
            // it say no properly.
            let mut answer = answers.next().unwrap_or_default();
            answer.push_str("\r\n");
            reply = wire.command(&answer, Phase::Auth, deadline).await?;
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
            // They were read in capitals.
            let secrets = self.secrets().into_iter();
            let secrets: Vec<_> = secrets
                .map(|secret| Zeroizing::new(secret.to_uppercase()))
                .collect();
            let offered = without_secrets(&offered, &secrets);
            return Err(Failure::new(Phase::Auth, Cause::NoMechanism(offered)));
        };
        let (user, secret) = (self.user, secret.expose());
        Ok(match *mechanism {
            "PLAIN" => {
                let plain = encode(&plain(user, secret));
                (Zeroizing::new(format!("AUTH PLAIN {}", *plain)), Vec::new())
            }
            "LOGIN" => (
                Zeroizing::new("AUTH LOGIN".to_owned()),
                vec![encode(user), encode(secret)],
            ),
            _ => {
                let bearer = encode(&bearer(user, secret));
                (
                    Zeroizing::new(format!("AUTH XOAUTH2 {}", *bearer)),
                    Vec::new(),
                )
            }
        })
    }
}

/// What PLAIN sends (RFC 4616).
fn plain(user: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("\0{user}\0{password}"))
}

/// What XOAUTH2 sends.
fn bearer(user: &str, token: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}
