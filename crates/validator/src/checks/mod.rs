//! The checks, each with a name, a sentence and a level.

mod behaviour;
mod crosstalk;
mod ending;
mod faults;
mod file;
mod load;
mod polling;
mod settings;

use std::fmt;

use crate::{miss::Miss, subject::Subject};

/// How much is required of a plugin. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What hosts need to load the plugin at all, and safely.
    Must,
    /// What operators expect of its configuration.
    Compatible,
    /// How it behaves at work.
    Thorough,
}

impl Level {
    /// Every level, in ascending order.
    pub const ALL: [Self; 3] = [Self::Must, Self::Compatible, Self::Thorough];

    /// Returns the level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Compatible => "compatible",
            Self::Thorough => "thorough",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A check.
#[derive(Debug)]
pub struct Check {
    /// The check's name.
    pub name: &'static str,
    /// What is true of a plugin that passes.
    pub sentence: &'static str,
    /// The lowest level that includes the check.
    pub level: Level,
    /// Checks that have to pass first, since this one says nothing otherwise.
    pub needs: &'static [&'static str],
    pub(crate) run: fn(&Subject) -> Result<(), Miss>,
}

macro_rules! checks {
    ($($level:ident needs $needs:expr => { $($name:literal $sentence:literal $run:path;)+ })+) => {
        /// Every check, in the order in which they run.
        pub const LIST: &[Check] = &[$($(Check {
            name: $name,
            sentence: $sentence,
            level: Level::$level,
            needs: $needs,
            run: $run,
        },)+)+];
    };
}

checks! {
    Must needs &[] => {
        "note" "It carries one note, which is valid." file::note;
    }
    Must needs &["note"] => {
        "exports" "It exports the entry for hosts and nothing else." file::exports;
        "libraries" "It needs no library but those of every system." file::libraries;
        "search-path" "It has no search path for libraries." file::search_path;
        "relocations" "Its code is not written to when it is loaded." file::relocations;
        "static-tls" "It takes no place in the program's static thread-local storage." file::static_tls;
        "stack" "Its stack is not executable." file::stack;
        "unwinds" "A panic in it unwinds." file::unwinds;
    }
    Must needs &["note", "unwinds"] => {
        "loads" "It loads, and its functions say what its note says." load::loads;
    }
    Must needs &["note", "unwinds", "loads"] => {
        "loads-quietly" "Loading it starts no thread, opens no file and writes nothing." load::quietly;
        "loads-twice" "A second copy of it works in the same process." load::twice;
    }
    Compatible needs &["note", "unwinds", "loads"] => {
        "schema" "Its schema describes an object, and every field in it." settings::schema;
        "secrets-marked" "Fields with the name of a secret are marked as secrets." settings::secrets_marked;
        "example" "The definition that it gives as an example can be used." settings::example;
        "opens" "It opens with these settings." settings::opens;
        "unknown-field" "A field that it does not know is an error that names it." settings::unknown_field;
        "wrong-type" "A value of another type is an error that names the field." settings::wrong_type;
        "missing-field" "A field that is missing is an error that names it." settings::missing_field;
        "no-settings" "Something that is not settings at all is an error." settings::none;
        "random-settings" "A megabyte of random bytes gets an answer, in any place." settings::random;
    }
    Compatible needs &["note", "unwinds", "loads", "opens"] => {
        "secrets-kept" "Secrets are in no error, no outcome and no line of its log." settings::secrets_kept;
    }
    Thorough needs &["note", "unwinds", "loads", "opens"] => {
        "opens-silently" "Opening and closing it makes no request." behaviour::opens_silently;
        "one-request" "What is delivered took one request." behaviour::one_request;
        "statuses" "HTTP statuses are classified as in the table." faults::statuses;
        "waits" "A remote that asks to wait is reported as such." faults::waits;
        "faults" "Faults of the network are classified by whether anything was sent." faults::faults;
        "host-errors" "Errors of the host come back as outcomes." faults::host_errors;
        "tries-once" "It makes one attempt, and no other by itself." faults::tries_once;
        "time-limits" "Its requests have limits within the attempt's time." faults::time_limits;
        "texts" "Texts of every kind are delivered, or refused with a reason." behaviour::texts;
        "crosstalk" "A hundred concurrent deliveries do not mix." crosstalk::crosstalk;
        "any-thread" "Its futures may be polled from any thread." polling::any_thread;
        "dropped" "A delivery may be dropped wherever it waits." polling::dropped;
        "closes" "Closed, it leaves no thread and no descriptor behind." ending::closes;
        "memory" "Opening it many times keeps memory flat." ending::memory;
        "in-a-worker" "It answers the same in a process of its own." behaviour::in_a_worker;
        "random" "Calls in any order get an answer." behaviour::random;
    }
}
