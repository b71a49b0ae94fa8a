//! The accounts of the store of deliveries, read at a limited rate: the store counts row by
//! row.

use std::{
    sync::{Arc, Mutex as Cell, PoisonError},
    time::{Duration, Instant},
};

use annunciator::store::{Accounts, Store};
use tokio::{sync::Mutex, time::timeout};

/// How long a caller waits for the store before it gets the previous answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(3);

/// The accounts as last read from the store.
#[derive(Debug, Default)]
pub(super) struct DeliveryAccounts {
    last: Cell<Option<(Instant, Accounts)>>,
    /// Held during a read, so that there is one at a time.
    asking: Mutex<()>,
}

impl DeliveryAccounts {
    /// Returns accounts that are at most `oldest` old, as long as the store answers;
    /// otherwise the previous ones.
    pub(super) async fn accounts(
        &self,
        store: Option<&Arc<dyn Store>>,
        oldest: Duration,
    ) -> Accounts {
        let Some(store) = store else {
            return Accounts::default();
        };
        let ask = async {
            let _alone = self.asking.lock().await;
            if let Some((at, accounts)) = self.last()
                && at.elapsed() < oldest
            {
                return Some(accounts);
            }
            let asked = store.accounts().await;
            let asked = asked.inspect_err(|error| tracing::warn!("{error}"));
            let accounts = asked.ok()?;
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some((Instant::now(), accounts.clone()));
            Some(accounts)
        };
        let answered = timeout(STORE_TIMEOUT, ask).await.ok().flatten();
        let before = || self.last().map(|(_, accounts)| accounts);
        answered.or_else(before).unwrap_or_default()
    }

    fn last(&self) -> Option<(Instant, Accounts)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

#[cfg(test)]
mod tests {
    use annunciator::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn it_is_asked_once_in_a_while_and_the_old_answer_is_better_than_none() {
        let accounts_cache = DeliveryAccounts::default();
        let known = Accounts {
            accepted: 7,
            ..Accounts::default()
        };
        *accounts_cache.last.lock().unwrap() = Some((Instant::now(), known.clone()));
        let store: Arc<dyn Store> = Arc::<MemoryStore>::default();
        let asked = accounts_cache
            .accounts(Some(&store), Duration::from_secs(3600))
            .await;
        assert_eq!(asked, known);
        let asked = accounts_cache.accounts(Some(&store), Duration::ZERO).await;
        assert_eq!(asked.accepted, 0);
    }
}
