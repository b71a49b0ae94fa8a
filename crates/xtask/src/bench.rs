//! `cargo xtask bench`: builds everything as it is shipped, then measures.

use std::io;

use crate::build::{cargo, succeed};

/// Runs the benchmarks; `sections` chooses some of them.
pub(crate) fn run(sections: &[String]) -> io::Result<()> {
    // `cargo bench` builds the plugins, which are dependencies of the
    // benchmarks, and no executables of other packages: hbd and stand-ins.
    let mut build = cargo("build");
    build.args(["--release", "--workspace"]);
    succeed(build)?;
    let mut bench = cargo("bench");
    bench.args(["--package", "annunciator-tests", "--bench", "figures", "--"]);
    bench.args(sections);
    succeed(bench)
}
