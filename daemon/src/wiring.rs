//! From a configuration to a running daemon: one file per product, and what they share.

#[cfg(feature = "live")]
mod aimed;
#[cfg(feature = "live")]
mod heartbeat;
#[cfg(feature = "live")]
mod live;
mod shown;
mod simulated;

use crate::aims;
use crate::args::Args;
use crate::compiling;
use crate::config::{Config, LedgerAt, LogbookAt, Provider};
use crate::policies::{Policies, Wanted};
use crate::signals::Signals;
use crate::telemetry;
use cycle::{Desk, FileStore, Loader, MemoryStore, Parts};
use guard::LedgerStore;
use host::Turns;
use machine::MemoryLimit;
use serve::pause_file::{self, PauseFile};
use serve::{Authorise, Serving};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// The daemon failed.
const FAILED: u8 = 3;

/// `--check-config`: says everything that is wrong, policies included.
pub(crate) fn check(args: &Args) -> ExitCode {
    cryptography();
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(refused) => return complain(&refused, USAGE),
    };
    let mut wanted = wanted(&config);
    wanted.kept_nowhere();
    if let Some(warning) = memory_of_compiling(&config) {
        // Not a mistake: the daemon may run on a larger machine.
        say(&format_args!("{}: {warning}", args.config.display()));
    }
    let troubles = match Policies::load(wanted, Turns::default()) {
        Ok(policies) => policies.troubles(),
        Err(error) => vec![format!("{error:#}")],
    };
    if troubles.is_empty() {
        let _ = writeln!(std::io::stdout(), "{}: good", args.config.display());
        return ExitCode::SUCCESS;
    }
    let file = args.config.display();
    let lines: Vec<String> = troubles
        .iter()
        .map(|trouble| format!("{file}: policies: {trouble}"))
        .collect();
    complain(&lines.join("\n"), USAGE)
}

/// Runs the daemon until it is told to end, or until a simulated world has.
pub(crate) fn run(args: &Args) -> ExitCode {
    cryptography();
    let mut config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(refused) => return complain(&refused, USAGE),
    };
    if let Provider::Simulated(world) = &mut config.provider {
        world.keep |= args.keep;
    }
    telemetry::start(&config.log);
    if let Some(warning) = memory_of_compiling(&config) {
        tracing::warn!("{}: {warning}", args.config.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("plimsolld")
        .enable_all()
        .build();
    let turns = Turns::default();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(product(config, &turns));
        // However it ends, in good order: nothing that is being compiled is to blame.
        turns.end();
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format_args!("{error:#}"), FAILED),
    }
}

/// One provider of cryptography for Kubernetes, AWS and gRPC; installing it twice is no harm.
fn cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn product(config: Config, turns: &Turns) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let (ended, theirs) = (signals.clone(), turns.clone());
    tokio::spawn(async move {
        ended.ended().await;
        theirs.end();
    });
    match config.provider.clone() {
        Provider::Simulated(world) => Box::pin(simulated::run(config, world, (signals, turns))).await,
        #[cfg(feature = "live")]
        _ => Box::pin(live::run(config, (signals, turns))).await,
        #[cfg(not(feature = "live"))]
        _ => anyhow::bail!(
            "provider: this build knows simulated worlds only; build plimsolld with its default features"
        ),
    }
}

fn complain(what: &dyn std::fmt::Display, code: u8) -> ExitCode {
    say(what);
    ExitCode::from(code)
}

fn say(what: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "plimsolld: {what}");
}

fn wanted(config: &Config) -> Wanted {
    Wanted {
        sources: config.policies.clone(),
        rules: config.rules.clone(),
        store: config.policies_store.clone(),
        past: true,
        host: config.policy_host.clone(),
        compiling: compiling::compiling(
            &config.policy_host.compiler,
            MemoryLimit::of_this_process().as_ref(),
        ),
        images: config.images.clone(),
    }
}

/// What is wrong with the memory that there is for compiling, by field.
fn memory_of_compiling(config: &Config) -> Option<String> {
    compiling::warning(
        &config.policy_host.compiler,
        MemoryLimit::of_this_process().as_ref(),
    )
}

