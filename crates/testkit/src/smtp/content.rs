//! The part from `DATA` to the final dot: reads the content strictly, unstuffs the dots, stores
//! the mail.

use std::io;

use tokio::io::AsyncWriteExt;

use super::fault::{Fault, Moment};
use super::line::{self, TEXT_MAX};
use super::mail::{self, Mail};
use super::session::{Next, Session};

impl Session {
    pub(super) async fn data(&mut self, argument: &str) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::Data).await? {
            return Ok(next);
        }
        if !argument.is_empty() {
            return self.refuse(501, "5.5.4 no argument allowed").await;
        }
        match &self.transaction {
            None => return self.refuse(503, "5.5.1 MAIL first").await,
            Some(t) if t.recipients.is_empty() => {
                return self.refuse(554, "5.5.1 no valid recipients").await;
            }
            Some(_) => {}
        }
        self.reply(354, "end with a dot alone").await?;

        let mut data = Vec::new();
        let mut refusal: Option<(u16, &str)> = None;
        loop {
            let Some(line) = line::read(&mut self.stream).await? else {
                return Ok(Next::Close);
            };
            if !line.proper {
                self.shared
                    .violation("a text line that doesn't end with CR LF, or holds CR or NUL");
                refusal = Some((550, "5.6.0 bare CR, bare LF or NUL"));
            }
            if line.octets > TEXT_MAX {
                self.shared
                    .violation(format!("a text line of {} octets", line.octets));
                refusal = Some((500, "5.5.2 text line too long"));
            }
            match line.bytes.as_slice() {
                b"." => break,
                [b'.', rest @ ..] => {
                    if rest.first() != Some(&b'.') {
                        self.shared
                            .violation("a line that begins with a single dot");
                    }
                    data.extend_from_slice(rest);
                }
                other => data.extend_from_slice(other),
            }
            data.extend_from_slice(b"\r\n");
        }
        let transaction = self.transaction.take().unwrap_or_default();
        if data.len() > self.settings.size {
            refusal = Some((552, "5.3.4 message too big"));
        }
        if !data.is_ascii() && !transaction.eight_bit {
            self.shared
                .violation("8-bit content, but MAIL didn't say BODY=8BITMIME");
        }
        for fault in mail::faults_of_form(&data) {
            if !(transaction.utf8 && fault.contains("8-bit")) {
                self.shared.violation(fault);
            }
        }

        let due = self.shared.due(Moment::Dot);
        let mut reply = None;
        let mut lost = None;
        let mut idle = None;
        for fault in due {
            match fault {
                Fault::Reply { code, text, .. } => reply = Some((code, text)),
                Fault::Slow { delay, .. } => tokio::time::sleep(delay).await,
                Fault::Drop { .. } => lost = Some(false),
                Fault::DropAfterStoring => lost = Some(true),
                Fault::CloseWhenIdle { after } => idle = Some(after),
            }
        }
        if lost == Some(false) {
            return Ok(Next::Close);
        }
        if let Some((code, text)) = reply {
            return self.refuse(code, &text).await;
        }
        if let Some((code, text)) = refusal {
            return self.refuse(code, text).await;
        }
        let mail = Mail {
            sender: transaction.sender,
            recipients: transaction.recipients,
            data,
            user: self.user.clone(),
            encrypted: self.encrypted,
            hello: self.hello.clone().unwrap_or_default(),
            connection: self.number,
        };
        let number = self.shared.change(|state| {
            state.mails.push(mail);
            state.mails.len()
        });
        if lost == Some(true) {
            return Ok(Next::Close);
        }
        self.reply(250, &format!("2.0.0 queued as TK{number:06}"))
            .await?;
        if let Some(after) = idle {
            tokio::time::sleep(after).await;
            self.stream.get_mut().shutdown().await?;
            return Ok(Next::Close);
        }
        Ok(Next::Go)
    }
}
