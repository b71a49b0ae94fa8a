//! The services of the host: time, HTTP, tasks and small values.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use annunciator_core::{
    code::HostErrorKind,
    ffi::{FutureExt as _, RNone, ROption, RResult, RSome, RString, RVec},
    services::{HostBox, HostErrorV1},
};

use crate::{
    acknowledgement::Acknowledgement,
    guard::{self, Guarded},
    http::{HttpRequest, HttpResponse},
    outcome::{Fault, Outcome, Proof},
};

/// The host of one channel. Cheap to clone.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<HostBox>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    pub(crate) fn new(raw: HostBox) -> Self {
        Self(Arc::new(raw))
    }

    /// Returns the time of the host's clock, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    /// Returns the time of the host's clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let ms = u64::try_from(self.now_ms()).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    /// Sleeps for a duration of the host's clock.
    pub async fn sleep(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.0.sleep(ms).await;
    }

    /// Makes an HTTP request with the host's connections, TLS and limits. A response with any
    /// status is an `Ok`. Within a delivery, the request ends before the attempt's time does, so
    /// that the provider can still report.
    ///
    /// # Errors
    /// Fails with [`HostError`] if no response was read; the error says whether the remote may
    /// still have received the request.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        result(
            self.0
                .http(request.bounded(guard::time_left()).into_raw())
                .await,
        )
        .map(HttpResponse::new)
    }

    /// Runs a task beside the deliveries. It is dropped when the channel closes.
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host is closing or cannot run tasks.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), HostError> {
        let guarded = Guarded::new(self.clone(), task, |panic| {
            tracing::error!("a background task of the plugin panicked: {panic}");
        });
        result(self.0.spawn(guarded.into_ffi()))
    }

    /// Returns the value that this channel stored under a key.
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host's store cannot be read.
    pub async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
        let value = result(self.0.kv_get(RString::from(key)).await)?;
        Ok(value.into_option().map(RVec::into_vec))
    }

    /// Stores a small value under a key. Keys are the channel's own.
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host's store refuses it.
    pub async fn kv_put(&self, key: &str, value: &[u8]) -> Result<(), HostError> {
        self.kv_set(key, RSome(RVec::from(value))).await
    }

    /// Removes the value that is stored under a key.
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host's store refuses it.
    pub async fn kv_remove(&self, key: &str) -> Result<(), HostError> {
        self.kv_set(key, RNone).await
    }

    /// Reports proof of a delivery that arrived after its attempt, such as that a person has
    /// acknowledged it. `reference` is the delivery's [`reference`](crate::Delivery::reference),
    /// given to this or an earlier process. If it is known who acknowledged it, use
    /// [`acknowledge`](Self::acknowledge).
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host is closing, or accepts no further proof.
    pub fn prove(&self, reference: &str, proof: Proof) -> Result<(), HostError> {
        result(self.0.prove(reference.into(), proof.code()))
    }

    /// Reports that a person has acknowledged a delivery, who it was, and with which words. A host
    /// of contract 1.0 records the acknowledgement without the rest.
    ///
    /// # Errors
    /// Fails with [`HostError`] if the host is closing, or accepts no further proof.
    ///
    /// # Examples
    /// ```
    /// use annunciator_sdk::{Acknowledgement, Host, HostError};
    ///
    /// fn replied(host: &Host, reference: &str, name: &str, text: &str) -> Result<(), HostError> {
    ///     let acknowledgement = Acknowledgement::default().by(name).note(text);
    ///     host.acknowledge(reference, &acknowledgement)
    /// }
    /// ```
    pub fn acknowledge(
        &self,
        reference: &str,
        acknowledgement: &Acknowledgement,
    ) -> Result<(), HostError> {
        let details = acknowledgement.details().to_json();
        let proof = Proof::Acknowledged;
        let reported = self
            .0
            .prove_by(reference.into(), proof.code(), details.as_str().into());
        match result(reported) {
            Err(error) if error.kind() == HostErrorKind::UNSUPPORTED => {
                self.prove(reference, proof)
            }
            reported => reported,
        }
    }

    async fn kv_set(&self, key: &str, value: ROption<RVec<u8>>) -> Result<(), HostError> {
        result(self.0.kv_put(RString::from(key), value).await)
    }
}

