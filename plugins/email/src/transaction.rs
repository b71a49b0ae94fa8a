//! Sends emails over a session: one transaction after another, until every recipient has its own
//! answer.
//!
//! A refused recipient does not stop the others. If the server accepts no more recipients in a
//! transaction, the rest follow at once in the next one.

use tokio::time::Instant;

use crate::{
    failure::{Cause, Failure, Phase},
    reply::Reply,
    session::Session,
};

/// An email that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// The sender of the envelope. Empty for none.
    pub(crate) sender: String,
    /// The content, with dots stuffed and with the final dot.
    pub(crate) wire: Vec<u8>,
    /// The content's size in octets, before stuffing.
    pub(crate) size: usize,
    /// Whether a header or the sender needs SMTPUTF8.
    pub(crate) utf8: bool,
}

impl Letter {
    /// Creates a letter of an email whose lines end with CR LF, and stuffs its dots.
    pub(crate) fn new(sender: String, content: &[u8], utf8: bool) -> Self {
        let mut wire = Vec::with_capacity(content.len() + 64);
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        if !wire.ends_with(b"\r\n") {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        Self {
            sender,
            wire,
            size: content.len(),
            utf8,
        }
    }
}

/// The result for one recipient: the server's reply, or why the email was not accepted.
pub(crate) type Answer = Result<Reply, Failure>;

/// The results for all recipients, in their order, and whether the session can be used again.
pub(crate) struct Answers {
    pub(crate) of: Vec<Answer>,
    pub(crate) usable: bool,
}

/// Sends a letter to these recipients, with at most `batch` of them in a transaction.
pub(crate) async fn send(
    session: &mut Session,
    letter: &Letter,
    recipients: &[String],
    batch: usize,
    end: Instant,
) -> Answers {
    let mut of: Vec<Option<Answer>> = vec![None; recipients.len()];
    let mut usable = true;
    loop {
        let open: Vec<usize> = (0..recipients.len())
            .filter(|index| of[*index].is_none())
            .take(batch)
            .collect();
        if open.is_empty() {
            break;
        }
        let mut round = Round {
            session,
            letter,
            recipients,
            end,
            of: &mut of,
        };
        if let Err(failure) = round.run(&open).await {
            usable = !failure.ends_connection();
            for answer in of.iter_mut().filter(|answer| answer.is_none()) {
                *answer = Some(Err(failure.clone()));
            }
            break;
        }
    }
    Answers {
        of: of.into_iter().flatten().collect(),
        usable,
    }
}

/// One transaction.
struct Round<'a> {
    session: &'a mut Session,
    letter: &'a Letter,
    recipients: &'a [String],
    end: Instant,
    of: &'a mut Vec<Option<Answer>>,
}

