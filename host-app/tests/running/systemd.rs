//! The notifications to systemd, received by a stand-in of its socket.

use std::{cell::RefCell, os::unix::net::UnixDatagram, time::Duration};

use rustix::process::Signal;

use crate::monitor::{CALM, Home, wait_for};

struct Systemd {
    socket: UnixDatagram,
    notified: RefCell<Vec<String>>,
}

impl Systemd {
    fn wait_for(&self, part: &str) -> String {
        wait_for(part, || {
            let mut buffer = [0; 4096];
            while let Ok(length) = self.socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.notified.borrow_mut().push(text);
            }
            let mut notified = self.notified.borrow_mut();
            let place = notified.iter().position(|text| text.contains(part))?;
            // What came before is over.
            notified.drain(..=place).next_back()
        })
    }
}

#[test]
fn systemd_learns_of_readiness_life_reloads_and_the_end() {
    let home = Home::new(CALM);
    let socket = UnixDatagram::bind(home.path("notify")).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let systemd = Systemd {
        socket,
        notified: RefCell::default(),
    };
    let monitor = home.start_as(&["run"], |command| {
        command.env("NOTIFY_SOCKET", home.path("notify"));
    });
    systemd.wait_for("READY=1");
    systemd.wait_for("WATCHDOG=1");
    monitor.signal(Signal::HUP);
    // Both in one datagram, or systemd ignores them.
    let reloading = systemd.wait_for("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    systemd.wait_for("READY=1");
    monitor.signal(Signal::TERM);
    systemd.wait_for("STOPPING=1");
    assert_eq!(monitor.stop().0, Some(0));
}

#[test]
fn the_state_is_kept_where_systemd_wants_it() {
    let home = Home::with(&crate::monitor::yaml(CALM).replace("  state: HOME/state.sqlite\n", ""));
    let folder = home.path("lib");
    std::fs::create_dir(&folder).unwrap();
    let monitor = home.start_as(&["run"], |command| {
        command.env("STATE_DIRECTORY", &folder);
    });
    assert!(monitor.status()["state_problem"].is_null());
    assert_eq!(monitor.stop().0, Some(0));
    assert!(folder.join("state.sqlite").exists());
    let nowhere = home.start();
    nowhere
        .wait_for_log("the monitor's state is lost when it ends: name a file as `monitor.state`");
}
