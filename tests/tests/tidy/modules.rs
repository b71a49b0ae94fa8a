//! Reads a crate's modules: which file names something of which other.
//!
//! `use` lines and paths in code count, also those in the arguments of macros and of
//! attributes, there as texts, too: `#[serde(default = "crate::low::f")]`. So do calls of
//! macros. A name that is re-exported counts for the file that defines it. What is there
//! for tests only does not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ImplItemFn, Item, ItemExternCrate, ItemMacro, ItemMod, ItemUse, LitStr, Macro, Meta,
    MetaList, Path, Type, UseTree, Visibility, WhereClause,
    ext::IdentExt as _,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// One file names something of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: String,
    pub to: String,
    /// The line, and what it says.
    pub line: usize,
    pub path: String,
    /// Whether a folder's `mod.rs` gives on a name of a file in that folder, which is all
    /// that most of them do.
    pub is_facade: bool,
}

/// A path from the root of its crate, or of another crate, whose name stands first then.
type Segments = Vec<String>;

/// A module, in a file of its own or within one.
#[derive(Default)]
struct Module {
    file: String,
    /// What it defines itself.
    names: BTreeSet<String>,
    /// Names that it brings in, and the paths of these as they are written.
    imports: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
    /// Paths that it speaks of, as they are written, their lines, and whether it gives
    /// them on under its own name.
    paths: Vec<(Segments, usize, bool)>,
    /// Macros that it defines, and those of them that are names of the crate's root.
    rules: BTreeSet<String>,
    exported: BTreeSet<String>,
    /// Macros that it calls without a path, and the lines.
    calls: Vec<(String, usize)>,
}

/// The modules of a crate by their paths, the root's being empty.
pub struct Modules(BTreeMap<Segments, Module>);

impl Modules {
    /// Reads a crate from its root. `read` answers the text of a file by its path below
    /// the root's folder, where there is one.
    pub fn read(root: &str, read: impl Fn(&str) -> Option<String>) -> Self {
        let mut modules = Self(BTreeMap::new());
        let text = read(root).unwrap_or_else(|| panic!("{root} is not there"));
        modules.add_file(Vec::new(), root, "", &text, &read);
        modules
    }

    /// Adds a file's module, and those that it declares. `folder` is where these lie.
    fn add_file(
        &mut self,
        at: Segments,
        file: &str,
        folder: &str,
        text: &str,
        read: &impl Fn(&str) -> Option<String>,
    ) {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (child, name) in self.add(at, file, &parsed.items) {
            let below = |name: &str| format!("{folder}{name}");
            let candidates = [
                below(&format!("{name}.rs")),
                below(&format!("{name}/mod.rs")),
            ];
            let found = candidates.iter().find_map(|file| Some((file, read(file)?)));
            let Some((found, text)) = found else {
                panic!("{file}: the module {name} has no file");
            };
            // A module within a file that declares one is not seen anywhere here.
            self.add_file(child, found, &below(&format!("{name}/")), &text, read);
        }
    }

    /// Adds a module; answers those that it declares and that stand in other files.
    fn add(&mut self, at: Segments, file: &str, items: &[Item]) -> Vec<(Segments, String)> {
        let mut reader = Reader::default();
        reader.module.file = file.to_owned();
        items.iter().for_each(|item| reader.visit_item(item));
        let mut elsewhere = Vec::new();
        for module in reader.modules {
            let name = module.ident.unraw().to_string();
            let child = [at.clone(), vec![name.clone()]].concat();
            match &module.content {
                Some((_, items)) => elsewhere.extend(self.add(child, file, items)),
                None => elsewhere.push((child, name)),
            }
        }
        self.0.insert(at, reader.module);
        elsewhere
    }

    /// The top-level modules.
    pub fn top(&self) -> BTreeSet<&str> {
        let top = self.0.keys().filter(|path| path.len() == 1);
        top.map(|path| path[0].as_str()).collect()
    }

    /// The files.
    pub fn files(&self) -> BTreeSet<&str> {
        self.0.values().map(|module| module.file.as_str()).collect()
    }

