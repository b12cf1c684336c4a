//! The binary: one call.

use std::process::ExitCode;

fn main() -> ExitCode {
    authtail::main()
}
