//! Finds a Rust toolchain that compiles for wasm32-unknown-unknown, and runs cargo with it.
//!
//! Two ways: the toolchain in PATH has the target, or Debian's second toolchain (rustc-web, cargo-web, rust-web-src) is
//! installed, which builds the standard library from source. Installs nothing; says what to install.

use crate::cache::cache;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_BIN: &str = "/usr/bin";
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
/// What a cargo that runs us would pass down; it would mix two compilers or two builds.
const NOT_INHERITED: [&str; 12] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_BACKTRACE",
];

/// A stack of 128 KiB instead of rustc's 1 MiB. It lies below everything else: what a policy touches then fits into the
/// memory that the host keeps ready for it, which saves page faults in every call (20 µs).
const STACK: &str = "-Clink-arg=-zstack-size=131072";

/// A way to compile for WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain in PATH.
    Native,
    /// Debian's second toolchain.
    DebianWeb {
        /// A `wasm-ld` or `rust-lld`: a path, or a name to be found in PATH.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The first way that works here. `PLIMSOLL_WASM=debian-web` skips the toolchain in PATH.
    ///
    /// # Errors
    /// Lines that say what to install.
    pub fn find() -> Result<Self, String> {
        let sysroot = sysroot();
        let debian_wanted = env::var_os("PLIMSOLL_WASM").is_some_and(|way| way == "debian-web");
        let lib = |root: &PathBuf| root.join("lib/rustlib").join(TARGET).join("lib");
        if !debian_wanted && sysroot.as_ref().is_some_and(|root| lib(root).is_dir()) {
            return Ok(Self::Native);
        }
        if Path::new(DEBIAN_STD).is_file() && Path::new(DEBIAN_BIN).join("cargo").is_file() {
            // Debian's lld is an old one; prefer the linker of the toolchain in PATH.
            let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
            let ours = sysroot.map(|root| root.join("lib/rustlib").join(host).join("bin/rust-lld"));
            let linker = ours
                .filter(|lld| lld.is_file())
                .unwrap_or_else(|| "wasm-ld".into());
            return Ok(Self::DebianWeb { linker });
        }
        Err(format!(
            "no Rust toolchain for {TARGET} on this machine; install one:\n  \
             rustup target add {TARGET}\n  \
             or, on Debian where rustup cannot reach its server: apt-get install rustc-web cargo-web rust-web-src lld"
        ))
    }

    /// As the output names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::DebianWeb { .. } => "debian-web",
        }
    }

    /// `cargo build` of one package as a small, fast, aborting release; its messages as JSON on stdout. Everything is
    /// built in one folder of the cache, so that what several policies share is compiled once.
    pub(crate) fn cargo_build(&self, manifest: &Path) -> Result<Command, String> {
        let cache = cache()?.join("wasm");
        let mut cargo = Command::new("cargo");
        for name in NOT_INHERITED {
            cargo.env_remove(name);
        }
        cargo.args(["build", "--release", "--target", TARGET, "--message-format"]);
        cargo
            .arg("json-render-diagnostics")
            .arg("--manifest-path")
            .arg(manifest);
        for (setting, value) in [
            ("LTO", "true"),
            ("CODEGEN_UNITS", "1"),
            ("PANIC", "abort"),
            ("STRIP", "debuginfo"),
        ] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", STACK);
        cargo.env("CARGO_TARGET_DIR", cache.join(format!("target-{}", self.name())));
        if let Self::DebianWeb { linker } = self {
            let bin = debian_links(&cache)?;
            let path = env::var_os("PATH").unwrap_or_default();
            let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path)));
            cargo.env("PATH", path.map_err(|why| format!("PATH: {why}"))?);
            // Its own: the two cargos differ in version.
            cargo.env("CARGO_HOME", cache.join("cargo-home"));
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            cargo.arg("-Zbuild-std=std,panic_abort");
            // Found through the new PATH, which `Command` does not search.
            let program = cache.join("bin/cargo");
            let mut debian = Command::new(program);
            debian.args(cargo.get_args());
            for (name, value) in cargo.get_envs() {
                match value {
                    Some(value) => debian.env(name, value),
                    None => debian.env_remove(name),
                };
            }
            return Ok(debian);
        }
        Ok(cargo)
    }
}

fn sysroot() -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    for name in NOT_INHERITED {
        rustc.env_remove(name);
    }
    let output = rustc
        .args(["--print", "sysroot"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim())
        .filter(|root| !root.is_empty())
        .map(PathBuf::from)
}

/// Links to Debian's tools: /usr/bin itself cannot be put first in PATH without hiding other tools.
fn debian_links(cache: &Path) -> Result<PathBuf, String> {
    let bin = cache.join("bin");
    let failed = |why: std::io::Error| format!("{}: {why}", bin.display());
    fs::create_dir_all(&bin).map_err(failed)?;
    for tool in ["cargo", "rustc", "rustdoc"] {
        let link = bin.join(tool);
        if !link.exists() {
            match std::os::unix::fs::symlink(Path::new(DEBIAN_BIN).join(tool), &link) {
                Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(why)),
                _ => {}
            }
        }
    }
    Ok(bin)
}
