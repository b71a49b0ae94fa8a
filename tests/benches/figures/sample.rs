//! Repeated measurements and what they come to.

use std::{fmt, time::Duration};

/// Numbers of one kind, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// Returns the numbers in another unit; `convert` keeps their order.
    pub(crate) fn map(&self, convert: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().copied().map(convert).collect())
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

/// Median, and in parentheses the least and the most.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(
            f,
            "{:.digits$} ({:.digits$} to {:.digits$})",
            self.median(),
            self.least(),
            self.most()
        )
    }
}

/// Two sides of a comparison, measured in turn.
pub(crate) struct Pair {
    pub(crate) ours: Sample,
    pub(crate) theirs: Sample,
    /// Ours by theirs, run by run.
    pub(crate) ratio: Sample,
}

/// Measures both sides in turn, `runs` times, after one run of each that does
/// not count. Which side begins changes from run to run.
pub(crate) fn alternate<E>(
    runs: usize,
    mut ours: impl FnMut() -> Result<f64, E>,
    mut theirs: impl FnMut() -> Result<f64, E>,
) -> Result<Pair, E> {
    ours()?;
    theirs()?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for run in 0..runs {
        if run % 2 == 0 {
            a.push(ours()?);
            b.push(theirs()?);
        } else {
            b.push(theirs()?);
            a.push(ours()?);
        }
    }
    let ratio = a.iter().zip(&b).map(|(a, b)| a / b).collect();
    Ok(Pair {
        ours: Sample::new(a),
        theirs: Sample::new(b),
        ratio: Sample::new(ratio),
    })
}

/// Measures one side, after one run that does not count.
pub(crate) fn repeat<E>(
    runs: usize,
    mut measure: impl FnMut() -> Result<f64, E>,
) -> Result<Sample, E> {
    measure()?;
    let numbers: Result<Vec<f64>, E> = (0..runs).map(|_| measure()).collect();
    Ok(Sample::new(numbers?))
}

/// How many of `count` happened in a second.
pub(crate) fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64()
}

/// Nanoseconds that one of `count` took.
pub(crate) fn nanoseconds_each(count: u32, took: Duration) -> f64 {
    took.as_secs_f64() * 1e9 / f64::from(count)
}
