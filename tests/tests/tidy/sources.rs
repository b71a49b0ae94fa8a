//! Files of Rust: short, named after something, and finished.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::{files, none};

/// A file longer than this holds more than one noun.
pub const MAX_FILE_LINES: usize = 600;

#[test]
fn no_file_is_too_long() {
    let long = files("rs")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MAX_FILE_LINES);
    none(
        long.map(|(path, text)| {
            format!(
                "{path}: {} lines: which nouns are in it?",
                text.lines().count()
            )
        })
        .collect(),
    );
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let mute = files("rs")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "));
    none(mute.map(|(path, _)| path).collect());
}

#[test]
fn no_file_is_named_after_nothing() {
    let vague = [
        "utils", "util", "common", "types", "helpers", "helper", "misc", "manager",
    ];
    let named = files("rs").into_iter().filter(|(path, _)| {
        let stem = Path::new(path)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        vague.contains(&stem.as_str())
    });
    none(named.map(|(path, _)| path).collect());
}

#[test]
fn what_is_unfinished_is_not_committed() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX", "dbg!("];
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        for (number, line) in text.lines().enumerate() {
            if !path.starts_with("tests/tests/tidy/")
                && words.iter().any(|word| line.contains(word))
            {
                broken.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}

#[test]
fn a_lint_is_allowed_with_a_reason_only() {
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        let found = bare(text.parse().unwrap(), false).into_iter();
        broken.extend(found.map(|(line, name)| format!("{path}:{line}: `{name}` and no reason")));
    }
    none(broken);
}

/// The attributes `allow` and `expect` without a reason, each with its line; also those
/// in `cfg_attr`, and in what a macro makes.
fn bare(tokens: TokenStream, is_attribute: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut before: Option<TokenTree> = None;
    let mut begins_attribute = false;
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            if let (true, Some(TokenTree::Ident(name))) = (is_attribute, &before) {
                let is_one = name == "allow" || name == "expect";
                if is_one && !has_reason(group.stream()) {
                    found.push((name.span().start().line, name.to_string()));
                }
            }
            found.extend(bare(group.stream(), is_attribute || begins_attribute));
        }
        begins_attribute = match &token {
            TokenTree::Punct(mark) => {
                mark.as_char() == '#' || begins_attribute && mark.as_char() == '!'
            }
            _ => false,
        };
        before = Some(token);
    }
    found
}

fn has_reason(lints: TokenStream) -> bool {
    let lints: Vec<String> = lints.into_iter().map(|token| token.to_string()).collect();
    lints
        .windows(3)
        .any(|part| part[0] == "reason" && part[1] == "=" && part[2].len() > 2)
}

#[test]
fn a_lint_that_is_allowed_without_a_reason_is_found() {
    for (text, expected) in [
        ("#[allow(dead_code)] struct A;", 1),
        ("#![expect(dead_code)]", 1),
        ("#[expect(dead_code, clippy::all)] struct A;", 1),
        ("#[allow(dead_code, reason = \"\")] struct A;", 1),
        (
            "#[allow(dead_code)] struct A; #[allow(dead_code, reason = \"x\")] struct B;",
            1,
        ),
        ("#[cfg_attr(unix, allow(dead_code))] struct A;", 1),
        ("m! { #[allow(dead_code)] struct A; }", 1),
        ("fn f() { #[allow(unused)] let a = 1; }", 1),
        (
            "#[expect(\n    dead_code,\n    reason = \"x\"\n)] struct A;",
            0,
        ),
        (
            "#[cfg_attr(unix, allow(dead_code, reason = \"x\"))] struct A;",
            0,
        ),
        (
            "/// #[allow(dead_code)]\nfn f() { a.expect(b); allow(c); m!(#, expect(d)) }",
            0,
        ),
    ] {
        assert_eq!(bare(text.parse().unwrap(), false).len(), expected, "{text}");
    }
}
