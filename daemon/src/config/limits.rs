//! What policies may use of this machine: the operator's ceiling, limits of single policies below it, what compiling may
//! cost, and where compiled code is kept.
//!
//! Names, units and ranges of the limits are the host's (`host::Limit`). Not here: holding anybody to them.

use super::values;
use host::{CompileLimits, Limit, Limits};
use manifest::{At, Tree};
use std::path::PathBuf;
use std::time::Duration;

/// Size of the cache where the configuration does not say.
const CACHE_MIB: u32 = 512;

/// What all policies together are given.
#[derive(Clone, Debug)]
pub(crate) struct PolicyHost {
    /// What no policy's own limits exceed.
    pub(crate) ceiling: Limits,
    /// What each gets that has no limits of its own.
    pub(crate) usual: Limits,
    /// How components are compiled.
    pub(crate) compiler: Compiler,
    /// Folder of compiled code and its size in bytes; `None`: every start compiles anew.
    pub(crate) cache: Option<(PathBuf, u64)>,
}

/// What is said of compiling; what memory there is for it is known where the daemon runs (`crate::compiling`).
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// In the daemon's own process, without limits.
    pub(crate) in_process: bool,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// Bytes; `None`: what the container leaves.
    pub(crate) memory: Option<u64>,
}

/// The parts of a configuration that say it.
pub(crate) fn policy_host(top: At<'_, '_>) -> PolicyHost {
    let ceiling = ceiling(top.get("policy_limits"));
    PolicyHost {
        usual: Limits::default().within(&ceiling),
        ceiling,
        compiler: compiler(top.get("policy_compiler")),
        cache: cache(top.get("policy_cache")),
    }
}

/// Limits of one policy; what is not named stays usual. More than the ceiling is said to be wrong.
pub(crate) fn of_policy(at: At<'_, '_>, host: &PolicyHost) -> Limits {
    let mut limits = host.usual.clone();
    if !at.is_there() {
        return limits;
    }
    known(at);
    for limit in &Limit::ALL {
        let most = (limit.get)(&host.ceiling);
        let Some(amount) = amount(at.get(limit.name)) else {
            continue;
        };
        if amount > most && most < limit.most {
            at.get(limit.name).problem(format_args!(
                "{amount} is more than policy_limits.{} allows ({most}): ask for less, or raise that",
                limit.name
            ));
        } else if let Some(amount) = within(at.get(limit.name), amount, limit) {
            (limit.set)(&mut limits, amount);
        }
    }
    limits
}

fn ceiling(at: At<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    known(at);
    for limit in &Limit::ALL {
        let field = at.get(limit.name);
        if let Some(amount) = amount(field).and_then(|amount| within(field, amount, limit)) {
            (limit.set)(&mut limits, amount);
        }
    }
    limits
}

fn known(at: At<'_, '_>) {
    at.only(&Limit::ALL.each_ref().map(|limit| limit.name));
}

/// A whole number that is not negative.
fn amount(at: At<'_, '_>) -> Option<u64> {
    match at.tree() {
        None | Some(Tree::Null) => None,
        Some(Tree::Int(amount)) if *amount >= 0 => u64::try_from(*amount).ok(),
        Some(_) => {
            at.problem("must be a whole number that is not negative");
            None
        }
    }
}

fn within(at: At<'_, '_>, amount: u64, limit: &Limit) -> Option<u64> {
    if (limit.least..=limit.most).contains(&amount) {
        return Some(amount);
    }
    at.problem(format_args!(
        "must be between {} and {}, is {amount}",
        limit.least, limit.most
    ));
    None
}

fn compiler(at: At<'_, '_>) -> Compiler {
    at.only(&["in_process", "cpu_seconds", "wall_seconds", "memory_mib"]);
    let usual = CompileLimits::default();
    let seconds = |name, usual: Duration| {
        let usual = u32::try_from(usual.as_secs()).unwrap_or(u32::MAX);
        Duration::from_secs(values::count(at.get(name), usual, 1, 3600).into())
    };
    let memory = at.get("memory_mib");
    let least = u32::try_from(CompileLimits::LEAST_MEMORY >> 20).unwrap_or(u32::MAX);
    Compiler {
        in_process: at.get("in_process").flag(),
        cpu: seconds("cpu_seconds", usual.cpu),
        wall: seconds("wall_seconds", usual.wall),
        memory: memory
            .is_there()
            .then(|| u64::from(values::count(memory, least, least, 64 << 10)) << 20),
    }
}

