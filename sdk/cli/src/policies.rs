//! `--policy FILE.wasm[=CONFIG.json]`, as plan, simulate and replay take it.

use crate::exit::Unreadable;
use crate::input;
use decide::{PolicyEntry, PolicySet};
use model::{PolicyMode, PolicyName};
use std::path::PathBuf;
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
            return Err("FILE.wasm[=CONFIG.json] is wanted".to_owned());
        }
        Ok(Self {
            file: file.into(),
            config,
        })
    }
}

/// Loads the policies, in the order in which they are asked; all of them count. One that is refused gives exit
/// code 2.
pub(crate) fn load(args: &[PolicyArg]) -> anyhow::Result<PolicySet> {
    let mut set = PolicySet::default();
    if args.is_empty() {
        return Ok(set);
    }
    let engine = host::Engine::new().map_err(|what| anyhow::anyhow!("the WebAssembly engine: {what}"))?;
    for arg in args {
        let stem = arg
            .file
            .file_stem()
            .map_or_else(|| "policy".into(), |stem| stem.to_string_lossy());
        let same = set
            .entries
            .iter()
            .filter(|entry| entry.name.as_str().starts_with(&*stem))
            .count();
        let name = if same == 0 {
            stem.into_owned()
        } else {
            format!("{stem}-{}", same + 1)
        };
        let name = PolicyName::new(name);
        let bytes = input::read(&arg.file)?;
        let config = match &arg.config {
            None => String::new(),
            Some(file) => String::from_utf8(input::read(file)?)
                .map_err(|_| Unreadable::new(format_args!("{}: not text", file.display())))?,
        };
        let policy = engine
            .load(&bytes, &name, &config, &host::Limits::default())
            .map_err(|error| {
                let about = match (&arg.config, &error.fault) {
                    (Some(file), host::LoadFault::ConfigText(_) | host::LoadFault::Config { .. }) => file,
                    _ => &arg.file,
                };
                Unreadable::new(format_args!("{}: {}", about.display(), error.fault))
            })?;
        set.entries.push(PolicyEntry {
            name,
            digest: policy.digest().to_owned(),
            mode: PolicyMode::Enforce,
            policy: Arc::new(policy),
        });
    }
    Ok(set)
}
