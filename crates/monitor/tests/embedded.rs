//! A program embeds the monitor without `hbd`: from a datagram to a message, and on
//! after a restart.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    net::UdpSocket,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use annunciator::store::State;
use annunciator_monitor::{
    HostDelivery, Location, MonitorConfig, Reloading, Running, declare, machine::HostState, prepare,
};
use annunciator_protocol::{Datagram, Event};
use annunciator_testkit::rig::Rig;

const YAML: &str = "notification_channels:
  pager: {type: steady, text: x}
monitor:
  listen: [\"127.0.0.1:0\"]
  interval: 1h
hosts:
  web-01: {notification_channels: [pager], watch: true}
";
/// The timeout for conditions: generous, since machines may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a monitor like a program that uses nothing else of this workspace.
async fn start(rig: &Rig, state: &Path) -> (Running, Reloading) {
    let builder = declare(rig.configured(YAML).unwrap());
    let loaded = builder.load().unwrap();
    let config = MonitorConfig::of(&loaded.config);
    let reloading = Reloading::new(builder.clone(), &config, &loaded.config);
    let state = Location::File(state.to_owned());
    let mut prepared = prepare(&loaded.config, config, &state).await.unwrap();
    let store = prepared.deliveries(&loaded.config).await.unwrap();
    // Some: the state is in the file.
    let builder = builder.store(store.unwrap());
    let engine = builder.start_with(loaded).await.unwrap();
    (prepared.start(engine, || {}).unwrap(), reloading)
}

fn send(running: &Running, counter: u64, event: Event) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let datagram = Datagram {
        host: "web-01".into(),
        boot: "b1".into(),
        counter,
        sent_at_ms: i64::try_from(now.unwrap().as_millis()).unwrap(),
        event,
        interval: None,
        metrics: Vec::new(),
        signed: false,
    };
    let bytes = datagram.encode(None).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&bytes, running.addresses()[0]).unwrap();
}

async fn until_delivered(running: &Running, text: &str) -> HostDelivery {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let explained = running.monitor().explain("web-01", 10).await.unwrap();
        let is_it = |one: &HostDelivery| one.text == text && one.state == State::Delivered;
        if let Some(found) = explained.messages.into_iter().find(is_it) {
            return found;
        }
        assert!(Instant::now() < deadline, "`{text}` is not delivered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_s_message_reaches_its_channel_and_is_known_after_a_restart() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let state = rig.folder().join("state.sqlite");
    let (running, _) = start(&rig, &state).await;
    send(&running, 1, Event::Message("lost its uplink".to_owned()));
    let delivered = until_delivered(&running, "web-01 lost its uplink").await;
    assert_eq!((&*delivered.channel, delivered.attempts), ("pager", 1));
    assert_eq!(running.stop().await, 0);

    let (running, _) = start(&rig, &state).await;
    let overview = running.monitor().overview().await;
    assert_ne!(overview.hosts[0].state, HostState::New);
    assert_eq!(overview.messages.by_state[&State::Delivered], 1);
    until_delivered(&running, "web-01 lost its uplink").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_is_taken_while_it_runs() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let (running, reloading) = start(&rig, &rig.folder().join("state.sqlite")).await;
    let more = format!("{YAML}  db-01: {{notification_channels: [pager]}}\n");
    drop(rig.configured(&more).unwrap());
    let reloaded = reloading.reload(running.monitor()).await.unwrap();
    assert_eq!(reloaded.channels.kept, ["pager"]);
    let overview = running.monitor().overview().await;
    let names: Vec<&str> = overview.hosts.iter().map(|one| &*one.host).collect();
    assert_eq!(names, ["db-01", "web-01"]);

    drop(rig.configured("monitor: {listen: nowhere}\n").unwrap());
    assert!(reloading.reload(running.monitor()).await.is_err());
    assert_eq!(running.monitor().overview().await.hosts.len(), 2);
    assert_eq!(reloading.tally().rejected, 1);
    running.stop().await;
}
