//! Parses the command line.

use std::{env, ffi::OsString, path::Path};

use clap::{
    CommandFactory as _, Error, FromArgMatches as _, error::ErrorKind, parser::ValueSource,
};

use super::Arguments;

/// The command that has options of its own besides a command below it.
const DELIVERIES: &str = "deliveries";
/// The command, and the name of a link that does the same.
const SENDMAIL: &str = "sendmail";

impl Arguments {
    /// Parses this call.
    ///
    /// # Errors
    /// The errors of clap, and a conflict of options of `hbd deliveries` with its command
    /// `show`. Those of every command, such as `--config`, may stand before `show`, which
    /// clap's `args_conflicts_with_subcommands` does not permit.
    pub(crate) fn of_call() -> Result<Self, Error> {
        let mut words: Vec<OsString> = env::args_os().collect();
        let program = words.first().map(Path::new).and_then(Path::file_name);
        if program.is_some_and(|name| name == SENDMAIL) {
            words.insert(1, SENDMAIL.into());
        }
        Self::of(words)
    }

    fn of(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        let found = matches.subcommand_matches(DELIVERIES);
        if let Some((found, below)) = found.and_then(|it| Some((it, it.subcommand_name()?)))
            && let Some(deliveries) = command.find_subcommand_mut(DELIVERIES)
        {
            let is_given = |id: &str| found.value_source(id) == Some(ValueSource::CommandLine);
            let given = deliveries
                .get_arguments()
                .filter(|argument| !argument.is_global_set())
                .find(|argument| is_given(argument.get_id().as_str()))
                .map(ToString::to_string);
            if let Some(given) = given {
                let sentence = format!("the argument '{given}' cannot be used with '{below}'");
                return Err(deliveries.error(ErrorKind::ArgumentConflict, sentence));
            }
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::Arguments;

    fn refusal(words: &str) -> Option<ErrorKind> {
        let words = words.split(' ');
        let refused = Arguments::of(words).err();
        refused.map(|error| error.kind())
    }

    #[test]
    fn what_every_command_takes_stands_before_and_after_it() {
        for words in [
            "hbd -c x.yaml deliveries show 1",
            "hbd deliveries -c x.yaml show 1",
            "hbd deliveries -v --plugin-dir x show 1",
            "hbd deliveries show 1 -c x.yaml",
            "hbd deliveries show -c x.yaml 1 --json",
        ] {
            assert_eq!(refusal(words), None, "{words}");
        }
        let read = Arguments::of("hbd deliveries -c x.yaml show 1".split(' '));
        assert_eq!(read.unwrap().config, Some("x.yaml".into()));
    }

    #[test]
    fn what_a_list_takes_is_refused_where_one_delivery_is_shown() {
        for own in [
            "--host a",
            "--state failed",
            "--limit 5",
            "--limit 50",
            "--audit",
            "--json",
        ] {
            let words = format!("hbd deliveries {own} show 1");
            let expected = Some(ErrorKind::ArgumentConflict);
            assert_eq!(refusal(&words), expected, "{words}");
        }
    }
}
