//! The image of a plugin's file, which is read once: the bytes that are checked and hashed are the
//! bytes that are loaded, even if the file changes meanwhile.
//!
//! The dynamic loader requires a path. It gets that of a descriptor that nothing can write to and
//! that is never closed: the loader remembers files by path and by inode, and would return the old
//! library for a descriptor number that is reused.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use annunciator_core::note::Note;
use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::{
    error::PluginError,
    note,
    sha256::Sha256,
    trust::{self, Distrust},
};

/// The maximum size of a plugin, in bytes. No plugin is larger, even with all debug information.
const MAX_PLUGIN_SIZE: u64 = 1024 * 1024 * 1024;

/// The content of a file when it was read.
pub(crate) struct Image {
    bytes: Vec<u8>,
    pub(crate) sha256: Sha256,
    /// The reason why other users could have changed the file, if they could.
    pub(super) distrust: Option<Distrust>,
}

/// An image where the dynamic loader finds it and nothing can change it.
pub(crate) struct SealedImage {
    /// A descriptor of memory, or of a file if memory must not be executed.
    descriptor: OwnedFd,
    /// The path of that file, in a folder of its own.
    file: Option<PathBuf>,
}

impl Image {
    /// Reads a file and checks its owner and permissions.
    pub(crate) fn read(path: &Path) -> Result<Self, PluginError> {
        let unreadable = |source| PluginError::Unreadable {
            path: path.to_owned(),
            source,
        };
        // Links are followed here and never again.
        let real = fs::canonicalize(path).map_err(unreadable)?;
        let nofollow = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(nofollow.bits()).unwrap_or_default();
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&real)
            .map_err(unreadable)?;
        let facts = opened.metadata().map_err(unreadable)?;
        if !facts.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        let mut bytes =
            Vec::with_capacity(usize::try_from(facts.len().min(MAX_PLUGIN_SIZE)).unwrap_or(0));
        opened
            .take(MAX_PLUGIN_SIZE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_PLUGIN_SIZE {
            let error = format!("it has more than {MAX_PLUGIN_SIZE} bytes");
            return Err(unreadable(io::Error::other(error)));
        }
        let sha256 = Sha256::of(&bytes);
        Ok(Self {
            bytes,
            sha256,
            distrust: trust::look(path, &real, &facts),
        })
    }

    /// Returns the note in the image, or `None` for a valid ELF file without one.
    pub(crate) fn note(&self, path: &Path) -> Result<Option<Note>, PluginError> {
        note::find(path, &*self.bytes)
    }

    /// Copies the image to where it can be loaded and cannot be changed, for the dynamic loader.
    ///
    /// # Errors
    /// [`PluginError::Open`] when there is no such place. `path` is the path of the file, for the
    /// error.
    pub(crate) fn place_for(&self, path: &Path) -> Result<SealedImage, PluginError> {
        self.place(path).map_err(|error| PluginError::Open {
            path: path.to_owned(),
            why: format!("no place to load it from ({error})"),
        })
    }

    fn place(&self, path: &Path) -> io::Result<SealedImage> {
        match self.in_memory(path) {
            Ok(descriptor) => Ok(SealedImage {
                descriptor,
                file: None,
            }),
            Err(error) => {
                tracing::debug!(%error, "no memory to execute plugins from; using a private folder");
                let file = self.in_folder()?;
                Ok(SealedImage {
                    descriptor: fs::File::open(&file)?.into(),
                    file: Some(file),
                })
            }
        }
    }

    fn in_memory(&self, path: &Path) -> io::Result<OwnedFd> {
        let name = path.file_name().unwrap_or_default();
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know this flag, and do not need it.
        let made = memfd_create(name, flags | MemfdFlags::EXEC);
        let descriptor = made.or_else(|_| memfd_create(name, flags))?;
        let mut file = fs::File::from(descriptor);
        file.write_all(&self.bytes)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        let descriptor = OwnedFd::from(file);
        // Without /proc, no path leads to it.
        fs::metadata(path_of(&descriptor))?;
        Ok(descriptor)
    }

    fn in_folder(&self) -> io::Result<PathBuf> {
        let name = format!("annunciator-{}", uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let path = folder.join(format!("{}.so", self.sha256));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o500)
            .open(&path)?;
        file.write_all(&self.bytes)?;
        Ok(path)
    }
}

fn path_of(descriptor: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

impl SealedImage {
    /// Returns an image that another process has verified and protects from changes.
    pub(crate) fn given(descriptor: OwnedFd) -> Self {
        Self {
            descriptor,
            file: None,
        }
    }

    /// Returns the path for the dynamic loader.
    pub(super) fn path(&self) -> PathBuf {
        match &self.file {
            None => path_of(&self.descriptor),
            Some(file) => file.clone(),
        }
    }

    /// Keeps the image while the process lives, because it is loaded.
    pub(super) fn keep(self) {
        std::mem::forget(self.into_descriptor());
    }

    /// Returns the descriptor, with which the image can be loaded elsewhere. Removes its file.
    pub(crate) fn into_descriptor(self) -> OwnedFd {
        if let Some(file) = &self.file {
            // Processes that have the file open keep it; a file that cannot be removed does no
            // harm.
            let _ = fs::remove_file(file);
            let _ = file.parent().map(fs::remove_dir);
        }
        self.descriptor
    }
}
