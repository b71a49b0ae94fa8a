//! Where somebody goes after an act: back, and to no other server.

use axum::response::Redirect;

/// The maximum length of an address to which somebody returns, in bytes.
const MAX_LENGTH: usize = 2048;

/// Returns the path to return to, if it is one of this server, else `/`.
pub(super) fn own_path(next: Option<&str>) -> &str {
    let is_own = |next: &&str| {
        // Browsers read `//` and `/\` as the beginning of another server's address.
        next.starts_with('/')
            && !next[1..].starts_with(['/', '\\'])
            && next.len() <= MAX_LENGTH
            && next.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(is_own).unwrap_or("/")
}

/// Leads back after an act, so that loading the page again does not repeat it.
pub(super) fn go_back(back: Option<&str>) -> Redirect {
    Redirect::to(own_path(back))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_server() {
        for own in [
            "/",
            "/deliveries?state=failed",
            "/hosts/a%2Fb",
            "/?next=//x",
        ] {
            assert_eq!(own_path(Some(own)), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/\n",
            "/a b",
            "/\t/evil.example",
            "/ä",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(Some(foreign)), "/", "{foreign}");
        }
        assert_eq!(own_path(Some(&format!("/{}", "x".repeat(5000)))), "/");
    }
}
