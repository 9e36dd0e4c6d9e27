//! `plimsoll plan`: the cheapest nodes for the waiting pods of a cluster's manifests, offline.
//!
//! Reads files, asks `decide` once and prints. Nothing is carried out and no clock goes into the plan.

mod document;
mod report;

use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs, Progress};
use crate::policies::{self, PolicyArg};
use decide::Deliberation;
use document::PlanJson;
use manifest::{ClusterBuilder, PriceList, Problems};
use model::{Aims, Memory, PodKey, Snapshot};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kubernetes YAML or JSON: files, folders, or `-` for stdin.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    cluster: Vec<PathBuf>,
    /// What can be bought: CSV, plain or .gz; without it a small built-in list.
    #[arg(long, value_name = "FILE.csv")]
    offers: Option<PathBuf>,
    /// What is wanted: YAML.
    #[arg(long, value_name = "FILE")]
    aims: Option<PathBuf>,
    /// A policy to ask, with its configuration; may be repeated.
    #[arg(long, value_name = "FILE.wasm[=CONFIG.json]")]
    policy: Vec<PolicyArg>,
    /// Tell only why this pod is placed or refused.
    #[arg(long, value_name = "NAMESPACE/POD")]
    why: Option<String>,
    /// Work out from the input alone whether the plan holds; exit 1 where it does not.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let progress = Progress::start("planning");
    let policies = policies::load(&args.policy)?.set;
    let (seen, aims) = read(args)?;
    let why = args.why.as_deref().map(|name| wanted(name, &seen)).transpose()?;
    let begun = Instant::now();
    let done = decide::deliberate(&seen, &Memory::default(), &policies, &aims);
    let seconds = begun.elapsed().as_secs_f64();
    let flaws = args
        .verify
        .then(|| guard::audit(&seen, &aims, &done.plan, &done.notes));
    drop(progress);
    let document = PlanJson::new(&seen, &done, seconds).verified(flaws.as_deref());
    match (&why, args.output.output) {
        (Some(pod), Format::Json) => output::json(&document.of_pod(pod))?,
        (Some(pod), Format::Table) => output::line(report::of_pod(&document, pod))?,
        (None, Format::Json) => output::json(&document)?,
        (None, Format::Table) => output::line(report::whole(&document))?,
    }
    match flaws.as_deref() {
        None | Some([]) => Ok(exit(&document, &done)),
        Some(_) => Ok(Exit::No),
    }
}

/// 3 where a policy faulted, 1 where a pod is refused.
fn exit(document: &PlanJson, done: &Deliberation) -> Exit {
    let faulted = done.notes.calls.iter().any(|call| call.answer.is_err());
    match (faulted, document.pods.refused) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Done,
        (false, _) => Exit::No,
    }
}

fn read(args: &Args) -> anyhow::Result<(Snapshot, Aims)> {
    let aims = match &args.aims {
        None => Aims::default(),
        Some(path) => manifest::aims(&input::name(path), &input::read(path)?).map_err(Unreadable::new)?,
    };
    let prices = prices(args.offers.as_deref())?;
    let cluster = cluster(&args.cluster)?;
    Ok((cluster.finish(&prices, &aims), aims))
}

fn prices(path: Option<&Path>) -> anyhow::Result<PriceList> {
    let Some(path) = path else {
        return Ok(manifest::built_in());
    };
    let prices = manifest::price_list(&input::name(path), &input::read(path)?).map_err(Unreadable::new)?;
    let skipped = prices.skipped;
    let counts = [
        (skipped.no_price, "without a price"),
        (skipped.no_shape, "without a shape"),
        (skipped.arch, "of other architectures"),
    ];
    for (count, why) in counts.into_iter().filter(|(count, _)| *count > 0) {
        output::say(format_args!("{}: {count} rows {why} left out", path.display()));
    }
    Ok(prices)
}

/// All mistakes of all files are told at once.
fn cluster(paths: &[PathBuf]) -> anyhow::Result<ClusterBuilder> {
    let mut builder = ClusterBuilder::new();
    let mut problems = Problems::default();
    for path in input::files(paths)? {
        let bytes = input::read(&path)?;
        if let Err(found) = builder.read(&input::name(&path), &bytes) {
            problems.extend(found);
        }
    }
    problems.or(()).map_err(Unreadable::new)?;
    let skipped: Vec<String> = builder
        .skipped()
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let skipped = skipped.join(", ");
    if builder.used() == 0 && !skipped.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| input::name(path)).collect();
        let what = format!(
            "{}: holds nothing that a plan reads, only {skipped}",
            names.join(", ")
        );
        return Err(Unreadable::new(what).into());
    }
    if !skipped.is_empty() {
        output::say(format_args!("left out, as no rule reads them: {skipped}"));
    }
    Ok(builder)
}

fn wanted(name: &str, seen: &Snapshot) -> anyhow::Result<PodKey> {
    let key = name
        .split_once('/')
        .map(|(namespace, name)| PodKey::new(namespace, name));
    let key = key.ok_or_else(|| Unreadable::new(format_args!("--why {name}: NAMESPACE/POD is wanted")))?;
    if seen.pod(&key).is_none() {
        return Err(Unreadable::new(format_args!("--why {name}: there is no such pod in the input")).into());
    }
    Ok(key)
}
