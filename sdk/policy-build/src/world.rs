//! The world of a policy: the contract and the hooks it answers; and a component out of a core module for it.

use crate::manifest::MANIFEST;
use model::advice::Hook;
use std::fs;
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// The contract with policies: file names of `sdk/wit`, and what is in them.
pub const WIT: [(&str, &str); 3] = [
    ("hooks.wit", include_str!("../../wit/hooks.wit")),
    ("host.wit", include_str!("../../wit/host.wit")),
    ("view.wit", include_str!("../../wit/view.wit")),
];
/// Name of the world.
pub(crate) const WORLD: &str = "policy";
/// The module that C libraries and Go's runtime import from.
const WASI: &str = "wasi_snapshot_preview1";

/// The contract with one world, whose exports are the hooks that a policy answers.
pub(crate) struct World {
    /// The contract with the world, as files, for compilers that read them.
    pub(crate) folder: PathBuf,
    hooks: Vec<Hook>,
    resolve: Resolve,
    id: WorldId,
}

impl World {
    /// Of these hooks; the contract is written into the folder.
    pub(crate) fn of(hooks: &[Hook], folder: &Path) -> Result<Self, String> {
        let fail = |why: std::io::Error| format!("{}: {why}", folder.display());
        fs::create_dir_all(folder).map_err(fail)?;
        let exports: Vec<String> = hooks.iter().map(|hook| format!("    export {hook};\n")).collect();
        let exports = exports.concat();
        let world = format!(
            "package {};\n\nworld {WORLD} {{\n    import view;\n    import host;\n{exports}}}\n",
            package()
        );
        for (name, text) in WIT.into_iter().chain([("world.wit", world.as_str())]) {
            fs::write(folder.join(name), text).map_err(fail)?;
        }
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_dir(folder)
            .map_err(|why| format!("the contract: {why:#}"))?;
        let id = resolve
            .select_world(&[package], Some(WORLD))
            .map_err(|why| format!("the contract: {why:#}"))?;
        Ok(Self {
            folder: folder.to_owned(),
            hooks: hooks.to_vec(),
            resolve,
            id,
        })
    }

    /// A component of a core module that imports and exports by the canonical ABI.
    pub(crate) fn componentize(
        &self,
        mut module: Vec<u8>,
        adapter: Option<&[u8]>,
    ) -> Result<Vec<u8>, String> {
        self.all_named(&module)?;
        let embedded =
            embed_component_metadata(&mut module, &self.resolve, self.id, StringEncoding::UTF8, false);
        embedded.map_err(|why| format!("the compiler's module: {why:#}"))?;
        let mut encoder = ComponentEncoder::default();
        encoder.validate(true);
        encoder.module(&module).map_err(|why| self.is_none(&why))?;
        if let Some(adapter) = adapter {
            encoder.adapter(WASI, adapter).map_err(|why| self.is_none(&why))?;
        }
        encoder.encode().map_err(|why| self.is_none(&why))
    }

    fn is_none(&self, why: &impl std::fmt::Debug) -> String {
        let hooks: Vec<&str> = self.hooks.iter().map(|hook| hook.as_str()).collect();
        format!("is no policy for {}: {why:?}", hooks.join(" and "))
    }

    /// A hook that the sources export and `policy.yaml` does not name would be left out without a word.
    fn all_named(&self, module: &[u8]) -> Result<(), String> {
        for payload in Parser::new(0).parse_all(module) {
            let Ok(Payload::ExportSection(exports)) = payload else {
                continue;
            };
            for name in exports
                .into_iter()
                .filter_map(|export| export.ok().map(|export| export.name))
            {
                let hook = Hook::ALL
                    .into_iter()
                    .find(|hook| name.contains(&format!("/{hook}@")));
                if let Some(hook) = hook.filter(|hook| !self.hooks.contains(hook)) {
                    return Err(format!(
                        "{MANIFEST}: hooks: the sources export {hook}, too: name it"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// `plimsoll:policy@0.2.0`, as the contract has it.
fn package() -> &'static str {
    let first = WIT[0].1.lines().next().unwrap_or_default();
    first.trim_start_matches("package ").trim_end_matches(';')
}

/// `0.2.0`, as the contract has it.
pub(crate) fn version() -> &'static str {
    package().rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_the_hooks_that_are_named() {
        let room = tempfile::tempdir().unwrap();
        let world = World::of(&[Hook::Scaler, Hook::Review], room.path()).unwrap();
        let of = &world.resolve.worlds[world.id];
        assert_eq!((of.exports.len(), of.imports.len() >= 2), (2, true));
        assert!(package().starts_with("plimsoll:policy@"));
        let nothing = wat::parse_str("(module)").unwrap();
        let said = world.componentize(nothing, None).unwrap_err();
        assert!(said.starts_with("is no policy for scaler and review"), "{said}");
        let other = wat::parse_str(format!(
            "(module (func (export \"plimsoll:policy/{}@0.2.0#place\")))",
            Hook::Placement
        ));
        let said = world.componentize(other.unwrap(), None).unwrap_err();
        assert!(said.contains("export placement, too"), "{said}");
    }
}
