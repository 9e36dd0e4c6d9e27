//! One-line rules as policies of the daemon: files that end in `.rules`, and text in the configuration itself.
//!
//! What they mean is the work of the room `rules`; watching files is `host`'s.

use host::{Kind, Loaded, Source};
use rules::RulePolicy;
use std::path::Path;
use std::sync::Arc;

/// The kind of policy files that hold rules.
pub(crate) struct Rules;

impl Kind for Rules {
    fn takes(&self, file: &Path) -> bool {
        rules::is_rules(file)
    }

    fn load(&self, bytes: &[u8], config_json: &str) -> Result<Loaded, String> {
        let rules = rules::read(bytes, config_json).map_err(|why| why.to_string())?;
        Ok(Loaded {
            digest: rules.digest().to_owned(),
            policy: Arc::new(rules),
        })
    }
}

/// What a log keeps of a policy, out of its file's bytes or the text in its place: of rules the text that their digest
/// is of.
pub(crate) fn component(source: &Source, file: &Path) -> Option<Vec<u8>> {
    let bytes = match &source.text {
        Some(text) => text.clone().into_bytes(),
        None => std::fs::read(file).ok()?,
    };
    if !rules::is_rules(file) {
        return Some(bytes);
    }
    let rules = rules::read(&bytes, &source.config).ok();
    rules
        .as_ref()
        .map(RulePolicy::text)
        .map(|text| text.as_bytes().to_vec())
}
