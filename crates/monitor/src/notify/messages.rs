//! The fate of a message: recorded, handed over, or delivered without a record.

use annunciator::{NotifyError, Receipt, Route, UnknownChannel};
use tokio::time::Instant;

use super::{
    handover::{HandedOver, Submission, hand_over},
    order::Turn,
    recorder::Phase,
    recording::{RETRY_DELAY, Recording},
    unrecorded::{Unrecorded, UnrecordedOutcome, drop_channel, refused},
};
use crate::{incidents::OutboundMessage, machine::Entry, store::Batch};

/// The result of preparing a message for the engine.
enum PreparedMessage {
    Submit(Box<Submission>),
    /// No recipient is left to be notified.
    Nothing,
    /// The engine has no store.
    NoStore(OutboundMessage),
    /// The engine is shut down: the message waits for the next start.
    Closed(OutboundMessage),
}

impl Recording {
    /// Removes the messages from a batch and prepares those that the engine's store is to
    /// accept in the same transaction.
    pub(super) fn prepare_all(&mut self, batch: &mut Batch) -> Vec<Submission> {
        let mut submissions = Vec::new();
        for (id, outbound) in std::mem::take(&mut batch.outbound) {
            if self.rows_only.contains(&id) {
                batch.outbound.insert(id, outbound);
                continue;
            }
            match self.prepare(outbound, &mut batch.history) {
                // Its row, if it has one, goes once it is known to be accepted.
                PreparedMessage::Submit(submission) => submissions.push(*submission),
                PreparedMessage::Nothing => {
                    self.close(id);
                    batch.forwarded.insert(id);
                }
                PreparedMessage::NoStore(outbound) | PreparedMessage::Closed(outbound) => {
                    self.rows_only.insert(id);
                    batch.outbound.insert(id, outbound);
                }
            }
        }
        submissions
    }

    fn prepare(&self, mut outbound: OutboundMessage, history: &mut Vec<Entry>) -> PreparedMessage {
        loop {
            let names: Vec<&str> = outbound.names.iter().map(|name| &**name).collect();
            let (route, key) = (Route::Channels(&names), Some(&*outbound.key));
            let prepared = self
                .engine
                .prepare(route, outbound.message.notification(), key);
            match prepared {
                Ok((intake, pending)) => {
                    return PreparedMessage::Submit(Box::new(Submission {
                        outbound,
                        intake,
                        pending,
                    }));
                }
                Err(NotifyError::UnknownChannel(UnknownChannel(name))) => {
                    history.extend(drop_channel(&mut outbound, &name));
                    if outbound.names.is_empty() {
                        return PreparedMessage::Nothing;
                    }
                }
                Err(NotifyError::Closed) => return PreparedMessage::Closed(outbound),
                Err(NotifyError::NoStore) => return PreparedMessage::NoStore(outbound),
                Err(error) => {
                    history.extend(refused(&outbound, &error));
                    return PreparedMessage::Nothing;
                }
            }
        }
    }

    /// Puts a message into the next write, unless it was finished.
    pub(super) fn keep(&mut self, outbound: OutboundMessage) {
        let id = outbound.id;
        let mut open = self.shared.open();
        if let Some(message) = open.get_mut(&id) {
            *message = outbound.clone();
            self.unwritten.outbound.insert(id, outbound);
        }
    }

    /// Does the same, unless the next write has the message already: that copy names only
    /// the channels that are left.
    pub(super) fn keep_if_missing(&mut self, outbound: OutboundMessage) {
        if !self.unwritten.outbound.contains_key(&outbound.id) {
            self.keep(outbound);
        }
    }

    pub(super) fn begin_handover(&mut self) {
        let is_running = self.shared.phase() == Phase::Running;
        if self.handing_over.is_some() || self.queue.is_empty() || !is_running {
            return;
        }
        let mut submissions = Vec::new();
        for outbound in self.queue.take() {
            let id = outbound.id;
            let is_cleared = self.notified.contains(&id) || self.cleared.remove(&id);
            if !is_cleared && !self.may_go_on(&outbound) {
                continue;
            }
            let mut history = Vec::new();
            match self.prepare(outbound, &mut history) {
                PreparedMessage::Submit(submission) => submissions.push(*submission),
                PreparedMessage::Nothing => self.finish(id),
                PreparedMessage::NoStore(outbound) => self.notify_unrecorded(outbound),
                PreparedMessage::Closed(_) => drop(self.rows_only.insert(id)),
            }
            self.unwritten.history.extend(history);
        }
        self.handing_over = Some(hand_over(&self.engine, submissions));
    }

