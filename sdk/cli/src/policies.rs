//! `--policy FILE[=CONFIG.json]`, as plan, simulate and replay take it: a component, or rules in a file that ends in
//! `.rules`.

use crate::exit::Unreadable;
use crate::input;
use cycle::InForce;
use decide::{Policy, PolicyEntry};
use model::{PolicyMode, PolicyName};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// One `--policy` argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyArg {
    /// The component.
    pub(crate) file: PathBuf,
    /// Its configuration, JSON.
    pub(crate) config: Option<PathBuf>,
}

impl FromStr for PolicyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, config) = match text.split_once('=') {
            None => (text, None),
            Some((_, "")) => return Err("a configuration file is missing after `=`".to_owned()),
            Some((file, config)) => (file, Some(config.into())),
        };
        if file.is_empty() {
            return Err("FILE.wasm[=CONFIG.json] or FILE.rules[=CONFIG.json] is wanted".to_owned());
        }
        Ok(Self {
            file: file.into(),
            config,
        })
    }
}

/// Loads the policies, in the order in which they are asked; all of them count. Each file is read once: what the log
/// keeps of it comes along. One that is refused gives exit code 2.
pub(crate) fn load(args: &[PolicyArg]) -> anyhow::Result<InForce> {
    let mut policies = InForce::default();
    if args.is_empty() {
        return Ok(policies);
    }
    let mut engine = None;
    let mut names = BTreeSet::new();
    for arg in args {
        let name = PolicyName::new(free_name(&mut names, &arg.file));
        let bytes = input::read(&arg.file)?;
        let config = match &arg.config {
            None => None,
            Some(file) => Some(
                String::from_utf8(input::read(file)?)
                    .map_err(|_| Unreadable::new(format_args!("{}: not text", input::name(file))))?,
            ),
        };
        let given = config.as_deref().unwrap_or_default();
        let read = if rules::is_rules(&arg.file) {
            rules_of(arg, &bytes, given)?
        } else {
            component(arg, (&name, bytes), given, &mut engine)?
        };
        policies.components.insert(read.digest.clone(), read.bytes.into());
        policies
            .configs
            .extend(config.map(|config| (name.clone(), config)));
        policies.set.entries.push(PolicyEntry {
            name,
            digest: read.digest,
            mode: PolicyMode::Enforce,
            scope: model::PolicyScope::default(),
            policy: read.policy,
        });
    }
    Ok(policies)
}

/// A policy, with the bytes that its digest is of.
struct Read {
    policy: Arc<dyn Policy>,
    digest: String,
    bytes: Vec<u8>,
}

/// One-line rules.
fn rules_of(arg: &PolicyArg, bytes: &[u8], config: &str) -> anyhow::Result<Read> {
    let policy = rules::read(bytes, config)
        .map_err(|why| Unreadable::new(format_args!("{}: {why}", input::name(&arg.file))))?;
    Ok(Read {
        digest: policy.digest().to_owned(),
        bytes: policy.text().as_bytes().to_vec(),
        policy: Arc::new(policy),
    })
}

fn component(
    arg: &PolicyArg,
    (name, bytes): (&PolicyName, Vec<u8>),
    config: &str,
    engine: &mut Option<host::Engine>,
) -> anyhow::Result<Read> {
    let engine = match engine {
        Some(engine) => engine,
        None => engine.insert(
            crate::engine::start().map_err(|what| anyhow::anyhow!("the WebAssembly engine: {what}"))?,
        ),
    };
    let loaded = engine.load(&bytes, name, config, &host::Limits::default());
    let policy = loaded.map_err(|error| {
        let about = match (&arg.config, &error.fault) {
            (Some(file), host::LoadFault::ConfigText(_) | host::LoadFault::Config { .. }) => file,
            _ => &arg.file,
        };
        Unreadable::new(format_args!("{}: {}", input::name(about), error.fault))
    })?;
    Ok(Read {
        digest: policy.digest().to_owned(),
        policy: Arc::new(policy),
        bytes,
    })
}

/// What a policy is called: its file without folder and extension, with a number where that is taken.
fn free_name(taken: &mut BTreeSet<String>, file: &Path) -> String {
    let stem = file
        .file_stem()
        .filter(|stem| *stem != "-")
        .map_or_else(|| "policy".into(), |stem| stem.to_string_lossy());
    let numbered = (2..).map(|n: u32| format!("{stem}-{n}"));
    let mut names = std::iter::once(stem.to_string()).chain(numbered);
    names
        .find(|name| taken.insert(name.clone()))
        .unwrap_or_else(|| stem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_a_name_of_its_own() {
        let mut taken = BTreeSet::new();
        let files = [
            "a/keep.wasm",
            "keep.wasm",
            "keep-2.wasm",
            "keepers.wasm",
            "keep.wasm",
            "-",
        ];
        let names = files.map(|file| free_name(&mut taken, Path::new(file)));
        assert_eq!(
            names,
            ["keep", "keep-2", "keep-2-2", "keepers", "keep-3", "policy"]
        );
    }
}
