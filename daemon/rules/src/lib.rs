//! Policies of one-line rules, for those who need no program: text in, a native `decide::Policy` out.
//!
//! `placement: forbid fargate when class.memory_mib > 16384` is a whole policy. Everything that can be settled before
//! a row is seen is settled at load: names, kinds, keys, the configuration. What is left is a bounded walk over rows,
//! counted and not timed, in numbers without rounding: the same View gives the same answer and the same count.
//!
//! What this room deliberately does not do: read files, remember anything from cycle to cycle, call the world.

mod answer;
mod compile;
mod error;
mod expression;
mod number;
mod rule;
mod text;
mod value;
mod words;

use compile::{Column, Shared};
use decide::policy::Advised;
use decide::{Policy, View};
use model::advice::Hook;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

pub use error::RulesError;
use error::nearest;
use rule::Rule;

/// Most rules of a text.
const RULES: u16 = 256;

/// Rules, ready to be asked.
#[derive(Debug)]
pub struct RulePolicy {
    rules: Vec<Rule>,
    columns: Vec<Column>,
    hooks: Vec<Hook>,
    text: String,
    digest: String,
}

/// Reads the rules of a text, with the operator's configuration: a JSON object, empty for `{}`.
///
/// # Errors
/// The first place that is wrong, what was expected there, and the nearest word.
pub fn read(text: &[u8], config_json: &str) -> Result<RulePolicy, RulesError> {
    let lines = text::lines(text)?;
    let mut shared = Shared {
        config: configuration(config_json)?,
        columns: Vec::new(),
        asked: BTreeSet::new(),
    };
    let mut rules = Vec::new();
    for (number, line) in (1..).zip(&lines) {
        if number > RULES {
            return Err(line.error(format_args!("more than {RULES} rules")));
        }
        rules.push(rule::rule(*line, number, &mut shared)?);
    }
    let unread = shared.config.keys().find(|name| !shared.asked.contains(*name));
    if let Some(name) = unread {
        let near = nearest(name, shared.asked.iter().map(String::as_str));
        return Err(nowhere(format!("no rule asks for config.{name}{near}")));
    }
    if rules.is_empty() {
        return Err(nowhere(
            "no rule stands here, as in placement: forbid fargate when class.memory_mib > 16384".to_owned(),
        ));
    }
    let normal = lines
        .iter()
        .fold(String::new(), |text, line| text + line.text + "\n");
    let hooks = Hook::ALL
        .into_iter()
        .filter(|hook| rules.iter().any(|rule| rule.hook == *hook));
    Ok(RulePolicy {
        hooks: hooks.collect(),
        digest: sha256(normal.as_bytes()),
        rules,
        columns: shared.columns,
        text: normal,
    })
}

/// Whether a file holds rules, by its name: it ends in `.rules`.
pub fn is_rules(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "rules")
}

impl RulePolicy {
    /// SHA-256 of the text without comments and empty lines, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text that the digest is of. It reads as the same policy.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many rules there are.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// What each rule is called, in order: its number, hook and label.
    pub fn labels(&self) -> impl Iterator<Item = (u16, Hook, &str)> {
        self.rules
            .iter()
            .map(|rule| (rule.number, rule.hook, rule.label.as_str()))
    }
}

/// Operations that rules may spend on a View; what one spent is `Advised::fuel`.
pub fn budget(view: &View<'_>) -> u64 {
    answer::budget(view)
}

impl Policy for RulePolicy {
    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn advise(&self, view: &View<'_>, _: &[u8]) -> Advised {
        answer::advised(&self.rules, &self.columns, view)
    }
}

fn configuration(json: &str) -> Result<Map<String, Value>, RulesError> {
    if json.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(json) {
        Ok(Value::Object(config)) => Ok(config),
        Ok(_) => Err(nowhere("the configuration is not a JSON object".to_owned())),
        Err(why) => Err(nowhere(format!("the configuration is not JSON: {why}"))),
    }
}

fn nowhere(what: String) -> RulesError {
    RulesError {
        line: 1,
        column: 1,
        what,
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
