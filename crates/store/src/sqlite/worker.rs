//! The threads of a file: each has a connection, and does its tasks in the order in which they are
//! requested. Those that have collected in the meantime are done in one transaction.

use std::{
    convert::Infallible,
    io, panic,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{Answer, StoreError};

/// The maximum number of tasks in one transaction: more would not be faster, and would delay the
/// first of them.
const MAX_BATCH: usize = 512;

/// The maximum number of tasks that wait: if a disk hangs, tasks whose callers have given up must
/// not fill the memory.
const MAX_QUEUED: usize = 16_384;

/// The last transaction's duration divided by this is the maximum time to wait for more tasks.
/// Callers that were answered together mostly make their next request together, a moment later,
/// and should not have to wait for all of the next transaction.
const GATHERING_DIVISOR: u32 = 2;

/// How long a thread is waited for when its file is closed: longer than a disk that works takes for
/// a transaction and for writing the log back, and than a write waits for another
/// process. The last handle may be
/// dropped on a runtime's thread, which must not hang forever with the disk.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle to the thread, which ends when the last handle is dropped and all tasks are done.
#[derive(Debug)]
pub(super) struct Worker {
    asked: Option<mpsc::SyncSender<Box<dyn Task>>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Disconnected once the thread has closed its connection. In a lock only so that handles can
    /// be shared: nobody but the last one uses it.
    closed: Mutex<Receiver<Infallible>>,
}

/// Work in a transaction. It may be done more than once: a transaction that fails is tried again
/// in parts.
trait Task: Send {
    fn work(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, failed: Option<StoreError>);
}

struct Asked<F, T> {
    work: F,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Task for Asked<F, T>
where
    F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn work(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.done = Some((self.work)(transaction)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failed: Option<StoreError>) {
        let answer = match (failed, self.done) {
            (None, Some(done)) => Ok(done),
            (failed, _) => Err(failed.unwrap_or(StoreError::Closed)),
        };
        // Nobody may be waiting for it.
        let _ = self.answer.send(answer);
    }
}

impl Worker {
    pub(super) fn writing(path: PathBuf, database: Connection) -> io::Result<Self> {
        Self::start(
            "store-writer",
            path,
            database,
            TransactionBehavior::Immediate,
        )
    }

    pub(super) fn reading(path: PathBuf, database: Connection) -> io::Result<Self> {
        Self::start(
            "store-reader",
            path,
            database,
            TransactionBehavior::Deferred,
        )
    }

    fn start(
        name: &str,
        path: PathBuf,
        mut database: Connection,
        behavior: TransactionBehavior,
    ) -> io::Result<Self> {
        let (asked, tasks) = mpsc::sync_channel::<Box<dyn Task>>(MAX_QUEUED);
        let action = match behavior {
            TransactionBehavior::Deferred => "read",
            _ => "written",
        };
        let (closing, closed) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut last = Last::default();
                while let Ok(first) = tasks.recv() {
                    let batch = gather(first, &tasks, &last);
                    let (count, began) = (batch.len(), Instant::now());
                    do_all(batch, &path, &mut database, behavior, action);
                    let took = began.elapsed();
                    last = Last { count, took };
                }
                // In this order: whoever waits may open the file again at once.
                drop(database);
                drop(closing);
            })?;
        Ok(Self {
            asked: Some(asked),
            thread: Some(thread),
            closed: Mutex::new(closed),
        })
    }

    /// Requests a task, which is done even if the answer is not waited for.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let task = Box::new(Asked {
            work,
            done: None,
            answer,
        });
        let sent = self.asked.as_ref().map(|asked| asked.try_send(task));
        Box::pin(async move {
            match sent {
                Some(Ok(())) => answered.await.unwrap_or(Err(StoreError::Closed)),
                Some(Err(TrySendError::Full(_))) => Err(StoreError::Full(MAX_QUEUED)),
                Some(Err(TrySendError::Disconnected(_))) | None => Err(StoreError::Closed),
            }
        })
    }
}

impl Worker {
    /// Lets the thread end after its tasks, and waits until its connection is closed, but no longer
    /// than this: a thread that hangs with its disk is left to itself, and may still finish what
    /// was requested. Returns whether the connection is closed.
    fn close(&mut self, timeout: Duration) -> bool {
        self.asked = None;
        let Some(thread) = self.thread.take() else {
            return true;
        };
        // A task may have been the last to hold the store.
        if thread.thread().id() == thread::current().id() {
            return false;
        }
        let closed = self
            .closed
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if closed.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
            return false;
        }
        let _ = thread.join();
        true
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.close(CLOSE_TIMEOUT);
    }
}

