//! Drops what a worker does not need: privileges, and the file descriptors of its program.
//!
//! Privileges belong to threads, and a program may have started some before it
//! asked whether it is a worker. So the thread that is confined executes the
//! program again, which leaves that thread alone, and whatever begins there begins
//! without them. The environment was cleared by whoever started it.

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

/// What a worker's code may have of memory of its own, in bytes. One that leaks
/// ends before the machine is in need.
const MAX_MEMORY: u64 = 512 * 1024 * 1024;

/// Where the kernel lists what this process has open.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Takes privileges from this thread and executes the program again without
/// anything that it has open besides its standard streams. Returns only with an
/// error.
pub(super) fn execute_again() -> io::Error {
    drop_privileges();
    if let Err(error) = close_on_exec() {
        return io::Error::new(error.kind(), format!("what is open is not known: {error}"));
    }
    let error = Command::new("/proc/self/exe")
        .arg0("annunciator-worker")
        .arg(ARGUMENT)
        .env(STAGE_VARIABLE, Stage::Confined.as_str())
        .exec();
    match error.kind() {
        // It was executed once, by somebody who may execute what others may not.
        io::ErrorKind::PermissionDenied => io::Error::new(
            error.kind(),
            format!(
                "its program's file may not be executed without root's privileges, which a worker process gives up: let whoever it runs as execute it, as with `chmod a+x` ({error})"
            ),
        ),
        _ => error,
    }
}

/// Bounds this process, and answers what it still has or may do that it should
/// not: a service manager may forbid to give it up, and then has bounds of its own.
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
    // Then it leaves no core file, whatever its limit is; nor can others of its
    // user look into it.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    demand(
        "the memory of this worker process may be read by others",
        dumpable_behavior()
            .map(|behavior| behavior == DumpableBehavior::NotDumpable)
            .map_err(Into::into),
    );
    lacking
}

/// What fails here is seen by [`finish`].
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
        // Only the privileged may, and need to.
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

/// Has everything closed on execution but the standard streams.
fn close_on_exec() -> io::Result<()> {
    for entry in fs::read_dir(DESCRIPTORS)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(number) = number.filter(|number: &i32| *number > 2) else {
            continue;
        };
        // SAFETY: it is asked for its flags and given another, both of which are
        // answered with an error where it was closed meanwhile.
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
        // For the programs that it runs.
        maximum,
    };
    setrlimit(Resource::Data, limit)?;
    Ok(true)
}
