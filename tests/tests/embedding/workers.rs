//! Programs that have workers, and ask too late, elsewhere or never whether they are
//! one.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    process::Output,
};

use annunciator_testkit::artefacts::copy_program;

use crate::program::Home;

const ISOLATED: &str = "{type: steady, delivery: {isolation: process}}";
/// What `start` says to call.
const CALL: &str =
    "`annunciator::worker::run_if_asked()`, which must be called first thing in the `main`";

fn said(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

/// `start` fails and says what to call, and no worker starts another.
fn refused(shape: &str, says: &str) {
    let home = Home::new(ISOLATED);
    let ended = home.run(shape);
    let said = said(&ended);
    assert_eq!(ended.status.code(), Some(9), "{shape}: {said}");
    assert!(
        said.contains(says) && said.contains(CALL),
        "{shape}: {said}"
    );
    let begins = "this program cannot run plugins in processes of their own";
    assert!(said.starts_with(begins), "{shape}: {said}");
    // Itself, and one worker.
    assert_eq!(home.processes(), 2, "{shape}");
}

#[test]
fn a_program_that_never_asks() {
    refused("never asks", "began to start an engine of its own");
}

#[test]
fn a_program_that_never_asks_and_does_not_take_no_for_an_answer() {
    let says = "began to start an engine of its own";
    refused("never asks and tries for ever", says);
}

#[test]
fn a_program_that_never_asks_and_ends_by_itself() {
    refused(
        "never asks and ends",
        "exited with status 3 before it called",
    );
}

#[test]
fn a_program_that_never_asks_and_hangs_up() {
    let says = "exited with status 9 before it called";
    refused("never asks and closes its input", says);
}

#[test]
fn a_program_that_asks_when_it_has_started() {
    let says = "began to start an engine of its own";
    refused("asks when it has started", says);
}

/// These are late, and not too late.
#[test]
fn programs_that_ask_with_a_runtime_around() {
    for shape in [
        "asks within a runtime",
        "asks within a runtime of one thread",
        "asks in a task",
        "asks on a thread",
    ] {
        let home = Home::new(ISOLATED);
        let ended = home.run(shape);
        assert!(ended.status.success(), "{shape}: {}", said(&ended));
    }
}

#[test]
fn a_program_that_needs_no_worker_need_not_ask() {
    let home = Home::new("{type: steady}");
    let ended = home.run("never asks");
    assert!(ended.status.success(), "{}", said(&ended));
}

/// Neither a variable that a shell has, nor the argument makes a worker of
/// a process that nobody speaks to.
#[test]
fn what_a_user_may_have_typed_makes_no_worker() {
    let home = Home::new("{type: steady}");
    for (variable, argument) in [
        (Some("started"), None),
        (Some("confined"), None),
        (None, Some("--annunciator-worker")),
    ] {
        let mut program = home.shaped("asks on a thread");
        program.args(argument);
        program.envs(variable.map(|value| ("ANNUNCIATOR_WORKER", value)));
        let ended = program.output().unwrap();
        let said = said(&ended);
        assert!(ended.status.success(), "{variable:?} {argument:?}: {said}");
    }
}

/// Each call of an engine, in a child that was forked from its process.
#[test]
fn an_engine_in_a_forked_child_says_so_whatever_it_is_asked() {
    let home = Home::new("{type: steady}");
    let ended = home.run("forks");
    assert!(ended.status.success(), "{}", said(&ended));
    let answers = crate::program::text(home.path("forked"));
    assert_eq!(answers.lines().count(), 9, "{answers}");
    for answer in answers.lines() {
        let says = "and does not work in process";
        assert!(
            answer.contains(says) && answer.contains("forked"),
            "{answers}"
        );
    }
}

/// Root may execute what belongs to others; a worker gives that up.
#[test]
fn a_program_of_root_s_that_only_another_user_may_execute() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new(ISOLATED);
    let file = home.path("program");
    copy_program(env!("CARGO_BIN_EXE_embed_wrongly"), &file).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o700)).unwrap();
    let nobody = 65534;
    chown(&file, Some(nobody), Some(nobody)).unwrap();
    fs::write(home.path("shape"), "asks within a runtime").unwrap();
    let ended = home.program(file.to_str().unwrap()).output().unwrap();
    let said = said(&ended);
    assert!(said.contains("as with `chmod a+x`"), "{said}");
}
