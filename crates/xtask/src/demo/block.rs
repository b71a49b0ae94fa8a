//! The block that a terminal shows: the hosts as the monitor sees them, and what has arrived on
//! each channel. It is drawn over itself again and again.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use rustix::termios::{Winsize, tcgetwinsize};

use super::{
    inbox::{Arrival, Channel},
    status::HostNow,
};

/// The minimum number of a terminal's rows: fewer cannot hold the block and the line above it.
const FEWEST_ROWS: u16 = 16;
/// The width of a terminal that does not report one.
const USUAL_COLUMNS: u16 = 80;

/// The parameters of SGR, with which terminals set colours (ECMA-48, 8.3.117).
const FAINT: u8 = 2;
const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;

/// A line, and its colour if it has one.
type Line = (String, Option<u8>);

/// The block.
pub(super) struct Block {
    coloured: bool,
    /// The number of lines that are on the terminal.
    drawn: usize,
}

impl Block {
    /// Opens the block; `None` if output is not a terminal that can hold it.
    pub(super) fn open() -> Option<Self> {
        let able = io::stdout().is_terminal()
            && env::var_os("TERM").is_some_and(|term| term != "dumb")
            && size().ws_row >= FEWEST_ROWS;
        let coloured = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        able.then_some(Self { coloured, drawn: 0 })
    }

    /// Returns what draws the block over itself.
    pub(super) fn anew(&mut self, hosts: &[HostNow], arrived: &[Arrival]) -> String {
        self.below("", hosts, arrived)
    }

    /// Returns what draws the block below a text that stays.
    pub(super) fn below(&mut self, text: &str, hosts: &[HostNow], arrived: &[Arrival]) -> String {
        let columns = match size().ws_col {
            0 => USUAL_COLUMNS,
            columns => columns,
        };
        self.draw(text, &lines(hosts, arrived), columns.into())
    }

    fn draw(&mut self, text: &str, lines: &[Line], columns: usize) -> String {
        let mut drawing = String::new();
        if self.drawn > 0 {
            // To the block's first line, and clear from there.
            drawing = format!("\x1b[{}A\r\x1b[J", self.drawn);
        }
        drawing.push_str(text);
        for (line, colour) in lines {
            // A line that wraps would count as two.
            let cut: String = line.chars().take(columns.saturating_sub(1)).collect();
            match colour.filter(|_| self.coloured) {
                Some(colour) => drawing.push_str(&format!("\x1b[{colour}m{cut}\x1b[0m\n")),
                None => drawing.push_str(&format!("{cut}\n")),
            }
        }
        self.drawn = lines.len();
        drawing
    }
}

fn size() -> Winsize {
    let nowhere = Winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcgetwinsize(io::stdout()).unwrap_or(nowhere)
}

fn lines(hosts: &[HostNow], arrived: &[Arrival]) -> Vec<Line> {
    let heading = |text: String| (text, Some(FAINT));
    let row = |name: &str, state: &str, heard: &str, alerts: &str| {
        format!("  {name:<10}{state:<10}{heard:<13}{alerts}")
    };
    let mut lines = vec![
        (String::new(), None),
        heading(row("HOST", "STATE", "LAST HEARD", "ALERTS")),
    ];
    lines.extend(hosts.iter().map(|host| {
        let heard = host.silent_for.map_or("never".to_owned(), |silent| {
            format!("{:.1} s ago", silent.as_secs_f32())
        });
        let text = row(&host.name, &host.state, &heard, &host.alerts);
        (text, Some(colour(host)))
    }));
    let row = |name: &str, count: &str, newest: &str| format!("  {name:<19}{count:>8}  {newest}");
    lines.push((String::new(), None));
    lines.push(heading(row("CHANNEL", "MESSAGES", "NEWEST")));
    lines.extend(Channel::ALL.map(|channel| {
        let of_channel = arrived.iter().filter(|arrival| arrival.channel == channel);
        let texts: Vec<&str> = of_channel.map(|arrival| arrival.text.as_str()).collect();
        let newest = texts.last().copied().unwrap_or_default();
        (row(channel.name(), &texts.len().to_string(), newest), None)
    }));
    lines
}

fn colour(host: &HostNow) -> u8 {
    match host.state.as_str() {
        "overdue" | "flapping" => RED,
        _ if !host.alerts.is_empty() => RED,
        "up" => GREEN,
        "late" | "unknown" => YELLOW,
        _ => FAINT,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn when_it_is_drawn_over_itself_below_a_new_text() {
        let mut block = Block {
            coloured: true,
            drawn: 0,
        };
        let lines = [
            ("one".to_owned(), Some(RED)),
            ("a long two".to_owned(), None),
        ];
        assert_eq!(block.draw("", &lines, 6), "\x1b[31mone\x1b[0m\na lon\n");
        assert_eq!(
            block.draw("news\n", &lines[1..], 80),
            "\x1b[2A\r\x1b[Jnews\na long two\n"
        );
        assert_eq!(block.draw("", &[], 80), "\x1b[1A\r\x1b[J");
    }

    #[test]
    fn when_colours_are_not_wanted() {
        let mut block = Block {
            coloured: false,
            drawn: 0,
        };
        assert_eq!(
            block.draw("", &[("one".to_owned(), Some(RED))], 80),
            "one\n"
        );
    }

    #[test]
    fn when_a_host_is_overdue_and_two_messages_have_arrived() {
        let host = HostNow {
            name: "db-01".to_owned(),
            state: "overdue".to_owned(),
            silent_for: Some(Duration::from_millis(3450)),
            alerts: String::new(),
        };
        let arrival = |text: &str| Arrival {
            channel: Channel::Signal,
            envelope: String::new(),
            text: text.to_owned(),
        };
        let arrived = [arrival("db-01 booted"), arrival("db-01 IPv4 overdue")];
        let shown: String = lines(&[host], &arrived)
            .into_iter()
            .map(|(line, colour)| format!("{:>2}|{}\n", colour.unwrap_or(0), line.trim_end()))
            .collect();
        assert_eq!(
            shown,
            " 0|
 2|  HOST      STATE     LAST HEARD   ALERTS
31|  db-01     overdue   3.5 s ago
 0|
 2|  CHANNEL            MESSAGES  NEWEST
 0|  email_ops                 0
 0|  pushover_urgent           0
 0|  signal_oncall             2  db-01 IPv4 overdue
 0|  mattermost_devops         0
"
        );
    }
}
