//! `metadata` of any object: names, owner, times.

use crate::problem::quoted;
use crate::sheet::At;
use model::time::Instant;

/// What every object carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// `metadata.namespace`; `default` where a namespaced object names none.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`; empty where absent.
    pub uid: String,
    /// `metadata.resourceVersion`; empty where absent.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Instant,
    /// Whether a deletion timestamp is set.
    pub deleting: bool,
}

/// The controller of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// Reads `metadata` of a namespaced object.
pub(crate) fn meta(top: At<'_, '_>) -> Meta {
    let at = top.get("metadata");
    let text = |key| at.get(key).text().unwrap_or_default().to_owned();
    let namespace = at
        .get("namespace")
        .text()
        .filter(|name| !name.is_empty())
        .unwrap_or("default");
    Meta {
        namespace: namespace.to_owned(),
        name: object_name(at.get("name")).unwrap_or_default().to_owned(),
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        generation: at.get("generation").int().unwrap_or(0),
        created: instant(at.get("creationTimestamp")).unwrap_or_default(),
        deleting: at.get("deletionTimestamp").is_there(),
    }
}

/// A name; the API server stores none that is longer.
fn object_name<'t>(at: At<'_, 't>) -> Option<&'t str> {
    const LONGEST: usize = 253;
    let name = at.name()?;
    if name.len() > LONGEST {
        at.problem(format_args!("{}: longer than {LONGEST} characters", quoted(name)));
        return None;
    }
    Some(name)
}

/// An RFC 3339 instant.
pub fn instant(at: At<'_, '_>) -> Option<Instant> {
    let text = at.text()?;
    let parsed = text.parse::<jiff::Timestamp>().ok();
    if parsed.is_none() {
        at.problem(format_args!("{}: not an RFC 3339 time", quoted(text)));
    }
    parsed.map(|time| Instant(time.as_millisecond()))
}

/// The owner reference that says `controller: true`, else the only one there is.
pub(crate) fn controller(top: At<'_, '_>) -> Option<Controller> {
    let references: Vec<At<'_, '_>> = top.at(["metadata", "ownerReferences"]).items().collect();
    let chosen = references.iter().find(|at| at.get("controller").flag());
    let only = references.first().filter(|_| references.len() == 1);
    let chosen = chosen.or(only)?;
    Some(Controller {
        kind: chosen.get("kind").name()?.to_owned(),
        name: chosen.get("name").name()?.to_owned(),
    })
}
