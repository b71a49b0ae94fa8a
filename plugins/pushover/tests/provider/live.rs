//! The plugin as a host program loads it, with the engine's own HTTP client: what only real
//! connections show.

use annunciator_testkit::http::Fault;
use annunciator_testkit::live::{Class, Kind, Live, Notification, Severity, Status};
use annunciator_testkit::pushover::{Pushover, TOKEN, USER};
use annunciator_testkit::rig::Rig;

fn settings(service: &Pushover, extra: &str) -> String {
    let url = service.url();
    format!("type: pushover\ntoken: {TOKEN}\nuser: {USER}\napi_url: {url}\n{extra}")
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_message_is_sent_it_arrives_once() {
    let service = Pushover::start().await;
    let extra = "device: droid2\npriorities: {info: -2, critical: high}\nttl: 60\n";
    let live = Live::start(&settings(&service, extra)).await.unwrap();
    let alert = Notification::new("CPU at 95 % ünïcode 🚨").severity(Severity::Critical);
    assert_eq!(live.classes(alert).await, [Class::Delivered]);
    let messages = service.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].text(), "CPU at 95 % ünïcode 🚨");
    assert_eq!(messages[0].priority, 1);
    let check = live.check().await.unwrap();
    assert_eq!(check.status, Status::Ok, "{check:?}");
    assert!(service.violations().is_empty());
    assert!(live.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_incident_recovers_its_emergency_is_cancelled() {
    let service = Pushover::start().await;
    let live = Live::start(&settings(&service, "priorities: {critical: 2}\n"))
        .await
        .unwrap();
    let problem = Notification::new("down").severity(Severity::Critical);
    let problem = problem.incident("a").kind(Kind::Problem);
    assert_eq!(live.classes(problem).await, [Class::Delivered]);
    let receipt = service.messages()[0].receipt.clone().unwrap();
    let recovery = Notification::new("up").incident("a").kind(Kind::Recovery);
    assert_eq!(live.classes(recovery).await, [Class::Delivered]);
    assert!(service.receipt(&receipt).unwrap().cancelled);
    assert!(service.violations().is_empty());
    assert!(live.end().await, "the follower of the receipt ends with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_fails_it_is_known_what_may_have_arrived() {
    let service = Pushover::start().await;
    let live = Live::start(&settings(&service, "")).await.unwrap();
    for (number, (fault, class)) in [
        (Fault::ResetBeforeStoring, Class::Unknown),
        (Fault::ResetAfterStoring, Class::Unknown),
        (Fault::html_page(), Class::Retry),
        (Fault::proxy_error(500), Class::Retry),
        (Fault::huge_body(20_000_000), Class::Retry),
    ]
    .into_iter()
    .enumerate()
    {
        service.fault(fault.clone());
        // The text differs each time, since the service refuses a quick repeat.
        let targets = live.send(format!("message {number}")).await;
        assert_eq!(targets[0].class, class, "{fault:?}: {targets:?}");
        let text = format!("{targets:?}");
        assert!(!text.contains(TOKEN) && !text.contains(USER), "{text}");
    }
    assert_eq!(service.messages().len(), 1);
    assert!(service.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_many_are_sent_at_once_no_more_than_two_connections_are_used() {
    let service = Pushover::start().await;
    let live = Live::start(&settings(&service, "")).await.unwrap();
    let sent = (0..40).map(|number| live.classes(format!("message {number}")));
    for classes in futures_util::future::join_all(sent).await {
        assert_eq!(classes, [Class::Delivered]);
    }
    assert_eq!(service.messages().len(), 40);
    assert!(service.connections().peak_in_use() <= 2);
    assert!(service.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_two_users_gets_no_answer_the_other_is_still_notified() {
    let other = "g".repeat(30);
    let service = Pushover::builder().group(&other).start().await;
    let extra = format!("delivery: {{timeout: 8s}}\nuser: {USER},{other}\n");
    let wanted = settings(&service, &extra).replacen(&format!("user: {USER}\n"), "", 1);
    let live = Live::start(&wanted).await.unwrap();
    service.fault(Fault::Silent);
    let mut classes = live.classes("x").await;
    classes.sort_by_key(|class| *class != Class::Delivered);
    assert_eq!(classes, [Class::Delivered, Class::Unknown]);
    assert_eq!(service.messages().len(), 1);
}

#[test]
fn when_settings_are_wrong_the_sentences_name_line_field_and_remedy() {
    let rig = Rig::new(&["annunciator-pushover"]).unwrap();
    let read = |settings: &str| {
        let yaml = format!("notification_channels:\n  p:\n    type: pushover\n{settings}");
        rig.problems(&yaml).unwrap()
    };
    let placeholders =
        read("    token: your-pushover-app-token\n    user: your-pushover-user-key\n");
    assert!(placeholders.contains("heartbeat.yaml:4"), "{placeholders}");
    assert!(!placeholders.contains("your-pushover"), "{placeholders}");
    let wrong = read(&format!(
        "    token: {TOKEN}\n    user: {USER}\n    retry: 10\n    html: true\n    \
         monospace: true\n    priority: loud\n    sond: siren\n"
    ));
    for part in [
        "heartbeat.yaml:6",
        "retry",
        "monospace",
        "cannot be used together with html",
        "priority",
        "emergency",
        "sond",
        "sound",
    ] {
        assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
    }
    assert!(!wrong.contains(TOKEN) && !wrong.contains(USER), "{wrong}");
}
