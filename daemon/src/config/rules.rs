//! Rules that stand in the configuration itself: `policies[].rule`. What is wrong with them is a mistake of the
//! configuration, said before anything runs.

use manifest::At;
use std::path::PathBuf;

/// The rules of a policy, where it has them in place of a file.
pub(super) fn text(policy: At<'_, '_>, config_json: &str) -> Option<String> {
    let rule = policy.get("rule");
    if !rule.is_there() {
        return None;
    }
    if policy.get("file").is_there() {
        rule.problem("stands here, and file names one: one of the two");
    }
    let text = rule.name().unwrap_or_default().to_owned();
    if !text.is_empty()
        && let Err(why) = rules::read(text.as_bytes(), config_json)
    {
        rule.problem(&why);
    }
    Some(text)
}

/// What such a policy is called where others have a file.
pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("{name}.rules"))
}
