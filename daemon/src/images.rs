//! Follows the policies of a configuration that come from registries, and waits a moment for the first answers.
//!
//! What it keeps are files, which `policies` watches like any other.

use crate::config::Images;
use anyhow::Context;
use host::Limits;
use registry::{Followers, Options, PATIENCE, Standing, Trust, Wanted};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// A start is held up by registries for no longer than this: what was kept, or the built-in defaults, will do.
const FIRST_ANSWERS: Duration = Duration::from_secs(10);

/// Begins to follow; `None` where nothing comes from a registry. When this returns, everything in the folder is trusted.
pub(crate) fn follow(images: &Images, limits: &Limits) -> anyhow::Result<Option<Followers>> {
    if images.followed.is_empty() {
        return Ok(None);
    }
    let mut wanted = Vec::new();
    for image in &images.followed {
        let trust = if image.keys.is_empty() {
            Trust::Unsigned
        } else {
            Trust::Keys {
                files: image.keys.clone(),
                revoked: image.revoked.clone(),
            }
        };
        wanted.push(Wanted {
            name: image.name.to_string(),
            reference: image.reference.parse()?,
            trust,
        });
    }
    let allowed = limits.clone();
    let options = Options {
        folder: images.folder.clone(),
        every: Duration::from_millis(u64::try_from(images.every.millis()).unwrap_or(60_000)),
        most: u64::try_from(limits.wasm_bytes).unwrap_or(u64::MAX),
        plain_http: images.plain_http,
        patience: PATIENCE,
        seed: seed(&wanted),
        check: Arc::new(move |bytes| {
            host::inspect(bytes, &allowed)
                .map(drop)
                .map_err(|why| why.to_string())
        }),
    };
    let followers = Followers::start(wanted, &options).context("registry")?;
    followers.settle(FIRST_ANSWERS);
    Ok(Some(followers))
}

/// What is wrong with a policy's registry, in one line without its name.
pub(crate) fn trouble(standing: &Standing) -> Option<String> {
    let fault = standing.trouble.as_ref()?;
    let kept = match &standing.digest {
        Some(digest) => format!("; {digest} stays"),
        None => String::new(),
    };
    Some(format!("{}: {fault}{kept}", standing.reference))
}

/// For the jitter: other daemons ask at other moments.
fn seed(wanted: &[Wanted]) -> u64 {
    let mut digest = Sha256::new();
    digest.update(std::env::var("HOSTNAME").unwrap_or_default());
    for wanted in wanted {
        digest.update(wanted.reference.to_string());
    }
    let bytes = digest.finalize();
    let first = bytes.first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(first)
}
