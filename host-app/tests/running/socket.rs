//! The control socket: who may use it, what stands in its way, and requests
//! that are none.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
};

use heartbeat::control::MAX_REQUEST_LENGTH;

use crate::monitor::{CALM, Home, Monitor, PATIENCE, yaml};

/// The answer to bytes; the connection stays open where it is said.
fn answer(monitor: &Monitor, bytes: &[u8], finished: bool) -> String {
    let mut stream = UnixStream::connect(&monitor.control).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may stop reading before all is written.
    let _ = stream.write_all(bytes);
    if finished {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn nobody_else_may_use_it_and_it_goes_with_the_monitor() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let facts = fs::symlink_metadata(home.path("control.sock")).unwrap();
    assert!(facts.file_type().is_socket());
    assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    assert_eq!(monitor.stop().0, Some(0));
    assert!(!home.path("control.sock").exists());
}

#[test]
fn one_that_a_dead_monitor_left_is_replaced() {
    let home = Home::new(CALM);
    home.start().kill();
    assert!(home.path("control.sock").exists());
    let monitor = home.start();
    assert_eq!(monitor.status()["datagrams"], 0);
}

/// What a monitor says that watches without its control socket.
fn watched_without(home: &Home) -> String {
    let monitor = home.spawn(&["run"], |_| {});
    monitor.wait_for_log("the monitor watches without its control socket");
    monitor.wait_for_log("heartbeats are received");
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0), "{log}");
    log
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let home = Home::new(CALM);
    fs::write(home.path("control.sock"), "a letter").unwrap();
    let log = watched_without(&home);
    assert!(log.contains("control.sock is not a socket"), "{log}");
    let kept = fs::read_to_string(home.path("control.sock")).unwrap();
    assert_eq!(kept, "a letter");
}

#[test]
fn a_socket_that_somebody_answers_at_is_left_alone() {
    let home = Home::new(CALM);
    let _other = UnixListener::bind(home.path("control.sock")).unwrap();
    let (status, _, err) = home.hbd(&["run"]);
    assert_eq!(status, 1);
    assert!(
        err.contains("another monitor answers at the control socket"),
        "{err}"
    );
    let advice = "control.sock: stop it, or set another `monitor.control`";
    assert!(err.contains(advice), "{err}");
}

#[test]
fn a_second_monitor_does_not_start_and_harms_nothing() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let (status, _, err) = home.hbd(&["run"]);
    assert_eq!(status, 1);
    assert!(err.contains("another monitor"), "{err}");
    let status = monitor.status();
    assert!(status["state_problem"].is_null(), "{status}");
    assert_eq!(home.hbd(&["status"]).0, 0);
}

#[test]
fn a_folder_that_does_not_exist_is_made_for_the_monitor_s_user_alone() {
    let home = Home::with(&yaml(CALM).replace("HOME/control", "HOME/run/control"));
    // What is run is found by the usual name.
    std::os::unix::fs::symlink(home.path("run/control.sock"), home.path("control.sock")).unwrap();
    let monitor = home.start();
    assert_eq!(monitor.status()["datagrams"], 0);
    let facts = fs::metadata(home.path("run")).unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let home = Home::with(&yaml(CALM).replace("HOME/control", "HOME/none/there/control"));
    let log = watched_without(&home);
    let folder = home.path("none/there").display().to_string();
    assert!(log.contains("control.sock cannot be made: "), "{log}");
    assert!(
        log.contains(&format!("its folder {folder} does not")),
        "{log}"
    );
}

#[test]
fn what_is_no_request_is_refused_in_words() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let check = |bytes: &[u8], part: &str| {
        let answer = answer(&monitor, bytes, true);
        assert!(answer.starts_with("{\"refused\":\""), "{answer}");
        assert!(answer.contains(part), "no `{part}` in {answer}");
    };
    check(b"hello\n", "this is not a request: ");
    check(b"\n", "this is not a request: ");
    check(b"{\"command\":\"dance\"}\n", "unknown variant `dance`");
    check(b"{\"command\":\"explain\"}\n", "missing field");
    check(
        b"{\"command\":\"explain\",\"host\":\"a\",\"lines\":1,\"x\":1}\n",
        "unknown field `x`",
    );
    check(
        b"{\"command\":\"notify\",\"host\":null,\"message\":\"x\",\"title\":null,\"severity\":\"odd\"}\n",
        "odd",
    );
    // Whatever stands at a cut.
    let long = ["{\"command\":\"".as_bytes(), "ä".repeat(100_000).as_bytes()].concat();
    check(&long, "this is not a request: ");
    let long = vec![b'x'; MAX_REQUEST_LENGTH];
    check(&long, &format!("longer than {MAX_REQUEST_LENGTH} bytes"));
    assert_eq!(monitor.status()["datagrams"], 0);
}

#[test]
fn half_a_line_and_then_silence_holds_up_nobody() {
    let home = Home::new(CALM);
    let monitor = home.start();
    // One of a long request is heard at a time.
    for half in [vec![b'{'], vec![b'{'; 100_000]] {
        // More than are answered at a time.
        let silent: Vec<UnixStream> = (0..20)
            .map(|_| {
                let mut stream = UnixStream::connect(&monitor.control).unwrap();
                stream.write_all(&half).unwrap();
                stream
            })
            .collect();
        assert_eq!(monitor.status()["datagrams"], 0);
        let (status, _, err) = home.hbd(&["status"]);
        assert_eq!((status, err.as_str()), (0, ""));
        drop(silent);
    }
}
