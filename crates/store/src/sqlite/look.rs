//! Checks a file without opening it as a store: nothing is created, changed or locked, and
//! whoever delivers from it does not notice.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    path::Path,
};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::StoreError;

/// The length of SQLite's file header: <https://sqlite.org/fileformat2.html#the_database_header>
const HEADER_LENGTH: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const APPLICATION_ID_AT: usize = 68;
/// With the root of the table of tables after the header: its kind and its number of entries.
/// <https://sqlite.org/fileformat2.html#b_tree_pages>
const ROOT_LENGTH: usize = HEADER_LENGTH + 5;
const LEAF: u8 = 0x0d;

/// Checks what is wrong with a file as a store, as far as that can be seen from outside. A
/// missing or empty file is not a store yet, and is fine.
///
/// # Errors
/// Fails with [`StoreError::Damaged`], [`StoreError::Foreign`] or [`StoreError::Newer`] if the
/// file would not be opened, and with [`StoreError::Unusable`] if this user cannot read it.
pub(super) fn look(path: &Path) -> Result<(), StoreError> {
    let unusable = |error: io::Error| StoreError::Unusable {
        path: path.to_owned(),
        action: "looked at",
        detail: error.to_string(),
    };
    match fs::metadata(path) {
        Ok(facts) if facts.is_file() => {}
        // Opening a pipe could block forever.
        Ok(_) => return Err(unusable(io::Error::other("it is not a file"))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unusable(error)),
    }
    let file = File::open(path).map_err(unusable)?;
    let mut head = Vec::with_capacity(ROOT_LENGTH);
    let mut file = file.take(u64::try_from(ROOT_LENGTH).unwrap_or(u64::MAX));
    file.read_to_end(&mut head).map_err(unusable)?;
    if head.is_empty() {
        return Ok(());
    }
    if head.len() < ROOT_LENGTH || !head.starts_with(MAGIC) {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "file is not a database".to_owned(),
        });
    }
    let number = |at: usize, length: usize| {
        let bytes = head.iter().skip(at).take(length);
        bytes.fold(0, |number, byte| (number << 8) | i64::from(*byte))
    };
    let has_tables = head.get(HEADER_LENGTH) != Some(&LEAF) || number(ROOT_LENGTH - 2, 2) > 0;
    let application = number(APPLICATION_ID_AT, 4);
    if application != schema::APPLICATION_ID && (application != 0 || has_tables) {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    match version(path) {
        // A process may be writing the file at this moment; then the schema is that process's.
        Some(found) if found > schema::DELIVERIES.newest() => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: schema::DELIVERIES.newest(),
        }),
        _ => Ok(()),
    }
}

/// Returns the version in the file itself, without the contents of its log.
fn version(path: &Path) -> Option<i64> {
    let escaped: String = path.to_str()?.chars().fold(String::new(), |mut uri, c| {
        match c {
            '%' | '?' | '#' => uri.push_str(&format!("%{:02X}", u32::from(c))),
            c => uri.push(c),
        }
        uri
    });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let database = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags);
    schema::version(&database.ok()?, &schema::DELIVERIES).ok()
}
