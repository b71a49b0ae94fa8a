//! Notifies people of the engine's own alerts, through the channels that work.

use std::{collections::BTreeMap, future::pending, sync::Weak, time::Duration};

use crate::{
    alerts::{AlertChange, Subject},
    delivery::Addressee,
    engine::{
        handle::{Engine, Inner},
        notify::NotifyMode,
    },
    event::{Kind, Notification, Severity},
    router::Route,
};

/// Runs until the engine accepts no more notifications or is dropped.
pub(crate) async fn run(engine: Weak<Inner>) {
    // The end of an alert goes to the channels that its beginning went to.
    let mut notified: BTreeMap<Subject, Vec<String>> = BTreeMap::new();
    loop {
        let Some(engine) = Engine::while_open(&engine) else {
            return;
        };
        let (changes, next) = engine.0.alerts.take_changes();
        for change in changes {
            engine.notify_of(change, &mut notified);
        }
        let changed = engine.0.alerts.changed();
        let next = next.map(|pause| engine.0.shared.clock.sleep(pause));
        // The engine must not be kept alive by this task while it waits.
        drop(engine);
        tokio::select! {
            () = changed.notified() => {}
            () = async { next.unwrap_or_else(|| Box::pin(pending())).await } => {}
        }
    }
}

impl Engine {
    fn notify_of(&self, change: AlertChange, notified: &mut BTreeMap<Subject, Vec<String>>) {
        let addressees = match &change {
            AlertChange::Raised { subject, .. } => {
                let addressees = self.0.addressees();
                let names = addressees.iter().map(|one| one.channel.config().name());
                notified.insert(subject.clone(), names.map(str::to_owned).collect());
                addressees
            }
            AlertChange::Cleared { subject, .. } => self
                .0
                .still_open(&notified.remove(subject).unwrap_or_default()),
        };
        if addressees.is_empty() {
            tracing::error!("no channel is left to notify anybody of that");
            return;
        }
        let engine = self.clone();
        // A slow channel must not delay other changes.
        drop(self.0.deliveries.spawn(async move {
            let notification = notification(&engine, change);
            let notified =
                engine.notify_addressees("", addressees, notification, NotifyMode::WithoutWaiting);
            if let Err(error) = notified.await {
                tracing::error!("people could not be notified of an alert: {error}");
            }
        }));
    }
}

impl Inner {
    /// Returns those of these channels that are still open.
    fn still_open(&self, names: &[String]) -> Vec<Addressee> {
        let names = names.iter();
        self.current.with(|current| {
            let held = names.filter_map(|name| current.router.channel(&current.config, name));
            held.map(|channel| Addressee {
                channel,
                turn: None,
            })
            .collect()
        })
    }

    /// Returns the default channels that work or, if none does, all channels that work.
    fn addressees(&self) -> Vec<Addressee> {
        let is_working = |addressee: &Addressee| {
            let channel = &addressee.channel;
            channel.provider().is_ok() && !self.alerts.has_alert_on(channel.config().name())
        };
        let all = self.current.with(|current| {
            let names: Vec<&str> = current.config.channels().map(|one| one.name()).collect();
            [Route::Defaults, Route::Channels(&names)].map(|route| {
                let routed = current.route(route);
                routed.map_or_else(|_| Vec::new(), |(_, addressees)| addressees)
            })
        });
        let mut left = all
            .into_iter()
            .map(|some| some.into_iter().filter(is_working).collect::<Vec<_>>());
        left.find(|some| !some.is_empty()).unwrap_or_default()
    }
}

fn notification(engine: &Engine, change: AlertChange) -> Notification {
    match change {
        AlertChange::Raised { subject, sentence } => Notification::new(sentence)
            .title("Problem with notifications")
            .severity(Severity::Critical)
            .kind(Kind::Problem)
            .incident(format!("annunciator/{subject}")),
        AlertChange::Cleared { subject, since_ms } => {
            let lasted = engine.0.shared.clock.now_ms().saturating_sub(since_ms) / 1000;
            let lasted = Duration::from_secs(u64::try_from(lasted).unwrap_or_default());
            let lasted = humantime::format_duration(lasted);
            let what = match &subject {
                Subject::Channel(channel, _) => format!("Channel {channel} works again"),
                Subject::Program(name) => format!("{name} works again"),
                Subject::Store | Subject::StartedWithout => {
                    "Deliveries are recorded again".to_owned()
                }
            };
            Notification::new(format!("{what}, after {lasted}."))
                .title("Notifications work again")
                .kind(Kind::Recovery)
                .incident(format!("annunciator/{subject}"))
        }
    }
}

impl Engine {
    /// Returns the active alerts: the problems that keep people from being notified at the moment.
    #[must_use]
    pub fn alerts(&self) -> Vec<crate::alerts::Alert> {
        self.0.alerts.list()
    }

    /// Raises an alert of the embedding program's: something that keeps people from being notified
    /// and that the engine cannot know, such as a source of events that cannot be read. The default
    /// channels are notified, unless the alert is active already. `subject` names it, such as
    /// `ingest/grafana`; a program has few of them, since each is kept.
    pub fn raise_alert(&self, subject: &str, sentence: impl Into<String>) {
        let subject = Subject::Program(subject.into());
        self.0.alerts.raise(subject, sentence);
    }

    /// Clears an alert that [`raise_alert`](Self::raise_alert) raised, if it is active.
    pub fn clear_alert(&self, subject: &str) {
        self.0.alerts.clear(&Subject::Program(subject.into()));
    }
}
