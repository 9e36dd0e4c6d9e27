//! `allocations`: runs one row of the table and counts how often the engine asks for memory.
//!
//! A program of its own because counting takes time: `perf` asks it and puts the count into its table. Its times are not
//! to be quoted.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use anyhow::Result;
use clap::{Parser, Subcommand};
use perf::suite::{self, Seeds};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

/// Counts what is asked of it.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Counts the allocations of one row.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Seeds of rows that draw their pods.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 41)]
    from: u64,
}

/// What it does.
#[derive(Subcommand)]
enum Verb {
    /// Runs one row and prints its figures as JSON.
    Row {
        /// Its name.
        name: String,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    let seeds = Seeds {
        from: args.from,
        many: args.seeds,
    };
    let Verb::Row { name } = &args.verb;
    println!("{}", serde_json::to_string(&suite::run(name, seeds)?)?);
    Ok(())
}
