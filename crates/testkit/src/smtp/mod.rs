//! The SMTP stand-in: a server on loopback that is as strict as the standard, stores every mail
//! that it accepts, and fails on demand.
//!
//! It decides the replies of a session and delivers nothing. What a client must not do is
//! recorded in `violations`, even if a lenient server would accept it.

mod auth;
mod builder;
mod certificate;
mod content;
mod fault;
mod line;
mod mail;
mod path;
mod session;
mod state;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub use self::builder::{Builder, Mode};
pub use self::certificate::{Authority, Certificate};
pub use self::fault::{Fault, Moment, Verdict};
pub use self::mail::Mail;
pub use self::state::Counts;

use self::builder::Settings;
use self::session::{Session, Stream};
use self::state::{SmtpShared, SmtpState};

/// The maximum time that `wait_for` waits.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A running SMTP stand-in. It stops when dropped, and its connections end.
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<SmtpShared>,
    settings: Arc<Settings>,
    task: JoinHandle<()>,
}

impl SmtpServer {
    /// Starts a stand-in without TLS that accepts every mail.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns the builder of a stand-in with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn run(
        listener: TcpListener,
        shared: Arc<SmtpShared>,
        settings: Arc<Settings>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::clone(&shared), Arc::clone(&settings)));
        Ok(Self {
            address,
            shared,
            settings,
            task,
        })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port on which it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the PEM file of the authority that signed its certificate.
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.file("ca.pem")
    }

    /// Returns the PEM files of a client certificate that it trusts, and of its key.
    pub fn client_files(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.file("client.pem")?, self.file("client.key")?))
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.settings.authority.as_ref()?.file(name))
    }

    /// Returns the mails that were accepted so far.
    pub fn messages(&self) -> Vec<Mail> {
        self.shared.lock().mails.clone()
    }

    /// Returns the rules that the client broke.
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    /// Returns the commands that were received, in order; of AUTH, only the word.
    pub fn commands(&self) -> Vec<String> {
        self.shared.lock().commands.clone()
    }

    /// Returns the counts of events.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// Injects a fault that occurs once, at the next occurrence of its moment.
    pub fn fault(&self, fault: Fault) {
        self.shared.change(|state| state.once.push(fault));
    }

    /// Injects a fault that occurs every time.
    pub fn always(&self, fault: Fault) {
        self.shared.change(|state| state.always.push(fault));
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.shared.change(|state| {
            state.once.clear();
            state.always.clear();
            state.verdicts.clear();
        });
    }

    /// Returns the mails as soon as there are this many, or fewer after 20 seconds.
    pub async fn wait_for(&self, number: usize) -> Vec<Mail> {
        self.wait_until(|state| state.mails.len() >= number).await;
        self.messages()
    }

    /// Waits until no connection is open, for at most 20 seconds.
    pub async fn wait_until_idle(&self) -> bool {
        self.wait_until(|state| state.counts.open == 0).await
    }

    async fn wait_until(&self, holds: impl Fn(&SmtpState) -> bool) -> bool {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if holds(&self.shared.lock()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, wait).await.is_ok()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<SmtpShared>, settings: Arc<Settings>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while sessions.try_join_next().is_some() {}
        let number = shared.change(|state| {
            state.counts.connections += 1;
            state.counts.open += 1;
            state.counts.connections
        });
        let (shared, settings) = (Arc::clone(&shared), Arc::clone(&settings));
        sessions.spawn(async move {
            // An error here is a broken connection, which the client has to notice.
            let _ = converse(stream, &shared, settings, number).await;
            shared.change(|state| state.counts.open -= 1);
        });
    }
}

async fn converse(
    stream: TcpStream,
    shared: &Arc<SmtpShared>,
    settings: Arc<Settings>,
    number: usize,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let implicit = settings
        .authority
        .as_ref()
        .filter(|_| settings.mode == Mode::ImplicitTls);
    let (stream, encrypted): (Box<dyn Stream>, bool) = match implicit {
        Some(authority) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&authority.server));
            (Box::new(acceptor.accept(stream).await?), true)
        }
        None => (Box::new(stream), false),
    };
    let session = Session {
        shared: Arc::clone(shared),
        settings,
        stream: BufReader::new(stream),
        number,
        hello: None,
        encrypted,
        user: None,
        transaction: None,
    };
    session.run().await
}
