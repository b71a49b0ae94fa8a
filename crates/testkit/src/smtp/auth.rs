//! The AUTH exchange (RFC 4954): PLAIN, LOGIN and XOAUTH2 for one known user; everything else is
//! refused as by a server.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fault::Moment;
use super::line;
use super::session::{Next, Session};

const REFUSED: &str = "5.7.8 authentication credentials invalid";

impl Session {
    pub(super) async fn auth(&mut self, argument: &str) -> io::Result<Next> {
        self.shared.change(|state| state.counts.auth_attempts += 1);
        if !self.encrypted && !self.settings.auth_in_clear {
            self.shared.violation("AUTH on a line that isn't encrypted");
            return self
                .refuse(538, "5.7.11 encryption required for authentication")
                .await;
        }
        if let Some(next) = self.strike(Moment::Auth).await? {
            return Ok(next);
        }
        if self.hello.is_none() || self.user.is_some() || self.transaction.is_some() {
            self.shared.violation("AUTH out of order");
            return self.refuse(503, "5.5.1 AUTH makes no sense here").await;
        }
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.settings.mechanisms.contains(&mechanism) {
            self.shared
                .violation(format!("AUTH {mechanism} is not offered"));
            return self.refuse(504, "5.5.4 mechanism not offered").await;
        }
        let proven = match mechanism.as_str() {
            "PLAIN" => self.plain(initial).await?,
            "LOGIN" => self.login(initial).await?,
            _ => self.xoauth2(initial).await?,
        };
        match proven {
            None => Ok(Next::Close),
            Some(false) => self.refuse(535, REFUSED).await,
            Some(true) => {
                self.user = self.settings.credentials.as_ref().map(|c| c.0.clone());
                self.reply(235, "2.7.0 authenticated").await?;
                Ok(Next::Go)
            }
        }
    }

    async fn plain(&mut self, initial: &str) -> io::Result<Option<bool>> {
        let answer = match initial {
            "" => self.challenge("").await?,
            text => decode(text),
        };
        let Some(answer) = answer else {
            return Ok(None);
        };
        let parts: Vec<&str> = answer.split('\0').collect();
        Ok(Some(
            matches!(parts.as_slice(), [_, user, secret] if self.known(user, secret)),
        ))
    }

    async fn login(&mut self, initial: &str) -> io::Result<Option<bool>> {
        let user = match initial {
            "" => self.challenge("Username:").await?,
            text => decode(text),
        };
        let Some(user) = user else { return Ok(None) };
        let Some(secret) = self.challenge("Password:").await? else {
            return Ok(None);
        };
        Ok(Some(self.known(&user, &secret)))
    }

    async fn xoauth2(&mut self, initial: &str) -> io::Result<Option<bool>> {
        let answer = match initial {
            "" => self.challenge("").await?,
            text => decode(text),
        };
        let Some(answer) = answer else {
            return Ok(None);
        };
        let right = self
            .settings
            .credentials
            .as_ref()
            .is_some_and(|(user, token)| {
                answer == format!("user={user}\x01auth=Bearer {token}\x01\x01")
            });
        if right {
            return Ok(Some(true));
        }
        // As Gmail does: the reason comes as a challenge, the client answers with an empty line,
        // and only then follows 535.
        let reason = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
        Ok(self.challenge(reason).await?.map(|_| false))
    }

    async fn challenge(&mut self, text: &str) -> io::Result<Option<String>> {
        self.reply(334, &STANDARD.encode(text)).await?;
        let Some(line) = line::read(&mut self.stream).await? else {
            return Ok(None);
        };
        Ok(decode(&String::from_utf8_lossy(&line.bytes)))
    }

    fn known(&self, user: &str, secret: &str) -> bool {
        self.settings
            .credentials
            .as_ref()
            .is_some_and(|(known, proof)| known == user && proof == secret)
    }
}

/// Decodes base64 to text; what cannot be decoded counts as a wrong answer, not an error.
fn decode(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    Some(String::from_utf8(bytes).unwrap_or_default())
}
