//! The executable that tests install under the name `signal-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    annunciator_testkit::signal::program_main()
}
