//! `cargo xtask bench`: builds everything in release mode, then measures.

use std::io;

use crate::build::{cargo, succeed};

/// Runs the benchmarks, or only some sections of them.
pub(crate) fn run(sections: &[String]) -> io::Result<()> {
    // `cargo bench` builds the plugins, which are dependencies of the benchmarks, but not the
    // executables of other packages: `hbd` and the stand-ins.
    let mut build = cargo("build");
    build.args(["--release", "--workspace"]);
    succeed(build)?;
    let mut bench = cargo("bench");
    bench.args(["--package", "annunciator-tests", "--bench", "figures", "--"]);
    bench.args(sections);
    succeed(bench)
}