impl Round<'_> {
    /// Runs the transaction, which gives at least one of these recipients an answer. An error
    /// applies to all recipients without one.
    async fn run(&mut self, open: &[usize]) -> Result<(), Failure> {
        let mail = self.mail_command()?;
        let mut accepted = Vec::new();
        let mut deferred = Vec::new();
        let pipelining = self.session.can.pipelining;
        if pipelining {
            let mut batch = mail.clone();
            for index in open {
                batch.push_str(&self.rcpt_command(*index));
            }
            self.write(batch.as_bytes(), Phase::Mail).await?;
        } else {
            self.write(mail.as_bytes(), Phase::Mail).await?;
        }
        let reply = self.reply(Phase::Mail).await?;
        let refused = (!reply.is_ok()).then(|| Failure::new(Phase::Mail, Cause::Reply(reply)));
        if let Some(failure) = &refused
            && (!pipelining || failure.ends_connection())
        {
            return Err(failure.clone());
        }
        for index in open {
            if !pipelining {
                let command = self.rcpt_command(*index);
                self.write(command.as_bytes(), Phase::Rcpt).await?;
            }
            let reply = self.reply(Phase::Rcpt).await?;
            if reply.is_ok() {
                accepted.push(*index);
            } else if reply.code == 421 {
                return Err(Failure::new(Phase::Rcpt, Cause::Reply(reply)));
            } else if reply.too_many_recipients() {
                deferred.push((*index, reply));
            } else {
                self.of[*index] = Some(Err(Failure::new(Phase::Rcpt, Cause::Reply(reply))));
            }
        }
        if let Some(failure) = refused {
            // After a refused MAIL, the replies to its recipients mean nothing.
            for index in open {
                self.of[*index] = None;
            }
            return Err(failure);
        }
        if accepted.is_empty() {
            for (index, reply) in deferred {
                self.of[index] = Some(Err(Failure::new(Phase::Rcpt, Cause::Reply(reply))));
            }
            return self.reset().await;
        }
        let answer = match self.content().await {
            Ok(answer) => answer,
            Err(failure) => {
                for index in accepted {
                    self.of[index] = Some(Err(failure.clone()));
                }
                // The others were not part of this transaction: nothing was sent to them.
                return Err(Failure {
                    phase: Phase::Rcpt,
                    ..failure
                });
            }
        };
        let failed_before_data = matches!(&answer, Err(failure) if failure.phase == Phase::Data);
        for index in accepted {
            self.of[index] = Some(answer.clone());
        }
        if failed_before_data {
            return self.reset().await;
        }
        Ok(())
    }

    /// Sends `DATA` and the email. After an outer error, the connection cannot be used again.
    async fn content(&mut self) -> Result<Answer, Failure> {
        self.write(b"DATA\r\n", Phase::Data).await?;
        let reply = self.reply(Phase::Data).await?;
        let refusal = |phase, reply| Failure::new(phase, Cause::Reply(reply));
        if reply.code == 421 {
            return Err(refusal(Phase::Data, reply));
        }
        if reply.code != 354 {
            return Ok(Err(refusal(Phase::Data, reply)));
        }
        let deadline = self
            .session
            .deadline(self.end)
            .step(self.session.limits.data);
        // Until the last byte is written, the server cannot have stored anything.
        self.session
            .wire
            .write(&self.letter.wire, Phase::Data, deadline)
            .await?;
        let reply = self.session.wire.reply(Phase::Dot, deadline).await?;
        if reply.code == 421 {
            return Err(refusal(Phase::Dot, reply));
        }
        Ok(if reply.is_ok() {
            Ok(reply)
        } else {
            Err(refusal(Phase::Dot, reply))
        })
    }

    fn mail_command(&self) -> Result<String, Failure> {
        let can = &self.session.can;
        let mut command = format!("MAIL FROM:<{}>", self.letter.sender);
        match can.size {
            Some(Some(limit)) if self.letter.size > limit => {
                let size = self.letter.size;
                return Err(Failure::new(Phase::Mail, Cause::TooBig { size, limit }));
            }
            Some(_) => command.push_str(&format!(" SIZE={}", self.letter.size)),
            None => {}
        }
        if self.letter.utf8 && !can.utf8 {
            return Err(Failure::new(Phase::Mail, Cause::NoUtf8));
        }
        // A recipient that no header names may be the only one who needs it. A server without it
        // refuses only that recipient.
        let needed = self.letter.utf8 || self.recipients.iter().any(|address| !address.is_ascii());
        if needed && can.utf8 {
            command.push_str(" SMTPUTF8");
            if can.eight_bit {
                command.push_str(" BODY=8BITMIME");
            }
        }
        command.push_str("\r\n");
        Ok(command)
    }

    fn rcpt_command(&self, index: usize) -> String {
        format!("RCPT TO:<{}>\r\n", self.recipients[index])
    }

    async fn reset(&mut self) -> Result<(), Failure> {
        self.write(b"RSET\r\n", Phase::Other).await?;
        let reply = self.reply(Phase::Other).await?;
        crate::session::expect_ok(Phase::Other, reply)
    }

    async fn write(&mut self, bytes: &[u8], phase: Phase) -> Result<(), Failure> {
        let deadline = self.session.deadline(self.end);
        self.session.wire.write(bytes, phase, deadline).await
    }

    async fn reply(&mut self, phase: Phase) -> Result<Reply, Failure> {
        let deadline = self.session.deadline(self.end);
        self.session.wire.reply(phase, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_stuffed_and_the_end_is_marked_once() {
        for (content, wire) in [
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n..x\r\n", "..\r\n...x\r\n.\r\n"),
            ("a.\r\n", "a.\r\n.\r\n"),
            ("", "\r\n.\r\n"),
        ] {
            let letter = Letter::new(String::new(), content.as_bytes(), false);
            assert_eq!(String::from_utf8(letter.wire).unwrap(), wire, "{content:?}");
        }
    }
}
