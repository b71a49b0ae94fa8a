//! The command line of signal-cli 0.13.19 (and of 0.14, on request) for sending, parsed as
//! strictly as by argparse4j.
//!
//! Options with many values (`-g`, `-u`) take every word up to the next option, so that a
//! recipient after them is not a recipient.

use super::request::Send;

/// A command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) account: Option<String>,
    pub(crate) json: bool,
    pub(crate) command: Command,
    /// Mistakes that a careful client does not make.
    pub(crate) violations: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Command {
    #[default]
    None,
    Version,
    ListAccounts,
    Send {
        send: Send,
        from_stdin: bool,
    },
}

/// Parses the words after the program's name; the error is a usage message.
pub(crate) fn parse(words: &[String], newer: bool) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .cloned()
                .ok_or(format!("{word}: a value is missing"))
        };
        match word.as_str() {
            "-a" | "--account" => arguments.account = Some(value()?),
            "-o" | "--output" => match value()?.as_str() {
                "json" => arguments.json = true,
                "plain-text" => {}
                other => return Err(format!("argument -o/--output: invalid choice: '{other}'")),
            },
            "-c" | "--config" => drop(value()?),
            "--trust-new-identities" => match value()?.as_str() {
                "on-first-use" | "always" | "never" => {}
                other => return Err(format!("invalid choice: '{other}'")),
            },
            "-v" | "--verbose" | "--scrub-log" => {}
            "--version" => arguments.command = Command::Version,
            "-u" | "--username" => {
                return Err("unrecognized arguments: '-u' (it is -a since 0.10)".to_owned());
            }
            "version" => arguments.command = Command::Version,
            "listAccounts" => arguments.command = Command::ListAccounts,
            "send" => {
                let rest: Vec<String> = words.cloned().collect();
                let account = arguments.account.clone();
                let violations = &mut arguments.violations;
                arguments.command = send(&rest, account, newer, violations)?;
                break;
            }
            other => return Err(format!("unrecognized arguments: '{other}'")),
        }
    }
    if arguments.command == Command::None {
        return Err("too few arguments".to_owned());
    }
    Ok(arguments)
}

fn send(
    words: &[String],
    account: Option<String>,
    newer: bool,
    violations: &mut Vec<String>,
) -> Result<Command, String> {
    let mut send = Send {
        account,
        ..Send::default()
    };
    let (mut from_stdin, mut message) = (false, None);
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut many = Vec::new();
        let takes_many = matches!(
            word.as_str(),
            "-g" | "--group-id" | "--group" | "-u" | "--username" | "--text-style"
        );
        while let Some(value) = words.next_if(|value| takes_many && !value.starts_with('-')) {
            many.push(value.clone());
        }
        match word.as_str() {
            "-g" | "--group-id" | "--group" => send.groups.extend(many),
            "-u" | "--username" => send.usernames.extend(many),
            "--text-style" => send.text_styles.extend(many),
            "--message-from-stdin" => from_stdin = true,
            "-m" | "--message" => {
                violations.push("the message stands in the argument list".to_owned());
                message = Some(words.next().cloned().ok_or("-m: a value is missing")?);
            }
            "--note-to-self" => send.note_to_self = true,
            "--notify-self" => send.notify_self = true,
            "--no-urgent" if newer => send.no_urgent = true,
            other if other.starts_with('-') => {
                return Err(format!("unrecognized arguments: '{other}'"));
            }
            recipient => send.recipients.push(recipient.to_owned()),
        }
    }
    if from_stdin && message.is_some() {
        // argparse4j breaks the line within the option's name.
        let text = "argument -m/--message: not allowed with argument --\nmessage-from-stdin";
        return Err(text.to_owned());
    }
    send.message = message.unwrap_or_default();
    Ok(Command::Send { send, from_stdin })
}
