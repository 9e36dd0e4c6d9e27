//! `plimsolld`, the daemon: reads its arguments and configuration and wires the rooms together.

#[cfg(feature = "live")]
mod access;
#[cfg(feature = "live")]
mod admission;
mod aims;
mod args;
mod compiling;
mod config;
#[cfg(feature = "registry")]
mod images;
mod pause;
mod policies;
mod rules;
mod signals;
mod telemetry;
mod uploads;
mod wiring;

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A cycle is many small allocations.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Started by ourselves to compile one policy: nothing else begins.
    if let Some(compiled) = host::as_compiler() {
        return compiled;
    }
    let args = args::read();
    if args.check_config {
        wiring::check(&args)
    } else {
        wiring::run(&args)
    }
}
