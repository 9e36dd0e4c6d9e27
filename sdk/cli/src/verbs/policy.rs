//! `plimsoll policy`: make, build, check, test and distribute policies. What a policy is allowed to be is `host`'s to say.

mod bench;
mod build;
mod check;
#[cfg(feature = "registry")]
mod distribution;
mod inspect;
mod new;
mod recorded;
mod subject;
mod tables;
mod unhurried;

use crate::exit::{Exit, Unreadable};
use crate::output::{self, OutputArgs, line};
use crate::verbs::remote;
use clap::{Subcommand, ValueEnum};
use model::advice::Hook;
use std::path::PathBuf;
use std::process::Command;
use subject::Subject;

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
        /// What it is written in.
        #[arg(long, value_enum, default_value_t = LanguageArg::Rust)]
        lang: LanguageArg,
        /// The questions it answers: one or several, separated by commas.
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        hook: Vec<HookArg>,
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
    /// Check a policy: imports, exports, limits, odd configurations, its schema, and the same answer with the same fuel
    /// twice over and in a second process.
    Check {
        /// Its folder, a component, or a file of rules.
        policy: PathBuf,
        /// Configuration, JSON; default: `config.json` beside it, else `{}`.
        #[arg(long, value_name = "FILE.json")]
        config: Option<PathBuf>,
        /// So many more made-up pictures, each of more rows.
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1000))]
        samples: u32,
        /// Do not answer once more in a second process.
        #[arg(long, hide = true)]
        alone: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show what a policy is, without running it: hooks, imports, what it says of itself and of its configuration.
    Inspect {
        /// Its folder, a component, or a file of rules.
        policy: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Measure what policies cost on a made-up picture, side by side: time, fuel, memory.
    Bench(bench::Args),
    /// Run a policy's own tests, build it, hold it against its tables and check it; or run it over recorded cycles.
    Test(TestArgs),
    #[command(flatten)]
    Life(remote::PolicyArgs),
    #[cfg(feature = "registry")]
    #[command(flatten)]
    Distribution(distribution::Verb),
}

/// Arguments of `policy test`.
#[derive(clap::Args)]
struct TestArgs {
    /// Its folder, a component, or a file of rules.
    policy: PathBuf,
    /// A table of cases, or a folder of them; default: `tests` beside the policy.
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// Write down what it answers where a case does not say what it should.
    #[arg(long)]
    bless: bool,
    /// Configuration for the check and for `--log`, as in `check`.
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,
    /// Instead of its tests: what it would have changed in the cycles of this log.
    #[arg(long, value_name = "LOGBOOK", conflicts_with_all = ["tables", "bless"])]
    log: Option<PathBuf>,
    /// A page with the plots of `--log`.
    #[arg(long, value_name = "REPORT.html", requires = "log")]
    html: Option<PathBuf>,
    /// How the result of `--log` is printed.
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        requires = "log",
        value_name = "FORMAT"
    )]
    output: Option<output::Format>,
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

impl HookArg {
    const fn hook(self) -> Hook {
        match self {
            Self::Scaler => Hook::Scaler,
            Self::Placement => Hook::Placement,
            Self::Headroom => Hook::Headroom,
            Self::Disruption => Hook::Disruption,
            Self::Review => Hook::Review,
        }
    }
}

/// Languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageArg {
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// JavaScript and TypeScript.
    Js,
    /// Python.
    Python,
    /// AssemblyScript.
    Assemblyscript,
    /// C, without a C library.
    C,
    /// Zig.
    Zig,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args.what {
        What::New {
            name,
            lang,
            hook,
            dir,
        } => new::run(&name, lang, &hook, &dir),
        What::Build {
            folders,
            out,
            out_dir,
        } => build::run(&folders, out.as_deref(), out_dir.as_deref()),
        What::Check {
            policy,
            config,
            samples,
            alone,
            output,
        } => {
            let config = subject::config(&policy, config.as_deref())?;
            check::run(&Subject::open(&policy)?, &config, samples, alone, output.output)
        }
        What::Inspect { policy, output } => inspect::run(&policy, output.output),
        What::Bench(args) => bench::run(&args),
        What::Test(args) => test(&args),
        What::Life(args) => remote::policy(args),
        #[cfg(feature = "registry")]
        What::Distribution(verb) => distribution::run(verb),
    }
}

/// The policy's own tests, where its language has them, then its tables, then the check.
fn test(args: &TestArgs) -> anyhow::Result<Exit> {
    let policy = args.policy.as_path();
    if let Some(log) = &args.log {
        let config = subject::config(policy, args.config.as_deref())?;
        let format = args.output.unwrap_or(output::Format::Table);
        let subject = Subject::open(policy)?;
        return recorded::run(&subject, &config, log, (args.html.as_deref(), format));
    }
    let manifest = policy.join("Cargo.toml");
    if manifest.is_file() {
        let tests = Command::new("cargo")
            .args(["test", "--manifest-path"])
            .arg(&manifest)
            .status();
        let tests = tests.map_err(|why| Unreadable::new(format_args!("cargo cannot be started: {why}")))?;
        if !tests.success() {
            line(format_args!("{}: its tests fail", policy.display()))?;
            return Ok(Exit::No);
        }
    }
    let tables = tables_of(args)?;
    let subject = Subject::open(policy)?;
    if !held(&subject, &tables, args.bless)? {
        return Ok(Exit::No);
    }
    let config = subject::config(policy, args.config.as_deref())?;
    check::run(&subject, &config, 0, false, output::Format::Table)
}

/// The files of tables that a policy is held against.
fn tables_of(args: &TestArgs) -> anyhow::Result<Vec<PathBuf>> {
    let policy = args.policy.as_path();
    let beside = if policy.is_dir() {
        policy.join("tests")
    } else {
        policy.with_file_name("tests")
    };
    match &args.tables {
        Some(given) if given.is_dir() => tables::files(given),
        Some(given) => Ok(vec![given.clone()]),
        None => tables::files(&beside),
    }
}

/// Whether a policy answers as its tables say, which is printed.
fn held(subject: &Subject, tables: &[PathBuf], bless: bool) -> anyhow::Result<bool> {
    let tally = tables::run(subject, tables, bless)?;
    if !tables.is_empty() {
        let blessed = match tally.blessed {
            0 => String::new(),
            blessed => format!(", {blessed} blessed"),
        };
        line(format_args!(
            "{} cases passed, {} failed{blessed}\n",
            tally.passed, tally.failed
        ))?;
    }
    Ok(tally.failed == 0)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
