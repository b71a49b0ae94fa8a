//! Idempotency keys: whether a notification with a known key is the one for which the key was
//! first used.
//!
//! A caller that got no answer repeats its call, and people must get one message. A key therefore
//! stands for one notification for as long as that is stored: the same notification is answered
//! as it was the first time, and is not accepted again. A different notification under the same
//! key is a mistake of the caller that must not pass for accepted: it is refused.

use crate::{Intake, Kind, Severity, StoreError, content::differences};

/// Facts: the notification that was accepted under a key.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// The host that it is about; empty for none.
    pub host: &'a str,
    /// The incident that it belongs to; empty for none.
    pub incident: &'a str,
    /// Its place in the incident.
    pub kind: Kind,
    /// Its severity.
    pub severity: Severity,
    /// Its content, as it was accepted.
    pub content: &'a str,
}

/// Checks that `again` is the notification that was accepted first under its key: that it has the
/// same receivers and looks the same to them. Only the time may differ, if the caller did not say
/// when the event happened.
///
/// # Errors
/// Fails with [`StoreError::Conflict`] if it is a different notification. The error names the
/// parts that differ, and shows the content of neither.
pub fn check(first: &First<'_>, again: &Intake) -> Result<(), StoreError> {
    let mut differs = differences(first.content, &again.content);
    for (what, is_same) in [
        ("host", first.host == again.host),
        ("incident", first.incident == again.incident),
        ("kind", first.kind == again.kind),
        ("severity", first.severity == again.severity),
    ] {
        if !is_same {
            differs.push(what);
        }
    }
    if differs.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict {
        key: again.key.clone().unwrap_or_default(),
        differs: sentence(&differs),
    })
}

/// Formats the differences: `its message differs`, `its attributes differ`, `its message and its
/// title differ`.
fn sentence(differs: &[&str]) -> String {
    match differs {
        ["attributes"] => "its attributes differ".to_owned(),
        [] | [_] => format!("its {} differs", differs.concat()),
        [first @ .., last] => format!("its {} and its {last} differ", first.join(", its ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::accept::tests::intake;

    fn first() -> First<'static> {
        First {
            host: "",
            incident: "i",
            kind: Kind::Problem,
            severity: Severity::Info,
            content: "{}",
        }
    }

    #[test]
    fn the_same_again_is_the_same() {
        assert_eq!(check(&first(), &intake(Kind::Problem, "i")), Ok(()));
    }

    #[test]
    fn what_differs_is_named_in_one_sentence_and_not_shown() {
        let mut again = intake(Kind::Recovery, "i");
        again.key = Some("k".to_owned());
        let refused = |first: First<'_>, again: &Intake| match check(&first, again) {
            Err(StoreError::Conflict { key, differs }) => (key, differs),
            other => panic!("{other:?}"),
        };
        let of_kind = refused(first(), &again);
        assert_eq!(of_kind, ("k".to_owned(), "its kind differs".to_owned()));
        let another = First {
            content: "secret",
            ..first()
        };
        again.host = "h".to_owned();
        let (_, differs) = refused(another, &again);
        assert_eq!(differs, "its content, its host and its kind differ");
    }
}
