//! Secrets: no text of an outcome or a check contains the password or the token, whatever the
//! server repeats of what it was sent.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use crate::support::{open, settings, with};
use annunciator_sdk::testing::Sample;
use annunciator_testkit::smtp::{Fault, Moment, SmtpServer};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const PASSWORD: &str = "s3cretpw";

/// Returns the password in every form in which it is sent.
fn forms() -> Vec<String> {
    let plain = STANDARD.encode(format!("\0hb\0{PASSWORD}"));
    let bearer = STANDARD.encode(format!("user=hb\x01auth=Bearer {PASSWORD}\x01\x01"));
    let alone = STANDARD.encode(PASSWORD);
    let bare = [&plain, &bearer, &alone].map(|form| form.trim_end_matches('=').to_owned());
    let mut forms = vec![PASSWORD.to_owned(), plain, bearer, alone];
    forms.extend(bare);
    forms
}

async fn shown(auth: Value, moment: Moment, code: u16, text: &str) -> String {
    let server = SmtpServer::builder()
        .credentials("hb", PASSWORD)
        .auth_in_clear()
        .start()
        .await
        .unwrap();
    server.always(Fault::reply(moment, code, text));
    let settings = with(with(settings(&server), json!({"smtp_user": "hb"})), auth);
    let channel = open(&settings).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    let check = channel.check().await;
    channel.close().await;
    format!("{outcomes:?} {check:?}")
}

#[tokio::test]
async fn a_password_that_the_server_repeats_is_shown_in_no_form() {
    let moments = [
        Moment::Greeting,
        Moment::Hello,
        Moment::Auth,
        Moment::Mail,
        Moment::Rcpt,
        Moment::Data,
        Moment::Dot,
        Moment::Noop,
    ];
    let logins = [
        json!({"smtp_password": PASSWORD}),
        json!({"smtp_password": PASSWORD, "smtp_auth": "login"}),
        json!({"smtp_token": PASSWORD}),
    ];
    for form in forms() {
        for moment in moments {
            for (code, auth) in [500, 450, 250].into_iter().zip(&logins) {
                // At DATA, 250 is not the expected reply, so it is shown.
                let code = if moment == Moment::Data { 250 } else { code };
                let text = format!("5.5.1 {form} unrecognised\nyou said {form}");
                let seen = shown(auth.clone(), moment, code, &text).await;
                for form in forms() {
                    assert!(!seen.contains(&form), "{moment:?} {code}: {seen}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_removed_secret_leaves_the_rest_of_the_answer() {
    let text = format!("5.5.1 {PASSWORD} unrecognised");
    let seen = shown(json!({"smtp_password": PASSWORD}), Moment::Auth, 500, &text).await;
    assert!(seen.contains("5.5.1 […] unrecognised"), "{seen}");
}
