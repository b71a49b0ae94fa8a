//! Tokens: how programs and people show who they are over TCP.
//!
//! A token is 32 random bytes, shown once. What is stored is its SHA-256, from which nobody gets
//! it back, since there is nothing to guess in it. The table is small and read whole, at most
//! once a second, so that a token that was removed, by this process or by another, stops working
//! within that time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annunciator::store::{SchemaPart, SqliteFile, StoreError, rusqlite};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::scope::{Credential, Identity, Scope};

/// The tables of the HTTP side in a file, which may have other parts.
pub const PART: SchemaPart = SchemaPart {
    name: "web",
    steps: &[
        "
        CREATE TABLE web_token (
            name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, scope TEXT NOT NULL,
            created_ms INTEGER NOT NULL, last_used_ms INTEGER
        ) STRICT, WITHOUT ROWID;
    ",
        "
        CREATE TABLE web_session (
            hash BLOB PRIMARY KEY, name TEXT NOT NULL,
            created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX web_session_by_name ON web_session (name, created_ms);
    ",
    ],
};

/// How old what is known of the table may be, in milliseconds.
const MAX_AGE_MS: i64 = 1_000;
/// The minimum time between two records of a token's use, in milliseconds.
const USE_INTERVAL_MS: i64 = 60_000;
/// The maximum length of a token's name, in characters.
const MAX_NAME_LENGTH: usize = 64;
/// The number of random bytes in a token.
const SECRET_LENGTH: usize = 32;

/// A token as it is listed. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRecord {
    /// The name of the program or the person that has it.
    pub name: String,
    /// What it permits.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// When it was made.
    pub created_ms: i64,
    /// When it was last used, to the minute; none if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_ms: Option<i64>,
}

