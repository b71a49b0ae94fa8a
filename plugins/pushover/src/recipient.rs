//! The recipients of a message: one target for each key of a user or group.
//!
//! Each has a request of its own, since the service reports nothing about the single keys of a
//! list. Keys are secrets, so a target's name shows only the beginning of its key.

use annunciator_sdk::Secret;

/// The maximum number of keys of a channel, which is that of a list of the service.
pub(crate) const MAX_RECIPIENTS: usize = 50;

/// The number of characters of a key that its target's name shows.
const SHOWN: usize = 4;

/// A user or group.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    /// The name in outcomes, which is stable and unique and contains no secret.
    pub(crate) target: String,
    pub(crate) key: Secret<String>,
}

/// Returns the keys in the `user` setting.
pub(crate) fn keys(user: &str) -> Vec<&str> {
    user.split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .collect()
}

/// Returns the name of a key that shows only its beginning.
pub(crate) fn shown(key: &str) -> String {
    let shown: String = key.chars().take(SHOWN).collect();
    format!("user {shown}…")
}

/// Returns the recipients in the `user` setting, without duplicates.
pub(crate) fn all(user: &str) -> Vec<Recipient> {
    let mut recipients: Vec<Recipient> = Vec::new();
    for key in keys(user) {
        if recipients.iter().any(|known| known.key.expose() == key) {
            continue;
        }
        let name = shown(key);
        let alike = recipients
            .iter()
            .filter(|known| known.target.starts_with(&name))
            .count();
        let target = match alike {
            0 => name,
            before => format!("{name} ({})", before + 1),
        };
        recipients.push(Recipient {
            target,
            key: Secret::new(key.to_owned()),
        });
    }
    recipients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_keys_begin_alike_their_names_differ_and_hide_the_rest() {
        let targets: Vec<String> = all("uQiR-one, uQiR-two,gABC-three,uQiR-one,")
            .into_iter()
            .map(|recipient| recipient.target)
            .collect();
        assert_eq!(targets, ["user uQiR…", "user uQiR… (2)", "user gABC…"]);
    }
}
