//! An SMTP session: commands in, replies out, in the order of RFC 5321.
//!
//! It decides what is refused. `path` parses the commands' arguments, `auth` does the AUTH
//! exchange, `content` reads the mail.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

use super::builder::{Mode, Settings};
use super::fault::{Fault, Moment};
use super::line::{self, AUTH_MAX, COMMAND_MAX};
use super::path::Path;
use super::state::SmtpShared;

/// The bytes of a connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What follows a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Close,
}

/// A transaction, from `MAIL` to the final dot.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
}

/// One connection.
pub(super) struct Session {
    pub(super) shared: Arc<SmtpShared>,
    pub(super) settings: Arc<Settings>,
    pub(super) stream: BufReader<Box<dyn Stream>>,
    pub(super) number: usize,
    pub(super) hello: Option<String>,
    pub(super) encrypted: bool,
    pub(super) user: Option<String>,
    pub(super) transaction: Option<Transaction>,
}

impl Session {
    /// Runs the session until one side ends it.
    pub(super) async fn run(mut self) -> io::Result<()> {
        match self.strike(Moment::Greeting).await? {
            Some(Next::Close) => return Ok(()),
            Some(Next::Go) => {}
            None => self.reply(220, "localhost ESMTP testkit").await?,
        }
        while let Some(line) = line::read(&mut self.stream).await? {
            if self.command(line).await? == Next::Close {
                break;
            }
        }
        self.stream.get_mut().shutdown().await
    }

    async fn command(&mut self, line: line::Line) -> io::Result<Next> {
        if !line.proper {
            self.shared
                .violation("a command that doesn't end with CR LF, or holds CR or NUL");
            self.reply(500, "5.5.2 lines end with CR LF").await?;
            return Ok(Next::Close);
        }
        let Ok(text) = String::from_utf8(line.bytes) else {
            self.shared.violation("a command that isn't UTF-8");
            return self.refuse(500, "5.5.2 not text").await;
        };
        let (verb, argument) = text.split_once(' ').unwrap_or((&text, ""));
        let verb = verb.to_ascii_uppercase();
        if line.octets
            > if verb == "AUTH" {
                AUTH_MAX
            } else {
                COMMAND_MAX
            }
        {
            self.shared
                .violation(format!("a {verb} line of {} octets", line.octets));
            return self.refuse(500, "5.5.2 line too long").await;
        }
        self.shared.change(|state| {
            let shown = if verb == "AUTH" { "AUTH" } else { &text };
            state.commands.push(shown.to_owned());
        });
        match verb.as_str() {
            "EHLO" | "HELO" => self.hello(&verb, argument).await,
            "STARTTLS" => self.starttls(argument).await,
            "AUTH" => self.auth(argument).await,
            "MAIL" => self.mail(argument).await,
            "RCPT" => self.rcpt(argument).await,
            "DATA" => self.data(argument).await,
            "RSET" => self.rset().await,
            "NOOP" => self.noop().await,
            "QUIT" => self.quit().await,
            _ => {
                self.shared.violation(format!("unknown command {verb}"));
                self.refuse(500, "5.5.1 unknown command").await
            }
        }
    }

