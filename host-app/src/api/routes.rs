//! The routes of the monitor: hosts, silences, and the monitor itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use annunciator_monitor::{Explained, Monitor, Overview, ReloadError, Reloaded, Reloading};
use annunciator_web::{
    AckLinks, Actor, Acts, IncidentJson, JsonBody, Problem, Query, Reader, Reason, Segments,
    SharedIncidents, Tls, WebConfig, open_incidents,
};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::host_filter::HostFilter;

/// The maximum number of lines of history and of messages in an answer: more than anybody
/// reads, and bounded in the monitor's memory.
pub const MAX_LINES: u32 = 10_000;
/// The default number of them.
const DEFAULT_LINES: u32 = 20;
/// The maximum length of a silence: a year. A host that is silenced for good should not be
/// watched.
pub const MAX_SILENCE: Duration = Duration::from_secs(366 * 24 * 3600);

/// The monitor that the routes give access to.
#[derive(Debug)]
pub struct Subject {
    /// The running monitor.
    pub monitor: Arc<Monitor>,
    /// Reloads the configuration.
    pub reloading: Arc<Reloading>,
    /// The address at which metrics are served; `None` if they are not.
    pub http: Option<SocketAddr>,
    /// The section `web` that the program was started with.
    pub web: WebConfig,
    /// The certificate of `web.listen`, if it has one.
    pub tls: Option<Arc<Tls>>,
    /// Where acts are recorded.
    pub acts: Acts,
    /// The links in messages by which incidents are taken over.
    pub links: Option<Arc<AckLinks>>,
}

impl Subject {
    /// Returns the incidents that a host shares with others: they fell silent together.
    #[must_use]
    pub fn shared_incidents(&self) -> SharedIncidents {
        let monitor = Arc::clone(&self.monitor);
        SharedIncidents::new(move |host| {
            let shared = monitor.shared_incidents(host).into_iter();
            shared.map(|incident| incident.to_string()).collect()
        })
    }

    /// Reloads the configuration, and reads the certificate again, also if the configuration is
    /// rejected.
    ///
    /// # Errors
    /// Returns [`ReloadError`] if the configuration was rejected.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let certified = match &self.tls {
            Some(tls) => Arc::clone(tls).reload_and_log().await,
            None => Ok(()),
        };
        let mut reloaded = self.reloading.reload(&self.monitor).await?;
        if let Err(error) = certified {
            let warning = format!("web.tls: {error}; the certificate that was read before stays");
            reloaded.warnings.push(warning);
        }
        if WebConfig::of(&self.monitor.engine().config()) != self.web {
            reloaded.after_restart.push("web".into());
        }
        Ok(reloaded)
    }
}

/// Returns the routes.
pub(super) fn routes(subject: Arc<Subject>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(hosts))
        .routes(routes!(explain))
        .routes(routes!(silence, end_silence))
        .routes(routes!(silences))
        .routes(routes!(reload))
        .with_state(subject)
}

/// The state of all hosts and of the monitor itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusAnswer {
    /// The state.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub overview: Overview,
    /// The address at which metrics are served; `None` if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub http: Option<SocketAddr>,
    /// The open incidents, the most severe first.
    #[serde(default)]
    pub incidents: Vec<IncidentJson>,
}

/// The state of one host, with the evidence.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ExplainAnswer {
    /// The state.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub explained: Explained,
    /// The host's open incidents, the most severe first.
    #[serde(default)]
    pub incidents: Vec<IncidentJson>,
}

