//! The rule of floors on small crates that are made up, each broken in one way.

use std::collections::BTreeMap;

use crate::{
    floors::judge,
    houses::Circle,
    modules::{Edge, Modules},
};

/// A crate of these files, and of empty ones for what its root declares besides.
fn small(files: &[(&str, &str)]) -> Modules {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    Modules::read("lib.rs", |file| {
        let is_declared = |name: &str| files["lib.rs"].contains(&format!("mod {name};"));
        let name = file.strip_suffix(".rs").filter(|name| is_declared(name));
        // A folder is declared in the same way, and has its own file.
        let is_folder = files.contains_key(&*format!("{}/mod.rs", name.unwrap_or_default()));
        let empty = name.filter(|_| !is_folder).map(|_| "");
        files.get(file).copied().or(empty).map(str::to_owned)
    })
}

/// From which file to which, by which path.
fn named(modules: &Modules) -> Vec<(String, String, String)> {
    let edges = modules.edges().into_iter();
    let named = |edge: Edge| (edge.from, edge.to, edge.path);
    edges.map(named).collect()
}

#[track_caller]
fn names(files: &[(&str, &str)], from: &str, to: &str) {
    let found = named(&small(files));
    let is_it = |(one, other, _): &(String, String, String)| one == from && other == to;
    assert!(
        found.iter().any(is_it),
        "{from} -> {to} is not in {found:?}"
    );
}

/// What is wrong with a crate of two floors, `low` and `high`.
fn wrong_of_two_floors(files: &[(&str, &str)]) -> Vec<String> {
    let root = [("lib.rs", "mod low; mod high;")];
    let modules = small(&[&root, files].concat());
    judge("lib.rs", &modules, &[&["low"], &["high"]], &[])
}

#[track_caller]
fn one(wrong: &[String], says: &str) {
    assert!(
        wrong.iter().any(|one| one.contains(says)),
        "`{says}` is not in {wrong:#?}"
    );
}

#[test]
fn an_import_from_above_is_found_wherever_it_stands() {
    for low in [
        "use crate::high::Thing;",
        "use super::high::Thing;",
        "use crate::high;",
        "use crate::{high::{deep::Thing, Other as Another}};",
        "pub use crate::high::Thing;",
        "fn f() { crate::high::thing(); }",
        "fn f() { use crate::high::thing; thing(); }",
        "fn f() -> super::high::Thing { todo() }",
        "impl crate::high::Trait for () {}",
        "fn f() { println!(\"{}\", crate::high::thing()); }",
        "macro_rules! m { () => { $crate::high::thing() } }",
        "mod within { use super::super::high::Thing; }",
        "mod within { fn f(thing: crate::high::Thing) {} }",
        "use crate as me; use me::high::Thing;",
        "extern crate self as me; use self::me::high::Thing;",
        "#[derive(crate::high::Derive)] struct S;",
        "#[crate::high::attribute] struct S;",
        "#[crate::high::attribute(x)] mod within {}",
        "#[cfg_attr(feature = \"x\", derive(crate::high::Derive))] struct S;",
        "#[serde(default = \"crate::high::default\")] struct S;",
        "struct S { #[serde(with = \"super::high::within\")] field: u8 }",
        "struct S { #[schemars(schema_with = \"crate::high::f::<u8>\")] field: u8 }",
        "#[serde(from = \"Vec<crate::high::Thing>\")] struct S;",
        "#[serde(bound = \"T: crate::high::Trait\")] struct S<T>(T);",
        "enum E { #[error(transparent, source = r\"crate::high::Thing\")] A }",
    ] {
        let wrong = wrong_of_two_floors(&[("low.rs", low)]);
        let is_told = |one: &String| one.contains("of high, which is not below low");
        assert!(
            !wrong.is_empty() && wrong.iter().all(is_told),
            "{low}: {wrong:#?}"
        );
    }
}

