//! Checks of how its futures are polled and dropped.

use std::{
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use crate::miss::{Miss, ensure};
use crate::subject::{CALL_TIMEOUT, Stage, Subject, delivered, message, worst};

/// The maximum number of points at which a delivery may wait.
const PLACES: usize = 64;

/// Wakes whoever polls by hand.
struct Bell(mpsc::Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // A receiver that is gone does not need it.
        let _ = self.0.send(());
    }
}

fn bell() -> (Waker, mpsc::Receiver<()>) {
    let (ring, rung) = mpsc::channel();
    (Waker::from(Arc::new(Bell(ring))), rung)
}

/// Polls at most this often, each time on a thread of its own; `None` if the future has not ended
/// by then.
fn polled<T: Send>(
    future: impl Future<Output = T> + Send,
    times: usize,
) -> Result<Option<T>, Miss> {
    let mut future = pin!(future);
    let (waker, rung) = bell();
    for time in 0..times {
        let once = || {
            let mut context = Context::from_waker(&waker);
            future.as_mut().poll(&mut context)
        };
        let polled = thread::scope(|scope| {
            let spawned = thread::Builder::new()
                .name("poll".to_owned())
                .spawn_scoped(scope, once);
            let none = |_| Miss::fails("a thread could not be started");
            let panicked = |_| Miss::fails("a poll panicked");
            spawned.map_err(none)?.join().map_err(panicked)
        });
        match polled? {
            Poll::Ready(answer) => return Ok(Some(answer)),
            Poll::Pending if time + 1 == times => return Ok(None),
            Poll::Pending => rung.recv_timeout(CALL_TIMEOUT).map_err(|_| {
                Miss::fails(format!("a delivery was not woken within {CALL_TIMEOUT:?}"))
            })?,
        }
    }
    Ok(None)
}

pub(super) fn any_thread(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.succeed();
        let answer = tokio::task::block_in_place(|| {
            let attempt = message("hello");
            let delivering = stage
                .provider
                .as_ref()
                .map(|provider| provider.deliver(attempt));
            delivering.map_or(Ok(None), |delivering| polled(delivering, 100_000))
        })?;
        let outcomes = answer
            .map(|answer| answer.outcomes.into_vec())
            .unwrap_or_default();
        ensure(!outcomes.is_empty() && delivered(&outcomes), || {
            format!(
                "polled from several threads, it does not deliver: {}",
                worst(&outcomes)
            )
        })
    })
}

pub(super) fn dropped(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.succeed();
        for place in 1..=PLACES {
            let ended = tokio::task::block_in_place(|| {
                let attempt = message("hello");
                let delivering = stage
                    .provider
                    .as_ref()
                    .map(|provider| provider.deliver(attempt));
                delivering.map_or(Ok(None), |delivering| polled(delivering, place))
            })?;
            let outcomes = after(&stage).await?;
            ensure(delivered(&outcomes), || {
                format!(
                    "after a delivery that was dropped where it waited, the next one fails: {}",
                    worst(&outcomes)
                )
            })?;
            if ended.is_some() {
                return Ok(());
            }
        }
        Ok(())
    })
}

async fn after(stage: &Stage) -> Result<Vec<annunciator_core::outcome::OutcomeV1>, Miss> {
    // A dropped future may take a moment to be gone.
    tokio::time::sleep(Duration::from_millis(1)).await;
    stage.deliver(&message("after")).await
}
