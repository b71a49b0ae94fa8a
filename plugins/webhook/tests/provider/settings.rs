//! The validation of settings.

use annunciator_sdk::testing::validate;
use annunciator_webhook::Webhook;
use serde_json::{Value, json};

/// Checks the problems, written as `E field` for an error and `W field` for a warning.
fn check(extra: Value, expected: &[&str]) {
    let mut settings = json!({"url": "https://e.example/hook"});
    for (name, value) in extra.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    let found = validate::<Webhook>(&settings);
    let seen: Vec<String> = found
        .iter()
        .map(|problem| {
            let level = if problem.is_error() { 'E' } else { 'W' };
            format!("{level} {}", problem.path())
        })
        .collect();
    assert_eq!(seen, expected, "{settings}: {found:?}");
}

#[test]
fn when_settings_are_good_nothing_is_reported() {
    check(json!({}), &[]);
    check(json!({"url": "http://localhost:8080/"}), &[]);
    check(json!({"body": "{\"a\": {{ attributes.whatever }}}"}), &[]);
    check(
        json!({"body": "{{ body }}", "content_type": "text/plain; charset=utf-8"}),
        &[],
    );
    check(
        json!({"method": "PUT", "statuses": {"409": "delivered", "5xx": "retry"}}),
        &[],
    );
    check(
        json!({"answer": {"success": "answer.json.ok and answer.status == 200"}}),
        &[],
    );
}

#[test]
fn when_a_template_does_not_result_in_a_request_it_is_an_error_at_its_field() {
    check(json!({"url": ""}), &["E url"]);
    check(json!({"url": "ftp://e.example/"}), &["E url"]);
    check(json!({"url": "/hook"}), &["E url"]);
    check(json!({"url": "https://{{ host }}/x"}), &["E url"]);
    check(
        json!({"url": "https://e{{ severity }}.example/x"}),
        &["E url"],
    );
    check(
        json!({"url": "https://e.example/{{ secrets.toekn }}"}),
        &["E url"],
    );
    check(json!({"body": "{\"text\": {{ txet }}}"}), &["E body"]);
    check(json!({"body": "{\"text\": \"{{ body }}\"}"}), &["E body"]);
    check(json!({"body": "{\"text\": {{ body }"}), &["E body"]);
    check(
        json!({"body": "{% for _ in range(10000) %}{% for _ in range(10000) %}{% endfor %}{% endfor %}"}),
        &["E body"],
    );
    check(
        json!({"headers": {"X-A": "{{ nothing }}"}}),
        &["E headers.X-A"],
    );
    check(json!({"check_url": "nowhere"}), &["E check_url"]);
}

#[test]
fn a_template_that_is_wrong_hides_no_other() {
    check(
        json!({"url": "nowhere", "body": "{{"}),
        &["E url", "E body"],
    );
    check(
        json!({
            "url": "{{", "body": "{{", "check_url": "nowhere",
            "headers": {"X-A": "{{", "X-B": "{{ nothing }}"},
        }),
        &[
            "E url",
            "E headers.X-A",
            "E headers.X-B",
            "E body",
            "E check_url",
        ],
    );
}

#[test]
fn when_another_setting_makes_no_sense_it_is_reported_at_its_field() {
    check(json!({"headers": {"X A": "1"}}), &["E headers.X A"]);
    check(
        json!({"headers": {"Content-Type": "text/plain"}}),
        &["E headers.Content-Type"],
    );
    check(json!({"content_type": "a\nb"}), &["E content_type"]);
    check(
        json!({"statuses": {"teapot": "retry"}}),
        &["E statuses.teapot"],
    );
    check(
        json!({"answer": {"success": "answer.json.ok =="}}),
        &["E answer.success"],
    );
    check(
        json!({"sign": {"key": "", "header": "X-S"}}),
        &["E sign.key"],
    );
    check(
        json!({"sign": {"key": "k", "header": "X S"}}),
        &["E sign.header"],
    );
    check(json!({"method": "GET", "body": "{}"}), &["W body"]);
    check(
        json!({"url": "http://e.example/", "secrets": {"t": "x"}}),
        &["W url"],
    );
    check(json!({"ulr": "x"}), &["E ulr"]);
    check(json!({"method": "TEAPOT"}), &["E method"]);
}

#[test]
fn a_mistake_in_json_is_explained() {
    let found = validate::<Webhook>(
        &json!({"url": "https://e.example/", "body": "{\"text\": \"{{ body }}\"}"}),
    );
    assert!(
        found[0]
            .message()
            .starts_with("does not produce valid JSON"),
        "{found:?}"
    );
    let whole = format!("{:?}", found[0]);
    assert!(whole.contains("brings its own quotes"), "{whole}");
}