#[test]
fn an_import_by_a_name_that_the_root_gives_to_the_crate_is_found() {
    for low in [
        "use me::high::Thing;",
        "fn f() { ::me::high::f(); }",
        "mod within { use me::high::Thing; }",
    ] {
        let modules = small(&[
            ("lib.rs", "extern crate self as me; mod low; mod high;"),
            ("low.rs", low),
        ]);
        let wrong = judge("lib.rs", &modules, &[&["low"], &["high"]], &[]);
        assert_eq!(wrong.len(), 1, "{low}: {wrong:#?}");
        one(&wrong, "of high, which is not below low");
    }
}

#[test]
fn a_macro_from_above_is_found_however_it_is_called() {
    let exported = "#[macro_export] macro_rules! m { () => {} }";
    let given_on = "macro_rules! m { () => {} } pub(crate) use m;";
    let in_scope = "macro_rules! m { () => {} }";
    for (low, high) in [
        ("fn f() { crate::m!(); }", exported),
        ("crate::m!();", exported),
        ("use crate::m; fn f() { m!(); }", exported),
        ("macro_rules! own { () => { $crate::m!() } }", exported),
        ("fn f() { crate::high::m!(); }", given_on),
        // With `#[macro_use]` before the other module.
        ("fn f() { m!(); }", in_scope),
        ("fn f() { println!(\"{}\", m!()); }", in_scope),
    ] {
        let wrong = wrong_of_two_floors(&[("low.rs", low), ("high.rs", high)]);
        assert_eq!(wrong.len(), 1, "{low} {high}: {wrong:#?}");
        one(&wrong, "of high, which is not below low");
    }
    // One of its own is another macro.
    let own = format!("{in_scope} fn f() {{ m!(); }}");
    let own = wrong_of_two_floors(&[("low.rs", &own), ("high.rs", in_scope)]);
    assert_eq!(own, Vec::<String>::new());
}

#[test]
fn an_import_from_below_is_right_and_so_is_what_tests_import() {
    for (low, high) in [
        ("", "use crate::low::Thing; fn f() { crate::low::f(); }"),
        ("#[cfg(test)] mod tests { use crate::high::Thing; }", ""),
        ("#[cfg(test)] mod tests;", ""),
        ("#[cfg(test)] use crate::high::Thing;", ""),
        ("#[test] fn it_works() { crate::high::f(); }", ""),
        (
            "struct S; impl S { #[cfg(test)] fn f() { crate::high::f(); } }",
            "",
        ),
        ("// use crate::high::Thing;", ""),
        ("const S: &str = \"crate::high::Thing\";", ""),
        ("pub(in crate::high) fn f() {}", ""),
        (
            "#[cfg_attr(test, derive(crate::high::Derive))] struct S;",
            "",
        ),
        ("#[error(\"see crate::high::Thing for it\")] struct S;", ""),
        ("/// As [`crate::high::Thing`].\nstruct S;", ""),
        ("", "#[serde(default = \"crate::low::default\")] struct S;"),
        ("use high::Thing;", ""),
    ] {
        let wrong = wrong_of_two_floors(&[("low.rs", low), ("high.rs", high)]);
        assert_eq!(wrong, Vec::<String>::new(), "{low} {high}");
    }
}

#[test]
fn a_name_that_is_given_on_counts_for_the_file_that_defines_it() {
    let crate_of_folders = |user: &'static str| {
        [
            (
                "lib.rs",
                "mod a; mod b; mod user; pub use b::Thing as Root;",
            ),
            (
                "a/mod.rs",
                "mod within; pub use within::*; pub use crate::b::Thing;",
            ),
            ("a/within.rs", "pub struct Within;"),
            (
                "b/mod.rs",
                "mod deep; pub use deep::{Thing, self as renamed};",
            ),
            ("b/deep.rs", "pub struct Thing; pub fn f() {}"),
            ("user.rs", user),
        ]
    };
    for (user, to) in [
        ("use crate::a::Thing;", "b/deep.rs"),
        ("use crate::b::Thing;", "b/deep.rs"),
        ("use crate::Root;", "b/deep.rs"),
        ("use crate::b::renamed::f;", "b/deep.rs"),
        ("use crate::a::Within;", "a/within.rs"),
        ("use crate::b; fn f() { b::Thing::new(); }", "b/deep.rs"),
        ("use super::a::*;", "a/mod.rs"),
    ] {
        names(&crate_of_folders(user), "user.rs", to);
    }
    // A folder gives on what it has: that makes no circle with what its files import.
    let folder = [
        ("lib.rs", "mod a;"),
        (
            "a/mod.rs",
            "mod b; pub(crate) use b::B; pub(crate) struct A;",
        ),
        ("a/b.rs", "use super::A; pub(crate) struct B(A);"),
    ];
    let wrong = judge("lib.rs", &small(&folder), &[], &[]);
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn modules_that_give_on_each_other_s_names_end() {
    let files = [
        ("lib.rs", "mod a; mod b; use a::Thing;"),
        ("a.rs", "pub use crate::b::Thing;"),
        ("b.rs", "pub use crate::a::Thing;"),
    ];
    assert!(small(&files).edges().len() < 4);
}

