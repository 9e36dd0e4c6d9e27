//! The compiler's process as a program of its own: for tests, and for embedders that do not want to be started again
//! themselves. `plimsoll` and `plimsolld` are their own (`host::as_compiler`).

use std::process::ExitCode;

fn main() -> ExitCode {
    // Wrong usage, said by the exit code alone: whoever starts this by hand finds out from the README.
    host::as_compiler().unwrap_or_else(|| ExitCode::from(2))
}
