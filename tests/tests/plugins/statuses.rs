//! One table over HTTP statuses that every provider which speaks HTTP passes,
//! with the exceptions that its service asks for.

use std::time::Duration;

use annunciator_testkit::{
    http::{Answer, Fault, HttpServer},
    live::{Class, Live},
};

/// What a status means when the service has no rule of its own.
const TABLE: [(u16, Class); 14] = [
    (302, Class::Permanent),
    (400, Class::Permanent),
    (401, Class::Permanent),
    (403, Class::Permanent),
    (404, Class::Permanent),
    (405, Class::Permanent),
    (413, Class::Permanent),
    (415, Class::Permanent),
    (429, Class::Retry),
    (500, Class::Retry),
    (501, Class::Retry),
    (502, Class::Retry),
    (503, Class::Retry),
    (504, Class::Retry),
];

/// Walks the table; `exceptions` go before it. `lost` is what it means when
/// the line is lost at the provider's first request.
async fn check(settings: impl Fn(&str) -> String, exceptions: &[(u16, Class)], lost: Class) {
    let server = HttpServer::start(|_| async { Answer::status(404) })
        .await
        .unwrap();
    let live = Live::start(&settings(&server.url())).await.unwrap();
    for (status, class) in TABLE {
        let exception = exceptions.iter().find(|(known, _)| *known == status);
        let expected = exception.map_or(class, |(_, class)| *class);
        server.fault(Fault::Answer(
            Answer::text(status, "{}").header("Retry-After", 7),
        ));
        for target in live.send("hello").await {
            assert_eq!(target.class, expected, "status {status}: {target}");
            assert!(
                !target.detail.is_empty(),
                "status {status} has no explanation"
            );
            assert!(
                target.code.contains(&status.to_string()),
                "status {status}: {target}"
            );
            if status == 503 {
                assert_eq!(target.retry_after, Some(Duration::from_secs(7)), "{target}");
            }
        }
    }
    // A page in the service's place is not a success.
    server.fault(Fault::html_page());
    for target in live.send("hello").await {
        assert_ne!(target.class, Class::Delivered, "{target}");
    }
    // Whatever may have been received is not simply sent again.
    server.fault(Fault::ResetAfterStoring);
    for target in live.send("hello").await {
        assert_eq!(target.class, lost, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushover() {
    let settings = |url: &str| {
        format!(
            "type: pushover\ntoken: azGDORePK8gMaC0QOYAMyEEuzJnyUi\nuser: uQiRzpo4DXghDmr9QzzfQu27cmVRsG\napi_url: '{url}'"
        )
    };
    check(settings, &[], Class::Unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mattermost_by_webhook() {
    let settings = |url: &str| {
        format!("type: mattermost\nhost: '{url}'\ntoken: w7ri5ybhrbfsmqhkhbc7n8hf1y\nchannel: ops")
    };
    // What says nothing of its own may stand in front of the server.
    check(settings, &[], Class::Unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mattermost_as_a_bot() {
    let settings = |url: &str| {
        format!(
            "type: mattermost\nhost: '{url}'\nbot_token: b0tk3nq8x3gt8pdgzgsyorb7ye\nteam: ops\nchannel: ops"
        )
    };
    // Its first request only asks for the channel.
    check(settings, &[(501, Class::Permanent)], Class::Retry).await;
}