#[test]
fn a_circle_of_three_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a/mod.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "fn f() { crate::a::f(); }"),
    ];
    let modules = small(&files);
    let wrong = judge("lib.rs", &modules, &[], &[]);
    one(&wrong, r#"modules in a circle: {"a", "b", "c"}"#);
    one(
        &wrong,
        r#"in a circle that is not listed: {"a/mod.rs", "b.rs", "c.rs"}"#,
    );
    one(&wrong, "c.rs:1: `crate::a::f`");
    let listed = |files, reason| {
        let known = [Circle { files, reason }];
        judge("lib.rs", &modules, &[&["a+b+c"]], &known)
    };
    assert_eq!(
        listed(&["b.rs", "a/mod.rs", "c.rs"], "a reason"),
        Vec::<String>::new()
    );
    one(&listed(&["b.rs", "a/mod.rs", "c.rs"], ""), "say why");
    // It may neither grow nor shrink in silence.
    for files in [
        &["a/mod.rs", "b.rs"][..],
        &["a/mod.rs", "b.rs", "c.rs", "d.rs"],
    ] {
        let wrong = listed(files, "a reason");
        one(&wrong, r#"not listed: {"a/mod.rs", "b.rs", "c.rs"}"#);
        one(&wrong, "there is no such circle any more");
    }
}

#[test]
fn a_small_circle_beside_a_large_one_is_found() {
    let modules = small(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "use crate::a::A;"),
        ("d.rs", "use crate::e::E;"),
        ("e.rs", "use crate::d::D;"),
    ]);
    let known = [Circle {
        files: &["a.rs", "b.rs", "c.rs"],
        reason: "a reason",
    }];
    let wrong = judge("lib.rs", &modules, &[&["a+b+c", "d+e"]], &known);
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    one(&wrong, r#"not listed: {"d.rs", "e.rs"}"#);
}

#[test]
fn a_module_without_a_floor_and_a_floor_without_a_module_are_found() {
    let modules = small(&[("lib.rs", "mod a; mod b;")]);
    let wrong = judge("lib.rs", &modules, &[&["a", "gone"]], &[]);
    one(
        &wrong,
        "put the module b on a floor (in tests/tests/tidy/houses.rs)",
    );
    one(&wrong, "the module gone of a floor is not there");
    let twice = judge("lib.rs", &modules, &[&["a"], &["b", "a"]], &[]);
    one(&twice, "a stands on two floors");
    // A handful needs none.
    assert_eq!(judge("lib.rs", &modules, &[], &[]), Vec::<String>::new());
    let many = small(&[("lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f;")]);
    one(
        &judge("lib.rs", &many, &[], &[]),
        "put the module f on a floor (in tests/tests/tidy/houses.rs)",
    );
}

#[test]
fn neighbours_on_a_floor_do_not_know_each_other() {
    let modules = small(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;")]);
    let wrong = judge("lib.rs", &modules, &[&["a", "b"]], &[]);
    one(&wrong, "of b, which is not below a");
    assert_eq!(
        judge("lib.rs", &modules, &[&["a+b"]], &[]),
        Vec::<String>::new()
    );
}
