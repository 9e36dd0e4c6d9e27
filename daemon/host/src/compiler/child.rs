//! The compiler's side: bounds itself, reads a component, writes what came of it.
//!
//! Runs before anything else of its program: no threads, no listeners, no configuration. Not here: whether the component
//! may be a policy, which its parent has looked at.

use super::handshake::{GREETING, NAME, VERB};
use crate::artefact::Fit;
use crate::engine_config::compile_config;
use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Files it may have open: its pipes, and what the allocator and the clock read.
const FILES: u64 = 32;
/// The first whom a machine without memory ends.
const OUT_OF_MEMORY_SCORE: &[u8] = b"1000";

/// Last argument of a program that has its limits already.
const BOUNDED: &str = "bounded";
/// Memory of a compiler for each thread that works on it: many processors must not make a component too dear.
const PER_THREAD: u64 = 256 << 20;

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
    if arguments.next().is_none_or(|word| word != BOUNDED) {
        bound(&asked).map_err(|why| format!("limits cannot be set: {why}"))?;
        return Err(format!("cannot be started within its limits: {}", again(&asked)));
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(GREETING).map_err(|why| why.to_string())?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|why| why.to_string())?;
    let mut config = compile_config(asked.fit);
    config.parallel_compilation(asked.threads() > 1);
    let engine = wasmtime::Engine::new(&config).map_err(|why| format!("{why:#}"))?;
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
    /// Bytes of memory.
    memory: u64,
    nice: u8,
}

impl Asked {
    fn threads(&self) -> u64 {
        let processors = std::thread::available_parallelism().map_or(1, |many| many.get() as u64);
        (self.memory / PER_THREAD).clamp(1, processors)
    }
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

/// This program from its beginning, now that there are limits: an allocator takes what it reserves when it starts, and would
/// have it still. Tells only why it failed.
fn again(asked: &Asked) -> std::io::Error {
    let program = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        match std::env::current_exe() {
            Ok(program) => program,
            Err(why) => return why,
        }
    };
    Command::new(program)
        .arg0(NAME)
        .args(std::env::args_os().skip(1))
        .arg(BOUNDED)
        // Of the engine's pool of threads.
        .env("RAYON_NUM_THREADS", asked.threads().to_string())
        .exec()
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
    limit(Resource::Data, asked.memory, asked.memory)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, FILES, FILES)
}
