//! Channels in processes of their own: whatever a plugin does, the host and every
//! other channel go on, and the report says what happened.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{
    CheckStatus, Class, Engine, Fault, Route, TargetReport, store::MemoryStore,
    worker::WorkerProgram,
};
use annunciator_testkit::{
    artefacts::write_program,
    hasty::Hasty,
    mattermost::Mattermost,
    rig::{Rig, worker},
};
use annunciator_tests::foreign::WAIT_TIMEOUT;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

fn yaml(how: &str) -> String {
    format!(
        "notification_channels:
  good: {{type: steady, delivery: {{isolation: none}}}}
  bad: {{type: ill_behaved, how: {how}, delivery: {{timeout: 5s, isolation: process}}}}
default_notification_channels: [good, bad]
delivery: {{store: none}}
"
    )
}

fn rig() -> Rig {
    Rig::new(&["fixture-steady", "fixture-ill-behaved"]).unwrap()
}

async fn start_with(yaml: &str, worker: WorkerProgram) -> Engine {
    let rig = rig();
    let builder = rig.configured(yaml).unwrap();
    builder.worker(worker).start().await.unwrap()
}

async fn start(how: &str) -> Engine {
    start_with(&yaml(how), worker().unwrap()).await
}

/// Tells both channels; the good one must deliver. Answers what the bad one said.
async fn notify(engine: &Engine, text: &str) -> TargetReport {
    let report = engine.notify_default(text).await.unwrap();
    assert_eq!(report.results().get("good"), Some(&true));
    report.channels()["bad"].targets[0].clone()
}

/// Twice, since another worker is started after the first.
async fn crash(how: &str, says: &str) {
    let engine = start(how).await;
    for _ in 0..2 {
        let said = notify(&engine, "hello").await;
        assert_eq!((said.class, said.fault), (Class::Unknown, Fault::Plugin));
        let expected = format!("libfixture_ill_behaved.so {says} while it delivered");
        assert!(said.detail.contains(&expected), "{said}");
        assert!(said.hint.contains("author"), "{said}");
    }
    let drained = engine.shutdown(Duration::from_secs(10)).await;
    assert_eq!(drained.abandoned, 0);
}

#[tokio::test]
async fn one_that_behaves() {
    let engine = start("not").await;
    for _ in 0..3 {
        let said = notify(&engine, "hello").await;
        assert_eq!(said.class, Class::Delivered, "{said}");
    }
    assert_eq!(engine.shutdown(Duration::from_secs(10)).await.abandoned, 0);
}

#[tokio::test]
async fn a_segmentation_fault() {
    crash("segfaults", "was ended by signal 11 (SIGSEGV)").await;
}

#[tokio::test]
async fn an_abort() {
    crash("aborts", "was ended by signal 6 (SIGABRT)").await;
}

#[tokio::test]
async fn an_exit() {
    crash("exits", "exited with status 3").await;
}

#[tokio::test]
async fn a_leak_without_end() {
    crash("leaks", "was ended by signal 6 (SIGABRT)").await;
}

#[tokio::test]
async fn a_stack_that_is_full() {
    crash("fills_its_stack", "was ended by signal 6 (SIGABRT)").await;
}

#[tokio::test]
async fn garbage_on_the_line() {
    crash("sends_garbage", "sent something that is not a message").await;
}

#[tokio::test]
async fn half_a_message_on_the_line() {
    let says = "closed its connection in the middle of a message";
    crash("sends_half", says).await;
}

#[tokio::test]
async fn a_message_of_a_gigabyte_on_the_line() {
    let says = "announced a message of 1073741824 bytes";
    crash("sends_a_gigabyte", says).await;
}

#[tokio::test]
async fn a_worker_that_hangs_up() {
    crash("hangs_up", "closed its connection").await;
}

