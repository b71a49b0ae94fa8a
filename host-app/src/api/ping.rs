//! The addresses at which jobs ping, as Healthchecks has them: `/ping/KEY/HOST`.
//!
//! The key in the address is the secret, so that a ping needs no other identity, and an address
//! with a wrong key is answered as one at which there is nothing.

use std::sync::Arc;

use annunciator_monitor::{
    Monitor,
    ping::{PingError, PingRefusal, PingRequest},
};
use annunciator_web::{Problem, RawBody, Reason};
use axum::{
    Router,
    extract::{FromRequest as _, Request, State},
    routing::any,
};

use super::routes::{Subject, unknown_host};

/// The maximum length of a body, in bytes, of which the beginning is kept: a job's whole output
/// may be sent.
const MAX_BODY: usize = 1024 * 1024;
/// Where the addresses begin.
const PATH: &str = "/ping/";
/// The answer of Healthchecks, for which some clients look.
const ANSWER: &str = "OK";

/// Returns the routes.
pub(super) fn routes(subject: &Arc<Subject>) -> Router {
    Router::new()
        .route("/ping/{*path}", any(ping))
        .with_state(Arc::clone(subject))
}

async fn ping(
    State(subject): State<Arc<Subject>>,
    request: Request,
) -> Result<&'static str, Problem> {
    let (uri, method) = (request.uri(), request.method());
    let path = uri.path().strip_prefix(PATH).unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let read = PingRequest::read(method.as_str(), path, query).map_err(refused)?;
    let host = host_of(&subject.monitor, &read)?;
    let body = RawBody::<MAX_BODY>::from_request(request, &()).await?;
    let ping = read.ping.with_body(&body.bytes);
    let pinged = subject.monitor.ping(&host, &ping);
    pinged.map_err(|_| unknown_host(&host))?;
    Ok(ANSWER)
}

/// Returns the host that may be pinged with the key of a request.
fn host_of(monitor: &Monitor, request: &PingRequest) -> Result<String, Problem> {
    monitor.pinged_host(request).map_err(|refusal| {
        let detail = match refusal {
            PingRefusal::WrongKey => "there is nothing at this address",
            PingRefusal::NoHost => "the key is for several hosts: ping /ping/KEY/HOST",
            PingRefusal::OtherHost => "the key is not for this host",
        };
        Problem::new(Reason::NotFound, detail)
    })
}

fn refused(error: PingError) -> Problem {
    let reason = match error {
        PingError::WrongMethod => Reason::WrongMethod,
        PingError::WrongRunId => Reason::WrongQuery,
        _ => Reason::NotFound,
    };
    Problem::new(reason, error.to_string())
}
