//! A file for deliveries that cannot be opened: people are notified nevertheless, and the
//! sender is warned that nothing is stored.

use std::fs;

use crate::monitor::{CALM, Home, yaml};

/// A home whose third line names this store; what is there of the store.
fn home(store: &str) -> Home {
    let store = format!("delivery:\n  wait: 20s\n  store: {store}\n");
    Home::with(&format!("{store}{}", yaml(CALM)))
}

/// The obstacle, and its sentence.
const UNUSABLE: [(&str, &str); 3] = [
    (
        "HOME/missing/outbox.sqlite",
        "cannot be opened: its folder HOME/missing does not exist",
    ),
    ("HOME/folder", "cannot be opened: it is a folder"),
    (
        "HOME/text",
        "is damaged (file is not a database): move it away",
    ),
];

#[test]
fn a_message_from_memory_says_which_setting_why_and_what_follows() {
    for (store, why) in UNUSABLE {
        let home = home(store);
        fs::create_dir(home.path("folder")).unwrap();
        fs::write(home.path("text"), "no database ".repeat(100)).unwrap();
        let real = |text: &str| {
            text.replace(
                "HOME",
                home.path("").to_str().unwrap().trim_end_matches('/'),
            )
        };
        let at = format!(
            "warning: delivery.store ({}:3:10): the store {} {}",
            home.file(),
            real(store),
            real(why)
        );
        let follows = |who: &str| {
            format!("messages are delivered from memory, and are not kept if {who} dies\n")
        };
        let (status, out, err) = home.hbd(&["send", "--host", "web-01", "x"]);
        assert_eq!(status, 0, "it was delivered: {err}");
        assert!(out.starts_with("a: delivered"), "{out}");
        assert!(err.starts_with(&at), "no `{at}` in {err}");
        assert!(err.ends_with(&follows("this call")), "{err}");
        let (status, _, err) = home.hbd(&["send", "--default", "--key", "k", "x"]);
        assert_eq!(status, 0, "{err}");
        let says = "--key has no effect beyond this call: ";
        let could_not = "could not be opened, see `delivery.store`";
        assert!(err.contains(says) && err.contains(could_not), "{err}");

        let _monitor = home.start();
        let (status, out, err) = home.hbd(&["notify", "--host", "web-01", "x"]);
        assert_eq!(status, 0, "{err}");
        assert!(out.starts_with("a: delivered"), "{out}");
        assert!(err.starts_with(&at), "no `{at}` in {err}");
        assert!(err.ends_with(&follows("the monitor")), "{err}");
    }
}

#[test]
fn a_state_file_that_may_not_be_used_is_reported_and_one_that_is_not_there_yet_is_not() {
    let home = Home::new(CALM);
    let (status, _, err) = home.hbd(&["send", "--host", "web-01", "x"]);
    assert_eq!((status, err.as_str()), (0, ""));
    fs::create_dir(home.path("state.sqlite")).unwrap();
    let (status, out, err) = home.hbd(&["send", "--host", "web-01", "x"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("a: delivered"), "{out}");
    let says = format!("warning: monitor.state ({}:6:10): the store ", home.file());
    assert!(err.starts_with(&says), "no `{says}` in {err}");
}
