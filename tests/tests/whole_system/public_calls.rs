//! Every public call of the engine, as an embedding program makes it.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use annunciator::{
    CheckStatus, Class, Engine, Kind, Notification, NotifyError, Proof, Route, Severity,
    definitions,
};
use annunciator_testkit::rig::Rig;

const YAML: &str = "notification_channels:
  mail: {type: steady, text: by mail}
  chat: {type: steady, text: by chat, delivery: {timeout: 2m}}
  pager: {type: steady, outcomes: [ok, later]}
default_notification_channels: [mail, chat]
hosts:
  web: {notification_channels: [pager, mail, pager], watch: true, threshold_config: high}
  db: {}
";

async fn start() -> (Rig, Engine) {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let engine = rig.start(YAML).await.unwrap();
    (rig, engine)
}

fn results(pairs: &[(&str, bool)]) -> BTreeMap<String, bool> {
    pairs
        .iter()
        .map(|(name, delivered)| ((*name).to_owned(), *delivered))
        .collect()
}

#[tokio::test]
async fn notify_host_uses_the_host_s_channels_each_once() {
    let (_rig, engine) = start().await;
    let report = engine.notify_host("web", "CPU at 95 %").await.unwrap();
    assert_eq!(
        report.results(),
        &results(&[("mail", true), ("pager", false)])
    );
    assert!(!report.all_delivered());
    let pager = &report.channels()["pager"];
    assert_eq!((pager.attempts, pager.channel_type.as_str()), (1, "steady"));
    assert_eq!(pager.targets[0].class, Class::Delivered);
    assert_eq!(pager.targets[0].proof, Some(Proof::Accepted));
    assert_eq!(pager.failures().count(), 1);
}

#[tokio::test]
async fn hosts_without_channels_and_unknown_hosts_get_the_defaults() {
    let (_rig, engine) = start().await;
    for host in ["db", "never-heard-of", ""] {
        let report = engine.notify_host(host, "hello").await.unwrap();
        assert_eq!(
            report.results(),
            &results(&[("chat", true), ("mail", true)])
        );
        assert!(report.all_delivered());
    }
}

#[tokio::test]
async fn notify_default_and_notify_channels() {
    let (_rig, engine) = start().await;
    let report = engine.notify_default("hello").await.unwrap();
    assert_eq!(
        report.results(),
        &results(&[("chat", true), ("mail", true)])
    );
    let report = engine
        .notify_channels(&["chat", "chat"], "hello")
        .await
        .unwrap();
    assert_eq!(report.results(), &results(&[("chat", true)]));
    let error = engine
        .notify_channels(&["chat", "chatt"], "hello")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "there is no channel `chatt`");
}