/// The host waits for it as long as for any other, and then ends it.
#[tokio::test]
async fn a_loop_without_end() {
    let short = yaml("loops_for_ever").replace("timeout: 5s", "timeout: 200ms");
    let engine = start_with(&short, worker().unwrap()).await;
    let said = notify(&engine, "hello").await;
    assert_eq!((said.class, said.fault), (Class::Unknown, Fault::Remote));
    assert!(said.detail.contains("did not answer in time"), "{said}");
    // Whoever comes meanwhile goes down with it, and hears why.
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let said = notify(&engine, "hello").await;
        if said.detail.contains("kept a call after its end") {
            return;
        }
        assert!(said.detail.contains("did not answer in time"), "{said}");
        assert!(Instant::now() < deadline, "{said}");
    }
}

#[tokio::test]
async fn what_is_under_way_with_a_crash_is_reported_and_what_comes_after_it_is_delivered() {
    let engine = start("aborts_when_told").await;
    let notifying = (0..20).map(|number| {
        let engine = engine.clone();
        let text = if number == 10 { "crash" } else { "hello" };
        tokio::spawn(async move { notify(&engine, text).await })
    });
    let mut crashed = 0;
    for notified in notifying.collect::<Vec<_>>() {
        let said = notified.await.unwrap();
        match said.class {
            Class::Delivered => {}
            _ => {
                assert!(said.detail.contains("was ended by signal 6"), "{said}");
                crashed += 1;
            }
        }
    }
    assert!(crashed > 0);
    for _ in 0..3 {
        assert_eq!(notify(&engine, "hello").await.class, Class::Delivered);
    }
}

#[tokio::test]
async fn a_crash_in_a_task_between_deliveries() {
    let engine = start("aborts_in_task").await;
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let said = notify(&engine, "hello").await;
        // It answers, or its task was quicker; and when that has happened a few
        // times, it rests.
        if said.class == Class::Retry {
            assert!(said.detail.contains("it is started again in"), "{said}");
            return;
        }
        assert!(Instant::now() < deadline, "{said}");
    }
}