/// What a pod that waits may take of the memory, with every place that names it: its refusal, its plan's record, what is
/// served of it. In the chart's 512 MiB there is room for 32,768 (`Replicas` in `tests/tenants`).
const BYTES_OF_A_POD: u64 = 16 << 10;

/// Of the memory, an eighth is for the last records, and no more than this: outside a container all of the machine's memory
/// counts.
const RECORDS_OF_ALL: u64 = 8;
const MOST_OF_RECORDS: u64 = 512 << 20;

/// A desk to which components can be handed, and that looks at no more pods and keeps no more records than it has memory for.
async fn open(parts: Parts, loader: Option<Arc<dyn Loader>>) -> Desk {
    let mut desk = Desk::open(parts).await;
    if let Some(limit) = MemoryLimit::of_this_process() {
        let records = (limit.bytes / RECORDS_OF_ALL).min(MOST_OF_RECORDS);
        desk = desk
            .with_pods_at_most(u32::try_from(limit.bytes / BYTES_OF_A_POD).unwrap_or(u32::MAX))
            .with_records_of_at_most(usize::try_from(records).unwrap_or(usize::MAX));
    }
    match loader {
        Some(loader) => desk.with_loader(loader),
        None => desk,
    }
}

/// Loads policies off the runtime: compiling takes its time, and ends when the daemon is to end.
async fn policies(config: &Config, turns: &Turns) -> anyhow::Result<Policies> {
    let (wanted, turns) = (wanted(config), turns.clone());
    let policies = tokio::task::spawn_blocking(move || Policies::load(wanted, turns)).await??;
    for trouble in policies.troubles() {
        tracing::error!(%trouble, "the built-in defaults answer for this policy");
    }
    Ok(policies)
}

/// A store on this machine; `None` where the configuration names one in the cluster.
fn local_store(ledger: &LedgerAt) -> Option<Box<dyn LedgerStore>> {
    match ledger {
        LedgerAt::Memory => Some(Box::new(MemoryStore::default())),
        LedgerAt::Folder(folder) => Some(Box::new(FileStore::new(folder))),
        LedgerAt::ConfigMap { .. } => None,
    }
}

fn log_writer(logbook: Option<&LogbookAt>) -> anyhow::Result<Option<logbook::Writer>> {
    let Some(at) = logbook else {
        return Ok(None);
    };
    let mut settings = logbook::Settings::new(&at.dir);
    settings.keep_bytes = u64::from(at.max_mib) << 20;
    settings.rotate_bytes = settings.rotate_bytes.min(settings.keep_bytes / 4);
    settings.keep_age = at.max_age;
    Ok(Some(logbook::Writer::open(settings)?))
}

/// Starts what stands around a desk: listeners, the aims' file, the pause file.
async fn surround(
    config: &Config,
    desk: &Desk,
    gate: Arc<dyn Authorise>,
    (signals, timings): (&Signals, host::Timings),
) -> anyhow::Result<Serving> {
    let handle = desk.handle();
    if let Some(file) = &config.pause_file {
        let there = pause_file::look(file, &handle).await;
        let looking = PauseFile::follow(file.clone(), there, handle.clone())?;
        let signals = signals.clone();
        tokio::spawn(async move {
            signals.ended().await;
            drop(looking);
        });
    }
    let serving = serve::serve(handle.clone(), &config.serve, gate)?;
    serving.metrics.policy_times_from(move || timings.take());
    if let Some(refused) = handle.status().aims_refused {
        aims::say_refused(config.aims_file.as_ref(), &refused);
    }
    if let Some(file) = &config.aims_file {
        tokio::spawn(aims::follow(
            file.clone(),
            handle,
            serving.metrics.clone(),
            signals.clone(),
        ));
    }
    Ok(serving)
}

/// Ends the listeners off the runtime: it waits for calls under way.
async fn stop(serving: Serving) {
    if let Err(error) = tokio::task::spawn_blocking(move || serving.stop()).await {
        tracing::error!(%error, "the listeners did not end well");
    }
}