/// Does work with the file at `path` on a thread that ends with it.
///
/// # Errors
/// Fails as the work does, with [`StoreError::Unusable`] if the system refuses the thread, and with
/// [`StoreError::Closed`] if the work panics.
pub(super) fn apart<T: Send + 'static>(
    name: &'static str,
    path: PathBuf,
    action: &'static str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> impl Future<Output = Result<T, StoreError>> + Send {
    let (answer, answered) = oneshot::channel();
    let begun = thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || drop(answer.send(work())));
    let refused = begun.err().map(|error| StoreError::Unusable {
        path,
        action,
        detail: format!("no thread can be started for it: {error}"),
    });
    async move {
        match refused {
            None => answered.await.unwrap_or(Err(StoreError::Closed)),
            Some(error) => Err(error),
        }
    }
}

/// The size and duration of the last transaction.
#[derive(Debug, Default)]
struct Last {
    count: usize,
    took: Duration,
}

/// Collects all tasks that are requested now, and those that follow in a moment.
fn gather(
    first: Box<dyn Task>,
    tasks: &Receiver<Box<dyn Task>>,
    last: &Last,
) -> Vec<Box<dyn Task>> {
    let mut batch = vec![first];
    batch.extend(tasks.try_iter().take(MAX_BATCH - 1));
    let until = Instant::now() + last.took / GATHERING_DIVISOR;
    while batch.len() < last.count {
        let left = until.saturating_duration_since(Instant::now());
        match tasks.recv_timeout(left) {
            Ok(task) => batch.push(task),
            Err(_) => break,
        }
    }
    batch
}

/// Does all tasks in one transaction. If that fails, each is tried again on its own, so that one
/// task's error does not affect the others.
fn do_all(
    mut batch: Vec<Box<dyn Task>>,
    path: &Path,
    database: &mut Connection,
    behavior: TransactionBehavior,
    action: &'static str,
) {
    match attempt(&mut batch, database, behavior) {
        Ok(()) => batch.into_iter().for_each(|task| task.answer(None)),
        Err(error) if batch.len() == 1 || !may_be_of_one(&error) => {
            let error = StoreError::of(path, action, &error);
            batch
                .into_iter()
                .for_each(|task| task.answer(Some(error.clone())));
        }
        Err(_) => {
            for task in batch {
                do_all(vec![task], path, database, behavior, action);
            }
        }
    }
}

/// Returns whether other tasks of the batch may succeed: the disk and other processes are the
/// same for all.
fn may_be_of_one(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
    let code = error.sqlite_error_code();
    code.is_none_or(|code| matches!(code, ConstraintViolation | TooBig | TypeMismatch))
}

fn attempt(
    batch: &mut [Box<dyn Task>],
    database: &mut Connection,
    behavior: TransactionBehavior,
) -> rusqlite::Result<()> {
    let work = || {
        let transaction = database.transaction_with_behavior(behavior)?;
        for task in batch {
            task.work(&transaction)?;
        }
        transaction.commit()
    };
    // A bug in this program must not end the thread: the transaction is rolled back, and the
    // other tasks go on.
    panic::catch_unwind(panic::AssertUnwindSafe(work))
        .unwrap_or(Err(rusqlite::Error::UnwindingPanic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteFile;

    #[tokio::test]
    async fn whoever_closes_a_file_waits_for_its_tasks_but_not_for_a_disk_that_hangs() {
        let database = Connection::open_in_memory().unwrap();
        let mut hangs = Worker::writing(PathBuf::from("x"), database).unwrap();
        let (go, may_go) = mpsc::channel::<()>();
        let task = hangs.ask(move |_| {
            let _ = may_go.recv();
            Ok(())
        });
        assert!(!hangs.close(Duration::ZERO));
        drop(hangs);
        drop(go);
        assert_eq!(task.await, Ok(()), "what was requested is done");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let file = SqliteFile::open(&path, &[]).unwrap();
        let tasks = (0..50).map(|_| file.write(|_| Ok(())));
        let tasks: Vec<_> = tasks.collect();
        drop(file);
        let log = folder.path().join("x-wal");
        assert!(!log.exists(), "the last connection removes the log");
        for task in tasks {
            assert_eq!(task.await, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_disk_that_hangs_takes_only_so_much() {
        let database = Connection::open_in_memory().unwrap();
        let worker = Worker::writing(PathBuf::from("x"), database).unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let first = worker.ask(move |_| {
            begun.send(()).unwrap();
            let _ = may_go.recv();
            Ok(())
        });
        has_begun.recv().unwrap();
        let waiting: Vec<_> = (0..MAX_QUEUED).map(|_| worker.ask(|_| Ok(()))).collect();
        let refused = worker.ask(|_| Ok(())).await;
        assert_eq!(refused, Err(StoreError::Full(MAX_QUEUED)));
        drop(go);
        assert_eq!(first.await, Ok(()));
        for answer in waiting {
            assert_eq!(answer.await, Ok(()));
        }
        assert_eq!(worker.ask(|_| Ok(())).await, Ok(()));
    }
}
