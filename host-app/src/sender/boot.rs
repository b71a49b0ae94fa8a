//! This boot's name, as the kernel gives it.

use std::{fs, io};

use annunciator_protocol::name;
use compact_str::CompactString;

/// Another one after every boot (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// This boot's name.
pub(super) fn id() -> io::Result<CompactString> {
    let text = fs::read_to_string(BOOT_ID)?;
    let id = text.trim();
    if name::is_boot(id) {
        Ok(id.into())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it holds no name of a boot",
        ))
    }
}