/// An error returned when a token cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The name is no name.
    #[error(
        "a token's name has 1 to {MAX_NAME_LENGTH} letters, digits, dots, hyphens or underscores"
    )]
    Name,
    /// There is one of that name.
    #[error("there is a token `{0}` already: remove it, or choose another name")]
    Exists(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// It cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) type Hash = [u8; 32];

/// The tokens in a file.
#[derive(Debug)]
pub struct Tokens {
    file: Arc<SqliteFile>,
    /// The first part of every token, which names the program that made it.
    prefix: &'static str,
    known: Mutex<Known>,
}

/// What is known of the table.
#[derive(Debug, Default)]
struct Known {
    read_ms: Option<i64>,
    by_hash: HashMap<Hash, Arc<TokenRecord>>,
}

impl Tokens {
    /// Opens the tokens in a file, and adds their table to it. `prefix` begins every token that
    /// is made, such as `hbd`.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if the file cannot be used.
    pub async fn open(file: Arc<SqliteFile>, prefix: &'static str) -> Result<Self, StoreError> {
        file.add_part(PART).await?;
        Ok(Self {
            file,
            prefix,
            known: Mutex::default(),
        })
    }

    /// Makes a token, and returns it. It cannot be shown again.
    ///
    /// # Errors
    /// Returns [`TokenError`] if none was made.
    pub async fn add(&self, name: &str, scope: Scope, now_ms: i64) -> Result<String, TokenError> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME_LENGTH || !name.chars().all(is_fit) {
            return Err(TokenError::Name);
        }
        let secret = secret()?;
        let token = format!("{}_{}_{secret}", self.prefix, scope.letter());
        let (hash, name, scope) = (hash(&token), name.to_owned(), scope.to_string());
        let new = name.clone();
        let added = self.file.write(move |transaction| {
            let added = transaction.execute(
                "INSERT OR IGNORE INTO web_token (name, hash, scope, created_ms)
                 VALUES (?1, ?2, ?3, ?4)",
                (&new, &hash[..], &scope, now_ms),
            )?;
            Ok(added > 0)
        });
        if !added.await? {
            return Err(TokenError::Exists(name));
        }
        self.known().read_ms = None;
        Ok(token)
    }

    /// Returns the file that the tokens are in.
    pub(crate) fn file(&self) -> &Arc<SqliteFile> {
        &self.file
    }

    /// Returns all tokens, by name.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if they cannot be read.
    pub async fn list(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let rows = self.file.read(read_all).await?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }

    /// Removes a token, and returns whether there was one of that name.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if it cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let removed = self.file.write(move |transaction| {
            // A later token of that name is not to find sessions of this one.
            transaction.execute("DELETE FROM web_session WHERE name = ?1", [&name])?;
            transaction.execute("DELETE FROM web_token WHERE name = ?1", [&name])
        });
        let removed = removed.await? > 0;
        self.known().read_ms = None;
        Ok(removed)
    }

    /// Returns whose token this is; `None` for nobody's.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if the table cannot be read.
    pub(crate) async fn identify(
        &self,
        token: &str,
        now_ms: i64,
    ) -> Result<Option<Identity>, StoreError> {
        let is_fresh = |known: &Known| {
            let age = known.read_ms.map(|read_ms| now_ms.saturating_sub(read_ms));
            age.is_some_and(|age| (0..MAX_AGE_MS).contains(&age))
        };
        if !is_fresh(&self.known()) {
            let rows = self.file.read(read_all).await?;
            let mut known = self.known();
            known.read_ms = Some(now_ms);
            let rows = rows.into_iter();
            known.by_hash = rows
                .map(|(hash, record)| (hash, Arc::new(record)))
                .collect();
        }
        let hash = hash(token);
        let Some(record) = self.known().by_hash.get(&hash).cloned() else {
            return Ok(None);
        };
        self.note_use(&record, hash, now_ms);
        Ok(Some(Identity {
            name: record.name.clone(),
            scope: record.scope.clone(),
            credential: Credential::Token,
        }))
    }

    /// Records that a token was used, without waiting for the disk.
    fn note_use(&self, record: &TokenRecord, hash: Hash, now_ms: i64) {
        let last = record.last_used_ms;
        if last.is_some_and(|last| now_ms.saturating_sub(last) < USE_INTERVAL_MS) {
            return;
        }
        let used = TokenRecord {
            last_used_ms: Some(now_ms),
            ..record.clone()
        };
        self.known().by_hash.insert(hash, Arc::new(used));
        // The work is done even if nobody waits for the answer.
        drop(self.file.write(move |transaction| {
            transaction.execute(
                "UPDATE web_token SET last_used_ms = ?2 WHERE hash = ?1",
                (&hash[..], now_ms),
            )
        }));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // The guarded value is consistent between any two statements.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns 32 random bytes as text.
///
/// # Errors
/// Returns [`TokenError::Random`] if the system gives none.
pub(crate) fn secret() -> Result<String, TokenError> {
    let mut secret = [0; SECRET_LENGTH];
    getrandom::fill(&mut secret).map_err(|error| TokenError::Random(error.to_string()))?;
    Ok(BASE64URL_NOPAD.encode(&secret))
}

/// Returns what is stored of a secret.
pub(crate) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

fn read_all(transaction: &rusqlite::Transaction<'_>) -> rusqlite::Result<Vec<(Hash, TokenRecord)>> {
    let mut found = transaction.prepare_cached(
        "SELECT hash, name, scope, created_ms, last_used_ms FROM web_token ORDER BY name",
    )?;
    let rows = found.query_map([], |row| {
        let scope: String = row.get(2)?;
        Ok((
            row.get(0)?,
            TokenRecord {
                name: row.get(1)?,
                // What a later version may have written permits nothing here.
                scope: scope.parse().unwrap_or(Scope::Ingest(String::new())),
                created_ms: row.get(3)?,
                last_used_ms: row.get(4)?,
            },
        ))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tokens() -> Tokens {
        let file = Arc::new(SqliteFile::in_memory(&[]).unwrap());
        Tokens::open(file, "hbd").await.unwrap()
    }

    #[tokio::test]
    async fn a_token_is_known_until_it_is_removed() {
        let tokens = tokens().await;
        let token = tokens.add("anna", Scope::Act, 5).await.unwrap();
        assert!(token.starts_with("hbd_w_") && token.len() > 40, "{token}");
        let identity = tokens.identify(&token, 10).await.unwrap().unwrap();
        assert_eq!((&*identity.name, identity.scope), ("anna", Scope::Act));
        assert_eq!(tokens.identify("hbd_w_x", 10).await.unwrap(), None);
        let listed = tokens.list().await.unwrap();
        assert_eq!((listed[0].created_ms, &*listed[0].name), (5, "anna"));
        assert!(tokens.remove("anna").await.unwrap());
        assert!(!tokens.remove("anna").await.unwrap());
        assert_eq!(tokens.identify(&token, 11).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_another_process_removes_stops_working_within_a_second() {
        let file = Arc::new(SqliteFile::in_memory(&[]).unwrap());
        let own = Tokens::open(Arc::clone(&file), "hbd").await.unwrap();
        let other = Tokens::open(file, "hbd").await.unwrap();
        let token = other.add("anna", Scope::Read, 0).await.unwrap();
        assert!(own.identify(&token, 0).await.unwrap().is_some());
        other.remove("anna").await.unwrap();
        assert!(own.identify(&token, 999).await.unwrap().is_some());
        assert!(own.identify(&token, 1_000).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_name_is_used_once_and_is_a_plain_word() {
        let tokens = tokens().await;
        let add = |name: &'static str| tokens.add(name, Scope::Read, 0);
        add("a").await.unwrap();
        assert!(matches!(add("a").await, Err(TokenError::Exists(_))));
        for name in ["", "a b", "a\n", "<b>"] {
            assert!(matches!(add(name).await, Err(TokenError::Name)), "{name}");
        }
    }

    #[tokio::test]
    async fn the_secret_is_not_stored() {
        let tokens = tokens().await;
        let token = tokens.add("a", Scope::Read, 0).await.unwrap();
        let stored = tokens.file.read(|transaction| {
            transaction.query_row(
                "SELECT name || scope || hex(hash) FROM web_token",
                [],
                |row| row.get::<_, String>(0),
            )
        });
        let (_, secret) = token.rsplit_once('_').unwrap();
        assert!(!stored.await.unwrap().contains(secret));
    }
}
