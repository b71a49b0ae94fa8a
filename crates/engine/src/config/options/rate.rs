//! Reads a rate: so many messages in a time, such as `30/min` or `5/10s`.

use std::time::Duration;

use super::{
    super::{policy::Rate, problem::Problem, redact::quoted},
    field::{Field, Read},
};

/// Who wants to be told this rarely wants a digest.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
const SHORTEST: Duration = Duration::from_millis(1);

pub(super) fn read(field: &Field<'_>) -> Read<Rate> {
    let text = field.text("a rate")?;
    let wrong = |sentence: String, help: &str| Err(Box::new(Problem::error(sentence).help(help)));
    let Some(rate) = parse(text) else {
        return wrong(
            format!("{} is not a rate", quoted(text)),
            "write a number and a time, such as 30/min, 5/s or 100/10m",
        );
    };
    if rate.messages == 0 {
        return wrong(
            format!("{} lets nothing through", quoted(text)),
            "write 1 or more, or `none` for no limit",
        );
    }
    if rate.per > LONGEST {
        return wrong(
            format!("the time of {} is too long", quoted(text)),
            "at most 30 days make sense here",
        );
    }
    Ok(rate)
}

/// A number, a slash, and a time or only its unit.
fn parse(text: &str) -> Option<Rate> {
    let (messages, per) = text.split_once('/')?;
    let (messages, per) = (messages.trim(), per.trim());
    let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let per = match digits(per) {
        true => humantime::parse_duration(per),
        false => humantime::parse_duration(&format!("1{per}")),
    };
    Some(Rate {
        messages: messages.parse().ok().filter(|_| digits(messages))?,
        per: per.ok().filter(|per| *per >= SHORTEST)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time_or_its_unit() {
        let second = Duration::from_secs(1);
        for (text, messages, per) in [
            ("30/min", 30, 60 * second),
            ("30/m", 30, 60 * second),
            ("5/s", 5, second),
            ("5 / sec", 5, second),
            ("200/h", 200, 3600 * second),
            ("1/day", 1, 24 * 3600 * second),
            ("100/10m", 100, 600 * second),
            ("1/1h 30m", 1, 5400 * second),
            ("0/s", 0, second),
        ] {
            assert_eq!(parse(text), Some(Rate { messages, per }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "30",
            "/min",
            "30/",
            "x/min",
            "+3/s",
            "-3/s",
            "1.5/s",
            "30/0s",
            "30/fortnight",
            "30/min/h",
            "99999999999/s",
            "3/1ns",
            "3/-1s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much_for_it(text in "\\PC{0,12}(/\\PC{0,12})?") {
            let _ = parse(&text);
        }
    }
}
