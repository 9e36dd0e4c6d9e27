//! How much of this container's memory the compiler of policies gets.
//!
//! Its process is in the same container as the daemon: where both together want more than there is, the kernel may end both.
//! Not here: reading the limit (`machine`), and holding the compiler to its share (`host`).

use crate::config::Compiler;
use host::{CompileLimits, Compiling};
use machine::MemoryLimit;

/// What the daemon itself may come to: a cycle over 5,000 nodes and 150,000 pods stays below.
const OWN: u64 = 256 << 20;

/// Where policies are compiled, and within which limits.
pub(crate) fn compiling(wanted: &Compiler, container: Option<&MemoryLimit>) -> Compiling {
    if wanted.in_process {
        return Compiling::InThisProcess;
    }
    let usual = CompileLimits::default();
    let share = || container.map_or(usual.memory_bytes, |limit| CompileLimits::share(limit.bytes, OWN));
    Compiling::by_this_program(CompileLimits {
        cpu: wanted.cpu,
        wall: wanted.wall,
        memory_bytes: wanted.memory.unwrap_or_else(share),
        ..usual
    })
}

/// Why compiling may end the whole container, in one line that begins with the field.
pub(crate) fn warning(wanted: &Compiler, container: Option<&MemoryLimit>) -> Option<String> {
    let limit = container.filter(|_| !wanted.in_process)?;
    let (all, file) = (limit.bytes >> 20, limit.file.display());
    let share = CompileLimits::share(limit.bytes, OWN) >> 20;
    match wanted.memory {
        Some(memory) if memory > limit.bytes => Some(format!(
            "policy_compiler.memory_mib: {} MiB are more than there are ({all} MiB by {file}): compiling a policy may end the \
             daemon with its container; leave it out for {share} MiB, or give the container more memory",
            memory >> 20
        )),
        None if limit.bytes < OWN + CompileLimits::LEAST_MEMORY => Some(format!(
            "policy_compiler.memory_mib: the daemon may need {} MiB, and nothing compiles in less than {share} MiB, but there are \
             {all} MiB ({file}): give the container at least {} MiB",
            OWN >> 20,
            (OWN + CompileLimits::LEAST_MEMORY) >> 20
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MIB: u64 = 1 << 20;
    /// What a policy in Go or JavaScript takes (host/README.md); one in Rust takes a third of it.
    const USUAL_POLICY: u64 = 192 * MIB;

    fn wanted(memory: Option<u64>) -> Compiler {
        Compiler {
            in_process: false,
            cpu: Duration::from_mins(2),
            wall: Duration::from_mins(10),
            memory: memory.map(|mib| mib * MIB),
        }
    }

    fn container(mib: u64) -> MemoryLimit {
        MemoryLimit {
            bytes: mib * MIB,
            file: "/sys/fs/cgroup/memory.max".into(),
        }
    }

    fn memory(wanted: &Compiler, container: Option<&MemoryLimit>) -> u64 {
        match compiling(wanted, container) {
            Compiling::Disposable(compiler) => compiler.limits.memory_bytes / MIB,
            Compiling::InThisProcess => 0,
        }
    }

    #[test]
    fn the_compiler_gets_what_the_daemon_leaves() {
        let usual = |mib| memory(&wanted(None), Some(&container(mib)));
        assert_eq!([512, 1024, 1 << 20].map(usual), [192, 576, 2048]);
        assert_eq!(
            [300, 100].map(usual),
            [64, 64],
            "never so little that nothing compiles"
        );
        assert_eq!(memory(&wanted(None), None), 2048, "no limit is known");
        assert_eq!(
            memory(&wanted(Some(700)), Some(&container(512))),
            700,
            "what is said counts"
        );
        let here = Compiler {
            in_process: true,
            ..wanted(None)
        };
        assert_eq!(memory(&here, Some(&container(512))), 0);
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_field() {
        let said = |memory, mib| warning(&wanted(memory), Some(&container(mib)));
        let too_much = said(Some(2048), 512).unwrap();
        assert!(
            too_much.starts_with("policy_compiler.memory_mib: 2048 MiB are more than there are (512 MiB by /sys/fs/cgroup/memory.max)")
                && too_much.contains("leave it out for 192 MiB"),
            "{too_much}"
        );
        let too_small = said(None, 256).unwrap();
        assert!(
            too_small.starts_with("policy_compiler.memory_mib: ") && too_small.ends_with("at least 320 MiB"),
            "{too_small}"
        );
        assert_eq!(
            [said(None, 512), said(Some(512), 512), said(None, 320)],
            [None, None, None]
        );
        assert_eq!(warning(&wanted(Some(2048)), None), None);
    }

    /// The chart's own values: daemon and compiler fit into its container together, and the compiler can do something there.
    #[test]
    fn the_charts_container_holds_daemon_and_compiler() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/chart/values.yaml");
        let values: serde_json::Value =
            serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let text = values["resources"]["limits"]["memory"].as_str().unwrap();
        let mib = text.strip_suffix("Mi").unwrap().parse().unwrap();
        assert_eq!(
            values["config"]["policy_compiler"],
            serde_json::Value::Null,
            "it follows the container"
        );
        let compiler = memory(&wanted(None), Some(&container(mib))) * MIB;
        assert!(
            compiler + OWN <= mib * MIB,
            "{} MiB of {text}",
            (compiler + OWN) / MIB
        );
        assert!(compiler >= USUAL_POLICY, "{} MiB", compiler / MIB);
        assert_eq!(warning(&wanted(None), Some(&container(mib))), None);
    }
}
