//! What was accepted, what is recorded, and what arrived.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use annunciator::store::{Accounts, Attempt, Record, State};
use serde_json::Value as Json;

pub struct Findings {
    pub rounds: u64,
    /// The texts whose acceptance was answered.
    pub receipts: BTreeSet<String>,
    /// The texts that arrived, in the order of their arrival.
    pub arrived: Vec<String>,
    pub accounts: Accounts,
    pub records: Vec<(Record, Vec<Attempt>)>,
}

impl Findings {
    fn text(record: &Record) -> String {
        let content: Json = serde_json::from_str(&record.content).unwrap();
        content["body"].as_str().unwrap().to_owned()
    }

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
    fn may_have_arrived(record: &Record, attempts: &[Attempt]) -> u64 {
        let answered = attempts.iter().filter(|attempt| {
            let targets: Vec<Json> = serde_json::from_str(&attempt.outcome).unwrap();
            let class = targets[0]["class"].as_str().unwrap();
            class == "delivered" || class == "unknown"
        });
        answered.count() as u64 + u64::from(record.again)
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
        let arrivals = self.arrivals();
        let beyond = self.records.iter().map(|(record, attempts)| {
            let text = Self::text(record);
            let arrived = arrivals.get(text.as_str()).copied().unwrap_or(0);
            arrived.saturating_sub(Self::may_have_arrived(record, attempts))
        });
        beyond.sum()
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
            .map(|(record, _)| Self::text(record))
            .collect();
        assert_eq!(
            recorded.len(),
            self.records.len(),
            "a key was accepted twice"
        );
        assert!(
            self.receipts.is_subset(&recorded),
            "answered, and not recorded"
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
            "| rounds | accepted | lost | arrived | left behind by kills, sent again | arrived twice | of these not accounted for |"
        )?;
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.rounds,
            self.receipts.len(),
            self.lost(),
            self.arrived.len(),
            self.accounts.again,
            self.twice(),
            self.uncounted()
        )
    }
}
