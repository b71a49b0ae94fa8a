//! `hbd retry`: makes deliveries due again. The process that delivers from the store
//! attempts them.

use annunciator::store::{DeliveryId, State, StoreError};

use crate::{
    Exit,
    arguments::{Arguments, Retry, Since},
    outbox::{self, Outbox},
    output::Output,
};

/// The states that can be retried.
const OVER: [State; 2] = [State::Failed, State::Unknown];

pub(crate) fn run(arguments: &Arguments, retry: &Retry, output: &Output) -> Exit {
    let outbox = match Outbox::open(arguments, output) {
        Ok(outbox) => outbox,
        Err(exit) => return exit,
    };
    let done = if retry.failed {
        all(&outbox, retry, output)
    } else {
        these(&outbox, &retry.deliveries, output)
    };
    done.unwrap_or_else(|error| outbox::failed(&error, output))
}

fn these(outbox: &Outbox, numbers: &[i64], output: &Output) -> Result<Exit, StoreError> {
    let mut exit = Exit::Ok;
    let mut deliveries = Vec::new();
    for delivery in numbers.iter().copied().map(DeliveryId) {
        let refused = match outbox.one(delivery)? {
            Some(record) if OVER.contains(&record.state) => {
                deliveries.push(delivery);
                continue;
            }
            Some(record) => format!(
                "delivery {delivery} is {}: only one that failed, or is unknown, can be tried again",
                record.state
            ),
            None => format!("{} holds no delivery {delivery}", outbox.path().display()),
        };
        output.error(&refused);
        exit = Exit::Failed;
    }
    if !deliveries.is_empty() {
        let count = again(outbox, deliveries)?;
        print(count, output);
    }
    Ok(exit)
}

fn all(outbox: &Outbox, retry: &Retry, output: &Output) -> Result<Exit, StoreError> {
    let mut count = 0;
    let query = outbox::query(&OVER, &retry.about, retry.since);
    outbox.pages(query, |page| {
        let deliveries = page.iter().map(|record| record.delivery);
        count += again(outbox, deliveries.collect())?;
        Ok(true)
    })?;
    print(count, output);
    Ok(Exit::Ok)
}

fn again(outbox: &Outbox, deliveries: Vec<DeliveryId>) -> Result<u64, StoreError> {
    let now = Since::ago(std::time::Duration::ZERO).ms;
    outbox.ask(|store| store.retry(deliveries, now))
}

fn print(count: u64, output: &Output) {
    output.line(&match count {
        0 => "no failed delivery matches".to_owned(),
        1 => "1 delivery is due again: a running monitor retries it within a second, otherwise the next start does".to_owned(),
        many => {
            format!("{many} deliveries are due again: a running monitor retries them within a second, otherwise the next start does")
        }
    });
}
