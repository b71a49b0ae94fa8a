//! The API of an engine, one file for each kind of thing.

mod acts;
mod channels;
mod configuration;
mod deliveries;
mod events;
mod incidents;
mod notifications;
mod plugins;
mod records;
mod route;
mod shared;
mod stream;
mod tokens;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as OpenApiDescription,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use channels::test_channel;
pub use deliveries::DeliveryPage;
pub use incidents::{
    AcknowledgeBody, Acknowledgements, IncidentChannel, IncidentJson, Incidents, Withdrawn,
    check_time, open_incidents,
};
pub use notifications::{
    MAX_MESSAGE_LENGTH, MAX_REQUEST_LENGTH, NotificationBody, Notified, NotifyOutcome, ReportJson,
};
pub use records::{AttemptJson, DeliveryJson};
pub(crate) use shared::Api;
pub(crate) use stream::Feed;
pub use tokens::{MadeToken, RemovedToken, TokenBody, TokenList};

/// The head of the description; the routes add themselves.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Annunciator",
        description = "Look at notifications, and act: acknowledge, notify, retry.",
        license(name = "MIT OR Apache-2.0")
    ),
    modifiers(&ByToken),
    security(("token" = [])),
    tags(
        (name = "notifications", description = "Notify people."),
        (name = "incidents", description = "Open problems, and who has taken them over."),
        (name = "deliveries", description = "What became of notifications, channel by channel."),
        (name = "events", description = "What changes, as it changes."),
        (name = "channels", description = "Where people are notified."),
        (name = "acts", description = "Who has done what."),
        (name = "tokens", description = "How programs and people show who they are over TCP.")
    )
)]
pub(crate) struct Description;

/// Says how a program shows who it is over TCP.
struct ByToken;

impl Modify for ByToken {
    fn modify(&self, description: &mut OpenApiDescription) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("Over TCP; at the socket, the kernel says who asks.".to_owned());
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Returns all routes of the engine.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(notifications::notify))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::acknowledge, incidents::withdraw))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::retry))
        .routes(routes!(events::follow))
        .routes(routes!(channels::list))
        .routes(routes!(channels::check))
        .routes(routes!(channels::test))
        .routes(routes!(plugins::list))
        .routes(routes!(configuration::show))
        .routes(routes!(route::show))
        .routes(routes!(acts::list))
        .routes(routes!(tokens::list, tokens::add))
        .routes(routes!(tokens::remove))
}
