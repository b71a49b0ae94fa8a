//! Formats numbers for messages: `95.2`, `90.0`.

/// The default number of digits behind the point.
const DIGITS: usize = 2;

/// Formats a value with one or two digits behind its point, or with more if fewer would
/// make it look equal to one of `bounds`, or to zero.
#[must_use]
pub fn shown(value: f64, bounds: &[f64]) -> String {
    let rounded: f64 = format!("{value:.DIGITS$}").parse().unwrap_or(value);
    // Equal bits print equally, whereas `-0.0 == 0.0`.
    let misleads = |other: f64| rounded.to_bits() == other.to_bits() && rounded != value;
    let vanished = rounded == 0.0 && value != 0.0;
    if vanished || bounds.iter().any(|bound| misleads(*bound)) {
        format!("{value:?}")
    } else if rounded == 0.0 {
        "0.0".to_owned()
    } else {
        format!("{rounded:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn values_look_as_in_the_specification() {
        for (value, text) in [
            (95.2, "95.2"),
            (90.0, "90.0"),
            (-0.0, "0.0"),
            (66.666_666_666, "66.67"),
            (1e16, "1e16"),
            (0.000_1, "0.0001"),
            (-12.345, "-12.35"),
        ] {
            assert_eq!(shown(value, &[]), text);
        }
    }

    #[test]
    fn a_value_just_above_its_threshold_does_not_look_equal_to_it() {
        assert_eq!(shown(90.001, &[90.0]), "90.001");
        assert_eq!(shown(90.0, &[90.0]), "90.0");
        assert_eq!(shown(90.01, &[90.0]), "90.01");
    }
}
