//! `policy inspect`: what a policy is, without compiling or running any of it.

use super::check::{RuleOf, rules_of};
use super::{listed, subject};
use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, line, plain};
use host::Limits;
use model::advice::Hook;
use policy_build::metadata::Metadata;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What was seen; documented and only ever added to.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    /// As it was given.
    policy: String,
    /// SHA-256 of the component.
    digest: String,
    bytes: usize,
    hooks: Vec<Hook>,
    /// Versions of the contract that it speaks.
    contract: BTreeSet<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    functions: u32,
    largest_function_bytes: usize,
    /// What it says of itself; `None` where it was not built by `policy build`.
    metadata: Option<Metadata>,
    /// The same as registries show it.
    annotations: BTreeMap<&'static str, String>,
    signature: Signature,
}

/// Who vouches for it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    /// Files carry no signature; what a registry holds may.
    UnsignedFile,
}

/// Runs the verb.
pub(super) fn run(policy: &Path, format: Format) -> anyhow::Result<Exit> {
    if rules::is_rules(policy) {
        return run_rules(policy, format);
    }
    let (name, bytes) = subject::component(policy)?;
    let refused = |why: &dyn std::fmt::Display| Unreadable::new(format_args!("{name}: {why}"));
    let seen = host::inspect(&bytes, &Limits::default()).map_err(|why| refused(&why))?;
    let metadata = Metadata::read(&bytes).map_err(|why| refused(&why))?;
    let names = seen.imports.iter().chain(&seen.exports);
    let contract = names.filter_map(|name| Some(name.strip_prefix("plimsoll:policy/")?.split_once('@')?.1));
    let report = Report {
        version: "plimsoll.policy-inspect/v1",
        policy: policy.display().to_string(),
        digest: host::sha256(&bytes),
        bytes: seen.bytes,
        hooks: seen.hooks.iter().map(|(hook, _)| *hook).collect(),
        contract: contract.map(str::to_owned).collect(),
        annotations: metadata.as_ref().map(annotations).unwrap_or_default(),
        imports: seen.imports,
        exports: seen.exports,
        functions: seen.functions,
        largest_function_bytes: seen.largest_function,
        metadata,
        signature: Signature::UnsignedFile,
    };
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => report.show()?,
    }
    Ok(Exit::Done)
}

/// What was seen of rules; documented and only ever added to.
#[derive(Serialize)]
struct RulesReport {
    version: &'static str,
    /// As it was given.
    policy: String,
    /// SHA-256 of the text without comments and empty lines.
    digest: String,
    bytes: usize,
    hooks: Vec<Hook>,
    rules: Vec<RuleOf>,
    signature: Signature,
}

/// Rules are read with their configuration: what they name is looked up in it.
fn run_rules(file: &Path, format: Format) -> anyhow::Result<Exit> {
    let config = subject::config(file, None)?;
    let read = rules::read(&input::read(file)?, &config);
    let read = read.map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
    let report = RulesReport {
        version: "plimsoll.policy-inspect/v1",
        policy: file.display().to_string(),
        digest: read.digest().to_owned(),
        bytes: read.text().len(),
        hooks: decide::Policy::hooks(&read).to_vec(),
        rules: rules_of(&read),
        signature: Signature::UnsignedFile,
    };
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => report.show()?,
    }
    Ok(Exit::Done)
}

impl RulesReport {
    fn show(&self) -> anyhow::Result<()> {
        let hooks: Vec<&str> = self.hooks.iter().map(|hook| hook.as_str()).collect();
        line(format_args!("policy     {}", plain(&self.policy)))?;
        line(format_args!("digest     sha256:{}", self.digest))?;
        line(format_args!(
            "size       {} bytes, {} rules",
            self.bytes,
            self.rules.len()
        ))?;
        line(format_args!("hooks      {}", hooks.join(", ")))?;
        line("imports    nothing: rules are read, not run")?;
        line("signature  none: files carry none\n")?;
        let mut table = output::table(&["rule", "hook", "name"]);
        for rule in &self.rules {
            table.add_row([rule.number.to_string(), rule.hook.to_string(), plain(&rule.label)]);
        }
        line(table)
    }
}

/// The keys that registries know.
fn annotations(said: &Metadata) -> BTreeMap<&'static str, String> {
    let all = [
        ("org.opencontainers.image.title", said.name.clone()),
        ("org.opencontainers.image.version", said.version.clone()),
        ("org.opencontainers.image.description", said.description.clone()),
        ("io.plimsoll.policy.hooks", said.hooks.join(",")),
        ("io.plimsoll.policy.language", said.language.clone()),
        ("io.plimsoll.policy.contract", said.sdk.clone()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

impl Report {
    fn show(&self) -> anyhow::Result<()> {
        let hooks: Vec<&str> = self.hooks.iter().map(|hook| hook.as_str()).collect();
        let contract: Vec<&str> = self.contract.iter().map(String::as_str).collect();
        line(format_args!("policy     {}", plain(&self.policy)))?;
        line(format_args!("digest     sha256:{}", self.digest))?;
        line(format_args!(
            "size       {} KiB, {} functions, largest {} bytes",
            self.bytes.div_ceil(1024),
            self.functions,
            self.largest_function_bytes
        ))?;
        line(format_args!("hooks      {}", hooks.join(", ")))?;
        line(format_args!("contract   plimsoll:policy {}", contract.join(", ")))?;
        line(format_args!("imports    {}", listed(&self.imports)))?;
        line(format_args!("exports    {}", plain(&listed(&self.exports))))?;
        line("signature  none: files carry none")?;
        let Some(said) = &self.metadata else {
            return line("\nIt says nothing of itself: `plimsoll policy build` puts that in.");
        };
        line("\nIt says of itself:")?;
        for (key, value) in &self.annotations {
            line(format_args!("  {key:37} {}", plain(value)))?;
        }
        let Some(schema) = &said.config_schema else {
            return line("\nIt has no schema of its configuration (config.schema.json).");
        };
        line("\nConfiguration:")?;
        let mut table = output::table(&["field", "type", "default", "meaning"]);
        for (field, of) in fields(schema, "") {
            let default = of.get("default").map(Value::to_string).unwrap_or_default();
            let meaning = of["description"].as_str().unwrap_or_default();
            let row = [field, kind(of), default, meaning.to_owned()];
            table.add_row(row.map(|cell| plain(&cell)));
        }
        line(table)
    }
}

/// The fields of a schema and those within them, as one would write their place: `objectives[].metric`.
fn fields<'s>(schema: &'s Value, before: &str) -> Vec<(String, &'s Value)> {
    let mut found = Vec::new();
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        let name = format!("{before}{name}");
        found.push((name.clone(), of));
        found.extend(fields(of, &format!("{name}.")));
        found.extend(fields(&of["items"], &format!("{name}[].")));
    }
    found
}

/// The type of a field, with its range.
fn kind(of: &Value) -> String {
    let name = match (&of["type"], &of["enum"]) {
        (_, Value::Array(words)) => words
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" or "),
        (Value::String(name), _) => name.clone(),
        (Value::Array(names), _) => {
            let names = names.iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    match (of.get("minimum"), of.get("maximum")) {
        (Some(least), Some(most)) => format!("{name} {least} to {most}"),
        (Some(least), None) => format!("{name} from {least}"),
        (None, Some(most)) => format!("{name} up to {most}"),
        (None, None) => name,
    }
}
