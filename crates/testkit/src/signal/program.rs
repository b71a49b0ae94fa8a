//! The executable: what it does when it is called, and the folder through which a test sets its
//! answers and learns of its calls.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Failed, TIMESTAMP, answer};
use super::arguments::{Command, parse};
use super::request::Send;
use super::script::{Fault, Script};

/// The environment variable with the script's folder, for callers that find the program in
/// `PATH`. Otherwise it is the folder of the path with which the program was called.
const FOLDER: &str = "SIGNAL_CLI_STAND_IN_FOLDER";

/// A call of the executable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The words after the program's name.
    pub arguments: Vec<String>,
    /// The standard input, if it was read.
    pub stdin: String,
    /// The ID of the process, and that of its child if it started one.
    pub processes: Vec<u32>,
    /// The locale in which the text was read.
    pub locale: String,
    /// The parsed arguments, if it was a `send`.
    pub send: Option<Send>,
    /// Whether Signal's server accepted the message.
    pub sent: bool,
    /// Mistakes that a careful client does not make.
    pub violations: Vec<String>,
}

/// Runs the binary's `main`, and returns the exit status.
pub fn main() -> ExitCode {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    let beside = called.parent().unwrap_or(Path::new(".")).to_path_buf();
    let folder = std::env::var_os(FOLDER).map_or(beside, PathBuf::from);
    match run(&folder) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(&mut io::stderr(), &format!("stand-in: {error}"));
            ExitCode::from(101)
        }
    }
}

fn run(folder: &Path) -> io::Result<u8> {
    let script: Script = serde_json::from_slice(&fs::read(folder.join("script.json"))?)?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut call = Call {
        arguments: words.clone(),
        processes: vec![std::process::id()],
        locale: std::env::var("LC_ALL").unwrap_or_default(),
        ..Call::default()
    };
    let file = folder.join(format!("call-{:06}.json", recorded(folder)?.len()));
    // The earlier calls are read only if it matters which call this is, since they grow.
    let sends = match script.faults.is_empty() {
        true => 0,
        false => {
            let calls = calls(folder)?;
            calls.iter().filter(|call| call.send.is_some()).count()
        }
    };
    let arguments = match parse(&words, script.newer) {
        Ok(arguments) => arguments,
        Err(usage) => {
            call.violations.push(usage.clone());
            record(&file, &call)?;
            say(
                &mut io::stderr(),
                &format!(
                    "usage: signal-cli [-h] …\nsignal-cli: error: {usage}\n\nDid you mean:\n\t--group"
                ),
            );
            return Ok(1);
        }
    };
    call.violations.extend(arguments.violations);
    match arguments.command {
        Command::None | Command::Version => {
            record(&file, &call)?;
            say(&mut io::stdout(), "signal-cli 0.13.19");
            Ok(0)
        }
        Command::ListAccounts => {
            record(&file, &call)?;
            let list: Vec<Value> = script
                .accounts
                .iter()
                .map(|a| json!({ "number": a }))
                .collect();
            say(&mut io::stdout(), &Value::Array(list).to_string());
            Ok(0)
        }
        Command::Send {
            mut send,
            from_stdin,
        } => {
            if !arguments.json {
                call.violations
                    .push("the output isn't asked for as JSON".to_owned());
            }
            if from_stdin {
                io::stdin().read_to_string(&mut call.stdin)?;
                send.message = call.stdin.clone();
            }
            call.send = Some(send.clone());
            let fault = script.faults.get(sends).cloned().flatten();
            perform(&file, call, &script, &send, fault)
        }
    }
}

fn perform(
    file: &Path,
    mut call: Call,
    script: &Script,
    send: &Send,
    fault: Option<Fault>,
) -> io::Result<u8> {
    let Some(account) = send.account.clone() else {
        record(file, &call)?;
        let text = "No local users found, you first need to register or link an account";
        say(&mut io::stderr(), text);
        return Ok(1);
    };
    if !script.accounts.contains(&account) {
        record(file, &call)?;
        say(
            &mut io::stderr(),
            &format!("User {account} is not registered."),
        );
        return Ok(1);
    }
    let only_timestamp = matches!(fault, Some(Fault::OnlyTimestamp));
    let outcome = match fault {
        None | Some(Fault::OnlyTimestamp) => answer(script, send),
        Some(Fault::Error { code, message }) => Err(Failed::new(code, &message)),
        Some(Fault::SentThenError { code, message }) => {
            call.sent = true;
            Err(Failed::new(code, &message))
        }
        Some(Fault::Garbage(text)) => {
            record(file, &call)?;
            say(&mut io::stdout(), &text);
            return Ok(0);
        }
        Some(Fault::Die { after_sending }) => {
            call.sent = after_sending;
            record(file, &call)?;
            std::process::abort();
        }
        Some(Fault::Hang { grandchild }) => {
            if grandchild {
                let child = Process::new("sleep").arg("3600").spawn()?;
                call.processes.push(child.id());
            }
            record(file, &call)?;
            loop {
                std::thread::sleep(Duration::from_secs(3600));
            }
        }
    };
    call.sent |= outcome.is_ok();
    record(file, &call)?;
    match outcome {
        Ok(_) if only_timestamp => {
            say(
                &mut io::stdout(),
                &json!({ "timestamp": TIMESTAMP }).to_string(),
            );
            Ok(0)
        }
        Ok(response) => {
            say(&mut io::stdout(), &response.to_string());
            Ok(0)
        }
        Err(failed) => {
            if let Some(response) = &failed.response {
                say(&mut io::stdout(), &response.to_string());
            }
            say(&mut io::stderr(), &failed.message);
            Ok(failed.exit())
        }
    }
}

/// Returns the calls that are recorded in a folder, in order.
pub(crate) fn calls(folder: &Path) -> io::Result<Vec<Call>> {
    let files = recorded(folder)?;
    let read = files.iter();
    read.map(|file| Ok(serde_json::from_slice(&fs::read(file)?)?))
        .collect()
}

/// Returns the files of the calls, in order.
fn recorded(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("call-") && name.ends_with(".json")
        })
        .collect();
    files.sort();
    Ok(files)
}

/// Writes a call whole or not at all.
fn record(file: &Path, call: &Call) -> io::Result<()> {
    let part = file.with_extension("part");
    fs::write(&part, serde_json::to_vec(call)?)?;
    fs::rename(part, file)
}

fn say(stream: &mut impl Write, text: &str) {
    // A reader that closed its end does not want the text.
    let _ = writeln!(stream, "{text}");
}
