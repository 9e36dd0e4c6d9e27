//! Keeps the webhook's certificate good: roots in a Secret, all of them trusted by the registration, and a leaf that is
//! changed while it is served.
//!
//! In this order, so that at no moment a certificate is served that the API server does not trust: a new root is kept,
//! then trusted, then, once that has got around, it signs.

use super::authority::{self, Leaf, Lives, Root, Seconds, is_old};
use super::objects::{Objects, Trouble};
use serve::Keys;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// API servers hear of a registration within moments; this is long after.
const GOT_AROUND: Duration = Duration::from_secs(10);
/// Looked at no less often than this: somebody may have taken the trust away.
const LONGEST: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct Keeper {
    objects: Objects,
    names: Vec<String>,
    lives: Lives,
    keys: Keys,
    /// Since when each root has been trusted, as far as this process has seen.
    trusted: BTreeMap<String, Instant>,
    leaf: Option<Leaf>,
}

impl Keeper {
    pub(super) fn new(
        objects: Objects,
        (service, namespace): (&str, &str),
        lives: Lives,
        keys: Keys,
    ) -> Self {
        let names = [".svc", ".svc.cluster.local", ""].map(|end| format!("{service}.{namespace}{end}"));
        Self {
            objects,
            names: names.to_vec(),
            lives,
            keys,
            trusted: BTreeMap::new(),
            leaf: None,
        }
    }

    /// How often [`round`](Self::round) is to be made.
    pub(super) fn rhythm(&self) -> Duration {
        part(self.lives.leaf.min(self.lives.authority), 10).clamp(SHORTEST, LONGEST)
    }

    /// Looks after everything once. An error leaves what is served as it is.
    pub(super) async fn round(&mut self) -> Result<(), Trouble> {
        let now = now();
        let kept = self.objects.roots().await?;
        let (roots, changed) = authority::roots(&kept.roots, now, self.lives)?;
        let bundle = authority::bundle(&roots);
        if changed && !self.objects.keep(&kept, &roots, &bundle).await? {
            // Somebody else was faster: theirs are read in the next round.
            return Ok(());
        }
        let trusted = self.objects.trust(&bundle).await?;
        self.note(&roots, trusted);
        let Some(signer) = self.signer(&roots) else {
            return Ok(());
        };
        let fresh = |leaf: &Leaf| leaf.by == signer.name && !is_old(leaf.begins, leaf.ends, now);
        if !self.leaf.as_ref().is_some_and(fresh) {
            let leaf = authority::leaf(signer, &self.names, now, self.lives)?;
            self.keys.install(&leaf.certificate, &leaf.key)?;
            tracing::info!(
                root = leaf.by,
                seconds = leaf.ends - now,
                "the webhook has a new certificate"
            );
            self.leaf = Some(leaf);
        }
        Ok(())
    }

    fn note(&mut self, roots: &[Root], trusted: bool) {
        self.trusted
            .retain(|name, _| roots.iter().any(|root| root.name == *name));
        if trusted {
            for root in roots {
                self.trusted.entry(root.name.clone()).or_insert_with(Instant::now);
            }
        }
    }

    /// The newest root that everybody trusts by now; where none is, the oldest, which was trusted first.
    fn signer<'r>(&self, roots: &'r [Root]) -> Option<&'r Root> {
        let settled = GOT_AROUND.min(part(self.lives.authority, 20));
        let known = |root: &&Root| {
            self.trusted
                .get(&root.name)
                .is_some_and(|since| since.elapsed() >= settled)
        };
        roots.iter().find(known).or_else(|| roots.last())
    }
}

fn part(seconds: Seconds, of: u32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) / of
}

fn now() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Seconds::try_from(since.as_secs()).unwrap_or(Seconds::MAX)
}
