//! Names in documents: `Type::method`, `module::function` and names of tests are names
//! that the sources have.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Fields, ImplItem, ImplItemFn, Item, ItemEnum, ItemFn, ItemImpl, ItemMod, ItemStruct,
    ItemTrait, ItemUse, TraitItem, Type, UseTree,
    visit::{self, Visit},
};

use crate::{files, none, words::SUITE};

/// A name alone is that of a test if it is a sentence, which has so many words.
const MIN_SENTENCE_LENGTH: usize = 5;

/// Names of metrics begin with these; they may be as long as a sentence.
const METRICS: [&str; 2] = ["hbd_", "annunciator_"];

/// What is others': abi_stable's, the kernel's, systemd's.
const FOREIGN: [&str; 5] = ["CheckTypeLayout", "MemoryMax", "NaN", "TasksMax", "VmRSS"];

/// The names that the sources have.
#[derive(Default)]
struct Names {
    /// What a type has, or a module, which is a folder, a file or a crate, too: fields,
    /// variants, methods, items.
    members: BTreeMap<String, BTreeSet<String>>,
    /// All functions and methods.
    functions: BTreeSet<String>,
    tests: BTreeSet<String>,
    /// The modules around what is being read.
    around: Vec<String>,
    is_suite: bool,
}

impl Names {
    fn read() -> Self {
        let mut names = Self::default();
        for (path, text) in files("rs") {
            names.is_suite = path.starts_with(SUITE);
            names.around = modules(&path);
            names.visit_file(&syn::parse_file(&text).unwrap());
        }
        assert!(names.tests.len() > 1000, "the sources were not read");
        names
    }

    fn add(&mut self, owner: &str, member: impl ToString) {
        let members = self.members.entry(owner.to_owned()).or_default();
        members.insert(member.to_string());
    }

    /// Adds what stands in the modules around.
    fn add_here(&mut self, member: impl ToString) {
        for module in self.around.clone() {
            self.add(&module, member.to_string());
        }
    }

    fn add_function(&mut self, name: impl ToString, attributes: &[Attribute]) {
        let is_test = |one: &Attribute| {
            let last = one.path().segments.last();
            last.is_some_and(|last| last.ident == "test")
        };
        if self.is_suite || attributes.iter().any(is_test) {
            self.tests.insert(name.to_string());
        }
        self.functions.insert(name.to_string());
    }

    /// What is wrong with a name in backticks.
    fn wrong(&self, quoted: &str) -> Option<String> {
        if let Some(method) = called(quoted) {
            let is_known = self.functions.contains(method);
            return (!is_known).then(|| format!("there is no method `{method}`"));
        }
        let path: Vec<&str> = path(quoted).split("::").collect();
        match path[..] {
            [first, ..] if FOREIGN.contains(&first) => None,
            [.., owner, member] => match self.members.get(owner) {
                None => Some(format!("`{owner}` is no type and no module")),
                Some(members) if members.contains(member) => None,
                Some(_) => Some(format!("`{owner}` has no `{member}`")),
            },
            // Part of a longer text: a setting with its value, or a call.
            [name] if name.len() != quoted.len() => None,
            [name] if is_sentence(name) => {
                let is_known = self.tests.contains(name);
                (!is_known).then(|| format!("there is no test `{name}`"))
            }
            [name] if is_type(name) && !FOREIGN.contains(&name) => {
                let mut members = self.members.values();
                let is_known = self.members.contains_key(name)
                    || members.any(|members| members.contains(name));
                (!is_known).then(|| format!("there is no type `{name}`"))
            }
            _ => None,
        }
    }
}

/// Whether a name alone is that of a test.
fn is_sentence(name: &str) -> bool {
    let is_metric = METRICS.iter().any(|prefix| name.starts_with(prefix));
    let is_lower = !name.contains(|c: char| c.is_ascii_uppercase());
    is_lower && !is_metric && name.split('_').count() >= MIN_SENTENCE_LENGTH
}

/// Whether a name alone is that of a type or a variant: of two words at least, since one
/// may be anybody's.
fn is_type(name: &str) -> bool {
    let capitals = name.chars().filter(char::is_ascii_uppercase).count();
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && (2..name.len()).contains(&capitals)
        && !name.contains('_')
}

/// The modules that a file stands in, by its path: folders, and the file.
fn modules(path: &str) -> Vec<String> {
    let parts = path.trim_end_matches(".rs").split('/');
    let parts: BTreeSet<String> = parts.map(str::to_owned).collect();
    let mut parts: Vec<String> = parts.into_iter().collect();
    if let Some((_, below)) = path.split_once("crates/") {
        let name = below.split('/').next().unwrap();
        parts.push(match name {
            "engine" => "annunciator".to_owned(),
            name => format!("annunciator_{name}"),
        });
    }
    parts
}

/// What a text in backticks begins with that is a path of Rust; empty if nothing.
fn path(quoted: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = quoted.find(|c| !is_part(c)).unwrap_or(quoted.len());
    let path = quoted[..end].trim_end_matches(':');
    // Times, addresses and the like.
    let is_path = path.starts_with(|c: char| c.is_ascii_alphabetic())
        && !path.replace("::", "").contains(':');
    if is_path { path } else { "" }
}

/// The method that `.method(…)` calls.
fn called(quoted: &str) -> Option<&str> {
    let (name, _) = quoted.strip_prefix('.')?.split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(name)
}