    /// Which file names something of which other.
    pub fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (at, module) in &self.0 {
            for (name, line) in &module.calls {
                let to = self.macro_in_scope(at, name);
                if let Some(to) = to.filter(|to| *to != module.file) {
                    edges.insert(Edge {
                        from: module.file.clone(),
                        to: to.to_owned(),
                        line: *line,
                        path: format!("{name}!"),
                        is_facade: false,
                    });
                }
            }
            let folder = module.file.strip_suffix("mod.rs");
            for (path, line, is_given_on) in &module.paths {
                let target = self.target(at, path, 0);
                if let Some(to) = target.filter(|to| *to != module.file) {
                    edges.insert(Edge {
                        from: module.file.clone(),
                        to: to.to_owned(),
                        line: *line,
                        path: path.join("::"),
                        is_facade: *is_given_on
                            && folder.is_some_and(|folder| to.starts_with(folder)),
                    });
                }
            }
        }
        edges
    }

    /// The file that defines what a path means that is written in a module.
    fn target(&self, at: &[String], path: &[String], depth: usize) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.below(&[], rest, depth),
            "self" => self.below(at, rest, depth),
            "super" => {
                let (_, parent) = at.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.target(parent, rest, depth),
                    _ => self.below(parent, rest, depth),
                }
            }
            // A name that this module has, or one that the root gives to this crate
            // (`extern crate self as …`), or else another crate.
            name if self.has(at, name) => self.below(at, path, depth),
            name => {
                let import = self.0[&[][..]].imports.get(name)?;
                (*import == ["crate"]).then(|| self.below(&[], rest, depth))?
            }
        }
    }

    /// The file with the macro that a name alone means in a module: without an import it
    /// is one of a module around it, or of one with `#[macro_use]`.
    fn macro_in_scope(&self, at: &[String], name: &str) -> Option<&str> {
        let has = |module: &&Module| module.rules.contains(name);
        if self.0.get(at)?.imports.contains_key(name) {
            return None;
        }
        let around = (0..=at.len()).rev();
        let mut around = around.filter_map(|length| self.0.get(&at[..length]));
        let found = around.find(has).or_else(|| self.0.values().find(has));
        found.map(|module| module.file.as_str())
    }

    fn has(&self, at: &[String], name: &str) -> bool {
        let Some(module) = self.0.get(at) else {
            return false;
        };
        let child = [at, &[name.to_owned()]].concat();
        self.0.contains_key(&child) || module.imports.contains_key(name)
    }

    /// The same from a module on.
    fn below(&self, at: &[String], path: &[String], depth: usize) -> Option<&str> {
        // Two modules may import each other's names without an end.
        if depth > 32 {
            return None;
        }
        let module = self.0.get(at)?;
        let Some((first, rest)) = path.split_first() else {
            return Some(&module.file);
        };
        let child = [at, std::slice::from_ref(first)].concat();
        if self.0.contains_key(&child) {
            return self.below(&child, rest, depth);
        }
        if module.names.contains(first) {
            return Some(&module.file);
        }
        if let Some(import) = module.imports.get(first) {
            let whole = [import, rest].concat();
            // `use thing::thing` names a crate.
            return (import[0] != *first).then(|| self.target(at, &whole, depth + 1))?;
        }
        let mut globs = module.globs.iter();
        let found = globs.find_map(|glob| {
            let whole = [glob, path].concat();
            self.target(at, &whole, depth + 1)
        });
        // A macro with `#[macro_export]` is one of the root's names, wherever it stands.
        let exported = at.is_empty().then(|| {
            let mut modules = self.0.values();
            modules.find(|module| module.exported.contains(first))
        });
        let exported = exported.flatten().map(|module| module.file.as_str());
        // What a macro makes is not seen.
        found.or(exported).or(Some(&module.file))
    }
}

/// Reads the items of one module.
#[derive(Default)]
struct Reader {
    module: Module,
    modules: Vec<ItemMod>,
    /// Whether the `use` that is read gives names on.
    gives_on: bool,
}

/// Whether something is there for tests only.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && begins_with_test(list),
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

fn begins_with_test(list: &MetaList) -> bool {
    let mut words = list.tokens.clone().into_iter();
    words.next().is_some_and(|word| word.to_string() == "test")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.unraw().to_string())
}

