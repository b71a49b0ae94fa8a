//! Commands in documents: `hbd` knows them, with these options.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use annunciator_testkit::artefacts::executable;

use crate::{files, none, root};

/// What `--help` of the program's commands says, asked once for each.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, String>);

impl Helps {
    fn of(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let mut hbd = Command::new(executable("hbd").unwrap());
            let output = hbd.args(command).arg("--help").output().unwrap();
            assert!(output.status.success(), "hbd {command:?} --help");
            String::from_utf8(output.stdout).unwrap()
        })
    }

    /// The commands below this one, `help` left out.
    fn below(&mut self, command: &[String]) -> Vec<String> {
        let lines = self.of(command).lines();
        let lines = lines.skip_while(|line| !line.starts_with("Commands:"));
        let lines = lines.skip(1).take_while(|line| !line.is_empty());
        // A sentence that goes on in the next line stands further in.
        let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = lines.filter_map(|line| line.split_whitespace().next());
        names
            .filter(|name| *name != "help")
            .map(str::to_owned)
            .collect()
    }

    /// Splits a call into the command and its options.
    fn read(&mut self, call: &str) -> (Vec<String>, Vec<String>) {
        let (mut command, mut options) = (Vec::new(), Vec::new());
        let words = call.split_whitespace().skip(1);
        let mut may_go_on = true;
        for word in words.take_while(|word| !word.starts_with(['#', '|', '>', '&', ';'])) {
            if let Some(option) = option(word) {
                options.push(option);
            } else if may_go_on {
                may_go_on = self.below(&command).iter().any(|name| name == word);
                if may_go_on {
                    command.push(word.to_owned());
                }
            }
        }
        (command, options)
    }

    /// Why this command does not take one of these options.
    fn refusal(&mut self, command: &[String], options: &[String]) -> Option<String> {
        let help = self.of(command).to_owned();
        let known: Vec<String> = help.split_whitespace().filter_map(option).collect();
        let unknown = options.iter().find(|option| !known.contains(option));
        unknown.map(|option| format!("hbd {} takes no {option}", command.join(" ")))
    }
}

/// The long option that a word begins with, bare.
fn option(word: &str) -> Option<String> {
    let word = word.trim_start_matches(['[', '`', '(']);
    let name = word.strip_prefix("--")?;
    let is_name = |c: &char| c.is_ascii_lowercase() || *c == '-';
    let name: String = name.chars().take_while(is_name).collect();
    (!name.is_empty()).then(|| format!("--{name}"))
}

/// The commands that a document's table has, by their first words, and what is wrong with
/// its rows.
fn table(text: &str, helps: &mut Helps) -> (BTreeSet<String>, Vec<String>) {
    let (mut there, mut broken) = (BTreeSet::new(), Vec::new());
    for row in text.lines().filter(|line| line.starts_with("| `hbd ")) {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let calls = quoted.iter().filter(|part| part.starts_with("hbd "));
        let commands: Vec<Vec<String>> = calls.map(|call| helps.read(call).0).collect();
        for command in &commands {
            there.extend(command.first().cloned());
            if command.is_empty() {
                broken.push(format!("no such command: {row}"));
            }
        }
        for part in quoted {
            let options: Vec<String> = part.split_whitespace().filter_map(option).collect();
            let refusals: Vec<Option<String>> = commands
                .iter()
                .map(|command| helps.refusal(command, &options))
                .collect();
            // A row may speak of a command and of what stands below it.
            if refusals.iter().all(Option::is_some) {
                broken.extend(refusals.into_iter().flatten());
            }
        }
    }
    (there, broken)
}

/// Checks the table of a document: it has these commands, and all that it says of them is
/// so.
#[track_caller]
fn check_table(document: &str, wanted: &[String], helps: &mut Helps) {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let (there, mut broken) = table(&text, helps);
    let missing = wanted.iter().filter(|name| !there.contains(*name));
    broken.extend(missing.map(|name| format!("{document}: the table lacks hbd {name}")));
    none(broken);
}

#[test]
fn the_readme_s_table_has_every_command_and_its_options() {
    let mut helps = Helps::default();
    let all = helps.below(&[]);
    assert!(all.len() > 10, "{all:?}");
    check_table("README.md", &all, &mut helps);
}

#[test]
fn the_operator_s_table_has_every_command_to_a_running_monitor() {
    let mut helps = Helps::default();
    let mut to_a_monitor = helps.below(&[]);
    to_a_monitor.retain(|name| {
        let command = [name.clone()];
        helps.refusal(&command, &["--control".to_owned()]).is_none()
    });
    assert!(to_a_monitor.len() > 3, "{to_a_monitor:?}");
    check_table("docs/monitor.md", &to_a_monitor, &mut helps);
}

#[test]
fn rows_of_other_documents_are_right() {
    let mut helps = Helps::default();
    let mut broken = Vec::new();
    for (path, text) in files("md") {
        let (_, wrong) = table(&text, &mut helps);
        broken.extend(wrong.into_iter().map(|wrong| format!("{path}: {wrong}")));
    }
    none(broken);
}

#[test]
fn calls_of_hbd_in_documents_are_understood() {
    let mut helps = Helps::default();
    let (mut broken, mut found) = (Vec::new(), 0);
    for (path, text) in files("md") {
        let mut in_block = false;
        for (number, line) in text.lines().enumerate() {
            let mut calls = Vec::new();
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
            } else if in_block {
                calls.push(line.trim());
            } else {
                calls.extend(line.split('`').skip(1).step_by(2));
            }
            for call in calls.into_iter().filter(|call| call.starts_with("hbd ")) {
                let (command, options) = helps.read(call);
                found += 1;
                let place = format!("{path}:{}: {call}", number + 1);
                let begins_with_a_name = call[4..].starts_with(|c: char| c.is_ascii_lowercase());
                if command.is_empty() && begins_with_a_name {
                    broken.push(format!("{place}: no such command"));
                }
                let refusal = helps.refusal(&command, &options);
                broken.extend(refusal.map(|why| format!("{place}: {why}")));
            }
        }
    }
    assert!(found > 50, "only {found} calls were found");
    none(broken);
}
