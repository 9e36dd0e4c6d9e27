//! Policies in other languages than Rust, as their `policy.yaml` says.
//!
//! A language's module knows its compiler: finds it, says what to install where it is missing, and makes a core module
//! or a component. Installs nothing into the policy's folder.

mod assemblyscript;
mod c;
mod compiler;
mod go;
mod js;
mod python;
mod sources;
mod zig;

use crate::built::Built;
use crate::manifest::{Language, MANIFEST, Manifest};
use crate::world::World;
use sources::{Made, Sources};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Builds the policy in a folder, which has a `policy.yaml`.
///
/// # Errors
/// Lines that name the folder and what is wrong, or what to install.
pub(crate) fn build(folder: &Path) -> Result<Built, String> {
    let started = Instant::now();
    let fail = |why: String| format!("{}: {why}", folder.display());
    let manifest = Manifest::read(folder).map_err(fail)?;
    let (bytes, tool) = component(folder, &manifest).map_err(fail)?;
    Ok(Built {
        package: manifest.name,
        bytes,
        took: started.elapsed(),
        tool,
    })
}

/// The component, and what made it.
fn component(folder: &Path, manifest: &Manifest) -> Result<(Vec<u8>, String), String> {
    let (folder, sdk) = folders(folder, manifest)?;
    let room = tempfile::tempdir().map_err(|why| why.to_string())?;
    let world = World::of(&manifest.hooks, &room.path().join("wit"))?;
    let sources = Sources {
        folder: &folder,
        sdk: &sdk,
        world: &world,
        room: room.path(),
    };
    let (made, tool) = match manifest.language {
        Language::AssemblyScript => assemblyscript::build(&sources),
        Language::C => c::build(&sources),
        Language::Go => go::build(&sources),
        Language::Js => js::build(&sources),
        Language::Python => python::build(&sources),
        Language::Zig => zig::build(&sources),
    }?;
    let bytes = match made {
        Made::Component(bytes) => bytes,
        Made::Core { module, adapter } => world.componentize(module, adapter.as_deref())?,
    };
    Ok((bytes, tool))
}

fn folders(folder: &Path, manifest: &Manifest) -> Result<(PathBuf, PathBuf), String> {
    let sdk = folder.join(&manifest.sdk);
    let whole = |path: &Path| {
        path.canonicalize()
            .map_err(|why| format!("{}: {why}", path.display()))
    };
    let sdk = whole(&sdk).map_err(|why| format!("{MANIFEST}: sdk: {why}"))?;
    Ok((whole(folder)?, sdk))
}
