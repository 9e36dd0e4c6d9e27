//! A policy that somebody looks at: the component of a folder, a component, or a file of one-line rules, read once and
//! ready for a configuration. What is made of it is the work of the verbs.

use super::build;
use super::unhurried::{self, Unhurried};
use crate::engine;
use crate::exit::Unreadable;
use crate::output;
use decide::Policy;
use host::{Compiled, Engine, Limits};
use model::PolicyName;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// See the module.
pub(super) struct Subject {
    /// How messages and reports call it: its package, a component's file without folder and ending, or the file of rules.
    pub(super) name: String,
    pub(super) body: Body,
}

/// What there is of it before it is configured.
pub(super) enum Body {
    Component(Box<Component>),
    /// The text of rules.
    Rules(Vec<u8>),
}

/// A component, compiled.
pub(super) struct Component {
    pub(super) compiled: Compiled,
    pub(super) took: Duration,
    pub(super) bytes: Vec<u8>,
}

/// A policy with its configuration, and what its record would call it.
pub(super) struct Configured {
    pub(super) policy: Arc<dyn Policy>,
    pub(super) digest: String,
}

impl Subject {
    /// Reads rules; builds a folder; compiles.
    pub(super) fn open(policy: &Path) -> anyhow::Result<Self> {
        if rules::is_rules(policy) {
            return Ok(Self {
                name: policy.display().to_string(),
                body: Body::Rules(read(policy)?),
            });
        }
        let (name, component) = compiled(&started()?, policy)?;
        Ok(Self {
            name,
            body: Body::Component(Box::new(component)),
        })
    }

    /// What it is called in a set of policies.
    pub(super) fn policy_name(&self) -> PolicyName {
        PolicyName::new(stem(Path::new(&self.name)))
    }

    /// The policy with a configuration, or why it is refused.
    pub(super) fn configured(&self, config_json: &str, limits: &Limits) -> Result<Configured, String> {
        match &self.body {
            Body::Component(component) => {
                let policy = unhurried::configured(&component.compiled, config_json, limits);
                let policy = policy.map_err(|why| why.to_string())?;
                Ok(Configured {
                    digest: policy.digest().to_owned(),
                    policy: Arc::new(Unhurried(policy)),
                })
            }
            Body::Rules(text) => {
                let policy = rules::read(text, config_json).map_err(|why| why.to_string())?;
                Ok(Configured {
                    digest: policy.digest().to_owned(),
                    policy: Arc::new(policy),
                })
            }
        }
    }
}

/// The engine, or one line about why there is none.
pub(super) fn started() -> anyhow::Result<Engine> {
    engine::start().map_err(|what| anyhow::anyhow!("the WebAssembly engine: {what}"))
}

/// Compiles the component of a folder, or a component.
pub(super) fn compiled(engine: &Engine, policy: &Path) -> anyhow::Result<(String, Component)> {
    let limits = Limits::default();
    let (name, bytes) = component(policy)?;
    let refused = |why: &dyn std::fmt::Display| Unreadable::new(format_args!("{name}: {why}"));
    host::inspect(&bytes, &limits).map_err(|why| refused(&why))?;
    let started = Instant::now();
    let progress = output::Progress::start("compiling");
    let compiled = engine.compile(&bytes, &limits).map_err(|why| refused(&why))?;
    drop(progress);
    if let Some(why) = &compiled.origin().complaint {
        output::say(why);
    }
    let component = Component {
        took: started.elapsed(),
        compiled,
        bytes,
    };
    Ok((name, component))
}

/// Name and bytes of a component, built where a folder is given.
pub(super) fn component(policy: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if policy.is_dir() {
        let progress = output::Progress::start("building");
        let built = build::component(policy).map_err(Unreadable::new)?;
        drop(progress);
        return Ok((built.package, built.bytes));
    }
    Ok((stem(policy), read(policy)?))
}

/// The configuration that is given, else `config.json` beside the policy, else nothing.
pub(super) fn config(policy: &Path, given: Option<&Path>) -> anyhow::Result<String> {
    let beside = if policy.is_dir() {
        policy.join("config.json")
    } else {
        policy.with_file_name("config.json")
    };
    let file = match given {
        Some(file) => file,
        None if beside.is_file() => &beside,
        None => return Ok(String::new()),
    };
    let text = String::from_utf8(read(file)?);
    text.map_err(|_| Unreadable::new(format_args!("{}: not UTF-8", file.display())).into())
}

fn stem(policy: &Path) -> String {
    let stem = policy.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "policy".to_owned())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let fail = |why: String| Unreadable::new(format_args!("{}: {why}", file.display()));
    let metadata = fs::metadata(file).map_err(|why| fail(why.to_string()))?;
    if !metadata.is_file() {
        return Err(fail("not a regular file".to_owned()).into());
    }
    let limit = u64::try_from(Limits::default().wasm_bytes).unwrap_or(u64::MAX);
    if metadata.len() > limit {
        return Err(fail(format!(
            "{} bytes are more than the {limit} allowed",
            metadata.len()
        ))
        .into());
    }
    Ok(fs::read(file).map_err(|why| fail(why.to_string()))?)
}
