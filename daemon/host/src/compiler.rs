//! Compiles components: in a process that does nothing else and is thrown away, or, where the embedder says so, in this
//! one.
//!
//! The compiler is large and works on what strangers wrote: a module of 1 MiB can take 30 s and 2 GiB of it. Its process
//! has limits on processor time, memory, files and the clock, no environment and no privileges that its parent has not;
//! what it writes is believed as much as a compiler in this process would be. Not here: what is kept of it (`cache`), and
//! whether a component is worth compiling at all (`inspect`).

mod child;
mod handshake;

pub use child::as_compiler;

use crate::artefact::{Artefact, Fit};
use crate::error::LoadFault;
use crate::text::tame;
use crate::turns::Turns;
use handshake::{GREETING, NAME, VERB};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(2);
/// What is kept of its complaints, bytes.
const COMPLAINT: u64 = 4096;
/// The signals of processor time that is used up, and of whoever ends a process from outside, on every Linux and BSD.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;

/// Where components are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiling {
    /// In this process, without limits on what it costs: for tests, and where no process can be started.
    InThisProcess,
    /// In a process of its own.
    Disposable(Compiler),
}

/// A program that compiles in a process of its own, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// The program; it hands over to `as_compiler` first thing.
    pub program: PathBuf,
    /// What one component may cost.
    pub limits: CompileLimits,
}

/// What compiling one component may cost. `Default` is what the daemon runs with; it was set from measurements
/// (README).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time of all its threads; whole seconds, at least one.
    pub cpu: Duration,
    /// Time on the clock: for a machine that is busy, and for a compiler that waits for ever.
    pub wall: Duration,
    /// Memory that it can write to, bytes: what its code and libraries take is not counted, nor address space that is only
    /// reserved.
    pub memory_bytes: u64,
    /// Size of what comes out, bytes.
    pub artefact_bytes: u64,
    /// How far it stands back on the processor, 0 to 19: behind everybody who has to answer.
    pub nice: u8,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_mins(2),
            wall: Duration::from_mins(10),
            memory_bytes: Self::MOST_MEMORY,
            artefact_bytes: 256 << 20,
            nice: 10,
        }
    }
}

impl CompileLimits {
    /// In less nothing compiles.
    pub const LEAST_MEMORY: u64 = 64 << 20;
    /// What takes more than this is not worth it, whatever memory there is.
    const MOST_MEMORY: u64 = 2 << 30;

    /// What a compiler may take where it shares `all` memory with a process that may need `own` of it: three quarters of the
    /// rest. The last quarter is for what is not counted, page tables and the pages of its program, and for its parent, which
    /// holds component and code while they are handed over.
    pub fn share(all: u64, own: u64) -> u64 {
        let rest = all.saturating_sub(own);
        (rest / 4 * 3).clamp(Self::LEAST_MEMORY, Self::MOST_MEMORY)
    }
}

impl Compiling {
    /// This very program, started again with a hidden argument. Its `main` must hand over to `as_compiler` first.
    pub fn by_this_program(limits: CompileLimits) -> Self {
        // Stays the same program when its file is replaced by a newer one.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().unwrap_or_default()
        };
        Self::Disposable(Compiler { program, limits })
    }
}

impl Compiler {
    /// Compiles a component for engines of this shape. Blocks until it is done or over, or until there are no turns any
    /// more.
    pub(crate) fn compile(&self, bytes: &[u8], fit: Fit, turns: &Turns) -> Result<Artefact, LoadFault> {
        let mut child = self.start(fit).map_err(|why| missing(&why))?;
        let ended = self.attend(&mut child, bytes, turns);
        // Nothing of it stays, whatever went wrong with its pipes.
        let _ = child.kill();
        let _ = child.wait();
        let ended = ended.map_err(|why| missing(&why))?;
        if turns.is_ended() {
            return Err(LoadFault::Ending);
        }
        self.verdict(&ended)
    }

