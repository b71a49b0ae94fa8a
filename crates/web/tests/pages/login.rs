//! Who gets to see pages: logging in, being sent to do so, logging out.

use annunciator_web::Scope;
use axum::http::{Method, StatusCode, header};

use crate::desk::Desk;

#[tokio::test]
async fn a_browser_without_a_session_is_sent_to_log_in_and_comes_back() {
    let desk = Desk::new().await;
    let page = desk.get("/deliveries?state=failed", "").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let to = page.header(header::LOCATION).to_owned();
    assert_eq!(to, "/login?next=%2Fdeliveries%3Fstate%3Dfailed");
    let form = desk.get(&to, "").await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(
        form.text.contains("value=\"/deliveries?state=failed\""),
        "{}",
        form.text
    );

    let token = desk.token("anna", Scope::Read).await;
    let body = format!("token={token}&next=%2Fdeliveries%3Fstate%3Dfailed");
    let page = desk.post("/login", &body, "").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    assert_eq!(page.header(header::LOCATION), "/deliveries?state=failed");
    let cookie = page.cookie();
    assert_eq!(
        desk.get("/api/v1/incidents", &cookie).await.status,
        StatusCode::OK
    );
    // It permits what the token does.
    let page = desk.post("/api/v1/deliveries/1/retry", "", &cookie).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_program_without_an_identity_is_answered_problem_details() {
    let desk = Desk::new().await;
    let json = [("accept", "application/json")];
    for (path, headers) in [("/deliveries", &json[..]), ("/api/v1/incidents", &[])] {
        let page = desk.send(Method::GET, path, "", headers).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        let kind = page.header(header::CONTENT_TYPE);
        assert_eq!(kind, "application/problem+json", "{path}");
    }
    let wrong = [("authorization", "Bearer guess")];
    let page = desk.send(Method::GET, "/deliveries", "", &wrong).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_another_site_can_neither_log_in_nor_out() {
    let desk = Desk::new().await;
    let cookie = desk.logged_in(Scope::Act).await;
    let token = desk.token("other", Scope::Act).await;
    let form = format!("token={token}");
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/login", "/logout"] {
            let page = desk
                .send(Method::POST, path, &form, &[foreign, ("cookie", &cookie)])
                .await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{foreign:?}");
            assert_eq!(page.header(header::SET_COOKIE), "");
        }
    }
    assert_eq!(
        desk.get("/api/v1/incidents", &cookie).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn whoever_logs_out_or_loses_the_token_is_out() {
    let desk = Desk::new().await;
    let status = async |cookie: &str| desk.get("/api/v1/incidents", cookie).await.status;
    let cookie = desk.logged_in(Scope::Act).await;
    let page = desk.post("/logout", "", &cookie).await;
    assert_eq!(page.header(header::LOCATION), "/login");
    assert_eq!(page.cookie(), "annunciator=");
    assert_eq!(status(&cookie).await, StatusCode::UNAUTHORIZED);

    let token = desk.token("bob", Scope::Act).await;
    let page = desk.post("/login", &format!("token={token}"), "").await;
    let cookie = page.cookie();
    assert_eq!(status(&cookie).await, StatusCode::OK);
    desk.tokens.remove("bob").await.unwrap();
    assert_eq!(status(&cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_address_that_guesses_at_the_form_has_to_wait() {
    let desk = Desk::new().await;
    let mut last = StatusCode::OK;
    for _ in 0..=20 {
        let page = desk.post("/login", "token=guess", "").await;
        assert!(page.text.contains("role=\"alert\""), "{}", page.text);
        last = page.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_token_that_may_not_look_does_not_log_in() {
    let desk = Desk::new().await;
    let token = desk
        .token("sender", Scope::Ingest("alerts".to_owned()))
        .await;
    let page = desk.post("/login", &format!("token={token}"), "").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.header(header::SET_COOKIE), "");
    let page = desk
        .post("/login", &format!("token={token}&more=1"), "")
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn over_plain_http_a_token_is_taken_at_a_loopback_address_only() {
    let desk = Desk::new().await;
    let token = desk.token("anna", Scope::Act).await;
    let form = format!("token={token}");
    let at = async |host: &str, origin: &str| {
        let headers = [("host", host), ("origin", origin)];
        desk.send(Method::POST, "/login", &form, &headers).await
    };
    let page = at("10.0.0.9:9680", "http://10.0.0.9:9680").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("proxy with TLS"), "{}", page.text);
    let page = at("hbd.example", "https://hbd.example").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let set = page.header(header::SET_COOKIE);
    assert!(
        set.starts_with("__Host-annunciator=") && set.contains("; Secure;"),
        "{set}"
    );
    let page = at("localhost:9680", "http://localhost:9680").await;
    let set = page.header(header::SET_COOKIE);
    assert!(
        set.starts_with("annunciator=") && !set.contains("Secure"),
        "{set}"
    );
}

#[tokio::test]
async fn a_page_may_load_nothing_from_elsewhere_and_its_style_is_kept() {
    let desk = Desk::new().await;
    let page = desk.get("/login", "").await;
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    // With `no-referrer`, a browser's forms would look like those of another site.
    assert_eq!(page.header(header::REFERRER_POLICY), "same-origin");
    assert!(!page.text.contains("style=") && !page.text.contains("<style"));
    let addresses = ["href=\"/assets/", "src=\"/assets/"].map(|before| {
        let (_, rest) = page.text.split_once(before).unwrap();
        format!("/assets/{}", rest.split('"').next().unwrap())
    });
    for address in addresses {
        let asset = desk.get(&address, "").await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        let kept = asset.header(header::CACHE_CONTROL);
        assert_eq!(kept, "public, max-age=31536000, immutable");
    }
}

#[tokio::test]
async fn what_is_refused_is_shown_as_a_page_to_people() {
    let desk = Desk::new().await;
    let cookie = desk.logged_in(Scope::Read).await;
    let page = desk.get("/nothing", &cookie).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("There is nothing here"), "{}", page.text);
    assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"));
}
