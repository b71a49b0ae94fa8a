//! The id of this boot, from the kernel.

use std::{fs, io};

use annunciator_protocol::name;
use compact_str::CompactString;

/// The kernel creates a new one at every boot (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns the id of this boot.
pub(super) fn id() -> io::Result<CompactString> {
    let text = fs::read_to_string(BOOT_ID)?;
    let id = text.trim();
    if name::is_boot(id) {
        Ok(id.into())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it contains no name of a boot",
        ))
    }
}