    fn start(&self, fit: Fit) -> std::io::Result<Child> {
        let limits = &self.limits;
        Command::new(&self.program)
            .arg0(NAME)
            .arg(VERB)
            .arg(fit.as_str())
            .arg(limits.cpu.as_secs().max(1).to_string())
            .arg(limits.memory_bytes.to_string())
            .arg(limits.nice.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// Feeds it, listens to it, and ends it when its time is up or it writes more than it may.
    fn attend(&self, child: &mut Child, bytes: &[u8], turns: &Turns) -> std::io::Result<Ended> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        std::thread::scope(|threads| {
            let most = self
                .limits
                .artefact_bytes
                .saturating_add(GREETING.len() as u64 + 1);
            let written = Builder::new().spawn_scoped(threads, move || read(stdout, most))?;
            let complaint = Builder::new().spawn_scoped(threads, move || read(stderr, COMPLAINT))?;
            let fed = Builder::new().spawn_scoped(threads, move || {
                // Ends early where the compiler does; its exit status tells why.
                let _ = stdin.map(|mut stdin| stdin.write_all(bytes));
            });
            let waited = match fed {
                Ok(_) => wait(child, self.limits.wall, turns),
                Err(why) => Err(why),
            };
            if waited.is_err() {
                // Its pipes close with it, and the threads above end.
                let _ = child.kill();
            }
            let (status, late) = waited?;
            Ok(Ended {
                status,
                late,
                written: written.join().unwrap_or_default(),
                complaint: complaint.join().unwrap_or_default(),
            })
        })
    }

    fn verdict(&self, ended: &Ended) -> Result<Artefact, LoadFault> {
        let limits = &self.limits;
        let complaint = String::from_utf8_lossy(&ended.complaint);
        let artefact = ended.written.strip_prefix(GREETING);
        let size = artefact.map_or(0, <[u8]>::len) as u64;
        if size > limits.artefact_bytes {
            return Err(LoadFault::Excessive {
                what: "bytes of compiled code",
                amount: size,
                limit: limits.artefact_bytes,
            });
        }
        if ended.late {
            return Err(LoadFault::CompileTime { limit: limits.wall });
        }
        match (ended.status.code(), artefact) {
            (Some(0), Some(artefact)) => Ok(Artefact::made(artefact.to_vec())),
            _ if ended.status.signal() == Some(SIGXCPU) => Err(LoadFault::CompileTime { limit: limits.cpu }),
            _ if out_of_memory(&complaint) => Err(LoadFault::CompileMemory {
                limit: limits.memory_bytes,
            }),
            (Some(1), Some(_)) => Err(LoadFault::Compile(tame(complaint.trim()))),
            (_, None) if ended.written.is_empty() && ended.status.signal().is_none() => {
                Err(LoadFault::NoCompiler(format!(
                    "{} is no compiler of policies ({})",
                    self.program.display(),
                    ended.status
                )))
            }
            _ if ended.status.signal() == Some(SIGKILL) => Err(LoadFault::CompilerDied(
                "ended from outside: the machine or the container may be out of memory".to_owned(),
            )),
            _ => Err(LoadFault::CompilerDied(match complaint.trim() {
                "" => ended.status.to_string(),
                why => format!("{}: {}", ended.status, tame(why)),
            })),
        }
    }
}

/// How the compiler's process came to its end.
struct Ended {
    status: ExitStatus,
    /// It was ended because its time on the clock was up.
    late: bool,
    written: Vec<u8>,
    complaint: Vec<u8>,
}

/// Status, and whether its time was up.
fn wait(child: &mut Child, most: Duration, turns: &Turns) -> std::io::Result<(ExitStatus, bool)> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        if begun.elapsed() >= most || turns.is_ended() {
            child.kill()?;
            return Ok((child.wait()?, true));
        }
        std::thread::sleep(LOOK);
    }
}

/// So many bytes at most; then its pipe is closed, which ends who goes on writing.
fn read(from: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What came before a failure is judged like the rest.
        let _ = from.take(most).read_to_end(&mut bytes);
    }
    bytes
}

fn out_of_memory(complaint: &str) -> bool {
    ["memory allocation of", "Cannot allocate memory", "out of memory"]
        .iter()
        .any(|sign| complaint.contains(sign))
}

fn missing(why: &std::io::Error) -> LoadFault {
    LoadFault::NoCompiler(why.to_string())
}
