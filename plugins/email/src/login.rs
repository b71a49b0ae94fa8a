//! The login with AUTH (RFC 4954): chooses a mechanism and performs its exchange.
//!
//! Credentials leave this machine only over TLS, and never appear in a failure.

use annunciator_sdk::{Secret, without_secrets};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    config::{AuthMethod, Config},
    failure::{Cause, Failure, Phase},
    session::Capabilities,
    wire::{Deadline, Wire},
};

/// A login: the user, and the password or the token.
pub(crate) struct Login<'a> {
    user: &'a str,
    password: Option<&'a Secret<String>>,
    token: Option<&'a Secret<String>>,
    method: AuthMethod,
}

impl<'a> Login<'a> {
    /// Returns the login of the settings, if there is one.
    pub(crate) fn of(config: &'a Config) -> Option<Self> {
        Some(Self {
            user: config.smtp_user.as_deref()?,
            password: config.smtp_password.as_ref(),
            token: config.smtp_token.as_ref(),
            method: config.smtp_auth,
        })
    }

    /// Returns the secrets that must never be shown, in every form in which they are sent.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let secrets = self.password.into_iter().chain(self.token);
        let forms = secrets.flat_map(|secret| {
            let secret = secret.expose();
            let encoded = [
                encode(secret),
                encode(&plain(self.user, secret)),
                encode(&bearer(self.user, secret)),
            ];
            // A form without its padding reveals just as much.
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

    /// Logs in over this connection. Fails if it leads to another machine without encryption.
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
            // If no answer is left, the server asks for more than it should, or explains why a
            // token is bad, as Gmail does. After an empty line, it sends a proper error.
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

    /// Returns the first command, and the answers to the challenges that follow.
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
            // The capabilities were converted to upper case.
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

/// Returns what PLAIN sends (RFC 4616).
fn plain(user: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("\0{user}\0{password}"))
}

/// Returns what XOAUTH2 sends.
fn bearer(user: &str, token: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}
