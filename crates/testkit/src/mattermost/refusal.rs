//! The server's error document, in the style of its version.
//!
//! Old servers name the cause in `id`; current ones wrap every refusal of a webhook in one
//! general ID, with the hook's ID, a secret, in `message`.

use serde_json::json;

use crate::http::Answer;

use super::directory::new_id;

/// The style in which a server words the refusal of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorStyle {
    /// A specific ID, and a sentence about the cause.
    Old,
    /// `web.incoming_webhook.general.app_error`, with the hook's ID in the message.
    #[default]
    Current,
}

/// A refusal: status, specific ID and sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MattermostRefusal {
    pub(super) status: u16,
    pub(super) id: &'static str,
    pub(super) message: &'static str,
}

/// The refusal of what an account may not do.
pub(super) const NOT_PERMITTED: MattermostRefusal = MattermostRefusal::new(
    403,
    "api.context.permissions.app_error",
    "You do not have the appropriate permissions.",
);

impl MattermostRefusal {
    pub(super) const fn new(status: u16, id: &'static str, message: &'static str) -> Self {
        Self {
            status,
            id,
            message,
        }
    }

    /// Returns the document of the REST API, and of old servers' webhooks.
    pub(super) fn answer(self) -> Answer {
        document(self.status, self.id, self.message)
    }

    /// Returns the document of a webhook.
    pub(super) fn of_hook(self, style: ErrorStyle, hook: &str, media_type: &str) -> Answer {
        match style {
            ErrorStyle::Old => self.answer(),
            ErrorStyle::Current => document(
                self.status,
                "web.incoming_webhook.general.app_error",
                &format!(
                    "Failed to handle the payload of media type {media_type} \
                     for incoming webhook {hook}."
                ),
            ),
        }
    }
}

fn document(status: u16, id: &str, message: &str) -> Answer {
    let request = new_id();
    Answer::json(
        status,
        &json!({
            "id": id,
            "message": message,
            "detailed_error": "",
            "request_id": request,
            "status_code": status,
        }),
    )
    .header("X-Request-Id", &request)
}
