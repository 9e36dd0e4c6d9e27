//! Why a policy was not loaded. Faults at run time are `model::PolicyFault`.

use model::advice::PolicyFault;
use model::ids::PolicyName;
use std::path::PathBuf;
use std::time::Duration;

/// A refusal, with whose it is. One line, naming policy and file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Name given by the operator.
    pub policy: PolicyName,
    /// File it was read from, where there is one.
    pub file: Option<PathBuf>,
    /// What is wrong.
    pub fault: LoadFault,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.file {
            Some(file) => write!(f, "policy {}: {}: {}", self.policy, file.display(), self.fault),
            None => write!(f, "policy {}: {}", self.policy, self.fault),
        }
    }
}

impl std::error::Error for LoadError {}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadFault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(String),
    /// Not the bytes that whoever keeps the file vouches for.
    #[error("is damaged, or not what was put there (it has the digest {found})")]
    NotMeant {
        /// SHA-256 of what is there.
        found: String,
    },
    /// Larger than allowed.
    #[error("{bytes} bytes are more than the {limit} allowed")]
    TooLarge {
        /// Size.
        bytes: u64,
        /// Limit.
        limit: u64,
    },
    /// Not WebAssembly at all.
    #[error("not a WebAssembly file (it does not begin with \\0asm)")]
    NotWasm,
    /// A core module, not a component.
    #[error("a core WebAssembly module, not a component (build it with `plimsoll policy build`)")]
    CoreModule,
    /// WebAssembly, but broken.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Could be compiled only at unreasonable cost.
    #[error("{what}: {amount} is more than the {limit} allowed")]
    Excessive {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        amount: u64,
        /// Limit.
        limit: u64,
    },
    /// Imports something that policies do not get.
    #[error("imports {import}, but policies may import plimsoll:policy/view and plimsoll:policy/host only")]
    Import {
        /// The first import that is not allowed.
        import: String,
    },
    /// Exports no hook.
    #[error(
        "exports no hook of plimsoll:policy (scaler, placement, headroom, disruption, review); it exports {}",
        listed(.exports)
    )]
    NoHook {
        /// What it exports.
        exports: Vec<String>,
    },
    /// Cannot be compiled.
    #[error("does not compile: {0}")]
    Compile(String),
    /// Compiling takes longer than allowed.
    #[error("is not compiled within {} s; make its functions smaller, or give compiling more time", .limit.as_secs())]
    CompileTime {
        /// Processor time, or time on the clock.
        limit: Duration,
    },
    /// Compiling takes more memory than allowed.
    #[error("is not compiled within {} MiB of memory; make its functions smaller, or give compiling (in the daemon: its container) more", .limit >> 20)]
    CompileMemory {
        /// Memory of the compiler, bytes.
        limit: u64,
    },
    /// The compiler's process came to a bad end.
    #[error("the compiler died of it: {0}")]
    CompilerDied(String),
    /// No process compiles: what failed was the machine or the installation, not the policy.
    #[error("the compiler cannot be started: {0}")]
    NoCompiler(String),
    /// The process died while it compiled this: it may be what it died of.
    #[error(
        "was being compiled when the daemon died, and is not tried again until told: remove {}, or hand the policy in again; \
         where memory ran out, give the container more",
        .mark.display()
    )]
    DiedCompiling {
        /// What remembers it.
        mark: PathBuf,
    },
    /// Others are compiled, one at a time.
    #[error("other policies are being compiled, one at a time ({} s waited); try again", .waited.as_secs())]
    CompilerBusy {
        /// How long it waited for its turn.
        waited: Duration,
    },
    /// Not compiled because this process ends.
    #[error("not compiled: the daemon is ending")]
    Ending,
    /// A file of another kind, which its kind refuses.
    #[error("{0}")]
    Kind(String),
    /// Needs functions that this version does not have, or has them in another shape.
    #[error("does not fit this version of plimsoll:policy: {0}")]
    Mismatch(String),
    /// The configuration is no JSON object.
    #[error("configuration: {0}")]
    ConfigText(String),
    /// The policy itself refuses its configuration, or fails while it reads it.
    #[error("configuration of hook {hook}: {fault}")]
    Config {
        /// Hook whose `configure` failed.
        hook: model::advice::Hook,
        /// How.
        fault: PolicyFault,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
