//! Compares the tree of a text with what serde_yaml reads from the same text.

use proptest::prelude::*;

use super::*;

fn root_of(text: &str) -> Node {
    parse(text).unwrap().root
}

fn scalar(text: &str) -> (Scalar, String) {
    let root = root_of(&format!("k: {text}\n"));
    match &root.entry("k").unwrap().node.value {
        Value::Scalar(kind, text) => (*kind, text.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_characters_are_kept_whatever_yaml_would_make_of_them() {
    for (typed, kind) in [
        ("+12025551234", Scalar::Int),
        ("+0987654321", Scalar::Text),
        ("0123", Scalar::Text),
        ("1e5", Scalar::Float),
        ("yes", Scalar::Text),
        ("0x1F", Scalar::Int),
        ("1_000", Scalar::Text),
        (".5", Scalar::Float),
        ("true", Scalar::Bool),
    ] {
        let (found, text) = scalar(typed);
        assert_eq!(text, typed);
        assert_eq!(found, kind, "{typed}");
    }
}

#[test]
fn quotes_make_text_and_are_resolved() {
    assert_eq!(scalar(r#""58\u0037""#), (Scalar::Text, "587".to_owned()));
    assert_eq!(scalar("'it''s'"), (Scalar::Text, "it's".to_owned()));
    assert_eq!(scalar("~").0, Scalar::Null);
    assert_eq!(scalar("").0, Scalar::Null);
}

#[test]
fn a_key_twice_is_reported_and_the_first_counts() {
    let Tree {
        root, duplicates, ..
    } = parse("a: 1\nb: 2\na: 3\n").unwrap();
    assert_eq!(duplicates, [(NodeId(5), Box::from("a"))]);
    let Value::Scalar(_, text) = &root.entry("a").unwrap().node.value else {
        panic!("not a scalar");
    };
    assert_eq!(&**text, "1");
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n";
    let root = root_of(text);
    let node = &root.entry("use").unwrap().node;
    assert!(node.entry("x").is_some());
    let Value::Scalar(_, y) = &node.entry("y").unwrap().node.value else {
        panic!("not a scalar");
    };
    assert_eq!(&**y, "3");
}

#[test]
fn a_bomb_of_aliases_and_a_deep_nesting_are_errors() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let below = format!("*a{},", i - 1).repeat(10);
        bomb.push_str(&format!("a{i}: &a{i} [{below}]\n"));
    }
    parse(&bomb).unwrap_err();
    parse(&"[".repeat(10_000)).unwrap_err();
}

#[test]
fn what_aliases_stand_for_stands_at_the_alias_and_is_itself_elsewhere() {
    let text = "a: &a {x: [1, 2]}\nb: *a\nc: {<<: *a, y: 3}\nd: end\n";
    let root = root_of(text);
    let places = places(text).unwrap();
    let at = |id: NodeId| &places[usize::try_from(id.0).unwrap()];
    let end = &root.entry("d").unwrap().node;
    assert_eq!(&text[at(end.id).here.clone()], "end");
    let two = |key| {
        let Value::List(list) = &root.entry(key).unwrap().node.entry("x").unwrap().node.value
        else {
            panic!("not a list")
        };
        at(list[1].id)
    };
    for (key, here) in [("a", "2"), ("b", "*a"), ("c", "*a")] {
        assert_eq!(&text[two(key).here.clone()], here, "{key}");
        assert_eq!(&text[two(key).itself.clone()], "2", "{key}");
    }
}

/// Returns the number of events that were read before there was a result.
fn cost(text: &str) -> (usize, bool) {
    let mut reading = Reading::default();
    let is_read = reading.run(text).is_ok();
    (reading.events + reading.repeated, is_read)
}

#[test]
fn what_is_nested_too_deeply_costs_no_more_the_longer_it_is() {
    for open in ["[", "{a: ", "- ", "? ", "a: [", "&a [", "!!seq ["] {
        let (short, was_read) = cost(&open.repeat(MAX_DEPTH + 1));
        assert!(!was_read, "{open}");
        let (long, was_read) = cost(&open.repeat(50_000));
        assert!(!was_read, "{open}");
        assert_eq!(short, long, "{open}");
    }
    let nested = |depth: usize| format!("{}x{}", "[".repeat(depth), "]".repeat(depth));
    assert!(cost(&nested(MAX_DEPTH)).1);
    assert!(!cost(&nested(MAX_DEPTH + 1)).1);
}

#[test]
fn aliases_add_up_to_no_deeper_nesting_and_to_so_many_nodes() {
    let mut deep = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n".to_owned();
    for i in 1..20 {
        deep.push_str(&format!("a{i}: &a{i} [[[[[[[[[[*a{}]]]]]]]]]]\n", i - 1));
    }
    assert!(!cost(&deep).1);
    let wide = format!("a: &a [{}]\n", "x, ".repeat(1000));
    let repeated = |times: usize| format!("{wide}b: [{}]\n", "*a, ".repeat(times));
    assert!(cost(&repeated(50)).1);
    let (cost, was_read) = cost(&repeated(20_000));
    assert!(!was_read && cost <= 16 * 25_000, "{cost}");
    // A long text counts by its length.
    let long = format!("a: &a '{}'\n", "x".repeat(100_000));
    let repeated = |times: usize| format!("{long}b: [{}]\n", "*a, ".repeat(times));
    assert!(self::cost(&repeated(50)).1);
    assert!(!self::cost(&repeated(30_000)).1);
    let merged = format!(
        "a: &a {{{}}}\nb: {{<<: [{}]}}\n",
        (0..1000).map(|i| format!("k{i}: v, ")).collect::<String>(),
        "*a, ".repeat(20)
    );
    let root = root_of(&merged);
    assert!(root.entry("b").unwrap().node.entry("k999").is_some());
}

#[test]
fn an_anchor_that_is_given_again_stands_for_the_later_node() {
    let root = root_of("a: &x 1\nb: *x\nc: &x 2\nd: *x\n");
    let text = |key| match &root.entry(key).unwrap().node.value {
        Value::Scalar(_, text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!((text("b"), text("d")), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn tags_of_scalars_count_and_others_are_refused() {
    for (text, kind) in [("!!str 12", Scalar::Text), ("!!float 12", Scalar::Float)] {
        assert_eq!(scalar(text).0, kind, "{text}");
    }
    for text in [
        "k: !!int x\n",
        "k: !mine x\n",
        "k: !!set {a: b}\n",
        "k: !!map [a]\n",
        "k: !!binary eA==\n",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_configuration_is_said_so() {
    for (text, says) in [
        ("", "there is nothing in it"),
        ("# only a comment\n", "there is nothing in it"),
        ("a: 1\n---\nb: 2\n", "there is more than one document"),
        ("a: *b\n", "no anchor before this alias has its name"),
        (
            "a: &a [*a]\n",
            "this alias stands for something that contains the alias itself",
        ),
        ("? [a]\n: b\n", "a key must be a plain word"),
    ] {
        assert_eq!(parse(text).unwrap_err().message, says, "{text:?}");
    }
}

/// Returns whether a node is equal to the value that serde_yaml reads.
fn is_alike(node: &Node, theirs: &serde_yaml::Value) -> bool {
    use serde_yaml::Value as Theirs;
    match (&node.value, theirs) {
        (Value::Scalar(Scalar::Null, _), Theirs::Null) => true,
        (Value::Scalar(Scalar::Bool, text), Theirs::Bool(theirs)) => {
            text.eq_ignore_ascii_case(if *theirs { "true" } else { "false" })
        }
        (Value::Scalar(Scalar::Int, _), Theirs::Number(theirs)) => !theirs.is_f64(),
        (Value::Scalar(Scalar::Float, _), Theirs::Number(theirs)) => theirs.is_f64(),
        (Value::Scalar(Scalar::Text, text), Theirs::String(theirs)) => **text == **theirs,
        (Value::List(nodes), Theirs::Sequence(theirs)) => {
            nodes.len() == theirs.len() && nodes.iter().zip(theirs).all(|(a, b)| is_alike(a, b))
        }
        (Value::Map(entries), Theirs::Mapping(theirs)) => {
            entries.len() == theirs.len()
                && entries
                    .iter()
                    .zip(theirs)
                    .all(|(entry, (_, theirs))| is_alike(&entry.node, theirs))
        }
        _ => false,
    }
}

/// Returns pieces of YAML in random order: often a text that can be read, and often nearly one.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b c",
        "k: ",
        "l: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "\t",
        " ",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "#c ",
        " # c",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\"",
        "'",
        "\"q\"",
        "'it''s'",
        "|\n  ",
        ">-\n  ",
        "&x ",
        "*x",
        "!!str ",
        "!t ",
        "<<: ",
        "<<: *x",
        "+12",
        "0123",
        "1e5",
        "0x1F",
        "1_000",
        "yes",
        "~",
        "null",
        "true",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "\\",
        "ä",
        "\u{1f600}",
        "12:30",
        ".5",
        ".inf",
        "k: v\n",
        "l: {m: n}\n",
        "m: [o, p]\n",
        "\"a\\n\\x41\"",
        "@",
        "`",
        "-",
        ":",
        "?",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Reads a text and compares the results.
fn compare(text: &str) {
    let ours = parse(text);
    let theirs = serde_yaml::from_str::<serde_yaml::Value>(text);
    match (&ours, &theirs) {
        (
            Ok(Tree {
                root, duplicates, ..
            }),
            Ok(theirs),
        ) => {
            // serde_yaml does not support either of these.
            let is_special =
                !duplicates.is_empty() || text.contains("<<") || text.matches("&x").count() > 1;
            assert!(
                is_special || is_alike(root, theirs),
                "{text:?}\n{root:?}\n{theirs:?}"
            );
        }
        (Ok(Tree { duplicates, .. }), Err(error)) => {
            assert!(
                !duplicates.is_empty() || error.to_string().contains("duplicate"),
                "{text:?}: {error}"
            );
        }
        (Err(error), Ok(_)) => {
            let refused = ["a key must be", "a tag", "there is nothing in it"];
            assert!(
                refused.iter().any(|start| error.message.starts_with(start)),
                "{text:?}: {error:?}"
            );
        }
        (Err(_), Err(_)) => {}
    }
    // Every node has a place, and every plain word is at its place.
    if let Ok(Tree { root, .. }) = ours {
        let places = places(text).unwrap();
        let mut nodes = vec![&root];
        while let Some(node) = nodes.pop() {
            let place = &places[usize::try_from(node.id.0).unwrap()];
            let stands = &text[place.itself.clone()];
            match &node.value {
                Value::Scalar(_, text) => {
                    let word = text.chars().all(|c| c.is_alphanumeric());
                    assert!(
                        !word || stands.contains(&**text) || stands.contains('\\'),
                        "{text} in {stands}"
                    );
                }
                Value::List(below) => nodes.extend(below),
                Value::Map(entries) => nodes.extend(entries.iter().map(|entry| &entry.node)),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn what_is_read_is_what_serde_yaml_reads(text in soup()) {
        compare(&text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        compare(&text);
    }
}
