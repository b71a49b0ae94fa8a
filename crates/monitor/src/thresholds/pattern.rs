//! The metrics that a rule applies to: a path in which `*` stands for one segment.

use std::{fmt, str::FromStr};

use annunciator_protocol::limits::MAX_PATH_BYTES;

/// A pattern of paths of metrics, such as `disk_monitor.*.percent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    segments: Box<[Option<Box<str>>]>,
}

/// An error returned when a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text does not have the form of a path.
    #[error(
        "this is not the path of a metric: write monitor.metric, such as cpu_monitor.cpu_percent, with * for any one segment"
    )]
    NoPath,
    /// A segment has a `*` beside other characters.
    #[error(
        "`*` stands for a whole segment between two dots: write disk_monitor.*.percent, not disk_monitor.*percent"
    )]
    PartOfSegment,
}

impl Pattern {
    /// Returns whether a path matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('.');
        let fits = self.segments.iter().all(|wanted| {
            segments
                .next()
                .is_some_and(|found| wanted.as_deref().is_none_or(|wanted| wanted == found))
        });
        fits && segments.next().is_none()
    }

    /// Returns the number of wildcards. Of several patterns that match, the one with the
    /// fewest applies.
    #[must_use]
    pub fn wildcards(&self) -> usize {
        self.segments
            .iter()
            .filter(|wanted| wanted.is_none())
            .count()
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let unprintable = |c: char| c.is_control() || c.is_whitespace();
        let segments: Box<[_]> = text
            .split('.')
            .map(|segment| (segment != "*").then(|| Box::from(segment)))
            .collect();
        let empty = segments
            .iter()
            .any(|segment| segment.as_deref() == Some(""));
        if text.len() > MAX_PATH_BYTES
            || segments.len() < 2
            || empty
            || text.chars().any(unprintable)
        {
            return Err(PatternError::NoPath);
        }
        if segments
            .iter()
            .flatten()
            .any(|segment| segment.contains('*'))
        {
            return Err(PatternError::PartOfSegment);
        }
        Ok(Self { segments })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments: Vec<&str> = self
            .segments
            .iter()
            .map(|segment| segment.as_deref().unwrap_or("*"))
            .collect();
        f.write_str(&segments.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_exactly_one_segment() {
        let pattern: Pattern = "disk_monitor.*.percent".parse().unwrap();
        for (path, fits) in [
            ("disk_monitor./.percent", true),
            ("disk_monitor./var/lib.percent", true),
            ("disk_monitor.percent", false),
            ("disk_monitor./.a.percent", false),
            ("disk_monitor./.free_gb", false),
            ("cpu_monitor./.percent", false),
        ] {
            assert_eq!(pattern.matches(path), fits, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "cpu", ".", "cpu.", ".cpu", "a..b", "a b.c", "a.\u{7}"] {
            assert_eq!(
                text.parse::<Pattern>(),
                Err(PatternError::NoPath),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_star_beside_other_characters_is_refused() {
        for text in ["disk_monitor.*percent", "a.b*.c", "a*.b", "a.**"] {
            let parsed = text.parse::<Pattern>();
            assert_eq!(parsed, Err(PatternError::PartOfSegment), "{text:?}");
        }
    }
}