#[tokio::test]
async fn a_crash_while_the_channel_is_opened() {
    let engine = start("aborts_in_open").await;
    for _ in 0..2 {
        let said = notify(&engine, "hello").await;
        assert_eq!((said.class, said.fault), (Class::Permanent, Fault::Plugin));
        let expected = "was ended by signal 6 (SIGABRT) while it opened the channel";
        assert!(said.detail.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_crash_while_settings_are_checked() {
    let engine = start("aborts_in_validate").await;
    let said = notify(&engine, "hello").await;
    assert_eq!((said.class, said.fault), (Class::Permanent, Fault::Plugin));
    let expected = "was ended by signal 6 (SIGABRT) while it checked settings";
    assert!(said.detail.contains(expected), "{said}");
}

#[tokio::test]
async fn a_crash_while_the_channel_is_closed() {
    let engine = start("aborts_in_close").await;
    assert_eq!(notify(&engine, "hello").await.class, Class::Delivered);
    let drained = engine.shutdown(Duration::from_secs(10)).await;
    assert_eq!(drained.abandoned, 0);
}

#[tokio::test]
async fn a_check_in_a_worker() {
    let engine = start("not").await;
    let checks = engine.check(&["bad"]).await.unwrap();
    assert_eq!(checks[0].status, CheckStatus::Ok);
}

/// It rests when it crashed several times, longer each time; people hear of it
/// through another channel, and of its end.
#[tokio::test]
async fn a_worker_that_keeps_crashing_backs_off_and_raises_one_alert() {
    let rig = Rig::new(&["annunciator-mattermost", "fixture-ill-behaved"]).unwrap();
    let chat = Mattermost::builder().channel("ops").hook("h1", "ops");
    let chat = chat.start().await;
    let yaml = format!(
        "notification_channels:
  chat: {{type: mattermost, host: '{}', token: h1, channel: ops}}
  bad: {{type: ill_behaved, how: aborts_when_told, delivery: {{isolation: process}}}}
default_notification_channels: [chat, bad]
delivery: {{retry: {{attempts: 3, first: 1s, max: 1s}}}}
",
        chat.url()
    );
    let builder = rig.configured(&yaml).unwrap().worker(worker().unwrap());
    let builder = builder.clock(Arc::new(Hasty::default()));
    let store = Arc::new(MemoryStore::default());
    let engine = builder.store(store).start().await.unwrap();
    let bad = Route::Channels(&["bad"]);
    engine.submit(bad, "crash", None).await.unwrap();
    let notified = chat_is_notified(&chat, "several times").await;
    assert!(
        notified.contains("Channel bad delivers nothing for now"),
        "{notified}"
    );
    assert_eq!(engine.alerts()[0].subject, "channel/bad/crashes");
    engine.submit(bad, "hello", None).await.unwrap();
    chat_is_notified(&chat, "Channel bad works again").await;
    assert!(engine.alerts().is_empty());
    assert_eq!(chat.messages().len(), 2);
}

async fn chat_is_notified(chat: &Mattermost, words: &str) -> String {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let texts: Vec<String> = chat
            .messages()
            .iter()
            .map(|post| post.attachments()[0]["text"].to_string())
            .collect();
        if let Some(notified) = texts.iter().find(|text| text.contains(words)) {
            return notified.clone();
        }
        assert!(Instant::now() < deadline, "{texts:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The memory of a worker is bounded, and not that of the programs that it runs.
#[tokio::test]
async fn a_program_that_is_run_in_a_worker_has_the_memory_of_any_other() {
    let rig = Rig::new(&["annunciator-exec"]).unwrap();
    let (program, notified) = (rig.folder().join("tell"), rig.folder().join("limit"));
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\nsleep 0.2\nulimit -d >'{}'\n",
        notified.display()
    );
    write_program(&program, script).unwrap();
    let yaml = format!(
        "notification_channels:
  tell: {{type: exec, program: {}, delivery: {{isolation: process}}}}
default_notification_channels: [tell]
delivery: {{store: none}}
",
        program.display()
    );
    let builder = rig.configured(&yaml).unwrap().worker(worker().unwrap());
    let engine = builder.start().await.unwrap();
    let report = engine.notify_default("hello").await.unwrap();
    assert!(report.all_delivered(), "{report:?}");
    let own = getrlimit(Resource::RLIMIT_DATA).unwrap().1;
    let expected = if own == RLIM_INFINITY {
        "unlimited".to_owned()
    } else {
        (own / 1024).to_string()
    };
    assert_eq!(fs::read_to_string(notified).unwrap().trim(), expected);
}

#[test]
fn a_program_without_workers_says_where_one_is_wanted() {
    let rig = rig();
    let yaml = "notification_channels:\n  bad: {type: steady, delivery: {isolation: process}}\n";
    assert_eq!(
        rig.exactly(yaml)
            .unwrap()
            .load()
            .unwrap_err()
            .to_string()
            .lines()
            .next()
            .unwrap(),
        format!(
            "{}:2:45: error: channel bad: delivery.isolation: this program cannot run plugins in processes of their own (help: write `isolation: none`, or have the program offer a worker)",
            rig.file().display()
        )
    );
}

/// A program that is none of ours disables the channel, in one sentence.
async fn check_program(script: &str, says: &str) {
    let rig = rig();
    let program = rig.folder().join("worker");
    write_program(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    check_path(&program, says).await;
}

async fn check_path(program: &Path, says: &str) {
    let engine = start_with(&yaml("not"), WorkerProgram::at(program)).await;
    let said = notify(&engine, "hello").await;
    assert_eq!((said.class, said.fault), (Class::Permanent, Fault::Plugin));
    assert!(said.detail.contains(says), "no `{says}` in {said}");
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let says = "could not be started: No such file or directory";
    check_path(Path::new("/nowhere/worker"), says).await;
}

#[tokio::test]
async fn a_program_that_is_no_worker() {
    check_program(
        "exit 7",
        "exited with status 7 before it called `annunciator::worker::run_if_asked()`",
    )
    .await;
}

#[tokio::test]
async fn a_program_that_talks_nonsense() {
    let says = "announced a message of 1633771873 bytes";
    check_program("printf aaaaaaaaaaaaaaaa >&0; sleep 60", says).await;
}

#[tokio::test]
async fn a_program_of_another_version() {
    // The first message of a worker, with what it speaks.
    let script = r"printf '\010\000\000\000\000\006parrot' >&0; sleep 60";
    let says = "is not of this program's version: it speaks \"parrot\"";
    check_program(script, says).await;
}
