//! Checks of what remains after a provider was closed.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::miss::{Miss, ensure};
use crate::{
    answer::Answer,
    host::{Host, Reply},
    subject::{Stage, Subject, message, open, runtime},
};

/// How long the resources of a closed provider may take to be released.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The number of openings, and the memory that they may use: less than any provider needs.
const OPENINGS: usize = 200;
const MAX_BYTES: u64 = 4 * 1024 * 1024;

fn count(of: &str) -> usize {
    fs::read_dir(format!("/proc/self/{of}")).map_or(0, Iterator::count)
}

async fn settles(of: &str, expected: usize) -> bool {
    let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
    while count(of) > expected {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

pub(super) fn closes(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        runtime.block_on(async {
            // The first opening sets up what stays for all.
            let mut first = Stage::new(standalone, channel, subject).await?;
            first.close().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (threads, descriptors) = (count("task"), count("fd"));
            let mut stage = Stage::new(standalone, channel, subject).await?;
            stage.succeed();
            for _ in 0..3 {
                stage.deliver(&message("hello")).await?;
            }
            stage.close().await?;
            ensure(settles("task", threads).await, || {
                format!(
                    "{} threads are left when it is closed",
                    count("task") - threads
                )
            })?;
            ensure(settles("fd", descriptors).await, || {
                format!(
                    "{} descriptors are left when it is closed",
                    count("fd") - descriptors
                )
            })
        })
    })
}

/// Returns the resident memory in bytes.
fn resident_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

fn is_flat(before: u64, after: u64) -> Result<(), Miss> {
    let grown = after.saturating_sub(before);
    ensure(grown < MAX_BYTES, || {
        format!("{OPENINGS} openings take {} KiB of memory", grown / 1024)
    })
}

pub(super) fn memory(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        runtime.block_on(async {
            let mut before = 0;
            for opening in 0..2 * OPENINGS {
                if opening == OPENINGS {
                    before = resident_memory();
                }
                let host = Host::new(runtime.handle().clone());
                host.answers(Reply::Answer(Answer::new(200, "ok")));
                let provider = open(standalone, channel, &host).await?;
                provider.close().await;
                host.end_tasks();
            }
            is_flat(before, resident_memory())
        })
    })
}