/// Show the state of all hosts and of the monitor itself.
#[utoipa::path(
    get, path = "/status", tag = "monitor",
    responses(
        (status = 200, body = StatusAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn status(State(subject): State<Arc<Subject>>, _: Reader) -> Json<StatusAnswer> {
    Json(StatusAnswer {
        overview: subject.monitor.overview().await,
        http: subject.http,
        incidents: open_incidents(subject.monitor.engine(), None).await,
    })
}

/// Which hosts are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HostsAsked {
    /// Words that must all hold: parts of names, `state:NAME`, `channel:NAME`. Without any, all
    /// hosts are listed.
    filter: String,
}

/// List hosts with their states.
#[utoipa::path(
    get, path = "/hosts", tag = "hosts",
    params(HostsAsked),
    responses(
        (status = 200, body = Object),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn hosts(
    State(subject): State<Arc<Subject>>,
    _: Reader,
    Query(asked): Query<HostsAsked>,
) -> Result<Json<Value>, Problem> {
    let config = subject.monitor.engine().config();
    let filter = HostFilter::read(&asked.filter, &config);
    let filter = filter.map_err(|why| Problem::new(Reason::Invalid, why))?;
    let mut hosts = subject.monitor.overview().await.hosts;
    hosts.retain(|host| filter.covers(host, &config));
    Ok(Json(json!({ "hosts": hosts })))
}

/// How much is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Lines {
    /// The maximum number of lines of history and of messages; at most 10,000, 20 by
    /// default.
    #[param(minimum = 0, maximum = 10_000)]
    lines: Option<u32>,
}

/// Show the state of one host, with the evidence.
#[utoipa::path(
    get, path = "/hosts/{host}", tag = "hosts",
    params(Lines, ("host" = String, Path, description = "The host's name")),
    responses(
        (status = 200, body = ExplainAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn explain(
    State(subject): State<Arc<Subject>>,
    _: Reader,
    Segments(host): Segments<String>,
    Query(asked): Query<Lines>,
) -> Result<Json<ExplainAnswer>, Problem> {
    let lines = asked.lines.unwrap_or(DEFAULT_LINES);
    if lines > MAX_LINES {
        let detail = format!("`lines` is not between 0 and {MAX_LINES}");
        return Err(Problem::new(Reason::WrongQuery, detail));
    }
    let explained = subject.monitor.explain(&host, lines).await;
    let explained = explained.ok_or_else(|| unknown_host(&host))?;
    let incidents = open_incidents(
        subject.monitor.engine(),
        Some((&host, &subject.shared_incidents())),
    )
    .await;
    Ok(Json(ExplainAnswer {
        explained,
        incidents,
    }))
}

pub(super) fn unknown_host(host: &str) -> Problem {
    let detail = format!("no host `{}` is in the configuration", host.escape_debug());
    Problem::new(Reason::NotFound, detail)
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceBody {
    /// The length in seconds, at most a year.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub seconds: u64,
    /// The reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Whether a host was silenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silenced {
    /// Whether the host was silenced before.
    pub was_silenced: bool,
}

/// Silence a host's notifications for a while.
#[utoipa::path(
    put, path = "/hosts/{host}/silence", tag = "hosts",
    params(("host" = String, Path, description = "The host's name")),
    request_body = SilenceBody,
    responses(
        (status = 200, body = Silenced),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn silence(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    Segments(host): Segments<String>,
    JsonBody(body): JsonBody<SilenceBody>,
) -> Result<Json<Silenced>, Problem> {
    let length = silence_length(Duration::from_secs(body.seconds))
        .map_err(|why| Problem::new(Reason::Invalid, why).at("/seconds", why))?;
    set_silence(&subject, &host, length, &body.why)
        .await
        .map(Json)
}

/// End a host's silence.
#[utoipa::path(
    delete, path = "/hosts/{host}/silence", tag = "hosts",
    params(("host" = String, Path, description = "The host's name")),
    responses(
        (status = 200, body = Silenced),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn end_silence(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    Segments(host): Segments<String>,
) -> Result<Json<Silenced>, Problem> {
    set_silence(&subject, &host, Duration::ZERO, "")
        .await
        .map(Json)
}

/// Returns a length for which a host can be silenced, or why it is none.
pub(super) fn silence_length(length: Duration) -> Result<Duration, &'static str> {
    match length {
        none if none.is_zero() => Err("a silence lasts at least a second"),
        long if long > MAX_SILENCE => Err("a silence lasts at most a year"),
        length => Ok(length),
    }
}

/// Silences a host; a length of zero ends its silence. What was confirmed survives a kill.
pub(super) async fn set_silence(
    subject: &Subject,
    host: &str,
    length: Duration,
    why: &str,
) -> Result<Silenced, Problem> {
    let silenced = silence_host(subject, host, length, why)?;
    subject.monitor.written().await;
    Ok(silenced)
}

/// The same, without waiting until it would survive a kill.
pub(super) fn silence_host(
    subject: &Subject,
    host: &str,
    length: Duration,
    why: &str,
) -> Result<Silenced, Problem> {
    let silenced = subject.monitor.silence(host, length, why);
    let was_silenced = silenced.map_err(|_| unknown_host(host))?;
    Ok(Silenced { was_silenced })
}

/// List active silences.
#[utoipa::path(
    get, path = "/silences", tag = "hosts",
    responses(
        (status = 200, body = Object),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn silences(State(subject): State<Arc<Subject>>, _: Reader) -> Json<Value> {
    let overview = subject.monitor.overview().await;
    Json(json!({ "silences": overview.silences }))
}

/// Reload the configuration.
#[utoipa::path(
    post, path = "/reload", tag = "monitor",
    responses(
        (status = 200, body = Object),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn reload(State(subject): State<Arc<Subject>>, _: Actor) -> Result<Json<Value>, Problem> {
    Ok(Json(json!(put_into_force(subject).await?)))
}

/// Reloads the configuration.
///
/// # Errors
/// Returns why the configuration was rejected.
pub(super) async fn put_into_force(subject: Arc<Subject>) -> Result<Reloaded, Problem> {
    // A task of its own, so that a reload ends as a whole whatever becomes of the connection.
    let reloading = tokio::spawn(async move { subject.reload().await });
    match reloading.await {
        Ok(Ok(reloaded)) => Ok(reloaded),
        Ok(Err(error)) => {
            tracing::error!("the configuration was rejected, the old one stays: {error}");
            let detail = format!("the old configuration stays in force\n{error}");
            Err(Problem::new(Reason::Invalid, detail))
        }
        Err(_) => Err(Problem::new(
            Reason::Unavailable,
            "the monitor ends, and reloads nothing",
        )),
    }
}
