//! Policies from OCI registries: which reference a policy follows, whose signatures count, where the last good one is kept.
//!
//! Not here: the rest of a policy's entry (`parts`), and following it (`crate::images`).

use super::values;
use manifest::At;
use model::{PolicyName, Span};
use std::path::PathBuf;

/// A registry is asked no more often than this, …
const OFTENEST: Span = Span::from_secs(1);
/// … and no less often than this.
const RAREST: Span = Span::from_secs(86_400);

/// Fields of a policy that comes from a registry.
pub(crate) const FIELDS: [&str; 4] = ["image", "keys", "revoked", "unsigned"];

/// How policies are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Images {
    /// The policies.
    pub(crate) followed: Vec<Image>,
    /// Folder of the last good ones.
    pub(crate) folder: PathBuf,
    /// From one question to the next.
    pub(crate) every: Span,
    /// Without TLS, also beyond this machine.
    pub(crate) plain_http: bool,
}

/// A policy from a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// Its name.
    pub(crate) name: PolicyName,
    /// What is followed: host/namespace/name:tag, or @sha256:….
    pub(crate) reference: String,
    /// Public keys whose signatures count; none: unsigned ones are taken.
    pub(crate) keys: Vec<PathBuf>,
    /// Keys that count no longer.
    pub(crate) revoked: Option<PathBuf>,
}

/// Reads `registry`.
pub(crate) fn images(at: At<'_, '_>) -> Images {
    at.only(&["dir", "every", "plain_http"]);
    let every = values::span(at.get("every"), Span::from_secs(60), OFTENEST);
    if every > RAREST {
        at.get("every")
            .problem(format_args!("{every}: must be at most {RAREST}"));
    }
    Images {
        followed: Vec::new(),
        folder: values::path(at.get("dir")).unwrap_or_default(),
        every,
        plain_http: at.get("plain_http").flag(),
    }
}

impl Images {
    /// The file in which the component before a followed one lies.
    pub(crate) fn before(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.before"))
    }

    /// Reads an entry that names an image. Gives the file in which its component will lie.
    pub(crate) fn follow(&mut self, name: &str, entry: At<'_, '_>) -> PathBuf {
        let at = entry.get("image");
        let reference = at.name().unwrap_or_default();
        if entry.get("file").is_there() {
            at.problem("a policy is either a file or an image");
        }
        if self.folder.as_os_str().is_empty() {
            at.problem("registry.dir is missing: the folder in which the last good ones are kept");
        }
        check(reference, name, entry);
        let unsigned = entry.get("unsigned").flag();
        let keys: Vec<PathBuf> = entry.get("keys").items().filter_map(values::path).collect();
        if keys.is_empty() && !unsigned {
            let what = "is missing: files of the public keys whose signatures count, or `unsigned: true`";
            entry.get("keys").problem(what);
        }
        if unsigned && (!keys.is_empty() || entry.get("revoked").is_there()) {
            entry.get("unsigned").problem("true, but keys are named, too");
        }
        self.followed.push(Image {
            name: PolicyName::new(name),
            reference: reference.to_owned(),
            keys,
            revoked: values::path(entry.get("revoked")),
        });
        self.folder.join(format!("{name}.wasm"))
    }
}

#[cfg(feature = "registry")]
fn check(reference: &str, name: &str, entry: At<'_, '_>) {
    if !reference.is_empty()
        && let Err(why) = reference.parse::<registry::Reference>()
    {
        entry.get("image").problem(why);
    }
    if !name.is_empty()
        && let Err(why) = registry::named(name)
    {
        entry.get("name").problem(why);
    }
}

#[cfg(not(feature = "registry"))]
fn check(_: &str, _: &str, entry: At<'_, '_>) {
    let what = "this build reads files only: build plimsolld with its default features";
    entry.get("image").problem(what);
}
