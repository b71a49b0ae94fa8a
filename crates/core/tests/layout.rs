//! The layout of everything that crosses, as it was promised for this minor: a
//! change of it without a new minor fails here.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use abi_stable::{
    StableAbi,
    type_layout::{TLData, TLField, TypeLayout},
};
use annunciator_core::{
    code::{
        CheckStatus, Fault, HostErrorKind, Kind, LogLevel, OutcomeClass, ProblemLevel, Proof,
        Severity,
    },
    module::PluginModuleRef,
    version::AbiVersion,
};

const PACKAGE: &str = "annunciator-core";

/// Set, the file is written instead of compared: for a new minor.
const WRITE: &str = "ANNUNCIATOR_WRITE_LAYOUT";

fn golden() -> PathBuf {
    let AbiVersion { major, minor } = AbiVersion::CURRENT;
    let name = format!("tests/layout-{major}.{minor}.txt");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A type's name, and those that one of another crate is made of.
fn named(layout: &'static TypeLayout) -> String {
    let name = layout.full_type().to_string();
    if layout.package().as_str() == PACKAGE {
        return name;
    }
    let parts = layout.shared_vars().type_layouts().iter();
    let parts: Vec<String> = parts.map(|get| get().full_type().to_string()).collect();
    if parts.is_empty() {
        name
    } else {
        format!("{name} of {}", parts.join(", "))
    }
}

fn field(field: TLField, text: &mut String) {
    if field.is_function() {
        for function in field.function_range().iter() {
            // What it says of lifetimes comes on lines of its own.
            let signature = function.to_string();
            let signature = signature.lines().next().unwrap_or_default();
            writeln!(text, "  {}: {signature}", function.name.as_str()).unwrap();
        }
    } else {
        writeln!(text, "  {}: {}", field.name(), named(field.layout())).unwrap();
    }
}

fn describe(layout: &'static TypeLayout) -> String {
    let mut text = String::new();
    let (size, alignment) = (layout.size(), layout.alignment());
    let head = format!(
        "{} ({size} bytes, aligned to {alignment})",
        layout.full_type()
    );
    match layout.data() {
        TLData::PrefixType(prefix) => {
            let first = prefix.first_suffix_field;
            writeln!(
                text,
                "{head}, a table; from field {first} on, fields may be missing"
            )
            .unwrap();
            prefix.fields.iter().for_each(|one| field(one, &mut text));
        }
        _ => {
            writeln!(text, "{head}").unwrap();
            let fields = layout.get_fields().into_iter();
            fields
                .flat_map(|fields| fields.to_vec())
                .for_each(|one| field(one, &mut text));
        }
    }
    text
}

/// Every type of the contract that can be reached from the root module.
fn types() -> String {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = Vec::new();
    let mut waiting = vec![<PluginModuleRef as StableAbi>::LAYOUT];
    while let Some(layout) = waiting.pop() {
        // Tables of two objects have one name.
        let id = layout.get_utypeid();
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        waiting.extend(layout.shared_vars().type_layouts().iter().map(|get| get()));
        if layout.package().as_str() == PACKAGE {
            known.insert(
                format!("{} {}", layout.full_type(), layout.mod_path()),
                describe(layout),
            );
        }
    }
    known.into_values().collect::<Vec<_>>().join("\n")
}

fn codes() -> String {
    let mut text = String::new();
    macro_rules! code {
        ($($code:ident)+) => {
            $(for value in $code::KNOWN {
                writeln!(text, "{} {} = {}", stringify!($code), value.0, value.name().unwrap()).unwrap();
            })+
        };
    }
    code! { CheckStatus Fault HostErrorKind Kind LogLevel OutcomeClass ProblemLevel Proof Severity }
    text
}

#[test]
fn what_crosses_is_laid_out_as_it_was_promised() {
    let now = format!("{}\n{}", types(), codes());
    assert!(
        now.contains("kv_get: ") && now.contains("NotificationV1"),
        "{now}"
    );
    let file = golden();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, &now).unwrap();
    }
    let promised = fs::read_to_string(&file).unwrap_or_default();
    let differs = now
        .lines()
        .zip(promised.lines())
        .find(|(now, then)| now != then);
    assert!(
        now == promised,
        "the contract is not laid out as {} says, first at {differs:?}: take it back, or append it \
         by the rules of growth in a new minor and write its file with {WRITE}=1",
        file.display()
    );
}

/// The blocks of a layout file: each type with its fields, and the codes.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let blocks = text.split("\n\n").map(|block| block.lines().collect());
    blocks.collect()
}

/// Whether a type of a later minor may stand where one of an earlier did: a table
/// may have more at its end, anything else is as it was.
fn grows(then: &[&str], now: &[&str]) -> bool {
    let head = |block: &[&str]| {
        let head = block.first().copied().unwrap_or_default();
        let (name, rest) = head.split_once(" (").unwrap_or((head, ""));
        let from = rest
            .split_once(", a table; ")
            .map(|(_, from)| from.to_owned());
        (name.to_owned(), from)
    };
    let is_table = head(then).1.is_some();
    if is_table {
        head(then) == head(now) && then.len() <= now.len() && then[1..] == now[1..then.len()]
    } else {
        then == now
    }
}

#[test]
fn each_minor_has_all_that_the_one_before_had_and_appends() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let AbiVersion { major, minor } = AbiVersion::CURRENT;
    for earlier in 0..minor {
        let read = |minor: u32| {
            fs::read_to_string(folder.join(format!("layout-{major}.{minor}.txt"))).unwrap()
        };
        let (then, now) = (read(earlier), read(earlier + 1));
        let (then, now) = (blocks(&then), blocks(&now));
        let (codes_then, codes_now) = (then.last().unwrap(), now.last().unwrap());
        assert!(codes_then.iter().any(|code| code.starts_with("Proof 1 = ")));
        for code in codes_then {
            assert!(codes_now.contains(code), "1.{earlier}: {code} is gone");
        }
        for block in &then[..then.len() - 1] {
            assert!(
                now.iter().any(|now| grows(block, now)),
                "1.{earlier}: this is not what it was: {block:#?}"
            );
        }
    }
}

#[test]
fn a_table_that_was_changed_or_shortened_is_seen() {
    let then = [
        "T (16 bytes, aligned to 8), a table; from field 1 on, x",
        "  a: u8",
        "  b: u8",
    ];
    let head = "T (24 bytes, aligned to 8), a table; from field 1 on, x";
    assert!(grows(&then, &[head, "  a: u8", "  b: u8", "  c: u8"]));
    assert!(!grows(&then, &[head, "  b: u8", "  a: u8", "  c: u8"]));
    assert!(!grows(&then, &[head, "  a: u8"]));
    let moved = "T (24 bytes, aligned to 8), a table; from field 2 on, x";
    assert!(!grows(&then, &[moved, "  a: u8", "  b: u8"]));
    let plain = ["S (1 bytes, aligned to 1)", "  a: u8"];
    assert!(!grows(
        &plain,
        &["S (2 bytes, aligned to 1)", "  a: u8", "  b: u8"]
    ));
}