fn result<T>(raw: RResult<T, HostErrorV1>) -> Result<T, HostError> {
    raw.into_result().map_err(HostError)
}

/// The error of a service of the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct HostError(pub(crate) HostErrorV1);

impl HostError {
    /// Returns whether the remote may have received the request, wholly or in part.
    #[must_use]
    pub fn maybe_sent(&self) -> bool {
        self.0.maybe_sent
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> HostErrorKind {
        self.0.kind
    }

    /// Returns the outcome that a failed request means for a delivery: unknown if the remote may
    /// have received it, permanent if the settings are at fault (TLS, or an invalid address) or
    /// the host does not support it, else retry.
    pub fn outcome(&self, target: impl Into<String>) -> Outcome {
        if self.maybe_sent() {
            return Outcome::unknown(target, Fault::Network, self)
                .hint("the remote may have received it: look there before you send it again");
        }
        match self.kind() {
            HostErrorKind::TLS => Outcome::permanent(target, Fault::Config, self).hint(
                "check the remote's certificate, its name, and the certificates trusted here",
            ),
            HostErrorKind::INVALID => Outcome::permanent(target, Fault::Config, self)
                .hint("check the address in the channel's settings"),
            HostErrorKind::UNSUPPORTED => Outcome::permanent(target, Fault::Host, self)
                .hint("use a newer version of the host program"),
            HostErrorKind::CLOSING | HostErrorKind::INTERNAL => {
                Outcome::retry(target, Fault::Host, self)
            }
            HostErrorKind::DNS => Outcome::retry(target, Fault::Network, self)
                .hint("check the host name in the channel's settings, and this machine's DNS"),
            HostErrorKind::CONNECT | HostErrorKind::TIMEOUT => {
                Outcome::retry(target, Fault::Network, self)
                    .hint("check that the address can be reached from this machine")
            }
            _ => Outcome::retry(target, Fault::Network, self),
        }
    }

    /// Returns the same outcome without these secrets in its text, as
    /// [`redacted`](crate::redacted) removes them: an error may contain the address of the
    /// request, and a token in that.
    pub fn redacted_outcome<S: AsRef<str>>(
        &self,
        target: impl Into<String>,
        secrets: &[S],
    ) -> Outcome {
        self.outcome(target).redacted(secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "testing")]
    #[test]
    fn an_older_host_records_an_acknowledgement_without_its_author() {
        use crate::testing::FakeHost;

        let acknowledgement = Acknowledgement::default().by("anna").note("on it");
        let (today, older) = (FakeHost::new(), FakeHost::new());
        older.as_of_1_0();
        for fake in [&today, &older] {
            let host = Host::new(fake.services());
            assert_eq!(host.acknowledge("r7", &acknowledgement), Ok(()));
            let proven = [("r7".to_owned(), Proof::Acknowledged)];
            assert_eq!(fake.proven(), proven);
        }
        let known = [("r7".to_owned(), acknowledgement)];
        assert_eq!(today.acknowledged(), known);
        assert_eq!(older.acknowledged(), []);
    }

    #[test]
    fn an_error_that_names_an_address_is_an_outcome_without_its_token() {
        for (kind, maybe_sent) in [
            (HostErrorKind::DNS, false),
            (HostErrorKind::TLS, false),
            (HostErrorKind::TIMEOUT, true),
        ] {
            let detail = "no answer from https://h.example/hooks/canary".into();
            let error = HostError(HostErrorV1 {
                kind,
                maybe_sent,
                detail,
            });
            let (plain, clean) = (
                error.outcome("ops"),
                error.redacted_outcome("ops", &["canary"]),
            );
            assert_eq!(
                clean.raw().detail.as_str(),
                "no answer from https://h.example/hooks/[…]"
            );
            assert_eq!(clean.class(), plain.class());
            assert_eq!(clean.fault(), plain.fault());
            assert_eq!(clean.raw().hint, plain.raw().hint);
        }
    }
}
