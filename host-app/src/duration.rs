//! A duration on the command line, such as `30s` or `1h 30m`.

/// Parses a duration.
///
/// # Errors
/// Returns how to write one.
pub fn duration(text: &str) -> Result<humantime::Duration, &'static str> {
    text.parse()
        .map_err(|_| "not a duration: write a number with its unit, such as 30s")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn what_is_no_duration_is_refused_with_an_example() {
        for text in ["", "2", "never", "2 fortnights", "-2h"] {
            let refusal = duration(text).unwrap_err();
            assert!(refusal.contains("with its unit, such as 30s"), "{text}");
        }
        assert_eq!(duration("1h 30m").unwrap().as_secs(), 5400);
    }
}
