//! The field's words: identifiers use none that was retired, and within a crate each type
//! has a name of its own.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, Meta};

use crate::{files, none};

/// Retired words, each with what stands for it. A word of lower case is one of those that
/// an identifier is made of; one of upper case begins a constant.
const RETIRED: &[(&str, &str)] = &[
    ("told", "notified"),
    ("tell", "notify"),
    ("tells", "notifies"),
    ("telling", "notification"),
    ("teller", "forwarder"),
    ("untold", "not notified"),
    ("patience", "timeout"),
    ("berth", "admission"),
    ("courier", "dispatcher"),
    ("gathers", "batch key"),
    ("keeper", "supervisor"),
    ("ailment", "problem"),
    ("ailments", "problems"),
    ("trouble", "alert or problem"),
    ("troubles", "alerts or problems"),
    ("doubt", "suspect"),
    ("stranger", "unknown host"),
    ("PATIENCE", "…_TIMEOUT"),
    ("MOST", "MAX_…"),
    ("LONGEST", "MAX_…"),
    ("LARGEST", "MAX_…"),
    ("SHORTEST", "MIN_…"),
    ("PAUSE", "…_DELAY"),
    ("CALM", "HEALTHY_AFTER"),
];

/// A function that is named as a situation is a sentence, and may use any word.
const MIN_SENTENCE_LENGTH: usize = 5;

/// Crates whose modules have types of one name, and why.
const NAMESAKES: &[(&str, &str)] = &[(
    "crates/testkit",
    "each stand-in is a module with a builder, a state and faults of its own",
)];

/// The folders of code that is shipped, or that others build on.
const SHIPPED: [&str; 3] = ["crates/", "plugins/", "host-app/"];

fn shipped() -> Vec<(String, String)> {
    let mut files = files("rs");
    files.retain(|(path, _)| {
        let is_shipped = SHIPPED.iter().any(|folder| path.starts_with(folder));
        is_shipped && path.contains("/src/")
    });
    files
}

#[test]
fn no_identifier_uses_a_retired_word() {
    let mut broken = Vec::new();
    for (path, text) in shipped() {
        let found = retired(&text).into_iter();
        broken.extend(found.map(|found| format!("{path}:{found}")));
    }
    none(broken);
}

/// Uses of retired words in a file.
fn retired(text: &str) -> Vec<String> {
    let tokens: TokenStream = text.parse().unwrap();
    let mut identifiers = Vec::new();
    collect(tokens, &mut identifiers);
    let identifiers = identifiers.into_iter();
    let found = identifiers.filter_map(|(line, name)| {
        let standard = standard_for(&name)?;
        Some(format!("{line}: `{name}`: use {standard}"))
    });
    found.collect()
}

fn collect(tokens: TokenStream, identifiers: &mut Vec<(usize, String)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                identifiers.push((ident.span().start().line, ident.to_string()));
            }
            TokenTree::Group(group) => collect(group.stream(), identifiers),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// What stands for a retired word in an identifier; `None` if it has none.
fn standard_for(name: &str) -> Option<&'static str> {
    let words = words(name);
    if words.len() >= MIN_SENTENCE_LENGTH {
        return None;
    }
    let first = words.first()?;
    let is_constant = name.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase());
    let is_used = |word: &str| {
        let lower = word.to_lowercase();
        if lower == word {
            words.contains(&lower)
        } else {
            is_constant && (*first == lower || words.last() == Some(&lower))
        }
    };
    let mut retired = RETIRED.iter();
    retired.find_map(|(word, standard)| is_used(word).then_some(*standard))
}

/// The words of an identifier, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for c in name.chars() {
        let begins = before == '_' || c.is_uppercase() && before.is_lowercase();
        if c != '_' {
            if begins {
                words.push(String::new());
            }
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

#[test]
fn each_type_of_a_crate_has_a_name_of_its_own() {
    let mut types: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (path, text) in shipped() {
        let (root, _) = path.split_once("/src/").unwrap();
        let is_test = path.contains("/tests/") || path.ends_with("tests.rs");
        if is_test || NAMESAKES.iter().any(|(known, _)| *known == root) {
            continue;
        }
        for name in type_names(&text) {
            let key = (root.to_owned(), name);
            types.entry(key).or_default().push(path.clone());
        }
    }
    let shared = types.into_iter().filter(|(_, paths)| paths.len() > 1);
    none(
        shared
            .map(|((root, name), paths)| format!("{root}: `{name}` is in {}", paths.join(", ")))
            .collect(),
    );
}

/// The names of a file's types, aliases among them, and of its traits, without those of its tests.
fn type_names(text: &str) -> Vec<String> {
    fn add(items: &[Item], names: &mut Vec<String>) {
        for item in items {
            match item {
                Item::Struct(it) if !is_test(&it.attrs) => names.push(it.ident.to_string()),
                Item::Enum(it) if !is_test(&it.attrs) => names.push(it.ident.to_string()),
                Item::Union(it) if !is_test(&it.attrs) => names.push(it.ident.to_string()),
                Item::Trait(it) if !is_test(&it.attrs) => names.push(it.ident.to_string()),
                Item::Type(it) if !is_test(&it.attrs) => names.push(it.ident.to_string()),
                Item::Mod(it) if !is_test(&it.attrs) => {
                    let items = it.content.as_ref().map(|(_, items)| items.as_slice());
                    add(items.unwrap_or_default(), names);
                }
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    let file = syn::parse_file(text).unwrap();
    if !is_test(&file.attrs) {
        add(&file.items, &mut names);
    }
    names
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

#[test]
fn a_retired_word_is_found_however_the_identifier_is_written() {
    let check = |name: &str, expected: bool| {
        assert_eq!(standard_for(name).is_some(), expected, "{name}");
    };
    for name in [
        "told",
        "is_told",
        "TellAgain",
        "TOLD_AT",
        "MOST_LINES",
        "PATIENCE",
    ] {
        check(name, true);
    }
    for name in [
        "MIN_RETRY_DELAY",
        "most",
        "Foretold",
        "who_is_told_of_it_twice",
        "x",
    ] {
        check(name, false);
    }
    let text = "fn a() {\n    println!(\"told {}\", b.told); // told\n}\n";
    assert_eq!(retired(text), ["2: `told`: use notified"]);
}

#[test]
fn types_of_tests_may_have_any_name() {
    let text = "struct A;\n#[cfg(test)]\nmod tests { struct A; }\nmod inner { enum B {} }\n";
    assert_eq!(type_names(text), ["A", "B"]);
    assert_eq!(
        type_names("type C = A;\n#[cfg(test)]\ntype D = A;\n"),
        ["C"]
    );
}

/// The glossary has every retired word, so that who meets one in an old text finds it.
#[test]
fn the_glossary_has_what_stands_for_each_retired_word() {
    let guide = files("md");
    let (_, guide) = guide
        .iter()
        .find(|(path, _)| path == "CONTRIBUTING.md")
        .unwrap();
    let (_, glossary) = guide.split_once("\n## Glossary\n").unwrap();
    let missing = RETIRED.iter().filter(|(word, _)| {
        let quoted = [
            format!("`{word}`"),
            format!("`{word}_…`"),
            format!("`…_{word}`"),
        ];
        !quoted.iter().any(|word| glossary.contains(word))
    });
    none(
        missing
            .map(|(word, _)| format!("CONTRIBUTING.md: the glossary has no `{word}`"))
            .collect(),
    );
}
