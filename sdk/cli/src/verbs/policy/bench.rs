//! `policy bench`: what a policy costs on a made-up picture, several policies side by side.
//!
//! Time is that of the measuring thread on a core: a busy machine makes it a little longer, waiting does not count. A call
//! is all that the daemon does for one: a fresh instance, `configure`, the question, the transfers, the checks. Nothing
//! here judges the answer; that is `check`'s.

use super::{HookArg, check};
use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, OutputArgs};
use crate::policies::PolicyArg;
use cpu_time::ThreadTime;
use decide::{Policy, View};
use host::{Engine, Limits, WasmPolicy, sample};
use model::advice::Hook;
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
    /// Policies: folders or components, each with its configuration where `config.json` beside it is not meant.
    #[arg(required = true, value_name = "COMPONENT[=CONFIG.json]")]
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
    /// Size of the component.
    bytes: usize,
    compile_seconds: f64,
    hook: Hook,
    /// Why there was no answer; the figures are those of the calls that ended so.
    fault: Option<String>,
    /// Units of fuel of one call.
    fuel: u64,
    /// Most fuel that a call may use.
    fuel_limit: u64,
    /// Linear memory of the instance at the end of a call.
    memory_bytes: usize,
    /// Of one instance, made and dropped.
    instance_microseconds: Spread,
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
    let engine = crate::engine::start().map_err(|what| anyhow::anyhow!("the WebAssembly engine: {what}"))?;
    let pictures = Pictures {
        empty: sample::rows(0),
        rows: sample::rows(args.rows),
    };
    let mut report = Report {
        version: "plimsoll.policy-bench/v1",
        rows: args.rows,
        pooled: engine.pooled(),
        policies: Vec::new(),
    };
    for policy in &args.policies {
        report.policies.extend(of(&engine, policy, args.hook, &pictures)?);
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
    engine: &Engine,
    arg: &PolicyArg,
    only: Option<HookArg>,
    pictures: &Pictures,
) -> anyhow::Result<Vec<Measured>> {
    let limits = Limits::default();
    let file = arg.file.as_path();
    let subject = check::subject_in(engine, file)?;
    let config = check::config(file, arg.config.as_deref())?;
    let loaded = subject.compiled.configured(&config, &limits);
    let loaded = loaded.map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
    let mut hooks = loaded.hooks().to_vec();
    if let Some(only) = only {
        hooks.retain(|hook| *hook == only.hook());
        if hooks.is_empty() {
            let only = only.hook();
            return Err(Unreadable::new(format_args!("{}: has no hook {only}", file.display())).into());
        }
    }
    let measured = |hook: Hook| {
        output::say(format_args!("measuring {}, {hook}", file.display()));
        measure(&loaded, hook, pictures, &limits)
    };
    Ok(hooks
        .into_iter()
        .map(|hook| Measured {
            policy: name(file),
            compile_seconds: subject.took.as_secs_f64(),
            ..measured(hook)
        })
        .collect())
}

/// What a policy is called beside others: its path as it was given.
fn name(file: &Path) -> String {
    file.display().to_string()
}

fn measure(policy: &WasmPolicy, hook: Hook, pictures: &Pictures, limits: &Limits) -> Measured {
    let (view, empty) = (pictures.rows.view(hook), pictures.empty.view(hook));
    let (first, memory) = policy.weigh(&view, &[]).unzip();
    // So that the columns it reads are known and there.
    let fuel = policy.advise(&view, &[]).fuel;
    let call = |view: &View<'_>| {
        std::hint::black_box(policy.advise(view, &[]));
    };
    let instance = spread(|calls| {
        timed(calls, || {
            std::hint::black_box(policy.start().is_ok());
        })
    });
    let empty = spread(|calls| timed(calls, || call(&empty)));
    let warm = spread(|calls| timed(calls, || call(&view)));
    let cold = spread(|calls| timed(calls, || call(&pictures.rows.view(hook))));
    let rows = host::row_count(&view).max(1);
    Measured {
        policy: String::new(),
        digest: policy.digest().to_owned(),
        bytes: policy.inspection().bytes,
        compile_seconds: 0.0,
        hook,
        fault: first
            .and_then(|first| first.answer.err())
            .map(|fault| fault.to_string()),
        fuel,
        fuel_limit: limits.budget(host::row_count(&view)),
        memory_bytes: memory.unwrap_or_default(),
        instance_microseconds: instance,
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
                format!("{:.2}", row.compile_seconds),
                format!("{:.1}", row.instance_microseconds.best),
                format!("{:.1}", row.empty_microseconds.best),
                format!("{:.1}", row.call_microseconds.best),
                format!("{:.1}", row.call_microseconds.median),
                format!("{:.1}", row.nanoseconds_per_row),
                format!("{:.1}", row.cold_microseconds.best),
                row.fuel.to_string(),
                row.memory_bytes.div_ceil(1024).to_string(),
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
