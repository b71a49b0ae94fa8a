//! Problems of the Java that signal-cli runs on, which are recognised in the standard error.

use std::fmt;

/// The difference between a class file's version and that of its Java, by the Java Virtual Machine
/// Specification, table 4.1-A.
const CLASS_FILE_OFFSET: u32 = 44;

/// The reason why Java did not run signal-cli. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JavaProblem {
    /// Java is older than signal-cli needs. Both numbers are versions of Java.
    Old { needs: u32, has: Option<u32> },
    /// There is no Java.
    Missing,
    /// `JAVA_HOME` does not point to a Java.
    Elsewhere,
}

impl JavaProblem {
    /// Reads the problem from the standard error, if it reports one.
    pub(crate) fn read(stderr: &str) -> Option<Self> {
        if stderr.contains("UnsupportedClassVersionError") {
            let (_, rest) = stderr.split_once("(class file version ")?;
            let needs = version(rest)?;
            let has = rest.split_once("class file versions up to ");
            let has = has.and_then(|(_, rest)| version(rest));
            return Some(Self::Old { needs, has });
        }
        if stderr.contains("JAVA_HOME is set to an invalid directory") {
            return Some(Self::Elsewhere);
        }
        let is_missing = stderr.contains("no 'java' command could be found")
            || stderr.contains("java: not found")
            || stderr.contains("java: command not found")
            || stderr.lines().any(is_missed_by_env);
        is_missing.then_some(Self::Missing)
    }

    /// Returns what to do about the problem.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Old { needs, .. } => format!(
                "install Java {needs} or newer, and point `JAVA_HOME` or `PATH` of this program to it"
            ),
            Self::Missing => {
                "install the Java that signal-cli needs, and point `JAVA_HOME` or `PATH` of this program to it".to_owned()
            }
            Self::Elsewhere => "point `JAVA_HOME` of this program to a Java installation".to_owned(),
        }
    }
}

impl fmt::Display for JavaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Old {
                needs,
                has: Some(has),
            } => write!(
                f,
                "signal-cli needs Java {needs}, but was run with Java {has}"
            ),
            Self::Old { needs, has: None } => {
                write!(
                    f,
                    "signal-cli needs Java {needs}, but was run with an older one"
                )
            }
            Self::Missing => f.write_str("signal-cli found no Java"),
            Self::Elsewhere => f.write_str("signal-cli found no Java at the path in JAVA_HOME"),
        }
    }
}

/// Returns whether this line says that `env` did not find Java, whichever quotes it uses.
fn is_missed_by_env(line: &str) -> bool {
    let Some((_, said)) = line.split_once("env: ") else {
        return false;
    };
    let said = said.strip_prefix("can't execute ").unwrap_or(said);
    let said = said.trim_start_matches(|c: char| !c.is_alphanumeric());
    said.starts_with("java") && said.contains("No such file")
}

/// Returns the version of Java of a class file's version, which is written as `65.0`.
fn version(text: &str) -> Option<u32> {
    let digits = text.split(|one: char| !one.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok()?.checked_sub(CLASS_FILE_OFFSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of Java 17 for signal-cli 0.13.
    const OLD: &str = "Error: LinkageError occurred while loading main class org.asamk.signal.Main
\tjava.lang.UnsupportedClassVersionError: org/asamk/signal/Main has been compiled by a more recent version of the Java Runtime (class file version 65.0), this version of the Java Runtime only recognizes class file versions up to 61.0
";
    /// The output of Java 11.
    const OLDER: &str = "Exception in thread \"main\" java.lang.UnsupportedClassVersionError: org/asamk/signal/Main has been compiled by a more recent version of the Java Runtime (class file version 69.0), this version of the Java Runtime only recognizes class file versions up to 55.0
\tat java.base/java.lang.ClassLoader.defineClass1(Native Method)
\tat java.base/java.lang.ClassLoader.defineClass(ClassLoader.java:1017)
";
    /// The output of the script that starts signal-cli.
    const NONE: &str = "
ERROR: JAVA_HOME is not set and no 'java' command could be found in your PATH.

Please set the JAVA_HOME variable in your environment to match the
location of your Java installation.
";

    #[test]
    fn an_old_java_is_reported_with_the_one_that_is_needed() {
        for (text, needs, has) in [(OLD, 21, 17), (OLDER, 25, 11)] {
            let problem = JavaProblem::read(text).unwrap();
            let has = Some(has);
            assert_eq!(problem, JavaProblem::Old { needs, has });
            assert!(problem.hint().contains(&format!("Java {needs}")));
        }
    }

    #[test]
    fn a_missing_java_is_reported() {
        assert_eq!(JavaProblem::read(NONE), Some(JavaProblem::Missing));
        for text in [
            "/usr/bin/env: java: No such file or directory",
            "/usr/bin/env: \u{2018}java\u{2019}: No such file or directory",
            "env: 'java': No such file or directory",
            "env: can't execute 'java': No such file or directory",
        ] {
            assert_eq!(
                JavaProblem::read(text),
                Some(JavaProblem::Missing),
                "{text}"
            );
        }
        let elsewhere = "ERROR: JAVA_HOME is set to an invalid directory: /nowhere";
        assert_eq!(JavaProblem::read(elsewhere), Some(JavaProblem::Elsewhere));
    }

    #[test]
    fn other_output_of_java_is_not_its_own_problem() {
        for text in [
            "",
            "java.lang.NullPointerException",
            "UnsupportedClassVersionError (class file version 1.0)",
            "signal-cli: error: unrecognized arguments: '--x'",
        ] {
            assert_eq!(JavaProblem::read(text), None, "{text}");
        }
    }
}
