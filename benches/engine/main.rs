//! What authtail costs, itself and the engine, beside what a plain reader costs the engine: all of it
//! measured in one run, on a Docker engine of its own. Prints tables, and fails if a bound is missed.
//! It needs root, as an engine does.
//!
//! ```text
//! cargo bench --bench engine [-- live|backlog|rotation|idle …]
//! ```

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::indexing_slicing, reason = "a benchmark may panic")]
#![expect(clippy::disallowed_types, reason = "real time, and no runtime")]
#![expect(clippy::disallowed_methods, reason = "real time, and no runtime")]

mod cases;
#[path = "../../tests/fixtures/dockerd.rs"]
mod dockerd;
mod engine;
mod exporter;
mod plain;
mod process;
mod stand;
mod table;

use std::process::ExitCode;

use stand::Stand;

fn main() -> ExitCode {
    // Cargo adds options of its own.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let stand = Stand::new();
    let mut is_well = true;
    for (name, case) in cases::ALL {
        if chosen.is_empty() || chosen.iter().any(|word| word == name) {
            let table = case(&stand);
            println!("{table}");
            is_well &= table.is_well();
        }
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
