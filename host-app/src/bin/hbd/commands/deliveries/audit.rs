//! `hbd deliveries --audit`: checks that every accepted delivery is in some state.

use annunciator::store::{Accounts, State, StoreError};
use serde::Serialize;
use serde_json::json;

use crate::{Exit, outbox::Outbox, output::Output};

/// The accounts in JSON.
#[derive(Debug, Serialize)]
struct Audit<'a> {
    #[serde(flatten)]
    accounts: &'a Accounts,
    /// The number of accepted deliveries that are in no state.
    difference: i64,
}

pub(super) fn run(outbox: &Outbox, as_json: bool, output: &Output) -> Result<Exit, StoreError> {
    let accounts = outbox.ask(|store| store.accounts())?;
    let difference = accounts.difference();
    if as_json {
        output.json(&json!(Audit {
            accounts: &accounts,
            difference: i64::try_from(difference).unwrap_or(i64::MAX),
        }));
    } else {
        table(&accounts, output);
    }
    if difference == 0 {
        return Ok(Exit::Ok);
    }
    let path = outbox.path().display();
    let number = difference.unsigned_abs();
    output.error(if difference > 0 {
        format!("of {path}, {number} were accepted and are in no state: they are lost")
    } else {
        format!("of {path}, {number} are in a state and were never accepted")
    });
    Ok(Exit::Failed)
}

fn table(accounts: &Accounts, output: &Output) {
    let count = |counts: &std::collections::BTreeMap<State, u64>, state| {
        let count: u64 = counts.get(&state).copied().unwrap_or(0);
        count.to_string()
    };
    let mut rows: Vec<[String; 4]> = State::ALL
        .into_iter()
        .map(|state| {
            [
                state.to_string(),
                count(&accounts.states, state),
                count(&accounts.pruned, state),
                accounts.of(state).to_string(),
            ]
        })
        .collect();
    let sum: u64 = State::ALL.into_iter().map(|state| accounts.of(state)).sum();
    let total =
        |name: &str, number: String| [name.to_owned(), String::new(), String::new(), number];
    rows.push(total("sum", sum.to_string()));
    rows.push(total("accepted", accounts.accepted.to_string()));
    rows.push(total("difference", accounts.difference().to_string()));
    output.table(["STATE", "KEPT", "DELETED", "ALL"], &rows);
    output.line(&format!(
        "\nredelivered after a crash: {}; late outcomes refused: {}",
        accounts.reclaims, accounts.stale
    ));
}
