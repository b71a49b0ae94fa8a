//! Sessions: how a browser shows who it is after somebody has logged in with a token.
//!
//! A session is 32 random bytes in a cookie. What is stored is their SHA-256, as for a token. A
//! session permits what its token does, and ends with it, or after [`LIFETIME_MS`].

use std::sync::Arc;

use annunciator::store::{SqliteFile, StoreError, rusqlite::OptionalExtension as _};

use crate::{
    scope::{Credential, Identity, Scope},
    tokens::{TokenError, Tokens, hash, secret},
};

/// How long a session lasts, in milliseconds: a shift, so that a browser that was left logged in
/// is not so the next day.
pub(crate) const LIFETIME_MS: i64 = 12 * 3_600_000;
/// The maximum number of sessions of one token; the oldest end first.
const MAX_SESSIONS: u32 = 100;

/// The sessions in the file of the tokens.
#[derive(Debug)]
pub(crate) struct Sessions {
    file: Arc<SqliteFile>,
}

impl Sessions {
    /// Returns the sessions of these tokens, whose table they share a file with.
    pub(crate) fn of(tokens: &Tokens) -> Self {
        Self {
            file: Arc::clone(tokens.file()),
        }
    }

    /// Begins a session of a token, and returns its secret; `None` if the token was removed
    /// meanwhile.
    ///
    /// # Errors
    /// Fails with [`TokenError`] if there are no random bytes, or it cannot be stored.
    pub(crate) async fn begin(
        &self,
        token: &str,
        now_ms: i64,
    ) -> Result<Option<String>, TokenError> {
        let secret = secret()?;
        let (hash, name) = (hash(&secret), token.to_owned());
        let begun = self.file.write(move |transaction| {
            transaction.execute("DELETE FROM web_session WHERE expires_ms <= ?1", [now_ms])?;
            let begun = transaction.execute(
                "INSERT INTO web_session (hash, name, created_ms, expires_ms)
                 SELECT ?1, name, ?3, ?4 FROM web_token WHERE name = ?2",
                (&hash[..], &name, now_ms, now_ms.saturating_add(LIFETIME_MS)),
            )?;
            transaction.execute(
                "DELETE FROM web_session WHERE hash IN (
                     SELECT hash FROM web_session WHERE name = ?1
                     ORDER BY created_ms DESC LIMIT -1 OFFSET ?2)",
                (&name, MAX_SESSIONS),
            )?;
            Ok(begun > 0)
        });
        Ok(begun.await?.then_some(secret))
    }

    /// Returns whose session this is; `None` if there is none, or it has ended.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if the table cannot be read.
    pub(crate) async fn identify(
        &self,
        secret: &str,
        now_ms: i64,
    ) -> Result<Option<Identity>, StoreError> {
        let hash = hash(secret);
        let found = self.file.read(move |transaction| {
            let mut found = transaction.prepare_cached(
                "SELECT token.name, token.scope FROM web_session AS session
                 JOIN web_token AS token USING (name)
                 WHERE session.hash = ?1 AND session.expires_ms > ?2",
            )?;
            let row = found.query_row((&hash[..], now_ms), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            });
            row.optional()
        });
        Ok(found.await?.map(|(name, scope)| Identity {
            name,
            // What a later version may have written permits nothing here.
            scope: scope.parse().unwrap_or(Scope::Ingest(String::new())),
            credential: Credential::Session,
        }))
    }

    /// Ends a session, if there is one.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if it cannot be ended.
    pub(crate) async fn end(&self, secret: &str) -> Result<(), StoreError> {
        let hash = hash(secret);
        let ended = self.file.write(move |transaction| {
            transaction.execute("DELETE FROM web_session WHERE hash = ?1", [&hash[..]])
        });
        ended.await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn desk() -> (Tokens, Sessions) {
        let file = Arc::new(SqliteFile::in_memory(&[]).unwrap());
        let tokens = Tokens::open(file, "hbd").await.unwrap();
        tokens.add("anna", Scope::Act, 0).await.unwrap();
        let sessions = Sessions::of(&tokens);
        (tokens, sessions)
    }

    #[tokio::test]
    async fn a_session_is_its_tokens_until_it_expires() {
        let (_, sessions) = desk().await;
        let secret = sessions.begin("anna", 5).await.unwrap().unwrap();
        let at = |now_ms| sessions.identify(&secret, now_ms);
        let identity = at(5 + LIFETIME_MS - 1).await.unwrap().unwrap();
        assert!(!identity.is_local());
        assert_eq!((&*identity.name, identity.scope), ("anna", Scope::Act));
        assert_eq!(at(5 + LIFETIME_MS).await.unwrap(), None);
        assert_eq!(sessions.identify("guess", 5).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_session_ends_with_its_token_for_good() {
        let (tokens, sessions) = desk().await;
        let secret = sessions.begin("anna", 0).await.unwrap().unwrap();
        tokens.remove("anna").await.unwrap();
        assert_eq!(sessions.identify(&secret, 1).await.unwrap(), None);
        assert_eq!(sessions.begin("anna", 1).await.unwrap(), None);
        tokens.add("anna", Scope::Act, 2).await.unwrap();
        assert_eq!(sessions.identify(&secret, 3).await.unwrap(), None);
    }

    #[tokio::test]
    async fn whoever_logs_out_is_out() {
        let (_, sessions) = desk().await;
        let secret = sessions.begin("anna", 0).await.unwrap().unwrap();
        sessions.end(&secret).await.unwrap();
        assert_eq!(sessions.identify(&secret, 1).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_token_has_a_bounded_number_of_sessions_and_the_oldest_end() {
        let (_, sessions) = desk().await;
        let first = sessions.begin("anna", 0).await.unwrap().unwrap();
        let mut last = first.clone();
        for now_ms in 1..=i64::from(MAX_SESSIONS) {
            last = sessions.begin("anna", now_ms).await.unwrap().unwrap();
        }
        assert_eq!(sessions.identify(&first, 200).await.unwrap(), None);
        assert!(sessions.identify(&last, 200).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_secret_of_a_session_is_not_stored() {
        let (_, sessions) = desk().await;
        let secret = sessions.begin("anna", 0).await.unwrap().unwrap();
        let stored = sessions.file.read(|transaction| {
            transaction.query_row("SELECT hash FROM web_session", [], |row| {
                row.get::<_, Vec<u8>>(0)
            })
        });
        let stored = stored.await.unwrap();
        assert_eq!(stored, hash(&secret));
        assert_ne!(stored, secret.as_bytes());
    }
}
