//! Where a channel learns what its daemon receives: the connection that it sends by, or a stream of
//! events.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    events::{Events, Stream},
    line::{Line, Subscription},
    reply::Failure,
};

/// A source of what a daemon receives.
pub(crate) enum Source {
    /// A daemon on a unix socket or a TCP port.
    Line(Arc<Line>),
    /// A daemon over HTTP.
    Events(Events),
}

/// A source that is read.
pub(crate) enum Subscribed {
    Line(Subscription),
    Events(Stream),
}

impl Source {
    /// Subscribes to what an account receives.
    ///
    /// # Errors
    /// The daemon cannot be reached, or does not answer.
    pub(crate) async fn subscribe(
        &self,
        account: &str,
        end: Instant,
    ) -> Result<Subscribed, Failure> {
        match self {
            Self::Line(line) => line.subscribe(account, end).await.map(Subscribed::Line),
            Self::Events(events) => {
                let stream = events.subscribe(account, end).await;
                stream.map(Subscribed::Events)
            }
        }
    }

    /// Ends a subscription.
    pub(crate) async fn unsubscribe(&self, account: &str, subscribed: Subscribed, end: Instant) {
        // A stream ends when it is dropped.
        if let (Self::Line(line), Subscribed::Line(subscription)) = (self, subscribed) {
            line.unsubscribe(account, subscription, end).await;
        }
    }
}

impl Subscribed {
    /// Waits until the connection is gone.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Line(subscription) => subscription.ended().await,
            Self::Events(stream) => stream.ended().await,
        }
    }
}