/// What stands in backticks in a text of Markdown, with the number of its line. What
/// stands in blocks is passed over.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_in_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_in_block = !is_in_block;
        } else if !is_in_block {
            let parts = line.split('`').skip(1).step_by(2);
            found.extend(parts.map(|part| (number + 1, part)));
        }
    }
    found
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Static(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(name) = name {
            self.add_here(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add_here(&item.sig.ident);
        self.add_function(&item.sig.ident, &item.attrs);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.add_here(&item.ident);
        let owner = item.ident.to_string();
        self.members.entry(owner.clone()).or_default();
        if let Fields::Named(fields) = &item.fields {
            for field in &fields.named {
                self.add(&owner, field.ident.as_ref().unwrap());
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.add_here(&item.ident);
        for variant in &item.variants {
            self.add(&item.ident.to_string(), &variant.ident);
        }
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.add_here(&item.ident);
        for member in &item.items {
            let name = match member {
                TraitItem::Const(it) => &it.ident,
                TraitItem::Fn(it) => {
                    self.functions.insert(it.sig.ident.to_string());
                    &it.sig.ident
                }
                TraitItem::Type(it) => &it.ident,
                _ => continue,
            };
            self.add(&item.ident.to_string(), name);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if let Type::Path(path) = &*item.self_ty {
            let owner = path.path.segments.last().unwrap().ident.to_string();
            for member in &item.items {
                match member {
                    ImplItem::Const(it) => self.add(&owner, &it.ident),
                    ImplItem::Fn(it) => self.add(&owner, &it.sig.ident),
                    ImplItem::Type(it) => self.add(&owner, &it.ident),
                    _ => {}
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        self.functions.insert(method.sig.ident.to_string());
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.add_here(&item.ident);
        self.around.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.around.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        fn last(tree: &UseTree, found: &mut Vec<String>) {
            match tree {
                UseTree::Path(path) => last(&path.tree, found),
                UseTree::Name(name) => found.push(name.ident.to_string()),
                UseTree::Rename(renamed) => found.push(renamed.rename.to_string()),
                UseTree::Group(group) => group.items.iter().for_each(|tree| last(tree, found)),
                UseTree::Glob(_) => {}
            }
        }
        if matches!(item.vis, syn::Visibility::Public(_)) {
            let mut found = Vec::new();
            last(&item.tree, &mut found);
            found.into_iter().for_each(|name| self.add_here(name));
        }
    }
}

#[test]
fn names_in_documents_are_names_of_the_sources() {
    let names = Names::read();
    let (mut broken, mut found) = (Vec::new(), 0);
    for (path, text) in files("md") {
        // Of the changes those that are not released yet: earlier ones had other names.
        let newest = match path.as_str() {
            "CHANGELOG.md" => text
                .split("\n## ")
                .take(2)
                .collect::<Vec<_>>()
                .join("\n## "),
            _ => text,
        };
        for (line, quoted) in quoted(&newest) {
            found += usize::from(self::path(quoted).contains("::") || called(quoted).is_some());
            let wrong = names.wrong(quoted);
            broken.extend(wrong.map(|wrong| format!("{path}:{line}: {wrong}")));
        }
    }
    none(broken);
    assert!(found > 50, "only {found} names were found");
}

#[test]
fn a_name_that_is_gone_is_found() {
    let mut names = Names {
        around: modules("crates/engine/src/engine/handle.rs"),
        ..Names::default()
    };
    let text = "
        pub struct Engine { pub field: u8 }
        impl Engine { pub fn method(&self) {} }
        pub enum KindOf { Variant }
        pub trait Provider { const IT: u8; fn deliver(&self); }
        pub use elsewhere::{Given as GivenOn};
        pub fn prepare() {}
        mod tests { #[test] fn this_is_named_as_a_situation() {} }
    ";
    names.visit_file(&syn::parse_file(text).unwrap());
    for (quoted, is_right) in [
        ("Engine::field", true),
        ("Engine::method", true),
        ("Engine::method(text).await", true),
        ("Engine::gone", false),
        ("Engine::gone(text).await", false),
        ("KindOf::Variant", true),
        ("KindOf::Gone", false),
        ("Provider::IT", true),
        ("Provider::deliver", true),
        ("Gone::method", false),
        ("annunciator::prepare", true),
        ("annunciator::engine::GivenOn", true),
        ("annunciator::gone", false),
        ("handle::prepare", true),
        ("gone::prepare", false),
        ("tests::this_is_named_as_a_situation", true),
        ("handle::this_is_named_as_a_situation", true),
        ("handle::this_is_named_as_it_was", false),
        ("this_is_named_as_a_situation", true),
        ("this_is_named_as_it_was", false),
        (".method(…)", true),
        (".gone(…)", false),
        ("KindOf", true),
        ("GoneOf", false),
        // These are no names of Rust.
        ("gone", true),
        ("a_gone_key", true),
        ("hbd_notifications_of_all_kinds_total", true),
        ("web-01 IPv4 overdue", true),
        ("::1", true),
        ("[::]:9677", true),
        ("README", true),
        (".so", true),
    ] {
        let wrong = names.wrong(quoted);
        assert_eq!(wrong.is_none(), is_right, "{quoted}: {wrong:?}");
    }
}
