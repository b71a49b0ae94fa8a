//! The field's words: identifiers use none that the glossary of CONTRIBUTING.md has
//! retired, and within a crate each type has a name of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use proc_macro2::{Punct, TokenStream, TokenTree};
use syn::{Attribute, Item, Meta};

use crate::{files, none, root};

/// Functions of a suite, each of which is a test of whoever calls the suite's macro.
pub const SUITE: &str = "crates/testkit/src/stores/";

/// A function of the suite that is named as a situation has at least so many words.
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

/// A retired word, by the glossary.
struct Retired {
    /// As it is written there.
    quoted: String,
    /// Its words, in lower case.
    words: Vec<String>,
    /// Of a constant only: such a word is fine elsewhere.
    is_constant_s: bool,
    /// What stands for it.
    standard: String,
}

impl Retired {
    /// Reads what stands in backticks: `word`, `two_words`, `CONSTANT_…` or `…_CONSTANT`.
    fn of(quoted: &str, standard: &str) -> Self {
        let bare = quoted.trim_matches(['…', '_']);
        Self {
            quoted: quoted.to_owned(),
            words: words(bare),
            is_constant_s: bare.to_uppercase() == bare,
            standard: standard.to_owned(),
        }
    }

    fn is_in(&self, name: &str, words: &[String]) -> bool {
        let is_constant = name.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase());
        (is_constant || !self.is_constant_s)
            && words
                .windows(self.words.len())
                .any(|some| some == self.words)
    }
}

/// The glossary of CONTRIBUTING.md: each term, and the retired words that it stands for.
fn glossary() -> Vec<(String, Vec<Retired>)> {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, glossary) = guide.split_once("\n## Glossary\n").unwrap();
    let rows = glossary
        .lines()
        .skip_while(|line| !line.starts_with("| --"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, term, _, retired, _] = cells[..] else {
            panic!("CONTRIBUTING.md: three cells, please: {row}");
        };
        let retired = retired.split('`').skip(1).step_by(2);
        let retired = retired.map(|quoted| Retired::of(quoted, term)).collect();
        (term.to_owned(), retired)
    })
    .collect()
}

fn all_retired() -> Vec<Retired> {
    let glossary = glossary().into_iter();
    let retired: Vec<Retired> = glossary.flat_map(|(_, retired)| retired).collect();
    assert!(retired.len() > 20, "the glossary was not read");
    retired
}

#[test]
fn no_identifier_uses_a_retired_word() {
    let retired = all_retired();
    let mut broken = Vec::new();
    for (path, text) in shipped() {
        let found = uses(&text, &retired).into_iter();
        let may_stand =
            |name: &str| path.starts_with(SUITE) && words(name).len() >= MIN_SENTENCE_LENGTH;
        let found = found.filter(|(name, _)| !may_stand(name));
        broken.extend(found.map(|(_, found)| format!("{path}:{found}")));
    }
    none(broken);
}

/// Uses of retired words in a file: the identifier, and what to say of it.
fn uses(text: &str, retired: &[Retired]) -> Vec<(String, String)> {
    let mut identifiers = Vec::new();
    collect(text.parse().unwrap(), &mut identifiers);
    let found = identifiers.into_iter().filter_map(|(line, name)| {
        let word = retired_in(&name, retired)?;
        let says = format!("{line}: `{name}`: use {}", word.standard);
        Some((name, says))
    });
    found.collect()
}

/// Collects the identifiers, without the names of tests: these are sentences, and may use
/// any word.
fn collect(tokens: TokenStream, identifiers: &mut Vec<(usize, String)>) {
    let mut is_of_test = false;
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let is_test_s_name = is_of_test && before == "fn";
                if !is_test_s_name {
                    identifiers.push((ident.span().start().line, name.clone()));
                }
                let goes_on = ["pub", "async", "unsafe", "fn"].contains(&name.as_str());
                is_of_test &= goes_on;
                before = name;
            }
            TokenTree::Group(group) => {
                is_of_test |= before == "#" && marks_a_test(group.stream());
                collect(group.stream(), identifiers);
                before.clear();
            }
            TokenTree::Punct(mark) => before = mark.as_char().to_string(),
            TokenTree::Literal(_) => before.clear(),
        }
    }
}