    pub(super) fn handed_over(&mut self, (outbound, answer): HandedOver) {
        match answer {
            Some(Err(NotifyError::Store(_))) | None if self.notified.contains(&outbound.id) => {
                self.retry_handover(outbound);
            }
            Some(Err(NotifyError::Store(_))) | None => self.notify_unrecorded(outbound),
            Some(Err(NotifyError::Closed)) => drop(self.rows_only.insert(outbound.id)),
            Some(answer) => self.recorded(&outbound, answer),
        }
    }

    fn retry_handover(&mut self, outbound: OutboundMessage) {
        self.queue.push_notified(outbound);
        let at = Instant::now() + RETRY_DELAY;
        self.retry_handover_at.get_or_insert(at);
    }

    /// Handles the answer of the engine's store.
    pub(super) fn recorded(
        &mut self,
        outbound: &OutboundMessage,
        answer: Result<Receipt, NotifyError>,
    ) {
        let id = outbound.id;
        match answer {
            Ok(receipt) => {
                let (notification, repeated) = (receipt.notification, receipt.repeated);
                tracing::debug!(outbound = id, notification, repeated, "recorded");
            }
            // It was recorded under an earlier configuration or with other words.
            Err(NotifyError::Conflict { differs, .. }) => {
                tracing::debug!(outbound = id, differs, "was recorded before");
            }
            Err(error) => self.unwritten.history.extend(refused(outbound, &error)),
        }
        self.finish(id);
    }

    /// Notifies people of a message that cannot be recorded, unless they were notified
    /// before.
    pub(super) fn notify_unrecorded(&mut self, outbound: OutboundMessage) {
        let turn = self.unrecorded.place(&outbound);
        self.notify_in_turn(outbound, turn);
    }

    fn notify_in_turn(&mut self, outbound: OutboundMessage, turn: Turn) {
        let id = outbound.id;
        // A write that timed out may fail when everybody has been notified.
        let is_open = self.shared.open().contains_key(&id);
        if is_open && self.notified.insert(id) {
            self.rows_only.insert(id);
            self.unrecorded.push(outbound, turn);
        }
    }

    /// Holds a message back, in its row, while one of its lane is delivered without a record:
    /// people shall not learn of an end before its beginning. Returns whether it may go on.
    pub(super) fn may_go_on(&mut self, outbound: &OutboundMessage) -> bool {
        let mut turn = self.unrecorded.place(outbound);
        if turn.has_come() {
            return true;
        }
        self.rows_only.insert(outbound.id);
        self.held.insert(outbound.id, (outbound.clone(), turn));
        false
    }

    /// Lets the messages go on whose turn has come.
    fn release_held(&mut self) {
        for (id, (outbound, mut turn)) in std::mem::take(&mut self.held) {
            if !turn.has_come() {
                self.held.insert(id, (outbound, turn));
                continue;
            }
            // The next one of its lane follows it.
            drop(turn);
            self.rows_only.remove(&id);
            if self.deliveries.is_some() {
                self.keep(outbound);
            } else {
                self.cleared.insert(id);
                self.queue.push(outbound);
            }
        }
    }

    /// Delivers what is held back without a record, too: the disk does not answer.
    pub(super) fn notify_held(&mut self) {
        for (_, (outbound, turn)) in std::mem::take(&mut self.held) {
            self.notify_in_turn(outbound, turn);
        }
    }

    pub(super) fn delivered_unrecorded(&mut self, unrecorded: Unrecorded) {
        let Unrecorded {
            outbound,
            outcome,
            history,
        } = unrecorded;
        let id = outbound.id;
        self.unwritten.history.extend(history);
        match outcome {
            UnrecordedOutcome::Done => self.finish(id),
            UnrecordedOutcome::Failed => {
                self.rows_only.remove(&id);
                self.keep(outbound.clone());
                if self.deliveries.is_none() {
                    self.retry_handover(outbound);
                }
            }
            UnrecordedOutcome::Closed => {}
        }
        self.release_held();
    }

    /// Marks a message as done.
    fn finish(&mut self, id: u64) {
        self.close(id);
        self.unwritten.outbound.remove(&id);
        // Its row may be in a write that is under way.
        if self.rows.contains(&id) || self.writing.is_some() {
            self.unwritten.forwarded.insert(id);
        }
    }

    fn close(&mut self, id: u64) {
        self.notified.remove(&id);
        self.rows_only.remove(&id);
        self.shared.open().remove(&id);
    }
}
