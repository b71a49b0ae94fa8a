//! Copies of a plugin whose ELF structures say what no ordinary build would.

use std::{fs, path::Path};

/// A file as bytes, in which places are found by the ELF-64 tables.
struct File(Vec<u8>);

/// Of the ELF-64 format: the sizes of an entry of the dynamic section, of a
/// symbol, of a program header and of a section header.
const DYNAMIC: usize = 16;
const SYMBOL: usize = 24;
const SEGMENT: usize = 56;
const SECTION: usize = 64;

impl File {
    fn number(&self, at: usize, bytes: usize) -> usize {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(&self.0[at..at + bytes]);
        usize::try_from(u64::from_le_bytes(number)).unwrap()
    }

    fn put(&mut self, at: usize, number: u64, bytes: usize) {
        self.0[at..at + bytes].copy_from_slice(&number.to_le_bytes()[..bytes]);
    }

    /// The first section of a type: where it stands and how long it is.
    fn section(&self, kind: usize) -> (usize, usize) {
        let (table, count) = (self.number(0x28, 8), self.number(0x3c, 2));
        let mut headers = (0..count).map(|index| table + index * SECTION);
        let header = headers.find(|at| self.number(at + 4, 4) == kind).unwrap();
        (self.number(header + 0x18, 8), self.number(header + 0x20, 8))
    }

    /// The name of a symbol, of the first table of texts.
    fn name(&self, symbol: usize) -> &[u8] {
        let start = self.section(3).0 + self.number(symbol, 4);
        self.0[start..].split(|byte| *byte == 0).next().unwrap()
    }

    fn position(&self, text: &[u8]) -> usize {
        let mut windows = self.0.windows(text.len());
        windows.position(|window| window == text).unwrap()
    }

    /// The first entry of the dynamic section with a tag.
    fn dynamic(&self, tag: usize) -> usize {
        let (start, length) = self.section(6);
        let mut entries = (start..start + length).step_by(DYNAMIC);
        entries.find(|at| self.number(*at, 8) == tag).unwrap()
    }
}

fn alter(from: &Path, to: &Path, change: impl FnOnce(&mut File)) {
    let mut file = File(fs::read(from).unwrap());
    change(&mut file);
    fs::write(to, file.0).unwrap();
}

/// A function that need not be there, for profilers.
const WEAK: &[u8] = b"__gmon_start__";

/// How many relocations are relative: a hint that loaders can do without.
const DT_RELACOUNT: usize = 0x6fff_fff9;

pub fn exports_more(from: &Path, to: &Path) {
    alter(from, to, |file| {
        // A symbol that is wanted and need not be there is given.
        let (start, length) = file.section(11);
        let is_weak = |at: &usize| {
            file.0[at + 4] >> 4 == 2 && file.number(at + 6, 2) == 0 && file.name(*at) == WEAK
        };
        let mut symbols = (start..start + length).step_by(SYMBOL);
        let symbol = symbols.find(is_weak).unwrap();
        // Whoever calls it meets the code for the end, which does nothing.
        let code = file.number(file.dynamic(13) + 8, 8) as u64;
        file.put(symbol + 4, 0x22, 1);
        file.put(symbol + 6, 1, 2);
        file.put(symbol + 8, code, 8);
    });
}

pub fn needs_another_library(from: &Path, to: &Path) {
    alter(from, to, |file| {
        // In the place of a name that nobody looks up, and of a hint.
        let (names, _) = file.section(3);
        let at = file.position(WEAK);
        let library = b"libresolv.so.2";
        file.0[at..at + library.len()].copy_from_slice(library);
        let entry = file.dynamic(DT_RELACOUNT);
        file.put(entry, 1, 8);
        file.put(entry + 8, (at - names) as u64, 8);
    });
}

pub fn with_search_path(from: &Path, to: &Path) {
    alter(from, to, |file| {
        let entry = file.dynamic(DT_RELACOUNT);
        // Any text will do: the first needed library's name.
        let name = file.number(file.dynamic(1) + 8, 8) as u64;
        file.put(entry, 29, 8);
        file.put(entry + 8, name, 8);
    });
}

pub fn with_text_relocations(from: &Path, to: &Path) {
    alter(from, to, |file| {
        let entry = file.dynamic(DT_RELACOUNT);
        file.put(entry, 22, 8);
    });
}

pub fn with_executable_stack(from: &Path, to: &Path) {
    alter(from, to, |file| {
        let (table, count) = (file.number(0x20, 8), file.number(0x38, 2));
        let mut segments = (0..count).map(|index| table + index * SEGMENT);
        let stack = segments
            .find(|at| file.number(*at, 4) == 0x6474_e551)
            .unwrap();
        file.put(stack + 4, 7, 4);
    });
}

pub fn with_static_tls(from: &Path, to: &Path) {
    alter(from, to, |file| {
        // The word of flags, which is there.
        let entry = file.dynamic(30);
        let flags = file.number(entry + 8, 8) as u64;
        file.put(entry + 8, flags | 0x10, 8);
    });
}
