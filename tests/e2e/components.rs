//! Policies as components: the shipped ones, built as `plimsoll policy build` does, and one that never ends.

use plimsoll_tests::{Result, root, skip};
use policy_build::Toolchain;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A folder with one policy in it.
pub(crate) struct Policies {
    dir: TempDir,
    built: Vec<u8>,
}

/// A shipped policy, built; nothing where there is no toolchain for WebAssembly.
pub(crate) fn shipped(name: &str) -> Option<Policies> {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) => {
            skip::skip(name, &why);
            return None;
        }
    };
    let built = policy_build::build_rust(&root().join("plugins").join(name), &toolchain)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(built.package, name, "built in {:?}", built.took);
    let policies = Policies {
        dir: tempfile::tempdir().unwrap_or_else(|why| panic!("{why}")),
        built: built.bytes,
    };
    policies.put_good().unwrap_or_else(|why| panic!("{why}"));
    Some(policies)
}

impl Policies {
    /// The list of policies of a configuration: this one, whose answers count, also those of a later file.
    pub(crate) fn enforced(&self, name: &str) -> Value {
        json!([{"name": name, "file": self.file(), "mode": "enforce", "trust": "always"}])
    }

    /// Puts the shipped component into the file, in one move.
    pub(crate) fn put_good(&self) -> Result<()> {
        self.put(&self.built)
    }

    /// Puts a scaler into the file that never answers.
    pub(crate) fn put_endless(&self) -> Result<()> {
        self.put(&endless()?)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("policy.wasm")
    }

    fn put(&self, bytes: &[u8]) -> Result<()> {
        let beside = self.dir.path().join("policy.wasm.new");
        std::fs::write(&beside, bytes)?;
        Ok(std::fs::rename(beside, self.file())?)
    }
}

/// A scaler policy by the contract whose every answer takes for ever.
fn endless() -> Result<Vec<u8>> {
    let mut module = wat::parse_str(
        r#"(module
          (memory (export "memory") 1)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
          (func (export "plimsoll:policy/scaler@0.2.0#configure") (param i32 i32) (result i32) (i32.const 1024))
          (func (export "plimsoll:policy/scaler@0.2.0#scale") (param i32) (result i32)
            (loop $for-ever (br $for-ever)) (i32.const 1024)))"#,
    )?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("sdk/wit"))?;
    let world = resolve.select_world(&[package], Some("scaler-policy"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()?)
}
