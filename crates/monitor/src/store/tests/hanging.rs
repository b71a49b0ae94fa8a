//! A disk that does not answer: nobody waits for it, and nothing is lost when
//! it answers again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use annunciator::Engine;

use super::super::{
    batch::Batch,
    error::StoreError,
    reader::Reader,
    writer::{Disk, Writer},
};
use crate::{
    incidents::{Message, OutboundMessage},
    machine::{Entry, Moment, Tick},
    notify::Forwarder,
};

/// Writes when it is let, and notes how many lines of history came.
struct Slow {
    gate: mpsc::Receiver<()>,
    lines: Arc<Mutex<Vec<usize>>>,
}

impl Disk for Slow {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        // An error: it was opened for good.
        let _ = self.gate.recv();
        self.lines.lock().unwrap().push(batch.history.len());
        Ok(())
    }

    fn prune(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn hanging() -> (Writer, mpsc::Sender<()>, Arc<Mutex<Vec<usize>>>) {
    let (open, gate) = mpsc::channel();
    let lines = Arc::<Mutex<Vec<usize>>>::default();
    let disk = Slow {
        gate,
        lines: Arc::clone(&lines),
    };
    let writer = Writer::over(Some(disk), Reader::new(None), None).unwrap();
    (writer, open, lines)
}

fn line() -> Batch {
    Batch {
        history: vec![Entry {
            host: Arc::from("a"),
            at: Moment {
                tick: Tick(0),
                wall_ms: 0,
            },
            text: "x".to_owned(),
        }],
        ..Batch::default()
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn people_are_told_once_and_in_order_and_all_is_written_in_the_end() {
    let (writer, open, lines) = hanging();
    let called = Arc::<Mutex<Vec<usize>>>::default();
    for number in 0..50 {
        let called = Arc::clone(&called);
        writer.write_then(line(), move || called.lock().unwrap().push(number));
    }
    wait_until("all calls", || called.lock().unwrap().len() == 50);
    assert!(lines.lock().unwrap().is_empty(), "nothing was written");
    wait_until("its trouble", || writer.health().trouble.is_some());
    let trouble = writer.health().trouble.unwrap();
    assert!(trouble.contains("the disk does not answer"), "{trouble}");
    drop(open);
    wait_until("its health", || writer.health().trouble.is_none());
    drop(writer);
    assert_eq!(*called.lock().unwrap(), (0..50).collect::<Vec<_>>());
    assert_eq!(lines.lock().unwrap().iter().sum::<usize>(), 50);
}

#[test]
fn while_it_answers_nobody_is_called_before_it_is_written() {
    let (writer, open, lines) = hanging();
    let early = Arc::new(AtomicUsize::new(0));
    for number in 1..=20 {
        let (early, lines) = (Arc::clone(&early), Arc::clone(&lines));
        writer.write_then(line(), move || {
            if lines.lock().unwrap().iter().sum::<usize>() < number {
                early.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    drop(open);
    drop(writer);
    assert_eq!(early.load(Ordering::Relaxed), 0);
    assert_eq!(lines.lock().unwrap().iter().sum::<usize>(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telling_is_handed_over_though_it_cannot_be_struck_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, "notification_channels: {}\n").unwrap();
    let engine = Engine::builder(&file).start().await.unwrap();
    let (writer, open, lines) = hanging();
    let forwarder = Forwarder::new(engine, Arc::new(writer));
    forwarder.forward(OutboundMessage {
        id: 1,
        key: "k/1".into(),
        // The engine knows no such channel: that it was asked is what counts.
        names: vec![Arc::from("gone")],
        message: Arc::new(Message::about_monitor("x", 0)),
    });
    wait_until("an engine that was asked", || forwarder.waiting() == 0);
    assert!(lines.lock().unwrap().is_empty(), "nothing was written");
    drop(open);
}