impl Reader {
    fn import(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &str| [before, &[name.to_owned()]].concat();
        match tree {
            UseTree::Path(path) => {
                self.import(&with(&path.ident.unraw().to_string()), &path.tree);
            }
            UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|tree| self.import(before, tree));
            }
            UseTree::Glob(glob) => {
                let line = glob.span().start().line;
                self.module
                    .paths
                    .push((before.to_vec(), line, self.gives_on));
                self.module.globs.push(before.to_vec());
            }
            UseTree::Name(name) => {
                let line = name.span().start().line;
                let name = name.ident.unraw().to_string();
                self.bring_in(before, &name, &name, line);
            }
            UseTree::Rename(renamed) => {
                let line = renamed.span().start().line;
                let name = renamed.ident.unraw().to_string();
                self.bring_in(before, &name, &renamed.rename.unraw().to_string(), line);
            }
        }
    }

    fn bring_in(&mut self, before: &[String], name: &str, alias: &str, line: usize) {
        // `{self}` is what stands before it.
        let path = match name {
            "self" if !before.is_empty() => before.to_vec(),
            name => [before, &[name.to_owned()]].concat(),
        };
        let alias = match (alias, path.last()) {
            ("self", Some(last)) => last.clone(),
            (alias, _) => alias.to_owned(),
        };
        self.module.paths.push((path.clone(), line, self.gives_on));
        self.module.imports.insert(alias, path);
    }

    /// Paths in what a macro or an attribute is given, which may be anything. In that of
    /// an attribute a text may be a path.
    fn tokens(&mut self, tokens: TokenStream, are_attribute_s: bool) {
        let (mut path, mut colons, mut line) = (Segments::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.speak_of(std::mem::take(&mut path), line);
                        line = word.span().start().line;
                    }
                    path.push(word.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    let before = std::mem::take(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream(), are_attribute_s),
                        TokenTree::Literal(literal) if are_attribute_s => {
                            if let Ok(text) = syn::parse_str(&literal.to_string()) {
                                self.text(&text, literal.span().start().line);
                            }
                        }
                        TokenTree::Punct(mark) if mark.as_char() == '!' && before.len() == 1 => {
                            self.module.calls.push((before[0].clone(), line));
                        }
                        _ => {}
                    }
                    self.speak_of(before, line);
                }
            }
        }
        self.speak_of(path, line);
    }

    /// Paths in a text of an attribute: a path, a type, or bounds.
    fn text(&mut self, text: &LitStr, line: usize) {
        let mut inner = Self::default();
        if let Ok(one) = text.parse::<Type>() {
            inner.visit_type(&one);
        } else if let Ok(bounds) = syn::parse_str::<WhereClause>(&format!("where {}", text.value()))
        {
            inner.visit_where_clause(&bounds);
        }
        for (path, ..) in inner.module.paths {
            self.speak_of(path, line);
        }
    }

    fn speak_of(&mut self, path: Segments, line: usize) {
        // A name alone was brought in by something that counts itself.
        if path.len() > 1 {
            self.module.paths.push((path, line, false));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        self.module.names.extend(name(item));
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        if !is_for_tests(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        if let Some(name) = &item.ident {
            let name = name.unraw().to_string();
            let is_export = |one: &Attribute| one.path().is_ident("macro_export");
            if item.attrs.iter().any(is_export) {
                self.module.exported.insert(name.clone());
            }
            self.module.rules.insert(name);
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        if let (true, Some((_, name))) = (item.ident == "self", &item.rename) {
            let path = vec!["crate".to_owned()];
            self.module.imports.insert(name.unraw().to_string(), path);
        }
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        if !(list.path.is_ident("cfg_attr") && begins_with_test(list)) {
            self.visit_path(&list.path);
            self.tokens(list.tokens.clone(), true);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_path = |one: &Attribute| one.path().is_ident("path");
        assert!(
            !module.attrs.iter().any(is_path),
            "`#[path]` is not read here: {}",
            module.ident
        );
        module
            .attrs
            .iter()
            .for_each(|attribute| self.visit_attribute(attribute));
        self.modules.push(module.clone());
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.gives_on = !matches!(item.vis, Visibility::Inherited);
        self.import(&[], &item.tree);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(super)` and `pub(in …)` name nothing.
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments = path.segments.iter();
        let segments = segments.map(|one| one.ident.unraw().to_string());
        self.speak_of(segments.collect(), path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        assert!(
            !called.path.is_ident("include"),
            "`include!` is not read here: {}",
            called.tokens
        );
        if let Some(name) = called.path.get_ident() {
            let line = name.span().start().line;
            let name = name.unraw().to_string();
            self.module.calls.push((name, line));
        }
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone(), false);
    }
}
