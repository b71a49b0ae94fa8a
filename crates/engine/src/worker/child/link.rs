//! The worker's connection to the program: sends messages, and matches answers to calls.

use std::{
    collections::HashMap,
    io::Write as _,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
};

use annunciator_core::{code::LogLevel, services::LogRecordV1};
use tokio::sync::oneshot;

use super::{
    super::{
        frame::{TooLong, encode},
        message::{HostAnswer, HostCall, ToHost},
    },
    end::end_now,
};

/// The connection to the program.
pub(super) struct Link {
    socket: Mutex<UnixStream>,
    next: AtomicU64,
    /// The callers that wait for an answer.
    asked: Mutex<HashMap<u64, Asker>>,
    /// The most detailed log level that the program records.
    level: AtomicU32,
}

enum Asker {
    Future(oneshot::Sender<HostAnswer>),
    Thread(mpsc::SyncSender<HostAnswer>),
}

impl Link {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self {
            socket: Mutex::new(socket),
            next: AtomicU64::new(0),
            asked: Mutex::default(),
            level: AtomicU32::new(0),
        }
    }

    /// Sends a message. If the program is gone, ends this process.
    pub(super) fn send(&self, message: &ToHost) -> Result<(), TooLong> {
        let frame = encode(message)?;
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.write_all(&frame).is_err() {
            end_now();
        }
        Ok(())
    }

    pub(super) fn set_log_level(&self, level: u32) {
        self.level.store(level, Ordering::Relaxed);
    }

    pub(super) fn is_logged(&self, level: LogLevel) -> bool {
        level.0 <= self.level.load(Ordering::Relaxed)
    }

    pub(super) fn log(&self, record: LogRecordV1) {
        if self.is_logged(record.level) {
            // A record that is too long is dropped.
            let _ = self.send(&ToHost::Log(record));
        }
    }

    /// Calls the program, and blocks this thread until it answers.
    pub(super) fn ask_now(&self, ask: HostCall) -> Result<HostAnswer, TooLong> {
        let (asker, answer) = mpsc::sync_channel(1);
        self.ask(ask, Asker::Thread(asker))?;
        // The other end is only dropped when the process ends.
        answer.recv().map_err(|_| end_now())
    }

    /// Calls the program. Dropping the future withdraws the call.
    pub(super) async fn ask_later(self: Arc<Self>, ask: HostCall) -> Result<HostAnswer, TooLong> {
        let (asker, answer) = oneshot::channel();
        let id = self.ask(ask, Asker::Future(asker))?;
        let _asked = Asked { link: &self, id };
        answer.await.map_err(|_| end_now())
    }

    fn ask(&self, ask: HostCall, asker: Asker) -> Result<u64, TooLong> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.asked().insert(id, asker);
        let sent = self.send(&ToHost::HostCall { id, ask });
        if sent.is_err() {
            self.asked().remove(&id);
        }
        sent.map(|()| id)
    }

    /// Delivers the program's answer to the caller.
    pub(super) fn deliver_answer(&self, id: u64, answer: HostAnswer) {
        let asker = self.asked().remove(&id);
        // The caller may have just stopped waiting.
        match asker {
            Some(Asker::Future(asker)) => drop(asker.send(answer)),
            Some(Asker::Thread(asker)) => drop(asker.send(answer)),
            None => {}
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<u64, Asker>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open call. Dropping it withdraws the call.
struct Asked<'a> {
    link: &'a Link,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let was_open = self.link.asked().remove(&self.id).is_some();
        if was_open {
            let _ = self.link.send(&ToHost::Withdraw { id: self.id });
        }
    }
}
