//! Idempotency keys: whether a notification that comes with a key that is known is the
//! one that the key was first used for.
//!
//! A caller that got no answer repeats its call, and people must get one message. So a
//! key stands for one notification for as long as that is stored: the same again is
//! answered as it was the first time, and nothing of it is taken. Something else under the same key
//! is a fault of the caller, which must not pass for accepted: it is refused.

use crate::{Intake, Kind, Severity, StoreError, content::differences};

/// Facts: what was accepted under a key.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// The host that it is about; empty for none.
    pub host: &'a str,
    /// What it belongs to; empty for nothing.
    pub incident: &'a str,
    /// Where in its incident it stands.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// All that is needed to deliver it, as it was accepted.
    pub content: &'a str,
}

/// Whether `again` is the notification that was accepted first under its key: in all that a
/// receiver would see, and in who receives it. Only the time of the call may differ,
/// where no caller said when it happened.
///
/// # Errors
/// [`StoreError::Conflict`] when it is another one; it names in what they differ, and
/// shows the content of neither.
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

/// `its message differs`, `its attributes differ`, `its message and its title differ`.
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
