//! A policy in Rust: cargo for WebAssembly, then `wit_component`.
//!
//! What the component may import is not checked here.

use crate::built::Built;
use crate::toolchain::Toolchain;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

/// Builds the policy in a folder, which is a package of cargo's.
///
/// # Errors
/// One line that names the folder and what is wrong; the compiler's own messages have gone to stderr by then.
pub fn build(folder: &Path, toolchain: &Toolchain) -> Result<Built, String> {
    let started = Instant::now();
    let fail = |why: String| format!("{}: {why}", folder.display());
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(fail("no policy here (Cargo.toml is missing)".to_owned()));
    }
    let manifest = manifest.canonicalize().map_err(|why| fail(why.to_string()))?;
    let (package, module) = compile(&manifest, toolchain).map_err(fail)?;
    let module = fs::read(&module).map_err(|why| fail(format!("{}: {why}", module.display())))?;
    let bytes = componentize(&module).map_err(fail)?;
    Ok(Built {
        package,
        bytes,
        took: started.elapsed(),
        tool: format!("Rust, {}", toolchain.name()),
    })
}

/// Name of the package, and the core module that cargo made of it.
fn compile(manifest: &Path, toolchain: &Toolchain) -> Result<(String, PathBuf), String> {
    let mut cargo = toolchain
        .cargo_build(manifest)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("cargo cannot be started: {why}"))?;
    let mut messages = String::new();
    if let Some(mut stdout) = cargo.stdout.take() {
        stdout
            .read_to_string(&mut messages)
            .map_err(|why| format!("cargo's messages: {why}"))?;
    }
    let ended = cargo.wait().map_err(|why| format!("cargo: {why}"))?;
    if !ended.success() {
        return Err("does not compile (see above)".to_owned());
    }
    messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find_map(|message| artifact(&message, manifest))
        .ok_or_else(|| {
            "makes no WebAssembly module: set `crate-type = [\"cdylib\", \"rlib\"]` in [lib]".to_owned()
        })
}

fn artifact(message: &serde_json::Value, manifest: &Path) -> Option<(String, PathBuf)> {
    if message["reason"] != "compiler-artifact" || Path::new(message["manifest_path"].as_str()?) != manifest {
        return None;
    }
    let files = message["filenames"]
        .as_array()?
        .iter()
        .filter_map(|file| file.as_str());
    let module = files
        .map(PathBuf::from)
        .find(|file| file.extension().is_some_and(|e| e == "wasm"))?;
    let package = manifest_name(message["package_id"].as_str()?)?;
    Some((package, module))
}

/// `path+file:///x/fargate-or-ec2#0.1.0` or `path+file:///x/y#fargate-or-ec2@0.1.0`.
fn manifest_name(package_id: &str) -> Option<String> {
    let (path, spec) = package_id.rsplit_once('#')?;
    let name = spec
        .split_once('@')
        .map_or_else(|| path.rsplit('/').next(), |(name, _)| Some(name));
    name.map(str::to_owned)
}

fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(wit_component::ComponentEncoder::encode)
        .map_err(|why| format!("is no policy (does it call an export_…! macro of the SDK?): {why:#}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn package_names_in_both_forms() {
        for (id, name) in [
            ("path+file:///x/fargate-or-ec2#0.1.0", Some("fargate-or-ec2")),
            ("path+file:///x/y#my-policy@0.1.0", Some("my-policy")),
            ("nonsense", None),
        ] {
            assert_eq!(super::manifest_name(id).as_deref(), name);
        }
    }
}
