//! Checks that all help texts begin with an imperative: "List the channels", "Print JSON".

use clap::{Command, CommandFactory as _};

use super::Arguments;

/// Returns whether a text begins with an imperative, as far as its first word shows: it is
/// no noun, question or verb in the third person.
fn is_imperative(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let others = [
        "", "A", "All", "An", "As", "At", "For", "How", "Its", "One", "Only", "The", "Those",
        "What", "When", "Where", "Which", "Why",
    ];
    first.starts_with(char::is_uppercase) && !first.ends_with('s') && !others.contains(&first)
}

/// Collects the help texts of a command, its options and its subcommands that begin
/// otherwise.
fn others(command: &Command, found: &mut Vec<String>) {
    let about = command.get_about().map(ToString::to_string);
    let options = command.get_arguments().filter(|one| !one.is_positional());
    let options = options.map(|option| {
        let help = option.get_help().map(ToString::to_string);
        (format!("--{}", option.get_id()), help)
    });
    let texts = [(String::new(), about)].into_iter().chain(options);
    let texts = texts.map(|(name, text)| (name, text.unwrap_or_default()));
    let name = command.get_name();
    found.extend(
        texts
            .filter(|(_, text)| !is_imperative(text))
            .map(|(option, text)| format!("{name} {option}: {text:?}")),
    );
    command
        .get_subcommands()
        .for_each(|below| others(below, found));
}

#[test]
fn every_command_and_option_begins_with_an_imperative() {
    let mut found = Vec::new();
    others(&Arguments::command(), &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_describes_is_no_imperative() {
    for text in ["Prints JSON", "The host", "How bad it is", ""] {
        assert!(!is_imperative(text), "{text}");
    }
    assert!(is_imperative("Print JSON"));
}
