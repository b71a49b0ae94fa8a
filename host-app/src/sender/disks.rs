//! The file systems that are measured, and the names of their metrics.
//!
//! Omitted are file systems without data of the machine's own: kernel and memory file
//! systems, images that are always full, layers of containers, and further mounts of a file
//! system that was counted.

use std::{collections::HashSet, ffi::OsString};

use annunciator_protocol::{limits::MAX_PATH_BYTES, name};
use compact_str::{CompactString, format_compact};
use sysinfo::{Disk, DiskRefreshKind, Disks};

use super::sampler::{percent, round};

/// The maximum number of file systems, those with the shortest paths first: a machine may
/// have thousands of mounts, and a monitor stores each metric.
const MAX_FILE_SYSTEMS: usize = 64;

/// The maximum length of a mount in a metric's path.
const MAX_MOUNT_LENGTH: usize = MAX_PATH_BYTES - "disk_monitor.".len() - ".percent".len();

/// Images, which are read-only and always full.
const IMAGES: [&str; 6] = ["squashfs", "erofs", "iso9660", "udf", "cramfs", "romfs"];

/// File systems that store data without a device of their own.
const WITHOUT_DEVICE: [&str; 3] = ["zfs", "btrfs", "bcachefs"];

const BYTES_PER_GB: f64 = 1e9;

/// The file systems of this machine.
#[derive(Debug, Default)]
pub(super) struct FileSystems {
    disks: Disks,
}

impl FileSystems {
    /// Returns the metrics of the file systems.
    pub(super) fn sample(&mut self) -> Vec<(CompactString, f64)> {
        let kind = DiskRefreshKind::nothing().with_storage();
        self.disks.refresh_specifics(true, kind);
        let mut found: Vec<&Disk> = self.disks.iter().filter(|disk| is_real(disk)).collect();
        found.sort_by_key(|disk| (disk.mount_point().as_os_str().len(), disk.mount_point()));
        let mut devices: HashSet<OsString> = HashSet::new();
        let mut mounts: HashSet<CompactString> = HashSet::new();
        let mut metrics = Vec::new();
        for disk in found {
            let mount = segment(&disk.mount_point().to_string_lossy());
            let again = !devices.insert(disk.name().to_owned()) || mounts.contains(&mount);
            if again || mounts.len() == MAX_FILE_SYSTEMS {
                continue;
            }
            let (total, free) = (disk.total_space() as f64, disk.available_space() as f64);
            metrics.push((
                format_compact!("disk_monitor.{mount}.percent"),
                percent(total - free, total),
            ));
            metrics.push((
                format_compact!("disk_monitor.{mount}.free_gb"),
                round(free / BYTES_PER_GB),
            ));
            mounts.insert(mount);
        }
        metrics
    }
}

fn is_real(disk: &Disk) -> bool {
    let file_system = disk.file_system().to_string_lossy();
    let mount = disk.mount_point();
    let has_device = disk.name().to_string_lossy().starts_with('/');
    disk.total_space() > 0
        && !IMAGES.contains(&&*file_system)
        // In a container, the root is the only one.
        && (has_device || WITHOUT_DEVICE.contains(&&*file_system) || mount.as_os_str() == "/")
        // Containers mount single files.
        && mount.is_dir()
}

/// Returns a mount as one segment of a metric's path.
fn segment(mount: &str) -> CompactString {
    let mut segment = CompactString::default();
    for c in mount.chars() {
        let c = if c == '.' || !name::is_visible(c) {
            '_'
        } else {
            c
        };
        if segment.len() + c.len_utf8() > MAX_MOUNT_LENGTH {
            break;
        }
        segment.push(c);
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_mount_has_an_odd_name() {
        for (mount, expected) in [
            ("/", "/"),
            ("/srv/data", "/srv/data"),
            ("/home/j.d/My Files", "/home/j_d/My_Files"),
            ("/a\nb\u{202e}c\td", "/a_b_c_d"),
            ("/Büro", "/Büro"),
        ] {
            assert_eq!(segment(mount), expected);
        }
    }

    #[test]
    fn when_a_mount_has_a_long_name() {
        for mount in ["/x".repeat(200), format!("/{}", "ß".repeat(200))] {
            let path = format!("disk_monitor.{}.percent", segment(&mount));
            assert!(name::is_path(&path), "{path}");
            assert!(path.len() >= MAX_PATH_BYTES - 1);
        }
    }

    #[test]
    fn when_this_machine_is_measured() {
        let metrics = FileSystems::default().sample();
        for (path, value) in &metrics {
            assert!(name::is_path(path), "{path}");
            assert!(value.is_finite() && *value >= 0.0, "{path} = {value}");
        }
    }
}