#[tokio::test]
async fn notify_with_takes_definitions_that_stand_in_no_file() {
    let (_rig, engine) = start().await;
    let report = engine
        .notify_with("adhoc: {type: steady, text: +0123}", "hello")
        .await
        .unwrap();
    assert_eq!(report.channels()["adhoc"].targets[0].remote_id, "+0123");

    let value = serde_json::json!({ "adhoc": { "type": "steady", "text": "from a value" } });
    let report = engine
        .notify_with(&definitions(&value).unwrap(), "hello")
        .await
        .unwrap();
    assert_eq!(report.results(), &results(&[("adhoc", true)]));

    let error = engine
        .notify_with("adhoc: {type: steady, tekst: x}", "hello")
        .await
        .unwrap_err();
    assert!(matches!(&error, NotifyError::Definitions(problems) if problems.iter().count() == 1));
    assert!(
        error.to_string().contains("did you mean `text`?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_notification_carries_what_is_known() {
    let (_rig, engine) = start().await;
    let notification = Notification::new("disk full")
        .title("db is in trouble")
        .severity(Severity::Critical)
        .kind(Kind::Problem)
        .incident("db/disk")
        .occurred_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .attribute("path", "/var");
    assert!(
        engine
            .notify_host("db", notification)
            .await
            .unwrap()
            .all_delivered()
    );
    assert!(
        engine
            .notify_host("db", String::from("plain"))
            .await
            .unwrap()
            .all_delivered()
    );
    assert!(matches!(
        engine.notify_host("db", " \n").await,
        Err(NotifyError::EmptyMessage)
    ));
}

#[tokio::test]
async fn what_nobody_would_be_notified_of_is_not_accepted_and_leaves_its_key_free() {
    let (_rig, engine) = start().await;
    for key in [None, Some("once")] {
        let nobody = Route::Channels(&[]);
        let submitted = engine.submit(nobody, "hello", key).await;
        assert!(matches!(submitted, Err(NotifyError::NoChannel)));
        let prepared = engine.prepare(nobody, "hello", key);
        assert!(matches!(prepared, Err(NotifyError::NoChannel)));
    }
    let keyed = Notification::new("hello").key("once");
    assert!(engine.notify_channels(&[], keyed).await.unwrap().is_empty());
    let some = Route::Channels(&["mail"]);
    let receipt = engine.submit(some, "hello", Some("once")).await.unwrap();
    assert_eq!((receipt.repeated, receipt.deliveries.len()), (false, 1));
}

#[tokio::test]
async fn the_configuration_answers_who_is_notified() {
    let (_rig, engine) = start().await;
    let config = engine.config();
    assert_eq!(config.channels_for_host("web"), ["pager", "mail"]);
    assert_eq!(config.channels_for_host("db"), ["mail", "chat"]);
    assert_eq!(config.channels_for_host("nobody"), ["mail", "chat"]);
    let configs = config.channel_configs_for_host("web");
    assert_eq!(configs[1].settings()["text"], "by mail");
    let chat = config.channel("chat").unwrap();
    assert_eq!((chat.name(), chat.channel_type()), ("chat", "steady"));
    assert_eq!(chat.options().timeout, Duration::from_secs(120));
    assert_eq!(
        config.channel("mail").unwrap().options().timeout,
        Duration::from_secs(30)
    );
    assert!(config.channel("nothing").is_none());
    assert_eq!(config.default_channels(), ["mail", "chat"]);
    let web = config.host("web").unwrap();
    assert!(web.watch && web.has_own_channels());
    assert_eq!(web.threshold_config.as_deref(), Some("high"));
    let names: Vec<&str> = config.hosts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["db", "web"]);
}

#[tokio::test]
async fn check_delivers_nothing_and_answers_for_each() {
    let (_rig, engine) = start().await;
    let checks = engine.check(&[]).await.unwrap();
    assert_eq!(checks.len(), 3);
    assert!(checks.iter().all(|check| check.status == CheckStatus::Ok));
    assert_eq!(engine.check(&["mail"]).await.unwrap()[0].channel, "mail");
    assert!(engine.check(&["nothing"]).await.is_err());
}

#[tokio::test]
async fn after_shutdown_nothing_is_accepted() {
    let (_rig, engine) = start().await;
    let clone = engine.clone();
    let drained = engine.shutdown(Duration::from_secs(5)).await;
    assert_eq!(drained.abandoned, 0);
    assert!(matches!(
        clone.notify_default("late").await,
        Err(NotifyError::Closed)
    ));
    // Once more does no harm.
    let _ = clone.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn shutdown_waits_for_its_deadline_and_no_longer() {
    let rig = Rig::new(&["fixture-ill-behaved"]).unwrap();
    let yaml = "notification_channels: {slow: {type: ill_behaved, how: never_answers, delivery: {timeout: 1h}}}
default_notification_channels: [slow]
";
    let engine = rig.start(yaml).await.unwrap();
    let notifying = tokio::spawn({
        let engine = engine.clone();
        async move { engine.notify_default("hello").await }
    });
    // Wait until the delivery is under way: the first poll of the task has run.
    while engine.deliveries_under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let drained = engine.shutdown(Duration::from_millis(50)).await;
    assert_eq!(drained.abandoned, 1);
    let report = notifying.await.unwrap().unwrap();
    let target = &report.channels()["slow"].targets[0];
    assert_eq!(target.class, Class::Unknown);
    assert!(
        target
            .detail
            .contains("the engine was shut down before an answer came"),
        "{target}"
    );
}

#[tokio::test]
async fn a_caller_that_stops_waiting_does_not_stop_the_delivery() {
    let (_rig, engine) = start().await;
    let mut notifying = Box::pin(engine.notify_default("hello"));
    // One poll accepts it; then the caller goes away.
    let first =
        std::future::poll_fn(|cx| std::task::Poll::Ready(notifying.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    drop(notifying);
    let drained = engine.shutdown(Duration::from_secs(5)).await;
    assert_eq!(drained.abandoned, 0);
}

#[test]
fn an_engine_lives_on_any_runtime_and_in_any_thread() {
    fn handle<T: Send + Sync + Clone + 'static>() {}
    handle::<Engine>();
    for runtime in [
        tokio::runtime::Builder::new_current_thread(),
        tokio::runtime::Builder::new_multi_thread(),
    ] {
        let mut runtime = runtime;
        let runtime = runtime.enable_all().build().unwrap();
        let report = runtime.block_on(async {
            let (_rig, engine) = start().await;
            engine.notify_default("hello").await.unwrap()
        });
        assert!(report.all_delivered());
    }
}

#[tokio::test]
async fn an_embedding_program_s_own_keys_are_no_surprise() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let yaml = "notification_channels: {a: {type: steady}}\ndefault_notification_channels: [a]\nmonitor: {port: 1}\nhosts: {h: {interval: 5}}\n";
    let builder = rig.configured(yaml).unwrap();
    assert_eq!(builder.load().unwrap().warnings.iter().count(), 2);
    let builder = builder
        .known_keys(["monitor"])
        .known_host_keys(["interval"]);
    assert!(builder.load().unwrap().warnings.is_empty());
}
