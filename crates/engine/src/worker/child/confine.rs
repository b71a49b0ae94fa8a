//! Drops what a worker does not need: privileges, and the file descriptors of its program.
//!
//! Privileges belong to threads, and a program may have started threads before it asked whether it
//! is a worker. The confined thread therefore executes the program again, which ends all other
//! threads; whatever starts after that has no privileges. The process that started the worker has
//! cleared the environment.

use std::{
    fs, io,
    os::{fd::BorrowedFd, unix::process::CommandExt as _},
    process::Command,
};

use rustix::{
    io::{FdFlags, fcntl_getfd, fcntl_setfd},
    process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
        setrlimit,
    },
    thread::{
        CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
        clear_ambient_capability_set, no_new_privs, remove_capability_from_bounding_set,
        set_capabilities, set_no_new_privs,
    },
};

use super::super::stage::{ARGUMENT, STAGE_VARIABLE, Stage};

/// The maximum size of a worker's own memory, in bytes. A worker that leaks ends before the machine
/// runs out of memory.
const MAX_MEMORY: u64 = 512 * 1024 * 1024;

/// The folder in which the kernel lists the open descriptors of this process.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Drops the privileges of this thread and executes the program again with only its standard
/// streams open. Returns only with an error.
pub(super) fn execute_again() -> io::Error {
    drop_privileges();
    if let Err(error) = close_on_exec() {
        return io::Error::new(
            error.kind(),
            format!("the open descriptors cannot be listed: {error}"),
        );
    }
    let error = Command::new("/proc/self/exe")
        .arg0("annunciator-worker")
        .arg(ARGUMENT)
        .env(STAGE_VARIABLE, Stage::Confined.as_str())
        .exec();
    match error.kind() {
        // The program was executed once, by a process that may execute what this one may not.
        io::ErrorKind::PermissionDenied => io::Error::new(
            error.kind(),
            format!(
                "its program's file may not be executed without root's privileges, which a worker process gives up: allow the user that it runs as to execute it, as with `chmod a+x` ({error})"
            ),
        ),
        _ => error,
    }
}

/// Limits this process. Returns the privileges that it should not have but still has: a service
/// manager may forbid dropping them, and then has limits of its own.
pub(super) fn finish() -> Vec<String> {
    let mut lacking = Vec::new();
    let mut demand = |what: &str, is_so: io::Result<bool>| match is_so {
        Ok(true) => {}
        Ok(false) => lacking.push(format!("{what}: it may not be changed")),
        Err(error) => lacking.push(format!("{what}: {error}")),
    };
    demand("the memory of this worker process is not bounded", bound());
    demand(
        "this worker process may gain privileges",
        no_new_privs().map_err(Into::into),
    );
    demand(
        "this worker process has capabilities",
        has_none().map_err(Into::into),
    );
    // The process then writes no core file, whatever its limit is, and other processes of its user
    // cannot inspect it.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    demand(
        "the memory of this worker process may be read by others",
        dumpable_behavior()
            .map(|behavior| behavior == DumpableBehavior::NotDumpable)
            .map_err(Into::into),
    );
    lacking
}

/// Drops the privileges of this thread. [`finish`] detects what fails here.
fn drop_privileges() {
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    let _ = set_no_new_privs(true);
    let known = CapabilitySet::all().iter();
    for capability in known.filter(|one| capability_is_in_bounding_set(*one) == Ok(true)) {
        // Only a privileged process may do this, and only it needs to.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = clear_ambient_capability_set();
    if has_none() != Ok(true) {
        let none = CapabilitySet::empty();
        let none = CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        };
        let _ = set_capabilities(None, none);
    }
}

fn has_none() -> rustix::io::Result<bool> {
    let has = capabilities(None)?;
    Ok((has.effective | has.permitted | has.inheritable).is_empty())
}

/// Has all descriptors closed on execution except the standard streams.
fn close_on_exec() -> io::Result<()> {
    for entry in fs::read_dir(DESCRIPTORS)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(number) = number.filter(|number: &i32| *number > 2) else {
            continue;
        };
        // SAFETY: the descriptor's flags are read and another is set; if the descriptor was closed
        // meanwhile, both return an error.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(descriptor) {
            fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}

fn bound() -> io::Result<bool> {
    let maximum = getrlimit(Resource::Data).maximum;
    let limit = Rlimit {
        current: Some(maximum.map_or(MAX_MEMORY, |maximum| maximum.min(MAX_MEMORY))),
        // The limit also applies to the programs that it executes.
        maximum,
    };
    setrlimit(Resource::Data, limit)?;
    Ok(true)
}
