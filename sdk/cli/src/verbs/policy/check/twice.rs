//! The same check in a second process: what a policy answers must not depend on where and when it runs. Addresses, hash
//! seeds and the state of allocators differ between processes.

use super::Evaluation;
use std::fs;
use std::process::{Command, Stdio};

/// Says where the second process answered otherwise.
///
/// # Errors
/// Why there was no second answer.
pub(super) fn differences(
    component: &[u8],
    config: &str,
    samples: u32,
    first: &[Evaluation],
) -> Result<Vec<String>, String> {
    let room = tempfile::tempdir().map_err(|why| why.to_string())?;
    let (policy, beside) = (room.path().join("policy.wasm"), room.path().join("given.json"));
    let config = if config.is_empty() { "{}" } else { config };
    for (file, bytes) in [(&policy, component), (&beside, config.as_bytes())] {
        fs::write(file, bytes).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    // Replaced while it runs, as an update does: it is still there by this name.
    let program = Some(program)
        .filter(|program| program.is_file())
        .unwrap_or_else(|| "/proc/self/exe".into());
    let mut second = Command::new(program);
    second.args([
        "policy",
        "check",
        "--alone",
        "-o",
        "json",
        "--samples",
        &samples.to_string(),
    ]);
    second.arg("--config").arg(&beside).arg(&policy);
    let output = second.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.map_err(|why| format!("a second process cannot be started: {why}"))?;
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|_| "the second process said nothing".to_owned())?;
    let rows = report["evaluations"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if rows.len() != first.len() {
        return Ok(vec![format!(
            "{} answers, {} in another process",
            first.len(),
            rows.len()
        )]);
    }
    let other = |(ours, theirs): &(&Evaluation, &serde_json::Value)| {
        theirs["sha256"] != *ours.sha256 || theirs["fuel"] != ours.fuel
    };
    let differing = first.iter().zip(rows).filter(other);
    Ok(differing
        .map(|(ours, _)| {
            format!(
                "{}, {}: another answer or fuel in another process",
                ours.hook, ours.sample
            )
        })
        .collect())
}
