//! Following references: asks for the digest, verifies who signed it, fetches it, and replaces the file that a Shelf watches.
//! Whatever goes wrong is told, and the last good file stays: an outage of the registry stops nothing, at a restart either.
//!
//! Not here: compiling and running what was fetched, and in which mode (`host`).

use crate::backoff;
use crate::cache::{Cache, Kept};
use crate::error::Fault;
use crate::keys::KeySet;
use crate::reference::{Digest, Reference};
use crate::signature::{self, Signature};
use crate::wire::Client;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A policy that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, which its file has, too.
    pub name: String,
    /// A tag, which is followed, or a digest, which is fetched once.
    pub reference: Reference,
    /// Whose policies are taken.
    pub trust: Trust,
}

/// Whose policies are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that one of these keys signed. The files are read in every round.
    Keys {
        /// Public keys: PEM files, or folders of them.
        files: Vec<PathBuf>,
        /// Fingerprints or keys that count no longer, and digests of manifests that are not taken, whoever signed them.
        revoked: Option<PathBuf>,
    },
    /// Anybody's who may write to the registry.
    Unsigned,
}

/// What the caller says to a component that was fetched, before it is kept; what is wrong is one line.
pub type Check = Arc<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

/// How policies are followed.
#[derive(Clone)]
pub struct Options {
    /// Folder of last good policies.
    pub folder: PathBuf,
    /// From one question to the next.
    pub every: Duration,
    /// Components larger than this are not fetched, bytes.
    pub most: u64,
    /// Without TLS, also beyond this machine.
    pub plain_http: bool,
    /// No answer is waited for longer than this (`PATIENCE`).
    pub patience: Duration,
    /// For the jitter.
    pub seed: u64,
    /// See `Check`.
    pub check: Check,
}

/// How a followed policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// What is followed.
    pub reference: Reference,
    /// Digest of the manifest whose component is kept; `None` before the first.
    pub digest: Option<Digest>,
    /// Fingerprint of the key that vouches for it; `None` where unsigned ones are taken.
    pub signer: Option<Digest>,
    /// What went wrong in the last round; what is kept stays.
    pub trouble: Option<Fault>,
    /// Rounds so far.
    pub rounds: u64,
}

/// Which components of a policy were verified, the one before included: whoever loads a file of the folder asks here, and
/// files that were changed since are not loaded, also while the daemon runs.
#[derive(Clone, Debug, Default)]
pub struct Verified(Arc<Mutex<Vec<Digest>>>);

impl Verified {
    /// Whether a component was, by its SHA-256, hexadecimal.
    pub fn has(&self, hex: &str) -> bool {
        let digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        digests.iter().any(|digest| digest.hex() == hex)
    }

    /// One that is; the one in force and the one before it stay beside it.
    fn add(&self, kept: &Kept) {
        let mut digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = kept.component() {
            digests.retain(|digest| *digest != component);
            digests.insert(0, component);
            digests.truncate(3);
        }
    }
}

/// Follows one policy, a round at a time.
pub struct Follower {
    wanted: Wanted,
    options: Options,
    client: Arc<Client>,
    cache: Cache,
    kept: Option<Kept>,
    verified: Verified,
    failures: u32,
    standing: Standing,
}

impl Follower {
    /// Takes up what an earlier run has kept, where it is whole and still trusted; else sets it aside. A folder that cannot be
    /// used is trouble of this policy, which is tried again in every round, and stops nothing else.
    pub fn open(wanted: Wanted, options: Options, client: Arc<Client>) -> Result<Self, Fault> {
        named(&wanted.name)?;
        let cache = Cache::at(&options.folder);
        let standing = Standing {
            name: wanted.name.clone(),
            reference: wanted.reference.clone(),
            digest: None,
            signer: None,
            trouble: None,
            rounds: 0,
        };
        let mut follower = Self {
            wanted,
            options,
            client,
            cache,
            kept: None,
            verified: Verified::default(),
            failures: 0,
            standing,
        };
        let begun = follower.begin();
        follower.trouble(begun.err());
        Ok(follower)
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.cache.open()?;
        // First: what is set aside below is no less lost for a loss here.
        let before = self.vet_before();
        match self.recall() {
            Ok(Some((kept, signer))) => self.take(kept, signer),
            Ok(None) => {}
            Err(fault) => {
                // Where it cannot be, it is not loaded either: nobody has verified it.
                if let Err(why) = self.cache.set_aside(&self.wanted.name) {
                    tracing::warn!(policy = %self.wanted.name, %why, "what is not trusted cannot be set aside");
                }
                return Err(fault);
            }
        }
        before
    }

    /// What of it was verified: to be asked before a file of the folder is loaded.
    pub fn verified(&self) -> Verified {
        self.verified.clone()
    }

    /// The file that a Shelf has to watch.
    pub fn file(&self) -> PathBuf {
        self.cache.file(&self.wanted.name)
    }

    /// How it stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// One round. Gives how long to wait for the next.
    pub async fn look(&mut self) -> Duration {
        let done = self.round().await;
        self.standing.rounds += 1;
        let mut asked = None;
        match &done {
            Ok(()) => self.failures = 0,
            Err(Fault::Busy { after, .. }) => {
                asked = *after;
                self.failures = self.failures.saturating_add(1);
            }
            // The registry does as it should; the answer may be another one as soon as somebody signs or mends.
            Err(
                Fault::Unsigned { .. }
                | Fault::Untrusted { .. }
                | Fault::Barred { .. }
                | Fault::Unfit { .. }
                | Fault::Key { .. },
            ) => {
                self.failures = 0;
            }
            Err(_) => self.failures = self.failures.saturating_add(1),
        }
        self.trouble(done.err());
        let dice = backoff::dice(self.options.seed, self.standing.rounds);
        backoff::wait(self.options.every, self.failures, asked, dice)
    }

