//! `policy bench`: what a policy costs on a made-up picture, several policies side by side.
//!
//! Time is that of the measuring thread on a core: a busy machine makes it a little longer, waiting does not count. A call
//! is all that the daemon does for one: a fresh instance, `configure`, the question, the transfers, the checks. Nothing
//! here judges the answer; that is `check`'s.

use super::HookArg;
use super::subject::{self, Component};
use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs};
use crate::policies::PolicyArg;
use cpu_time::ThreadTime;
use decide::{Policy, View};
use host::{Engine, Limits, WasmPolicy, sample};
use model::advice::Hook;
use rules::RulePolicy;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Time on a core after which there are no further batches of one measurement.
const ENOUGH: Duration = Duration::from_millis(800);
/// Batches of one measurement: at least, at most.
const BATCHES: (usize, usize) = (8, 60);
/// A batch makes so many calls that it takes about as long: the clock itself costs a microsecond.
const BATCH: Duration = Duration::from_millis(1);
const MOST_CALLS: u32 = 1000;

/// Arguments of `policy bench`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Policies: folders, components or files of rules, each with its configuration where `config.json` beside it is not meant.
    #[arg(required = true, value_name = "POLICY[=CONFIG.json]")]
    policies: Vec<PolicyArg>,
    /// Rows of the picture: classes, workloads, candidates or steps, and as many nodes, pods and offers.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    /// Measure this hook only.
    #[arg(long, value_enum)]
    hook: Option<HookArg>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was measured; documented and only ever added to.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    /// Rows of the picture.
    rows: u32,
    /// Whether instances came out of a pool.
    pooled: bool,
    policies: Vec<Measured>,
}

/// One hook of one policy.
#[derive(Serialize)]
struct Measured {
    /// As it was given.
    policy: String,
    digest: String,
    /// Size of the component, or of the text of rules.
    bytes: usize,
    /// `None`, here and below: rules are not compiled, and have no instances and no memory of their own.
    compile_seconds: Option<f64>,
    hook: Hook,
    /// Why there was no answer; the figures are those of the calls that ended so.
    fault: Option<String>,
    /// Units of fuel of one call.
    fuel: u64,
    /// Most fuel that a call may use.
    fuel_limit: u64,
    /// Linear memory of the instance at the end of a call.
    memory_bytes: Option<usize>,
    /// Of one instance, made and dropped.
    instance_microseconds: Option<Spread>,
    /// Of a call with no rows.
    empty_microseconds: Spread,
    /// Of a call over the rows, its columns there already: policies that ask the same share them.
    call_microseconds: Spread,
    /// Of a call over a picture that nobody has read yet: the host makes the columns for it.
    cold_microseconds: Spread,
    /// What a row adds to a call with none.
    nanoseconds_per_row: f64,
}

/// Over the batches.
#[derive(Clone, Copy, Serialize)]
struct Spread {
    best: f64,
    median: f64,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    // Rules need none.
    let programs = args.policies.iter().any(|policy| !rules::is_rules(&policy.file));
    let engine = programs.then(subject::started).transpose()?;
    let pictures = Pictures {
        empty: sample::rows(0),
        rows: sample::rows(args.rows),
    };
    let mut report = Report {
        version: "plimsoll.policy-bench/v1",
        rows: args.rows,
        pooled: engine.as_ref().is_some_and(Engine::pooled),
        policies: Vec::new(),
    };
    for policy in &args.policies {
        report
            .policies
            .extend(of(engine.as_ref(), policy, args.hook, &pictures)?);
    }
    match args.output.output {
        Format::Json => output::json(&report)?,
        Format::Table => report.show()?,
    }
    let faulted = report.policies.iter().any(|row| row.fault.is_some());
    Ok(if faulted { Exit::Failed } else { Exit::Done })
}

struct Pictures {
    empty: sample::Sample,
    rows: sample::Sample,
}

/// The hooks of one policy, measured.
fn of(
    engine: Option<&Engine>,
    arg: &PolicyArg,
    only: Option<HookArg>,
    pictures: &Pictures,
) -> anyhow::Result<Vec<Measured>> {
    let file = arg.file.as_path();
    let refused = |why: &dyn std::fmt::Display| Unreadable::new(format_args!("{}: {why}", file.display()));
    let config = subject::config(file, arg.config.as_deref())?;
    let Some(engine) = engine.filter(|_| !rules::is_rules(file)) else {
        let read = rules::read(&input::read(file)?, &config).map_err(|why| refused(&why))?;
        let hooks = chosen(&read, only).map_err(|why| refused(&why))?;
        return Ok(hooks
            .into_iter()
            .map(|hook| of_rules(file, &read, hook, pictures))
            .collect());
    };
    let (_, component) = subject::compiled(engine, file)?;
    let limits = Limits::default();
    let loaded = component
        .compiled
        .configured(&config, &limits)
        .map_err(|why| refused(&why))?;
    let hooks = chosen(&loaded, only).map_err(|why| refused(&why))?;
    let measured = hooks
        .into_iter()
        .map(|hook| of_component(file, (&component, &loaded), hook, pictures));
    Ok(measured.collect())
}

/// The hooks to measure.
fn chosen(policy: &dyn Policy, only: Option<HookArg>) -> Result<Vec<Hook>, String> {
    let hooks = policy.hooks();
    match only.map(HookArg::hook) {
        None => Ok(hooks.to_vec()),
        Some(only) if hooks.contains(&only) => Ok(vec![only]),
        Some(only) => Err(format!("has no hook {only}")),
    }
}