fn cache(at: At<'_, '_>) -> Option<(PathBuf, u64)> {
    at.only(&["dir", "max_mib"]);
    if !at.is_there() {
        return None;
    }
    let max_mib = values::count(at.get("max_mib"), CACHE_MIB, 16, 1 << 20);
    Some((
        at.get("dir").name().unwrap_or_default().into(),
        u64::from(max_mib) << 20,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let text = format!("{{cluster: c, provider: {{none: {{}}}}, {text}}}");
        Config::parse("f.yaml", text.as_bytes()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_policy_gets_what_it_asks_for_below_the_ceiling() {
        let config = read(
            "policy_limits: {fuel: 90000000, memory_mib: 32}, policies: [
               {name: a, file: a.wasm, limits: {fuel: 80000000, deadline_ms: 50}}, {name: b, file: b.wasm}]",
        )
        .unwrap();
        let limits = |ix: usize| config.policies[ix].limits.clone().unwrap();
        assert_eq!((limits(0).fuel, limits(0).deadline.as_millis()), (80_000_000, 50));
        let usual = Limits::default();
        assert_eq!((limits(1).fuel, limits(1).deadline), (usual.fuel, usual.deadline));
        assert_eq!(
            (limits(0).memory_bytes, limits(1).memory_bytes),
            (32 << 20, 32 << 20)
        );
        assert_eq!(config.policy_host.ceiling.fuel, 90_000_000);
        assert!(config.policy_host.cache.is_none());
    }

    #[test]
    fn compiling_and_its_cache_are_bounded() {
        let config =
            read("policy_compiler: {cpu_seconds: 9, memory_mib: 512}, policy_cache: {dir: /c, max_mib: 20}");
        let host = config.unwrap().policy_host;
        assert_eq!(host.cache, Some(("/c".into(), 20 << 20)));
        let compiler = host.compiler;
        assert_eq!((compiler.cpu.as_secs(), compiler.memory), (9, Some(512 << 20)));
        let here = read("policy_compiler: {in_process: true}").unwrap().policy_host;
        assert!(here.compiler.in_process && here.compiler.memory.is_none());
    }

    #[test]
    fn what_cannot_be_given_is_said() {
        for (text, expected) in [
            (
                "policies: [{name: a, file: a.wasm, limits: {deadline_ms: 2000}}]",
                "policies[0].limits.deadline_ms: 2000 is more than policy_limits.deadline_ms allows (1000)",
            ),
            (
                "policies: [{name: a, file: a.wasm, limits: {memory_mib: 65}}]",
                "policies[0].limits.memory_mib: must be between 1 and 64, is 65",
            ),
            (
                "policies: [{name: a, file: a.wasm, limits: {deadline_ms: 1}}]",
                "policies[0].limits.deadline_ms: must be between 10 and 60000, is 1",
            ),
            (
                "policies: [{name: a, file: a.wasm, limits: {feul: 1}}]",
                "policies[0].limits",
            ),
            (
                "policy_limits: {fuel: -1}",
                "policy_limits.fuel: must be a whole number",
            ),
            (
                "policy_limits: {handles: many}",
                "policy_limits.handles: must be a whole number",
            ),
            (
                "policy_limits: {deadline_ms: 100000}",
                "policy_limits.deadline_ms: must be between 10 and 60000",
            ),
            ("policy_cache: {max_mib: 100}", "policy_cache.dir"),
            (
                "policy_compiler: {cpu_seconds: 0}",
                "policy_compiler.cpu_seconds: must be between 1 and 3600, is 0",
            ),
        ] {
            let said = read(text).err().unwrap_or_default();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
