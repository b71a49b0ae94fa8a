//! The API's calls, by method and path.

use serde_json::json;
use uuid::Uuid;

use crate::http::{Answer, Request};

use super::form::Form;
use super::pace::Violation;
use super::receipts::Receipt;
use super::rules;
use super::service::{Message, PushoverService};

pub(super) async fn route(request: Request, service: &PushoverService) -> Answer {
    let form = Form::read(&request).await;
    let reads_body = request.method() == "POST";
    if reads_body && service.state().accounts.leaked_in(request.query()) {
        let path = request.path().to_owned();
        service.violations.record(Violation::SecretInQuery(path));
        return Answer::json(
            400,
            &json!({
                "token": "invalid",
                "errors": ["application token must be sent in the body"],
                "status": 0,
                "request": Uuid::new_v4().to_string(),
            }),
        );
    }
    match (request.method(), request.segments().as_slice()) {
        ("POST", ["1", "messages.json"]) => messages(&form, service),
        ("POST", ["1", "users", "validate.json"]) => validate(&form, service),
        ("GET", ["1", "sounds.json"]) => sounds(&request, service),
        ("GET", ["1", "apps", "limits.json"]) => limits(&request, service),
        ("POST", ["1", "receipts", "cancel_by_tag", tag]) => {
            cancel_by_tag(tag.trim_end_matches(".json"), &form, service)
        }
        ("POST", ["1", "receipts", receipt, "cancel.json"]) => cancel(receipt, &form, service),
        ("GET", ["1", "receipts", receipt]) => {
            poll(receipt.trim_end_matches(".json"), &request, service)
        }
        (_, ["1", "messages.json" | "sounds.json"] | ["1", "users" | "apps" | "receipts", ..]) => {
            Answer::html(405, "<html><body>405 Method Not Allowed</body></html>")
        }
        _ => Answer::html(404, "<html><body>404 Not Found</body></html>"),
    }
}

fn messages(form: &Form, service: &PushoverService) -> Answer {
    let mut state = service.state();
    if let Err(refusal) = rules::token(form.field("token"), &state.accounts) {
        return refusal.answer(400);
    }
    let quota = state.accounts.quota;
    if quota.remaining == 0 {
        return quota.stamp(Answer::json(
            429,
            &json!({
                "errors": ["application is over its monthly message limit"],
                "status": 0,
                "request": Uuid::new_v4().to_string(),
            }),
        ));
    }
    let accepted = rules::user(form, &state.accounts).and_then(|recipients| {
        let priority = rules::message(form, &state.accounts)?;
        let opened = rules::opened(form, &state.accounts)?;
        Ok((recipients, priority, rules::attachment(form)?, opened))
    });
    let (recipients, priority, attachment, opened) = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => return quota.stamp(refusal.answer(400)),
    };
    let token = form.field("token").unwrap_or_default();
    let receipt = (priority == 2).then(|| {
        let expire = form.number("expire").unwrap_or_default();
        let receipt = Receipt::new(token, form.field("tags"), expire);
        state.receipts.issue(receipt)
    });
    state.accounts.quota.remaining -= 1;
    let request = Uuid::new_v4().to_string();
    let mut body = json!({"status": 1, "request": request});
    if let Some(receipt) = &receipt {
        body["receipt"] = json!(receipt);
    }
    let answer = state.accounts.quota.stamp(Answer::json(200, &body));
    drop(state);
    service.messages.record(Message {
        recipients,
        priority,
        receipt,
        attachment,
        request,
        fields: opened.fields,
    });
    answer
}

fn validate(form: &Form, service: &PushoverService) -> Answer {
    let state = service.state();
    if let Err(refusal) = rules::token(form.field("token"), &state.accounts) {
        return refusal.answer(400);
    }
    let known = form
        .field("user")
        .and_then(|key| state.accounts.recipients.get(key));
    let refused = |parameter: &str, value: &str, sentence: &str| {
        let mut body = json!({
            "errors": [sentence],
            "status": 0,
            "request": Uuid::new_v4().to_string(),
        });
        body[parameter] = json!(value);
        Answer::json(400, &body)
    };
    let Some(recipient) = known else {
        return refused("user", "invalid", "user key is invalid");
    };
    let device = form.field("device").unwrap_or_default();
    if !device.is_empty() && !recipient.devices.iter().any(|name| name == device) {
        return refused(
            "device",
            "invalid for this user",
            "device name is not valid for this user",
        );
    }
    Answer::json(
        200,
        &json!({
            "status": 1,
            "group": u8::from(recipient.group),
            "devices": recipient.devices,
            "licenses": ["Android"],
            "request": Uuid::new_v4().to_string(),
        }),
    )
}

fn sounds(request: &Request, service: &PushoverService) -> Answer {
    let state = service.state();
    let token = request.query_value("token");
    if let Err(refusal) = rules::token(token.as_deref(), &state.accounts) {
        return refusal.answer(400);
    }
    let request = Uuid::new_v4().to_string();
    Answer::json(
        200,
        &json!({"sounds": state.accounts.sounds, "status": 1, "request": request}),
    )
}

fn limits(request: &Request, service: &PushoverService) -> Answer {
    let state = service.state();
    let token = request.query_value("token");
    if let Err(refusal) = rules::token(token.as_deref(), &state.accounts) {
        return refusal.answer(400);
    }
    let quota = state.accounts.quota;
    Answer::json(
        200,
        &json!({
            "limit": quota.limit,
            "remaining": quota.remaining,
            "reset": quota.reset,
            "status": 1,
            "request": Uuid::new_v4().to_string(),
        }),
    )
}

fn poll(id: &str, request: &Request, service: &PushoverService) -> Answer {
    let mut state = service.state();
    let token = request.query_value("token").unwrap_or_default();
    if let Err(refusal) = rules::token(Some(&token), &state.accounts) {
        return refusal.answer(400);
    }
    if let Some(violation) = state.pace.poll(id) {
        service.violations.record(violation);
    }
    match state.receipts.owned_by(id, &token) {
        Some(receipt) => Answer::json(200, &receipt.document()),
        None => unknown_receipt(),
    }
}

fn cancel(id: &str, form: &Form, service: &PushoverService) -> Answer {
    let mut state = service.state();
    if let Err(refusal) = rules::token(form.field("token"), &state.accounts) {
        return refusal.answer(400);
    }
    let token = form.field("token").unwrap_or_default();
    match state.receipts.owned_by(id, token) {
        Some(receipt) => {
            receipt.cancelled = true;
            Answer::json(
                200,
                &json!({"status": 1, "request": Uuid::new_v4().to_string()}),
            )
        }
        None => unknown_receipt(),
    }
}

fn cancel_by_tag(tag: &str, form: &Form, service: &PushoverService) -> Answer {
    let mut state = service.state();
    if let Err(refusal) = rules::token(form.field("token"), &state.accounts) {
        return refusal.answer(400);
    }
    let token = form.field("token").unwrap_or_default();
    let cancelled = state.receipts.cancel_tagged(tag, token);
    Answer::json(
        200,
        &json!({"status": 1, "canceled": cancelled, "request": Uuid::new_v4().to_string()}),
    )
}

fn unknown_receipt() -> Answer {
    Answer::json(
        404,
        &json!({
            "receipt": "not found",
            "errors": ["receipt not found; may be invalid or expired"],
            "status": 0,
            "request": Uuid::new_v4().to_string(),
        }),
    )
}
