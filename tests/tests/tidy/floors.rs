//! The floors of each crate: a module at the top of a crate, which is a folder or a file,
//! imports from the floors below its own only. And circles of files: there are those that
//! are listed, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    files,
    houses::{Circle, HOUSES, House},
    modules::{Edge, Modules},
    none, root,
};

/// Crates of a handful of modules need no floors, unless they have circles.
const MAX_WITHOUT_FLOORS: usize = 5;

/// The files of crates that are judged, by the root of their crate.
fn crates() -> BTreeMap<String, Modules> {
    let all: BTreeMap<String, String> = files("rs").into_iter().collect();
    let is_root = |path: &str| {
        let (place, below) = path.split_once("/src/").unwrap_or_default();
        let shipped = ["crates/", "host-app", "plugins/"];
        let below: Vec<&str> = below.split('/').collect();
        shipped.iter().any(|folder| place.starts_with(folder))
            && matches!(below[..], ["lib.rs" | "main.rs"] | ["bin", _, "main.rs"])
    };
    let roots = all.keys().filter(|path| is_root(path));
    roots
        .map(|root| {
            let (folder, file) = root.rsplit_once('/').unwrap();
            let read = |path: &str| all.get(&format!("{folder}/{path}")).cloned();
            (root.clone(), Modules::read(file, read))
        })
        .collect()
}

/// The module at the top that a file belongs to; none for the root, which puts the
/// others together.
fn top(file: &str) -> Option<&str> {
    let first = file.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&first)).then_some(first)
}

/// Sets of what reaches one another, the largest first.
fn circles<'a>(edges: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<BTreeSet<&'a str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(from).or_default().insert(to);
    }
    let reach = |start: &'a str| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![start]);
        while let Some(one) = waiting.pop() {
            let others = next.get(one).into_iter().flatten();
            waiting.extend(others.copied().filter(|other| seen.insert(*other)));
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|one| (*one, reach(one))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (one, there) in &reached {
        let is_back = |other: &&&str| reached.get(**other).is_some_and(|back| back.contains(one));
        let circle: BTreeSet<&str> = there.iter().filter(is_back).copied().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

/// What is wrong with the modules of a crate.
pub fn judge(root: &str, modules: &Modules, floors: &[&[&str]], allowed: &[Circle]) -> Vec<String> {
    let mut wrong = Vec::new();
    // The number of its floor, and the place there.
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (floor, named) in floors.iter().enumerate() {
        for (place, together) in named.iter().enumerate() {
            for name in together.split('+') {
                if places.insert(name, (floor, place)).is_some() {
                    wrong.push(format!("{root}: {name} stands on two floors"));
                }
            }
        }
    }
    let there = modules.top();
    let known: BTreeSet<&str> = places.keys().copied().collect();
    // Plugins are of one shape, and small.
    let is_plugin = root.starts_with("plugins/");
    if !floors.is_empty() || (there.len() > MAX_WITHOUT_FLOORS && !is_plugin) {
        let lost = there.difference(&known);
        wrong.extend(lost.map(|name| {
            format!("{root}: put the module {name} on a floor (in tests/tests/tidy/houses.rs)")
        }));
        let gone = known.difference(&there);
        wrong.extend(gone.map(|name| format!("{root}: the module {name} of a floor is not there")));
    }
    let edges = modules.edges();
    let between = |edge: &Edge| {
        let (from, to) = (top(&edge.from)?, top(&edge.to)?);
        (from != to).then_some((from.to_owned(), to.to_owned()))
    };
    let mut folders = BTreeSet::new();
    for edge in &edges {
        let Some((from, to)) = between(edge) else {
            continue;
        };
        let stands = |name: &str| places.get(name).copied();
        if let (Some(above), Some(below)) = (stands(&from), stands(&to)) {
            if above == below {
                // They are one.
                continue;
            }
            if below.0 >= above.0 {
                wrong.push(format!(
                    "{root}: {}:{}: `{}` is of {to}, which is not below {from}",
                    edge.from, edge.line, edge.path
                ));
            }
        }
        folders.insert((from, to));
    }
    let folders = folders
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()));
    let files = modules.files();
    let is_folder = |name: &&str| {
        let folder = format!("{name}/");
        files.iter().any(|file| file.starts_with(&folder))
    };
    // Of single files it is told below.
    for circle in circles(folders)
        .iter()
        .filter(|circle| circle.iter().any(is_folder))
    {
        wrong.push(format!("{root}: modules in a circle: {circle:?}"));
    }
    // The root puts the others together, and holds what all of a program know.
    let of_root = |file: &str| top(file).is_none();
    let counts = |edge: &&Edge| !edge.is_facade && !of_root(&edge.from) && !of_root(&edge.to);
    let edges: Vec<&Edge> = edges.iter().filter(counts).collect();
    let found = circles(
        edges
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str())),
    );
    let is_listed =
        |circle: &BTreeSet<&str>| allowed.iter().any(|allowed| allowed.set() == *circle);
    for circle in found.iter().filter(|circle| !is_listed(circle)) {
        let is_within = |edge: &&&Edge| circle.contains(&*edge.from) && circle.contains(&*edge.to);
        let within: BTreeSet<String> = edges
            .iter()
            .filter(is_within)
            .map(|edge| format!("    {}:{}: `{}`", edge.from, edge.line, edge.path))
            .collect();
        let within: Vec<String> = within.into_iter().collect();
        wrong.push(format!(
            "{root}: files import one another, in a circle that is not listed: {circle:?}\n{}",
            within.join("\n")
        ));
    }
    for circle in allowed {
        let listed = circle.set();
        if circle.reason.is_empty() {
            wrong.push(format!("{root}: say why there is the circle {listed:?}"));
        }
        if !found.contains(&listed) {
            wrong.push(format!(
                "{root}: there is no such circle any more: {listed:?}"
            ));
        }
    }
    wrong
}

#[test]
fn modules_import_from_floors_below_only() {
    let crates = crates();
    let mut wrong = Vec::new();
    for house in HOUSES
        .iter()
        .filter(|house| !crates.contains_key(house.root))
    {
        wrong.push(format!("{} is not there", house.root));
    }
    for (root, modules) in &crates {
        let house = HOUSES.iter().find(|house| house.root == root);
        let floors = house.map_or(&[][..], |house| house.floors);
        wrong.extend(judge(
            root,
            modules,
            floors,
            house.map_or(&[][..], |house| house.circles),
        ));
    }
    none(wrong);
    let read = crates.values().map(|modules| modules.files().len());
    assert!(read.sum::<usize>() > 400, "the crates were not read");
}

#[test]
fn architecture_shows_the_floors_of_the_engine() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("\n## Floors\n").nth(1).unwrap();
    let mut shown: Vec<BTreeSet<&str>> = Vec::new();
    for row in table.split("\n## ").next().unwrap().lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, number, modules, ..] = cells[..] else {
            continue;
        };
        let modules = modules.split('`').skip(1).step_by(2);
        match number.parse::<usize>() {
            Ok(number) => {
                assert_eq!(number, shown.len() + 1, "{row}");
                shown.push(modules.collect());
            }
            // The floor of the row before.
            Err(_) if number.is_empty() => shown.last_mut().unwrap().extend(modules),
            Err(_) => {}
        }
    }
    let engine = |house: &&House| house.root == "crates/engine/src/lib.rs";
    let floors = HOUSES.iter().find(engine).unwrap().floors.iter();
    let floors: Vec<BTreeSet<&str>> = floors
        .map(|floor| floor.iter().copied().collect())
        .collect();
    assert_eq!(shown, floors);
}
