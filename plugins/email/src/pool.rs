//! The pool of connections, which are kept for the next email.
//!
//! It decides when a connection is opened, reused, replaced or closed, and how many there are. A
//! connection that died while it was idle is replaced at once, which is safe because no email was
//! handed over on it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};

use crate::{
    config::{Config, TlsMode},
    failure::{Cause, Failure, Phase},
    session::Session,
    tls::Tls,
    transaction::{self, Answer, Letter},
    wire::{Deadline, Wire},
};

/// The time for which a connection may be idle before it is probed (NOOP) and used again.
const ASK_AFTER: Duration = Duration::from_secs(5);
/// The timeout of the probe. A connection that was cut silently must not use up the attempt.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);
/// The time for which no login is tried after the server refused one, because repeated tries lock
/// accounts. After a change of the configuration, the login is tried at once.
const LOGIN_RETRY_DELAY: Duration = Duration::from_secs(300);
/// The timeout of QUIT, and of the test whether a server waits for a TLS handshake.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

struct Idle {
    session: Session,
    since: Instant,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    tls: Option<Tls>,
    refused: Option<(Instant, Failure)>,
    size_limit: Option<usize>,
    sweeping: bool,
}

/// The connections of one channel.
pub(crate) struct Pool {
    config: Arc<Config>,
    permits: Semaphore,
    /// Whether a login has succeeded. The lock is held during the first login, so that a wrong
    /// password is tried once and not once for each connection.
    proven: tokio::sync::Mutex<bool>,
    state: Mutex<State>,
}

