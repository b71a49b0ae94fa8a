//! What was accepted, what is recorded, and what arrived.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use annunciator::store::{Accounts, Attempt, Record, State};
use serde_json::Value as Json;

use crate::disk::DiskFaults;

/// In so many rounds each kind of trouble happens.
const ENOUGH: u64 = 20;

pub struct Findings {
    pub rounds: u64,
    /// Rounds in which the disk failed.
    pub on_bad_disks: u64,
    /// What it did.
    pub disk_faults: DiskFaults,
    /// The texts whose acceptance was answered.
    pub receipts: BTreeSet<String>,
    /// The texts that were told without a record, since there could be none.
    pub unrecorded: BTreeSet<String>,
    /// How often something was refused for that reason.
    pub refused: usize,
    /// Outcomes that could not be recorded at once.
    pub late: usize,
    /// What is wrong with the file; `ok` for nothing.
    pub damage: String,
    /// The texts that arrived, in the order of their arrival.
    pub arrived: Vec<String>,
    /// How often the engine told of its own trouble.
    pub notices: usize,
    pub accounts: Accounts,
    pub records: Vec<(Record, Vec<Attempt>)>,
    /// Problems whose end was accepted, and what is wrong with them.
    pub stories: (usize, Vec<String>),
    /// Rounds with two processes on the file.
    pub in_pairs: u64,
}

/// What a delivery says.
pub fn text(record: &Record) -> String {
    record.wording().unwrap().body
}

impl Findings {
    /// How often each text arrived.
    fn arrivals(&self) -> BTreeMap<&str, u64> {
        let mut arrivals = BTreeMap::new();
        for text in &self.arrived {
            *arrivals.entry(text.as_str()).or_default() += 1;
        }
        arrivals
    }

    /// How often a delivery may have arrived: attempts that delivered or got
    /// no answer, and those of which nothing is recorded since their holder
    /// was killed.
    pub fn may_have_arrived(record: &Record, attempts: &[Attempt]) -> u64 {
        let answered = attempts.iter().filter(|attempt| {
            let targets: Vec<Json> = serde_json::from_str(&attempt.outcome).unwrap();
            let class = targets[0]["class"].as_str().unwrap();
            class == "delivered" || class == "unknown"
        });
        answered.count() as u64 + u64::from(record.reclaims)
    }

    fn lost(&self) -> usize {
        let arrivals = self.arrivals();
        let lost = self.receipts.iter();
        lost.filter(|text| !arrivals.contains_key(text.as_str()))
            .count()
    }

    fn twice(&self) -> u64 {
        self.arrivals().values().map(|count| count - 1).sum()
    }

    /// Arrivals beyond what is accounted for.
    fn uncounted(&self) -> u64 {
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for (record, attempts) in &self.records {
            let may = Self::may_have_arrived(record, attempts);
            *expected.entry(text(record)).or_default() += may;
        }
        for text in &self.unrecorded {
            *expected.entry(text.clone()).or_default() += 1;
        }
        let beyond = self.arrivals().into_iter().map(|(text, arrived)| {
            let expected = expected.get(text).copied().unwrap_or(0);
            arrived.saturating_sub(expected)
        });
        beyond.sum()
    }

    /// What arrived without a record.
    fn without_a_record(&self) -> usize {
        let arrivals = self.arrivals();
        let unrecorded = self.unrecorded.iter();
        unrecorded
            .filter(|text| arrivals.contains_key(text.as_str()))
            .count()
    }

    /// Fails unless all is as it should be.
    pub fn check(&self) {
        assert!(
            self.receipts.len() as u64 > self.rounds,
            "hardly anything was accepted"
        );
        assert_eq!(self.lost(), 0, "accepted, and never arrived");
        assert_eq!(self.uncounted(), 0, "arrived oftener than is accounted for");
        assert_eq!(self.accounts.difference(), 0, "{:?}", self.accounts);
        let recorded: BTreeSet<String> = self
            .records
            .iter()
            .map(|(record, _)| text(record))
            .collect();
        assert_eq!(
            recorded.len(),
            self.records.len(),
            "a key was accepted twice"
        );
        let notified = self.unrecorded.union(&recorded).cloned().collect();
        assert!(
            self.receipts.is_subset(&notified),
            "answered, and not recorded"
        );
        let (stories, broken) = &self.stories;
        assert!(
            *stories as u64 > self.rounds / 2,
            "hardly any problem ended"
        );
        assert!(broken.is_empty(), "{broken:#?}");
        assert_eq!(self.damage, "ok");
        let DiskFaults { full, broken, slow } = self.disk_faults;
        let all_kinds = full > 0 && broken > 0 && slow > 0;
        assert!(
            all_kinds || self.on_bad_disks < ENOUGH,
            "disks were to fail in every way: {:?}",
            self.disk_faults
        );
        for (record, attempts) in &self.records {
            let ended = matches!(record.state, State::Delivered | State::Unknown);
            assert!(ended, "{record:?} {attempts:?}");
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| rounds | with two processes | accepted | lost | arrived | redelivered after kills | arrived twice | of these not accounted for | problems that ended | half-reported problems |"
        )?;
        writeln!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.rounds,
            self.in_pairs,
            self.receipts.len(),
            self.lost(),
            self.arrived.len(),
            self.accounts.reclaims,
            self.twice(),
            self.uncounted(),
            self.stories.0,
            self.stories.1.len()
        )?;
        writeln!(
            f,
            "\n| rounds with a failing disk | writes without room | calls that failed | slow calls | refused | outcomes recorded later | sent without a record | alerts about itself |"
        )?;
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            self.on_bad_disks,
            self.disk_faults.full,
            self.disk_faults.broken,
            self.disk_faults.slow,
            self.refused,
            self.late,
            self.without_a_record(),
            self.notices
        )
    }
}
