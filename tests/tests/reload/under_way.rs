//! Notifications, shutdowns and other reloads beside a reload.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annunciator::StartError;

use crate::running::{A, Running, channels, filled, numbers, sorted};

#[tokio::test]
async fn what_is_under_way_ends_on_the_channel_where_it_began() {
    let yaml = |text: &str| {
        let a = format!(
            "a: {{type: steady, text: {text}, wait_for: GATE, notes: NOTES, delivery: {{timeout: 10m}}}}"
        );
        // What waits in a store is for the channel that has its name then.
        format!("{}delivery: {{store: none}}\n", channels(&[&a]))
    };
    let running = Running::start(&yaml("old")).await;
    let engine = running.engine.clone();
    // More than the channel takes at once: some only wait for a place.
    let notifying: Vec<_> = (0..100)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.notify_channels(&["a"], "hello").await })
        })
        .collect();
    running.noted("waiting", 64).await;
    while engine.deliveries_under_way() < 100 {
        tokio::task::yield_now().await;
    }
    let reloaded = running.reload(&yaml("new")).await.unwrap();
    assert_eq!((&*reloaded.opened[0], &*reloaded.closed[0]), ("a", "a"));
    assert_eq!(numbers(&running.notes(), "closed").len(), 0);
    assert_eq!(numbers(&running.notes(), "delivered").len(), 0);
    fs::write(running.gate(), "").unwrap();
    for notified in notifying {
        let report = notified.await.unwrap().unwrap();
        assert!(report.all_delivered(), "{report:?}");
        assert_eq!(report.channels()["a"].targets[0].remote_id, "old");
    }
    assert_eq!(running.notified("a").await, "new");
    let notes = running.noted("closed", 1).await;
    let (opened, delivered) = (numbers(&notes, "opened"), numbers(&notes, "delivered"));
    assert_eq!(delivered[..100], [opened[0]; 100]);
    assert_eq!(numbers(&notes, "closed"), [opened[0]]);
}

#[tokio::test]
async fn shutdown_waits_for_channels_that_a_reload_put_out_of_use() {
    let a = "a: {type: steady, text: TEXT, wait_for: GATE, notes: NOTES}";
    let yaml = |text: &str| channels(&[&a.replace("TEXT", text)]);
    let running = Running::start(&yaml("old")).await;
    let engine = running.engine.clone();
    let notifying = tokio::spawn(async move { engine.notify_channels(&["a"], "hello").await });
    running.noted("waiting", 1).await;
    let _ = running.reload(&yaml("new")).await.unwrap();
    let drained = running.engine.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained.abandoned, 1);
    assert!(!notifying.await.unwrap().unwrap().all_delivered());
    let notes = sorted(running.notes());
    assert_eq!(numbers(&notes, "closed").len(), 2, "{notes:?}");
    assert_eq!(numbers(&notes, "closed"), numbers(&notes, "opened"));
}

#[tokio::test]
async fn after_shutdown_nothing_is_opened() {
    let running = Running::start(&channels(&[A])).await;
    let _ = running.engine.shutdown(Duration::from_secs(5)).await;
    let yaml = channels(&["b: {type: steady, notes: NOTES}"]);
    let error = running.reload(&yaml).await.unwrap_err();
    assert!(matches!(error, StartError::Closed), "{error}");
    assert_eq!(numbers(&running.notes(), "opened").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_beside_reloads_leaves_nothing_open() {
    for _ in 0..20 {
        let running = Running::start(&channels(&[A])).await;
        let reloads: Vec<_> = (0..4)
            .map(|i| {
                let yaml = channels(&[&A.replace("one", &format!("v{i}"))]);
                let builder = running
                    .rig
                    .configured(&filled(&running.rig, &yaml))
                    .unwrap();
                let (engine, loaded) = (running.engine.clone(), builder.load().unwrap());
                tokio::spawn(async move { engine.reload(loaded).await })
            })
            .collect();
        let _ = running.engine.shutdown(Duration::from_secs(60)).await;
        for reload in reloads {
            match reload.await.unwrap() {
                Ok(_) | Err(StartError::Closed) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let notes = sorted(running.notes());
        assert_eq!(numbers(&notes, "closed"), numbers(&notes, "opened"));
    }
}

#[tokio::test]
async fn a_reload_goes_on_when_nobody_waits_for_it() {
    let running = Running::start(&channels(&[A])).await;
    let yaml = filled(&running.rig, &channels(&[&A.replace("one", "two")]));
    let loaded = running.rig.configured(&yaml).unwrap().load().unwrap();
    let mut reloading = Box::pin(running.engine.reload(loaded));
    let first = std::future::poll_fn(|cx| std::task::Poll::Ready(reloading.as_mut().poll(cx)));
    assert!(first.await.is_pending());
    drop(reloading);
    running.noted("closed", 1).await;
    assert_eq!(running.notified("a").await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_configuration_changes_fifty_times() {
    let yaml = |version: usize| {
        let rest = "default_notification_channels: [same, other]\n";
        let other = format!("other: {{type: steady, text: v{version}, notes: NOTES}}");
        format!(
            "{}{rest}",
            channels(&["same: {type: steady, text: same}", &other])
        )
    };
    let running = Running::start(&yaml(0)).await;
    let ended = Arc::new(AtomicBool::new(false));
    let notifying: Vec<_> = (0..4)
        .map(|_| {
            let (engine, ended) = (running.engine.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut notified = BTreeMap::<String, usize>::new();
                while !ended.load(Ordering::Relaxed) {
                    let report = engine.notify_default("hello").await.unwrap();
                    assert!(report.all_delivered(), "{report:?}");
                    assert_eq!(report.results().len(), 2);
                    assert_eq!(report.channels()["same"].targets[0].remote_id, "same");
                    let version = &report.channels()["other"].targets[0].remote_id;
                    *notified.entry(version.clone()).or_default() += 1;
                }
                notified
            })
        })
        .collect();
    for version in 1..=50 {
        let reloaded = running.reload(&yaml(version)).await.unwrap();
        assert_eq!(reloaded.kept, ["same"]);
        assert_eq!(running.notified("other").await, format!("v{version}"));
    }
    ended.store(true, Ordering::Relaxed);
    let mut notified = 50;
    for notifying in notifying {
        notified += notifying.await.unwrap().values().sum::<usize>();
    }
    let notes = running.noted("closed", 50).await;
    // Each went through one instance, and none through one that was closed.
    assert_eq!(numbers(&notes, "delivered").len(), notified);
    let mut closed = Vec::new();
    for note in &notes {
        match note.split_once(' ').unwrap() {
            ("closed", number) => closed.push(number),
            ("delivered", number) => assert!(!closed.contains(&number), "{number}"),
            _ => {}
        }
    }
    assert_eq!(closed.len(), 50);
}