    async fn round(&mut self) -> Result<(), Fault> {
        self.cache.open()?;
        // What was set aside because a key could not be read may be good by now.
        if self.kept.is_none()
            && let Ok(Some((kept, signer))) = self.recall()
        {
            self.take(kept, signer);
        }
        let keys = self.keys()?;
        let wanted = &self.wanted.reference;
        let digest = self.client.digest(wanted).await?;
        if let Some(kept) = &self.kept
            && kept.digest == digest
            && let Ok((_, signer)) = vouched(keys.as_ref(), &kept.signatures, &digest)
        {
            self.standing.signer = signer;
            if self.cache.is_whole(&self.wanted.name, kept, self.options.most) {
                return Ok(());
            }
            tracing::warn!(policy = %self.wanted.name, %digest, "what was kept is damaged or gone; it is fetched again");
        }
        // Also where the same digest needs another signature, as when keys are changed.
        let signatures = match &keys {
            Some(_) => self.client.signatures(wanted, &digest).await?,
            None => Vec::new(),
        };
        let (good, signer) = vouched(keys.as_ref(), &signatures, &digest)?;
        let fetched = self.client.policy(wanted, &digest, self.options.most).await?;
        (self.options.check)(&fetched.component).map_err(|why| Fault::Unfit {
            digest: digest.clone(),
            why,
        })?;
        let kept = Kept::of(wanted, &fetched, good)?;
        // Before the file is there: whoever watches it may look at once.
        self.verified.add(&kept);
        self.cache.keep(
            &self.wanted.name,
            kept.clone(),
            &fetched.component,
            self.options.most,
        )?;
        tracing::info!(policy = %self.wanted.name, %digest, "policy fetched");
        self.take(kept, signer);
        Ok(())
    }

    /// What an earlier run has kept, and whose it is; brought back where it was set aside.
    fn recall(&self) -> Result<Option<(Kept, Option<Digest>)>, Fault> {
        let Some(kept) = self.cache.read(&self.wanted.name, self.options.most)? else {
            return Ok(None);
        };
        let wanted = &self.wanted.reference;
        let pinned = wanted.digest().is_some_and(|digest| *digest == kept.digest);
        if kept.reference != wanted.to_string() && !pinned {
            return Err(Fault::Cache {
                file: self.file().display().to_string(),
                why: format!("was {}, which is no longer wanted", kept.reference),
            });
        }
        let (_, signer) = vouched(self.keys()?.as_ref(), &kept.signatures, &kept.digest)?;
        self.cache.bring_back(&self.wanted.name)?;
        Ok(Some((kept, signer)))
    }

    /// What lies there as the one before is forgotten where it is damaged, or nobody vouches for it any more.
    fn vet_before(&self) -> Result<(), Fault> {
        let name = &self.wanted.name;
        let vetted = || {
            let Some(kept) = self.cache.read_before(name, self.options.most)? else {
                return Ok(());
            };
            vouched(self.keys()?.as_ref(), &kept.signatures, &kept.digest)?;
            self.verified.add(&kept);
            Ok(())
        };
        let vetted: Result<(), Fault> = vetted();
        if let Err(fault) = &vetted {
            tracing::warn!(policy = %name, %fault, "the one before is forgotten: a roll-back will not find it");
            if let Err(why) = self.cache.drop_before(name) {
                tracing::warn!(policy = %name, %why, "it is not loaded");
            }
        }
        vetted
    }

    fn keys(&self) -> Result<Option<KeySet>, Fault> {
        match &self.wanted.trust {
            Trust::Unsigned => Ok(None),
            Trust::Keys { files, revoked } => KeySet::read(files, revoked.as_deref()).map(Some),
        }
    }

    fn take(&mut self, kept: Kept, signer: Option<Digest>) {
        self.verified.add(&kept);
        self.standing.digest = Some(kept.digest.clone());
        self.standing.signer = signer;
        self.kept = Some(kept);
    }

    fn trouble(&mut self, trouble: Option<Fault>) {
        if self.standing.trouble != trouble
            && let Some(fault) = &trouble
        {
            let kept = self.standing.digest.as_ref().map(ToString::to_string);
            tracing::warn!(policy = %self.wanted.name, %fault, kept, "policy not fetched");
        }
        self.standing.trouble = trouble;
    }
}

/// The one signature that counts, and by which key; nothing of both where none is asked for.
fn vouched(
    keys: Option<&KeySet>,
    signatures: &[Signature],
    digest: &Digest,
) -> Result<(Vec<Signature>, Option<Digest>), Fault> {
    let Some(keys) = keys else {
        return Ok((Vec::new(), None));
    };
    let (ix, signer) = signature::signer(signatures, digest, keys)?;
    Ok((signatures.get(ix).cloned().into_iter().collect(), Some(signer)))
}

/// A name that is a file's in the folder of policies, and no other's.
pub fn named(name: &str) -> Result<(), Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !name.is_empty() && name.len() <= 100 && name.bytes().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    Err(Fault::Cache {
        file: format!("{name:?}"),
        why: "the name of a policy from a registry is letters, digits, hyphens, underscores and dots"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests;