/// Whether an attribute is `#[test]` or one of others' for tests, as `#[tokio::test(…)]`.
fn marks_a_test(attribute: TokenStream) -> bool {
    let path = attribute.into_iter().take_while(|token| {
        let is_colon = |mark: &Punct| mark.as_char() == ':';
        matches!(token, TokenTree::Ident(_))
            || matches!(token, TokenTree::Punct(mark) if is_colon(mark))
    });
    path.last().is_some_and(|last| last.to_string() == "test")
}

/// The retired word of an identifier; `None` if it has none.
fn retired_in<'a>(name: &str, retired: &'a [Retired]) -> Option<&'a Retired> {
    let words = words(name);
    retired.iter().find(|word| word.is_in(name, &words))
}

/// The words of an identifier, in lower case. A number is a word of its own, and so is
/// what stands in capitals before a word: `TTLTold2` has three.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        let ends_capitals =
            before.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = before == '_'
            || c.is_numeric() != before.is_numeric()
            || c.is_uppercase() && (before.is_lowercase() || ends_capitals);
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
    let retired = ["told", "kept_back", "PATIENCE", "MOST_…", "…_PAUSE"];
    let retired = retired.map(|quoted| Retired::of(quoted, "another"));
    let check = |name: &str, expected: bool| {
        assert_eq!(retired_in(name, &retired).is_some(), expected, "{name}");
    };
    for name in [
        "told",
        "is_told",
        "TellToldAgain",
        "TTLTold",
        "told2",
        "TOLD_AT",
        "who_is_told_of_it_twice",
        "KeptBack",
        "is_kept_back_by",
        "MOST_LINES",
        "LINES_AT_MOST_READ",
        "PATIENCE",
        "PATIENCE_OF_ALL",
        "RETRY_PAUSE",
    ] {
        check(name, true);
    }
    for name in [
        "MIN_RETRY_DELAY",
        "most",
        "pause",
        "Most",
        "Foretold",
        "kept",
        "KeptInBack",
        "x",
    ] {
        check(name, false);
    }
    let text = "fn a() {\n    println!(\"told {}\", b.told); // told\n}\n";
    let expected = ("told".to_owned(), "2: `told`: use another".to_owned());
    assert_eq!(uses(text, &retired), [expected]);
}

#[test]
fn names_of_tests_only_may_use_a_retired_word() {
    let retired = [Retired::of("told", "another")];
    for (text, found) in [
        ("#[test]\nfn who_is_told() {}", 0),
        ("#[test]\n#[ignore = \"x\"]\nfn who_is_told() {}", 0),
        ("#[tokio::test]\nasync fn who_is_told() {}", 0),
        (
            "#[tokio::test(start_paused = true)]\nasync fn who_is_told() {}",
            0,
        ),
        ("mod tests { #[test] fn who_is_told() {} }", 0),
        ("proptest! { #[test] fn who_is_told(a in 0..1) {} }", 0),
        ("fn one_who_is_told_of_it_all() {}", 1),
        ("#[cfg(test)]\nfn who_is_told() {}", 1),
        ("#[test]\nfn a() { let told = 1; }", 1),
        ("#[test]\nfn a() {}\nfn who_is_told() {}", 1),
    ] {
        assert_eq!(uses(text, &retired).len(), found, "{text}");
    }
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

/// What the glossary advises is what the code says.
#[test]
fn the_code_uses_the_terms_of_the_glossary() {
    let mut identifiers = Vec::new();
    for (_, text) in shipped() {
        collect(text.parse().unwrap(), &mut identifiers);
    }
    let used: BTreeSet<Vec<String>> = identifiers.iter().map(|(_, name)| words(name)).collect();
    let is_used = |term: &str| {
        let term = words(&term.replace(' ', "_")).join(" ");
        let of_several = format!("{term}s");
        let length = term.split(' ').count();
        used.iter().any(|words| {
            let mut parts = words.windows(length).map(|some| some.join(" "));
            parts.any(|some| some == term || some == of_several)
        })
    };
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for (term, retired) in glossary() {
        let quoted: Vec<&str> = term.split('`').skip(1).step_by(2).collect();
        let terms = if quoted.is_empty() {
            vec![&*term]
        } else {
            quoted
        };
        for term in terms {
            if !is_used(term.trim_matches(['…', '_'])) {
                broken.push(format!("CONTRIBUTING.md: the code says nowhere {term}"));
            }
        }
        for word in retired {
            if !seen.insert(word.words.clone()) && !word.is_constant_s {
                broken.push(format!("CONTRIBUTING.md: {} is there twice", word.quoted));
            }
        }
    }
    none(broken);
}