fn of_rules(file: &Path, policy: &RulePolicy, hook: Hook, pictures: &Pictures) -> Measured {
    Measured {
        digest: policy.digest().to_owned(),
        bytes: policy.text().len(),
        fuel_limit: rules::budget(&pictures.rows.view(hook)),
        ..calls(file, policy, hook, pictures)
    }
}

fn of_component(
    file: &Path,
    (component, policy): (&Component, &WasmPolicy),
    hook: Hook,
    pictures: &Pictures,
) -> Measured {
    let view = pictures.rows.view(hook);
    let (_, memory) = policy.weigh(&view, &[]).unzip();
    let instance = spread(|calls| {
        timed(calls, || {
            std::hint::black_box(policy.start().is_ok());
        })
    });
    Measured {
        digest: policy.digest().to_owned(),
        bytes: policy.inspection().bytes,
        compile_seconds: Some(component.took.as_secs_f64()),
        fuel_limit: Limits::default().budget(host::row_count(&view)),
        memory_bytes: Some(memory.unwrap_or_default()),
        instance_microseconds: Some(instance),
        ..calls(file, policy, hook, pictures)
    }
}

/// What calls cost, whatever the policy is made of.
fn calls(file: &Path, policy: &dyn Policy, hook: Hook, pictures: &Pictures) -> Measured {
    output::say(format_args!("measuring {}, {hook}", file.display()));
    let (view, empty) = (pictures.rows.view(hook), pictures.empty.view(hook));
    // So that the columns it reads are known and there.
    let first = policy.advise(&view, &[]);
    let fuel = policy.advise(&view, &[]).fuel;
    let call = |view: &View<'_>| {
        std::hint::black_box(policy.advise(view, &[]));
    };
    let empty = spread(|calls| timed(calls, || call(&empty)));
    let warm = spread(|calls| timed(calls, || call(&view)));
    let cold = spread(|calls| timed(calls, || call(&pictures.rows.view(hook))));
    let rows = host::row_count(&view).max(1);
    Measured {
        policy: file.display().to_string(),
        digest: String::new(),
        bytes: 0,
        compile_seconds: None,
        hook,
        fault: first.answer.err().map(|fault| fault.to_string()),
        fuel,
        fuel_limit: 0,
        memory_bytes: None,
        instance_microseconds: None,
        empty_microseconds: empty,
        call_microseconds: warm,
        cold_microseconds: cold,
        nanoseconds_per_row: per_row(&warm, &empty, rows),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn per_row(call: &Spread, empty: &Spread, rows: usize) -> f64 {
    (call.best - empty.best).max(0.0) * 1000.0 / rows as f64
}

/// Time on a core of so many calls.
fn timed(calls: u32, mut call: impl FnMut()) -> Duration {
    let started = ThreadTime::now();
    for _ in 0..calls {
        call();
    }
    started.elapsed()
}

/// Runs batches of calls until it is enough.
fn spread(mut batch: impl FnMut(u32) -> Duration) -> Spread {
    let once = batch(1).max(Duration::from_nanos(100));
    let calls = u32::try_from(BATCH.as_nanos() / once.as_nanos()).unwrap_or(MOST_CALLS);
    let calls = calls.clamp(1, MOST_CALLS);
    let (least, most) = BATCHES;
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < least || (times.len() < most && began.elapsed() < ENOUGH) {
        times.push(batch(calls).as_secs_f64() * 1e6 / f64::from(calls));
    }
    times.sort_by(f64::total_cmp);
    Spread {
        best: times.first().copied().unwrap_or_default(),
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
    }
}

/// A cell of the table; a dash where there is nothing to measure.
fn cell(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "-".to_owned())
}

impl Report {
    fn show(&self) -> anyhow::Result<()> {
        let heads = [
            "policy",
            "hook",
            "KiB",
            "compile s",
            "instance µs",
            "0 rows µs",
            "call µs",
            "median",
            "ns/row",
            "cold µs",
            "fuel",
            "memory KiB",
        ];
        let mut table = output::table(&heads);
        for row in &self.policies {
            table.add_row([
                output::plain(&row.policy),
                row.hook.to_string(),
                row.bytes.div_ceil(1024).to_string(),
                cell(row.compile_seconds.map(|seconds| format!("{seconds:.2}"))),
                cell(
                    row.instance_microseconds
                        .map(|spread| format!("{:.1}", spread.best)),
                ),
                format!("{:.1}", row.empty_microseconds.best),
                format!("{:.1}", row.call_microseconds.best),
                format!("{:.1}", row.call_microseconds.median),
                format!("{:.1}", row.nanoseconds_per_row),
                format!("{:.1}", row.cold_microseconds.best),
                row.fuel.to_string(),
                cell(row.memory_bytes.map(|bytes| bytes.div_ceil(1024).to_string())),
            ]);
        }
        output::line(table)?;
        output::line(format_args!(
            "\n{} rows; a call is a fresh instance ({}), its configuration, the question and the checks; cold: the \
             columns are made for it, too",
            self.rows,
            if self.pooled { "pooled" } else { "made on demand" },
        ))?;
        for row in &self.policies {
            if let Some(fault) = &row.fault {
                let (policy, hook) = (output::plain(&row.policy), row.hook);
                output::line(format_args!("failed: {policy}, {hook}: {fault}"))?;
            }
        }
        Ok(())
    }
}
