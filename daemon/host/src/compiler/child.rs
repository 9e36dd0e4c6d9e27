//! The compiler's side: bounds itself, reads a component, writes what came of it.
//!
//! Runs before anything else of its program: no threads, no listeners, no configuration. Not here: whether the component
//! may be a policy, which its parent has looked at.

use super::{GREETING, VERB};
use crate::artefact::Fit;
use crate::engine;
use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::ExitCode;

/// Files it may have open: its pipes, and what the allocator and the clock read.
const FILES: u64 = 32;
/// The first whom a machine without memory ends.
const OUT_OF_MEMORY_SCORE: &[u8] = b"1000";

/// Compiles a component and ends, where this program was started for it; else nothing. To be asked first thing in
/// `main`, by every program that compiles `by_this_program`.
pub fn as_compiler() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    let done = compile(&mut arguments);
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    })
}

fn compile(arguments: &mut impl Iterator<Item = OsString>) -> Result<(), String> {
    let asked = asked(arguments).ok_or("started by plimsoll to compile a policy; not for use by hand")?;
    bound(&asked).map_err(|why| format!("limits cannot be set: {why}"))?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(GREETING).map_err(|why| why.to_string())?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|why| why.to_string())?;
    let engine =
        wasmtime::Engine::new(&engine::compile_config(asked.fit)).map_err(|why| format!("{why:#}"))?;
    let artefact = engine
        .precompile_component(&bytes)
        .map_err(|why| format!("{why:#}"))?;
    stdout
        .write_all(&artefact)
        .and_then(|()| stdout.flush())
        .map_err(|why| why.to_string())
}

/// What the parent wants.
struct Asked {
    fit: Fit,
    /// Seconds of processor time.
    cpu: u64,
    /// Bytes of address space.
    memory: u64,
    nice: u8,
}

fn asked(arguments: &mut impl Iterator<Item = OsString>) -> Option<Asked> {
    let mut next = || arguments.next()?.into_string().ok();
    Some(Asked {
        fit: Fit::parse(&next()?)?,
        cpu: next()?.parse().ok()?,
        memory: next()?.parse().ok()?,
        nice: next()?.parse().ok()?,
    })
}

fn bound(asked: &Asked) -> std::io::Result<()> {
    // Where the machine does not know these, the limits hold all the same.
    let _ = std::fs::write("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE);
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let _ = nice(asked.nice.into());
    let limit = |resource, most, hard| {
        let rlimit = Rlimit {
            current: Some(most),
            maximum: Some(hard),
        };
        setrlimit(resource, rlimit).map_err(std::io::Error::from)
    };
    // A second between: the first signal tells that it was the time.
    limit(Resource::Cpu, asked.cpu, asked.cpu.saturating_add(1))?;
    limit(Resource::As, asked.memory, asked.memory)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, FILES, FILES)
}
