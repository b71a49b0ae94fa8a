//! Checks of the file, without loading it.

use annunciator_core::{
    load::LOADER_SYMBOL,
    note::{NOTE_SECTION, Note},
};
use object::{
    Architecture, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags,
    elf,
    read::elf::{Dyn as _, ElfFile64, ProgramHeader as _},
};

use crate::miss::{Miss, ensure};
use crate::subject::Subject;

/// The libraries of every system with glibc or musl.
const LIBRARIES: [&str; 9] = [
    "libc.so",
    "libm.so",
    "libgcc_s.so",
    "libpthread.so",
    "libdl.so",
    "librt.so",
    "ld-linux",
    "ld-musl",
    "linux-vdso",
];

type Elf<'d> = ElfFile64<'d, Endianness>;

fn parsed(bytes: &[u8]) -> Result<Elf<'_>, Miss> {
    ElfFile64::parse(bytes).map_err(|error| Miss::fails(format!("it is not an ELF file: {error}")))
}

fn damaged(error: object::Error) -> Miss {
    Miss::fails(format!("it is damaged: {error}"))
}

pub(super) fn note(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    let elf = parsed(&bytes)?;
    let mut notes = elf
        .sections()
        .filter(|section| section.name() == Ok(NOTE_SECTION));
    let section = notes
        .next()
        .ok_or_else(|| Miss::fails("it carries no note"))?;
    ensure(notes.next().is_none(), || {
        "it carries several notes".to_owned()
    })?;
    let note = Note::parse(section.data().map_err(damaged)?);
    let note = note.map_err(|error| Miss::fails(error.to_string()))?;
    ensure(!note.channel_types.is_empty(), || {
        "its note names no channel type".to_owned()
    })
}

pub(super) fn exports(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    let elf = parsed(&bytes)?;
    let entry = LOADER_SYMBOL.trim_end_matches('\0');
    let exported: Vec<&str> = elf
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.is_global())
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    ensure(exported.contains(&entry), || {
        format!("it does not export {entry}")
    })?;
    let other = exported.iter().find(|name| **name != entry);
    other.map_or(Ok(()), |name| {
        Err(Miss::fails(format!(
            "it exports {name}, which may take the place of another library's"
        )))
    })
}

/// Returns the entries of the dynamic section: tag, value, and text where it is one.
fn dynamic(elf: &Elf<'_>) -> Result<Vec<(u32, u64, String)>, Miss> {
    let endian = elf.endian();
    let sections = elf.elf_section_table();
    let Some((entries, link)) = sections.dynamic(endian, elf.data()).map_err(damaged)? else {
        return Err(Miss::fails("it is not a shared library"));
    };
    let strings = sections
        .strings(endian, elf.data(), link)
        .map_err(damaged)?;
    let entries = entries.iter().filter_map(|entry| {
        let tag = entry.tag32(endian)?;
        let text = entry.string(endian, strings).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        Some((tag, entry.d_val(endian), text))
    });
    Ok(entries.collect())
}

pub(super) fn libraries(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    for (tag, _, library) in dynamic(&parsed(&bytes)?)? {
        let is_known = || LIBRARIES.iter().any(|known| library.starts_with(known));
        ensure(tag != elf::DT_NEEDED || is_known(), || {
            format!("it needs {library}, which other machines may not have: link it statically")
        })?;
    }
    Ok(())
}

pub(super) fn search_path(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    for (tag, _, path) in dynamic(&parsed(&bytes)?)? {
        ensure(![elf::DT_RPATH, elf::DT_RUNPATH].contains(&tag), || {
            format!("it searches libraries in {path}")
        })?;
    }
    Ok(())
}

pub(super) fn relocations(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    for (tag, value, _) in dynamic(&parsed(&bytes)?)? {
        let is_flagged = tag == elf::DT_FLAGS && value & u64::from(elf::DF_TEXTREL) != 0;
        ensure(tag != elf::DT_TEXTREL && !is_flagged, || {
            "its code is relocated: build it as position-independent code".to_owned()
        })?;
    }
    Ok(())
}

/// Relocations of variables at a fixed distance from a thread's pointer, which is the model
/// `initial-exec`: <https://www.akkadia.org/drepper/tls.pdf>.
const STATIC_TLS: [(Architecture, u32); 3] = [
    (Architecture::X86_64, elf::R_X86_64_TPOFF64),
    (Architecture::Aarch64, elf::R_AARCH64_TLS_TPREL),
    (Architecture::Riscv64, elf::R_RISCV_TLS_TPREL64),
];

/// Requires that no variable is at such a distance. Such variables, which allocators like jemalloc
/// and mimalloc have, need space in the block that every thread got before the plugin was loaded.
/// Little of it is left, for all plugins together: the next one may fail to load.
pub(super) fn static_tls(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    let elf = parsed(&bytes)?;
    let flags = dynamic(&elf)?;
    let is_flagged = flags
        .iter()
        .any(|(tag, value, _)| *tag == elf::DT_FLAGS && value & u64::from(elf::DF_STATIC_TLS) != 0);
    let architecture = elf.architecture();
    let of_static = |flags| match flags {
        RelocationFlags::Elf { r_type } => STATIC_TLS.contains(&(architecture, r_type)),
        _ => false,
    };
    let mut relocations = elf.dynamic_relocations().into_iter().flatten();
    let is_relocated = relocations.any(|(_, relocation)| of_static(relocation.flags()));
    ensure(!is_flagged && !is_relocated, || {
        "it takes a part of the static thread-local storage, as allocators of their own do \
         (jemalloc, mimalloc): use the system's allocator, or build that library \
         without the TLS model initial-exec"
            .to_owned()
    })
}

pub(super) fn stack(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    let elf = parsed(&bytes)?;
    let endian = elf.endian();
    let segments = elf.elf_program_headers().iter();
    let mut stacks = segments.filter(|segment| segment.p_type(endian) == elf::PT_GNU_STACK);
    let sound = stacks
        .next()
        .is_some_and(|stack| stack.p_flags(endian) & elf::PF_X == 0);
    ensure(sound, || "it asks for an executable stack".to_owned())
}

pub(super) fn unwinds(subject: &Subject) -> Result<(), Miss> {
    let bytes = subject.bytes()?;
    let elf = parsed(&bytes)?;
    let section = elf.section_by_name(NOTE_SECTION);
    let note = section.and_then(|section| Note::parse(section.data().ok()?).ok());
    let note = note.ok_or_else(|| Miss::skips("it carries no note"))?;
    ensure(note.panic == "unwind", || {
        format!("it was built with panic = \"{}\"", note.panic)
    })
}
