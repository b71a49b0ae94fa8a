//! Tells people of the engine's own trouble, through the channels that work.

use std::{collections::BTreeMap, future::pending, sync::Weak, time::Duration};

use crate::alerts::{News, Subject};
use crate::{
    delivery::Addressee,
    engine::{
        handle::{Engine, Inner},
        notify::Manner,
    },
    event::{Kind, Notification, Severity},
};

/// Runs until the engine takes no more notifications, or is gone.
pub(crate) async fn run(engine: Weak<Inner>) {
    // Its end is told to those who were told of it.
    let mut told: BTreeMap<Subject, Vec<String>> = BTreeMap::new();
    loop {
        let Some(inner) = engine
            .upgrade()
            .filter(|inner| !inner.deliveries.is_closed())
        else {
            return;
        };
        let engine = Engine(inner);
        let (news, next) = engine.0.troubles.news();
        for news in news {
            engine.tell_news(news, &mut told);
        }
        let changed = engine.0.troubles.changed();
        let next = next.map(|pause| engine.0.shared.clock.sleep(pause));
        // Nobody waits for this to end.
        drop(engine);
        tokio::select! {
            () = changed.notified() => {}
            () = async { next.unwrap_or_else(|| Box::pin(pending())).await } => {}
        }
    }
}

impl Engine {
    fn tell_news(&self, news: News, told: &mut BTreeMap<Subject, Vec<String>>) {
        let addressees = match &news {
            News::Begun { subject, .. } => {
                let addressees = self.0.addressees();
                let names = addressees.iter().map(|one| one.channel.config().name());
                told.insert(subject.clone(), names.map(str::to_owned).collect());
                addressees
            }
            News::Over { subject, .. } => self.0.those(&told.remove(subject).unwrap_or_default()),
        };
        if addressees.is_empty() {
            tracing::error!("no channel is left by which to tell of that");
            return;
        }
        let engine = self.clone();
        // What one channel does holds up no other news.
        drop(self.0.deliveries.spawn(async move {
            let notification = notification(&engine, news);
            let told = engine.tell("", addressees, notification, Manner::WithoutWaiting);
            if let Err(error) = told.await {
                tracing::error!("own trouble could not be told: {error}");
            }
        }));
    }
}

impl Inner {
    /// Those of these channels that there still are.
    fn those(&self, names: &[String]) -> Vec<Addressee> {
        let names = names.iter();
        self.in_force.look(|now| {
            let held = names.filter_map(|name| now.router.channel(&now.config, name));
            held.map(|channel| Addressee {
                channel,
                turn: None,
            })
            .collect()
        })
    }

    /// The default channels that work; where none does, all that work.
    fn addressees(&self) -> Vec<Addressee> {
        let works = |addressee: &Addressee| {
            let channel = &addressee.channel;
            channel.provider().is_ok() && !self.troubles.ails(channel.config().name())
        };
        let all = self.in_force.look(|now| {
            let names: Vec<&str> = now.config.channels().map(|one| one.name()).collect();
            let defaults = now.router.defaults(&now.config);
            [
                defaults,
                now.router.named(&now.config, &names).unwrap_or_default(),
            ]
        });
        let mut left = all
            .into_iter()
            .map(|some| some.into_iter().filter(works).collect::<Vec<_>>());
        left.find(|some| !some.is_empty()).unwrap_or_default()
    }
}

fn notification(engine: &Engine, news: News) -> Notification {
    match news {
        News::Begun { subject, sentence } => Notification::new(sentence)
            .title("Notifications are in trouble")
            .severity(Severity::Critical)
            .kind(Kind::Problem)
            .incident(format!("annunciator/{subject}")),
        News::Over { subject, since_ms } => {
            let lasted = engine.0.shared.clock.now_ms().saturating_sub(since_ms) / 1000;
            let lasted = Duration::from_secs(u64::try_from(lasted).unwrap_or_default());
            let lasted = humantime::format_duration(lasted);
            let what = match subject.channel() {
                Some(channel) => format!("Channel {channel} works again"),
                None => "Deliveries are kept again".to_owned(),
            };
            Notification::new(format!("{what}, after {lasted}."))
                .title("Notifications work again")
                .kind(Kind::Recovery)
                .incident(format!("annunciator/{subject}"))
        }
    }
}

impl Engine {
    /// What keeps people from being told at the moment.
    #[must_use]
    pub fn troubles(&self) -> Vec<crate::alerts::Trouble> {
        self.0.troubles.now()
    }
}
