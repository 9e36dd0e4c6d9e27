//! `plimsoll policy`: make, build, check and test policies. What a policy is allowed to be is `host`'s to say.

mod build;
mod check;
mod new;
mod toolchain;

use crate::exit::{Exit, Unreadable};
use crate::output::{OutputArgs, line};
use clap::{Subcommand, ValueEnum};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Arguments of `policy`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a folder with a first policy, its tests and everything it needs to build.
    New {
        /// Name of the policy and its folder: small letters, digits and hyphens.
        name: String,
        /// The question it answers.
        #[arg(long, value_enum)]
        hook: HookArg,
        /// Where the folder is made.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
    /// Build folders into WebAssembly components.
    Build {
        /// The policies' folders.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// The component's file, for one folder; default: `<folder>/<package>.wasm`.
        #[arg(short, long, conflicts_with = "out_dir", value_name = "FILE.wasm")]
        out: Option<PathBuf>,
        /// Folder for the components, each `<package>.wasm`.
        #[arg(long, value_name = "DIR")]
        out_dir: Option<PathBuf>,
    },
    /// Check a policy: imports, exports, limits, and the same answer with the same fuel twice over.
    Check {
        /// Its folder, or a component.
        policy: PathBuf,
        /// Configuration, JSON; default: `config.json` beside it, else `{}`.
        #[arg(long, value_name = "FILE.json")]
        config: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Run a policy's own tests, build it and check it.
    Test {
        /// Its folder.
        folder: PathBuf,
        /// Configuration for the check, as in `check`.
        #[arg(long, value_name = "FILE.json")]
        config: Option<PathBuf>,
    },
}

/// Hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookArg {
    /// How many replicas each workload needs.
    Scaler,
    /// What places cost: factors, bans, addends.
    Placement,
    /// How much room to keep free.
    Headroom,
    /// Which nodes may be given up: denials, addends.
    Disruption,
    /// Which steps of the finished plan wait.
    Review,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args.what {
        What::New { name, hook, dir } => new::run(&name, hook, &dir),
        What::Build {
            folders,
            out,
            out_dir,
        } => build_all(&folders, out.as_deref(), out_dir.as_deref()),
        What::Check {
            policy,
            config,
            output,
        } => check::run(&policy, config.as_deref(), output.output),
        What::Test { folder, config } => test(&folder, config.as_deref()),
    }
}

fn build_all(folders: &[PathBuf], out: Option<&Path>, out_dir: Option<&Path>) -> anyhow::Result<Exit> {
    if out.is_some() && folders.len() > 1 {
        return Err(
            Unreadable::new("--out names one file, but several folders are given: use --out-dir").into(),
        );
    }
    let toolchain = toolchain::Toolchain::find().map_err(Unreadable::new)?;
    for folder in folders {
        let built = build::build(folder, &toolchain).map_err(Unreadable::new)?;
        let file = match (out, out_dir) {
            (Some(file), _) => file.to_owned(),
            (None, Some(dir)) => dir.join(format!("{}.wasm", built.package)),
            (None, None) => folder.join(format!("{}.wasm", built.package)),
        };
        let inspection = host::inspect(&built.bytes, &host::Limits::default())
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", folder.display())))?;
        write(&file, &built.bytes)
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
        line(format_args!(
            "{}: {} KiB in {:.1} s ({}); imports {}; exports {}",
            file.display(),
            built.bytes.len().div_ceil(1024),
            built.took.as_secs_f64(),
            toolchain.name(),
            listed(&inspection.imports),
            listed(&inspection.exports),
        ))?;
    }
    Ok(Exit::Done)
}

fn test(folder: &Path, config: Option<&Path>) -> anyhow::Result<Exit> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Unreadable::new(format_args!(
            "{}: no policy here (Cargo.toml is missing)",
            folder.display()
        ))
        .into());
    }
    let tests = Command::new("cargo")
        .args(["test", "--manifest-path"])
        .arg(&manifest)
        .status();
    let tests = tests.map_err(|why| Unreadable::new(format_args!("cargo cannot be started: {why}")))?;
    if !tests.success() {
        line(format_args!("{}: its tests fail", folder.display()))?;
        return Ok(Exit::No);
    }
    check::run(folder, config, crate::output::Format::Table)
}

/// Writes a component as a whole: a daemon that watches the file never sees half of it.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    // A temporary file is the maker's alone; a component is read by a daemon under another user.
    new.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    new.persist(file).map_err(|why| why.error)?;
    Ok(())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