    async fn hello(&mut self, verb: &str, name: &str) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::Hello).await? {
            return Ok(next);
        }
        if name.is_empty() || name.contains(' ') {
            return self.refuse(501, "5.5.4 a host name is wanted").await;
        }
        self.hello = Some(name.to_owned());
        self.transaction = None;
        let mut lines = vec!["localhost".to_owned()];
        if verb == "EHLO" {
            lines.extend(self.settings.keywords(self.encrypted));
        }
        self.reply(250, &lines.join("\n")).await?;
        Ok(Next::Go)
    }

    async fn starttls(&mut self, argument: &str) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::StartTls).await? {
            return Ok(next);
        }
        if !argument.is_empty() {
            return self.refuse(501, "5.5.4 no argument allowed").await;
        }
        if self.encrypted || self.hello.is_none() {
            return self.refuse(503, "5.5.1 STARTTLS makes no sense here").await;
        }
        let Some(authority) = self
            .settings
            .authority
            .as_ref()
            .filter(|_| self.settings.mode == Mode::StartTls)
        else {
            return self.refuse(502, "5.5.1 STARTTLS is not offered").await;
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&authority.server));
        if !self.stream.buffer().is_empty() {
            self.shared
                .violation("clear text sent behind STARTTLS, before the handshake");
            return Ok(Next::Close);
        }
        self.reply(220, "2.0.0 go ahead").await?;
        let clear = std::mem::replace(
            &mut self.stream,
            BufReader::new(Box::new(tokio::io::empty())),
        );
        let stream = acceptor.accept(clear.into_inner()).await?;
        self.stream = BufReader::new(Box::new(stream));
        self.encrypted = true;
        self.hello = None;
        Ok(Next::Go)
    }

    async fn mail(&mut self, argument: &str) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::Mail).await? {
            return Ok(next);
        }
        if self.hello.is_none() {
            return self.refuse(503, "5.5.1 EHLO first").await;
        }
        if self.transaction.is_some() {
            self.shared.violation("nested MAIL");
            return self.refuse(503, "5.5.1 nested MAIL command").await;
        }
        if self.settings.auth_required && self.user.is_none() {
            return self.refuse(530, "5.7.0 authentication required").await;
        }
        let Some(path) = strip_keyword(argument, "FROM:") else {
            return self.refuse(501, "5.5.4 MAIL FROM:<address>").await;
        };
        let path = match Path::parse(path, true) {
            Ok(path) => path,
            Err(text) => return self.refuse(501, text).await,
        };
        if let Some((key, _)) = path
            .parameters
            .iter()
            .find(|(key, _)| !matches!(key.as_str(), "SIZE" | "BODY" | "SMTPUTF8" | "AUTH"))
        {
            let text = format!("5.5.4 unknown parameter {key}");
            return self.refuse(555, &text).await;
        }
        let utf8 = path.parameter("SMTPUTF8").is_some();
        if !path.address.is_ascii() && !utf8 {
            return self.refuse(553, "5.6.7 the address needs SMTPUTF8").await;
        }
        let declared = path.parameter("SIZE").and_then(|size| size.parse().ok());
        if declared.unwrap_or(0) > self.settings.size {
            return self.refuse(552, "5.3.4 message too big").await;
        }
        self.transaction = Some(Transaction {
            eight_bit: path.parameter("BODY") == Some("8BITMIME"),
            utf8,
            sender: path.address,
            recipients: Vec::new(),
        });
        self.shared.change(|state| state.counts.transactions += 1);
        self.reply(250, "2.1.0 sender ok").await?;
        Ok(Next::Go)
    }

    async fn rcpt(&mut self, argument: &str) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::Rcpt).await? {
            return Ok(next);
        }
        let Some(utf8) = self.transaction.as_ref().map(|t| t.utf8) else {
            return self.refuse(503, "5.5.1 MAIL first").await;
        };
        let Some(path) = strip_keyword(argument, "TO:") else {
            return self.refuse(501, "5.5.4 RCPT TO:<address>").await;
        };
        let path = match Path::parse(path, false) {
            Ok(path) => path,
            Err(text) => return self.refuse(501, text).await,
        };
        if !path.address.is_ascii() && !utf8 {
            return self.refuse(553, "5.6.7 the address needs SMTPUTF8").await;
        }
        let accepted = self.transaction.as_ref().map_or(0, |t| t.recipients.len());
        if accepted >= self.settings.recipients_max {
            return self.refuse(452, "4.5.3 too many recipients").await;
        }
        if let Some((code, text)) = self.shared.verdict(&path.address) {
            return self.refuse(code, &text).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.recipients.push(path.address);
        }
        self.reply(250, "2.1.5 recipient ok").await?;
        Ok(Next::Go)
    }

    async fn rset(&mut self) -> io::Result<Next> {
        if let Some(next) = self.strike(Moment::Rset).await? {
            return Ok(next);
        }
        self.transaction = None;
        self.reply(250, "2.0.0 reset").await?;
        Ok(Next::Go)
    }

    async fn noop(&mut self) -> io::Result<Next> {
        self.shared.change(|state| state.counts.noops += 1);
        if let Some(next) = self.strike(Moment::Noop).await? {
            return Ok(next);
        }
        self.reply(250, "2.0.0 fine").await?;
        Ok(Next::Go)
    }

    async fn quit(&mut self) -> io::Result<Next> {
        self.shared.change(|state| state.counts.quits += 1);
        if self.strike(Moment::Quit).await?.is_none() {
            self.reply(221, "2.0.0 bye").await?;
        }
        Ok(Next::Close)
    }

    /// Applies the faults that are due; `Some` if the command needs no further reply.
    pub(super) async fn strike(&mut self, moment: Moment) -> io::Result<Option<Next>> {
        for fault in self.shared.due(moment) {
            match fault {
                Fault::Slow { delay, .. } => tokio::time::sleep(delay).await,
                Fault::Drop { .. } => return Ok(Some(Next::Close)),
                Fault::Reply { code, text, .. } => {
                    return self.refuse(code, &text).await.map(Some);
                }
                Fault::DropAfterStoring | Fault::CloseWhenIdle { .. } => {}
            }
        }
        Ok(None)
    }

    /// Sends a negative reply. A 421 ends the session (RFC 5321, section 3.8), and so does a 554
    /// in place of the greeting.
    pub(super) async fn refuse(&mut self, code: u16, text: &str) -> io::Result<Next> {
        self.reply(code, text).await?;
        Ok(if code == 421 { Next::Close } else { Next::Go })
    }

    /// Sends a reply of one or more lines.
    pub(super) async fn reply(&mut self, code: u16, text: &str) -> io::Result<()> {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut reply = String::new();
        for (index, line) in lines.iter().enumerate() {
            let mark = if index + 1 == lines.len() { ' ' } else { '-' };
            reply.push_str(&format!("{code}{mark}{line}\r\n"));
        }
        self.stream.get_mut().write_all(reply.as_bytes()).await?;
        self.stream.get_mut().flush().await
    }
}

/// Returns the argument after `FROM:` or `TO:`, in any case.
fn strip_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, rest) = argument.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then_some(rest)
}