impl Pool {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            permits: Semaphore::new(usize::from(config.connections.max(1))),
            config,
            proven: tokio::sync::Mutex::new(false),
            state: Mutex::new(State::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the maximum size of an email in octets, by the server's last EHLO reply.
    pub(crate) fn size_limit(&self) -> Option<usize> {
        self.state().size_limit
    }

    /// Sends a letter. Returns one answer for each recipient, in their order.
    pub(crate) async fn send(
        self: &Arc<Self>,
        letter: &Letter,
        recipients: &[String],
        end: Instant,
    ) -> Vec<Answer> {
        let all = |failure: Failure| vec![Err(failure); recipients.len()];
        let Ok(Ok(_permit)) = timeout_at(end, self.permits.acquire()).await else {
            return all(Failure::new(Phase::Connect, Cause::Busy));
        };
        let batch = usize::from(self.config.recipients_per_mail.max(1));
        let mut kept = self.take(end).await;
        loop {
            let reused = kept.is_some();
            let mut session = match kept.take() {
                Some(session) => session,
                None => match self.open(end).await {
                    Ok(session) => session,
                    Err(failure) => return all(failure),
                },
            };
            let answers = transaction::send(&mut session, letter, recipients, batch, end).await;
            if answers.usable {
                self.keep(session);
            }
            let stale = |answer: &Answer| {
                matches!(answer, Err(failure)
                    if failure.phase == Phase::Mail && failure.is_stale_connection())
            };
            if reused && !answers.usable && answers.of.iter().all(stale) {
                tracing::debug!("a kept connection had died; opening another");
                continue;
            }
            return answers.of;
        }
    }

    /// Opens a connection, probes it (NOOP) and closes it. Returns whether it was encrypted.
    pub(crate) async fn check(self: &Arc<Self>, end: Instant) -> Result<bool, Failure> {
        self.state().refused = None;
        let mut session = self.open(end).await?;
        session.is_alive(end).await?;
        let encrypted = session.wire.encrypted;
        session.quit(end.min(Instant::now() + QUIT_TIMEOUT)).await;
        Ok(encrypted)
    }

    /// Closes every kept connection (QUIT).
    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut self.state().idle);
        let end = Instant::now() + QUIT_TIMEOUT;
        for kept in idle {
            kept.session.quit(end).await;
        }
    }

    /// Returns a kept connection that is alive.
    async fn take(&self, end: Instant) -> Option<Session> {
        loop {
            let mut kept = self.state().idle.pop()?;
            let age = kept.since.elapsed();
            if age < ASK_AFTER {
                return Some(kept.session);
            }
            let soon = end.min(Instant::now() + ASK_TIMEOUT);
            if kept.session.is_alive(soon).await.is_ok() {
                return Some(kept.session);
            }
        }
    }

    fn keep(self: &Arc<Self>, session: Session) {
        let limit = self.idle_limit();
        let mut state = self.state();
        state.idle.push(Idle {
            session,
            since: Instant::now(),
        });
        if !state.sweeping {
            state.sweeping = true;
            let pool = Arc::downgrade(self);
            tokio::spawn(async move {
                let mut next = Instant::now() + limit;
                loop {
                    sleep_until(next).await;
                    let Some(pool) = pool.upgrade() else { return };
                    match pool.sweep().await {
                        Some(due) => next = due,
                        None => return,
                    }
                }
            });
        }
    }

    /// Closes the connections that were idle for too long. Returns when the next one is due.
    async fn sweep(&self) -> Option<Instant> {
        let limit = self.idle_limit();
        let (expired, due) = {
            let mut state = self.state();
            let (expired, idle): (Vec<Idle>, Vec<Idle>) = std::mem::take(&mut state.idle)
                .into_iter()
                .partition(|kept| kept.since.elapsed() >= limit);
            state.idle = idle;
            let oldest = state.idle.iter().map(|kept| kept.since).min();
            state.sweeping = oldest.is_some();
            (expired, oldest.map(|since| since + limit))
        };
        for kept in expired {
            kept.session.quit(Instant::now() + QUIT_TIMEOUT).await;
        }
        due
    }

    fn idle_limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.idle_timeout))
    }

    /// Opens a connection that is ready for emails.
    async fn open(&self, end: Instant) -> Result<Session, Failure> {
        if self.config.smtp_user.is_none() {
            return self.connect(end).await;
        }
        let Ok(mut proven) = timeout_at(end, self.proven.lock()).await else {
            return Err(Failure::new(Phase::Connect, Cause::Busy));
        };
        if let Some((since, failure)) = &self.state().refused
            && since.elapsed() < LOGIN_RETRY_DELAY
        {
            return Err(failure.clone());
        }
        // Once a login has succeeded, connections are opened concurrently.
        if *proven {
            drop(proven);
            let opened = self.connect(end).await;
            if self.remember_refusal(&opened) {
                *self.proven.lock().await = false;
            }
            return opened;
        }
        let opened = self.connect(end).await;
        self.remember_refusal(&opened);
        *proven = opened.is_ok();
        opened
    }

    /// Remembers a login that was refused permanently, so that it is not tried again soon. Returns
    /// whether it was refused.
    fn remember_refusal(&self, opened: &Result<Session, Failure>) -> bool {
        let Err(failure) = opened else { return false };
        let refused = failure.phase == Phase::Auth
            && failure.reply().is_some_and(|reply| reply.code / 100 == 5);
        if refused {
            self.state().refused = Some((Instant::now(), failure.clone()));
        }
        refused
    }

    async fn connect(&self, end: Instant) -> Result<Session, Failure> {
        let mode = self.config.tls_mode();
        let tls = match mode {
            TlsMode::None => None,
            _ => Some(self.tls()?),
        };
        let opened = Session::open(&self.config, tls.as_ref(), end).await;
        match opened {
            Ok(session) => {
                self.state().size_limit = session.can.size.flatten();
                Ok(session)
            }
            Err(failure) => {
                let silent = matches!(failure.cause, Cause::Closed | Cause::TimedOut);
                if mode != TlsMode::Tls
                    && failure.phase == Phase::Greeting
                    && silent
                    && self.speaks_tls(end).await
                {
                    return Err(Failure::new(Phase::Greeting, Cause::SpeaksTls));
                }
                Err(failure)
            }
        }
    }

    /// Returns whether a server that sent no greeting waits for a TLS handshake.
    async fn speaks_tls(&self, end: Instant) -> bool {
        let deadline = Deadline {
            step: QUIT_TIMEOUT,
            end,
        };
        let Ok(tls) = self.tls() else { return false };
        match Wire::connect(self.config.server(), self.config.port(), deadline).await {
            Ok(wire) => match wire.encrypt(&tls, deadline).await {
                Ok(_) => true,
                Err(failure) => matches!(failure.cause, Cause::Tls(_)),
            },
            Err(_) => false,
        }
    }

    /// Returns what handshakes need. The files are read once.
    fn tls(&self) -> Result<Tls, Failure> {
        if let Some(tls) = &self.state().tls {
            return Ok(tls.clone());
        }
        let tls = Tls::load(&self.config)?;
        self.state().tls = Some(tls.clone());
        Ok(tls)
    }
}
