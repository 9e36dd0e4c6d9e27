//! The committed code is what the .proto files generate. `BLESS=1 cargo test -p plimsoll-proto` rewrites it.
//!
//! Generating in a test instead of a build script keeps protobuf compilers out of every build.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FILES: [&str; 6] = [
    "plimsoll/v1/control.proto",
    "plimsoll/v1/explain.proto",
    "plimsoll/v1/planner.proto",
    "plimsoll/v1/policies.proto",
    "plimsoll/v1/query.proto",
    "plimsoll/v1/types.proto",
];

#[test]
fn committed_code_is_what_the_proto_files_generate() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    generate(room, out.path()).unwrap();
    let committed = room.join("src/generated");
    for name in ["plimsoll.v1.rs", "plimsoll.v1.bin"] {
        let fresh = fs::read(out.path().join(name)).unwrap();
        if env::var_os("BLESS").is_some() {
            fs::write(committed.join(name), &fresh).unwrap();
        }
        let stands = fs::read(committed.join(name)).unwrap_or_default();
        assert!(
            fresh == stands,
            "proto/src/generated/{name} is not what proto/plimsoll/v1 generates: run BLESS=1 cargo test -p plimsoll-proto"
        );
    }
}

#[test]
fn every_proto_file_is_generated_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plimsoll/v1");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("plimsoll/v1/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}

fn generate(room: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new([room])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(FILES.map(PathBuf::from))?;
    tonic_prost_build::configure()
        .btree_map(".")
        // `-o json` of the command line prints messages as they are, with enums by name.
        .type_attribute(".", "#[derive(::serde::Serialize)]")
        .field_attribute(".plimsoll.v1.Verdict.kind", serialised("verdict_kind"))
        .field_attribute(".plimsoll.v1.Summary.mode", serialised("mode"))
        .field_attribute(".plimsoll.v1.Group.mode", serialised("mode"))
        .field_attribute(".plimsoll.v1.Workload.mode", serialised("mode"))
        .field_attribute(".plimsoll.v1.SetModeRequest.mode", serialised("mode"))
        .field_attribute(".plimsoll.v1.ControlState.mode", serialised("mode"))
        .field_attribute(".plimsoll.v1.ScopedMode.mode", serialised("mode"))
        .out_dir(out)
        .emit_rerun_if_changed(false)
        .compile_fds(compiler.file_descriptor_set())?;
    // Reflection needs the descriptors, not the comments.
    compiler.include_source_info(false);
    fs::write(out.join("plimsoll.v1.bin"), compiler.encode_file_descriptor_set())?;
    Ok(())
}

fn serialised(with: &str) -> String {
    format!("#[serde(serialize_with = \"crate::names::{with}\")]")
}
