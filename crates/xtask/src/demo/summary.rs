//! The comparison of expected and arrived messages: as a table, and as a list of everything that
//! is wrong.

use super::{
    inbox::{Arrival, Channel},
    script::Act,
};

/// The table's heading.
const HEADING: [&str; 7] = [
    "HOST",
    "WHAT HAPPENED",
    "EMAIL",
    "PUSHOVER",
    "SIGNAL",
    "MATTERMOST",
    "MESSAGE",
];

/// Returns a row for each act: how often its message arrived on each channel.
pub(super) fn table(acts: &[Act], arrived: &[Arrival]) -> Vec<String> {
    let rows = acts.iter().map(|act| {
        let [email, pushover, signal, mattermost] = Channel::ALL.map(|channel| {
            let count = count(arrived, channel, act.message);
            if count == 0 && !act.channels().contains(&channel) {
                "-".to_owned()
            } else {
                count.to_string()
            }
        });
        let [host, happening, message] =
            [act.host, act.happening, act.message].map(ToOwned::to_owned);
        [
            host, happening, email, pushover, signal, mattermost, message,
        ]
    });
    let rows: Vec<[String; 7]> = [HEADING.map(ToOwned::to_owned)]
        .into_iter()
        .chain(rows)
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            2..6 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Returns whether the act's message has arrived on all of its channels.
pub(super) fn is_everywhere(act: &Act, arrived: &[Arrival]) -> bool {
    let mut channels = act.channels().iter();
    channels.all(|channel| count(arrived, *channel, act.message) > 0)
}

/// Returns everything that is wrong, one line each.
pub(super) fn problems(acts: &[Act], arrived: &[Arrival]) -> Vec<String> {
    let mut problems = Vec::new();
    for act in acts {
        for channel in act.channels() {
            let (message, name) = (act.message, channel.name());
            match count(arrived, *channel, message) {
                0 => problems.push(format!("missing on {name}: {message}")),
                1 => {}
                count => problems.push(format!("{count} times on {name}: {message}")),
            }
        }
    }
    for arrival in arrived {
        let is_expected =
            |act: &Act| act.message == arrival.text && act.channels().contains(&arrival.channel);
        if !acts.iter().any(is_expected) {
            problems.push(format!(
                "not expected on {}: {}",
                arrival.channel.name(),
                arrival.text
            ));
        }
    }
    problems
}

fn count(arrived: &[Arrival], channel: Channel, message: &str) -> usize {
    let same = |arrival: &&Arrival| arrival.channel == channel && arrival.text == message;
    arrived.iter().filter(same).count()
}

#[cfg(test)]
mod tests {
    use super::{super::script::SCRIPT, *};

    /// Returns the messages of a run without problems.
    fn all() -> Vec<Arrival> {
        let of = |act: &Act| {
            let message = act.message.to_owned();
            act.channels().iter().map(move |channel| Arrival {
                channel: *channel,
                envelope: String::new(),
                text: message.clone(),
            })
        };
        SCRIPT.iter().flat_map(of).collect()
    }

    fn check(arrived: &[Arrival], expected: &[&str]) {
        assert_eq!(problems(&SCRIPT, arrived), expected);
    }

    fn position(arrived: &[Arrival], channel: Channel, text: &str) -> usize {
        let same = |arrival: &Arrival| arrival.channel == channel && arrival.text == text;
        arrived.iter().position(same).unwrap()
    }

    #[test]
    fn when_all_arrives() {
        check(&all(), &[]);
        assert!(SCRIPT.iter().all(|act| is_everywhere(act, &all())));
    }

    #[test]
    fn when_one_is_missing_on_one_channel() {
        let mut arrived = all();
        arrived.remove(position(&arrived, Channel::Signal, "db-01 booted"));
        check(&arrived, &["missing on signal_oncall: db-01 booted"]);
        assert!(!is_everywhere(&SCRIPT[1], &arrived));
    }

    #[test]
    fn when_one_arrives_twice() {
        let mut arrived = all();
        let twice = position(&arrived, Channel::Pushover, "db-01 IPv4 overdue");
        arrived.push(arrived[twice].clone());
        check(
            &arrived,
            &["2 times on pushover_urgent: db-01 IPv4 overdue"],
        );
    }

    #[test]
    fn when_one_arrives_on_a_channel_of_another_host() {
        let mut arrived = all();
        let wrong = position(&arrived, Channel::Email, "mail-01 booted");
        arrived[wrong].channel = Channel::Mattermost;
        check(
            &arrived,
            &[
                "missing on email_ops: mail-01 booted",
                "not expected on mattermost_devops: mail-01 booted",
            ],
        );
    }

    #[test]
    fn when_one_differs_by_a_blank() {
        let mut arrived = all();
        let wrong = position(&arrived, Channel::Email, "mail-01 booted");
        arrived[wrong].text.push(' ');
        check(
            &arrived,
            &[
                "missing on email_ops: mail-01 booted",
                "not expected on email_ops: mail-01 booted ",
            ],
        );
    }

    #[test]
    fn when_the_table_is_shown() {
        let table = table(&SCRIPT, &all());
        let cells = |line: &str| -> Vec<String> {
            let words = line.split_whitespace();
            words.map(ToOwned::to_owned).collect()
        };
        assert_eq!(table.len(), 1 + SCRIPT.len());
        assert_eq!(
            cells(&table[2]),
            ["db-01", "boots", "-", "1", "1", "-", "db-01", "booted"]
        );
    }
}
