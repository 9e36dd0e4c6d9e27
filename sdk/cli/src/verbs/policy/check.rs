//! `policy check`: would the daemon load it, does it answer made-up pictures within its limits, alike each time and in
//! another process, does it survive hostile configurations, and is its own one what its schema asks for.

mod hostile;
mod one_line;
mod twice;

pub(super) use one_line::{RuleOf, rules_of};

use super::subject::{Body, Component, Subject};
use super::{listed, unhurried};
use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format};
use decide::Policy;
use host::{Limits, WasmPolicy, sample};
use model::advice::{Advice, Hook, PolicyFault};
use policy_build::metadata::Metadata;
use policy_build::schema;
use serde::Serialize;
use std::time::Instant;

/// What a check found.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    policy: String,
    passed: bool,
    digest: String,
    bytes: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    functions: u32,
    largest_function_bytes: usize,
    compile_seconds: f64,
    /// Its machine code was in the user's cache.
    compiled_before: bool,
    /// Whether it brings a schema of its configuration along.
    config_schema: bool,
    /// Odd configurations, and what became of them.
    hostile_configurations: hostile::Tally,
    /// Processes that answered alike.
    processes: u32,
    evaluations: Vec<Evaluation>,
    objections: Vec<String>,
}

/// One hook on one made-up picture.
#[derive(Serialize)]
struct Evaluation {
    hook: Hook,
    sample: &'static str,
    answer: String,
    /// SHA-256 of the whole answer.
    sha256: String,
    fuel: u64,
    fuel_limit: u64,
    /// Linear memory of the instance in the end.
    memory_bytes: usize,
    memory_limit_bytes: usize,
    microseconds: f64,
    deterministic: bool,
    log: Vec<String>,
}

/// Checks a policy with its configuration, on so many made-up pictures beside the usual ones; `alone`: not in a second
/// process, because this is the second.
pub(super) fn run(
    subject: &Subject,
    config: &str,
    samples: u32,
    alone: bool,
    format: Format,
) -> anyhow::Result<Exit> {
    let name = subject.name.as_str();
    match &subject.body {
        Body::Component(component) => program((name, component), config, samples, alone, format),
        Body::Rules(text) => one_line::run((name, text), config, samples, format),
    }
}

fn program(
    (name, component): (&str, &Component),
    config: &str,
    samples: u32,
    alone: bool,
    format: Format,
) -> anyhow::Result<Exit> {
    let limits = Limits::default();
    let refused = |why: &dyn std::fmt::Display| Unreadable::new(format_args!("{name}: {why}"));
    let said = Metadata::read(&component.bytes).map_err(|why| refused(&why))?;
    let schema = said.and_then(|said| said.config_schema);
    let mut objections = against(schema.as_ref(), config);
    let loaded = unhurried::configured(&component.compiled, config, &limits);
    let loaded = loaded.map_err(|why| match objections.as_slice() {
        [] => refused(&why),
        more => refused(&format_args!("{why}; {}", more.join("; "))),
    })?;
    let progress = output::Progress::start("checking");
    let (evaluations, odd) = examine(&loaded, samples, &limits);
    objections.extend(odd);
    let (tally, odd) = hostile::configurations(&component.compiled, schema.as_ref(), &limits);
    objections.extend(odd);
    if !alone {
        let apart = twice::differences(&component.bytes, config, samples, &evaluations);
        objections.extend(apart.unwrap_or_else(|why| vec![why]));
    }
    drop(progress);
    let seen = loaded.inspection().clone();
    let report = Report {
        version: "plimsoll.policy-check/v1",
        policy: name.to_owned(),
        passed: objections.is_empty(),
        digest: loaded.digest().to_owned(),
        bytes: seen.bytes,
        imports: seen.imports,
        exports: seen.exports,
        functions: seen.functions,
        largest_function_bytes: seen.largest_function,
        compile_seconds: component.took.as_secs_f64(),
        compiled_before: component.compiled.origin().cached,
        config_schema: schema.is_some(),
        hostile_configurations: tally,
        processes: if alone { 1 } else { 2 },
        evaluations,
        objections,
    };
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => print(&report)?,
    }
    Ok(if report.passed { Exit::Done } else { Exit::No })
}

/// What the schema has against the configuration.
fn against(given: Option<&serde_json::Value>, config: &str) -> Vec<String> {
    let Some(schema) = given else {
        return Vec::new();
    };
    let config = if config.trim().is_empty() { "{}" } else { config };
    // What is no JSON at all is refused in the host's words.
    let Ok(config) = serde_json::from_str(config) else {
        return Vec::new();
    };
    if let Err(why) = schema::sound(schema) {
        return vec![format!("its schema of configurations: {}", host::tame(&why))];
    }
    let problems = schema::problems(schema, &config).into_iter();
    problems
        .map(|problem| format!("configuration: {}", host::tame(&problem)))
        .collect()
}

/// Every hook on every picture, and what is wrong with the answers.
fn examine(loaded: &WasmPolicy, samples_beside: u32, limits: &Limits) -> (Vec<Evaluation>, Vec<String>) {
    let mut evaluations = Vec::new();
    let mut objections = Vec::new();
    let mut samples = sample::all();
    samples.extend((1..=samples_beside).map(|n| sample::rows(n * 7)));
    for hook in loaded.hooks() {
        for sample in &samples {
            let (evaluation, verdict) = evaluate(loaded, *hook, sample, limits);
            if let Err(why) = verdict {
                objections.push(format!("{hook}, {}: {why}", sample.name));
            }
            if !evaluation.deterministic {
                objections.push(format!(
                    "{hook}, {}: not the same answer and fuel twice",
                    sample.name
                ));
            }
            evaluations.push(evaluation);
        }
    }
    (evaluations, objections)
}

fn evaluate(
    loaded: &WasmPolicy,
    hook: Hook,
    sample: &sample::Sample,
    limits: &Limits,
) -> (Evaluation, Result<(), PolicyFault>) {
    let view = sample.view(hook);
    let first = unhurried::again(|| loaded.advise(&view, &[]), unhurried::is_late);
    let weighed = || {
        let started = Instant::now();
        let (second, memory) = loaded.weigh(&view, &[]).unzip();
        (second, memory, started.elapsed())
    };
    let (second, memory, took) = unhurried::again(weighed, |(second, ..)| {
        second.as_ref().is_some_and(unhurried::is_late)
    });
    let evaluation = Evaluation {
        hook,
        sample: sample.name,
        answer: match &first.answer {
            Ok(advice) => summary(advice),
            Err(fault) => fault.to_string(),
        },
        sha256: host::sha256(format!("{:?}", first.answer).as_bytes()),
        fuel: first.fuel,
        fuel_limit: limits.budget(host::row_count(&view)),
        memory_bytes: memory.unwrap_or_default(),
        memory_limit_bytes: limits.memory_bytes,
        microseconds: took.as_secs_f64() * 1e6,
        deterministic: second.is_some_and(|second| unhurried::alike(&first, &second)),
        log: first.log,
    };
    // A policy may decline; everything else is a fault.
    let verdict = match first.answer {
        Ok(_) | Err(PolicyFault::Declined(_)) => Ok(()),
        Err(fault) => Err(fault),
    };
    (evaluation, verdict)
}

pub(super) fn summary(advice: &Advice) -> String {
    match advice {
        Advice::Scale(wanted) => format!("replicas for {} workloads", wanted.len()),
        Advice::Placement(prices) => format!(
            "{} factors, {} bans, {} addends",
            prices.factors.len(),
            prices.forbids.len(),
            prices.addends.len()
        ),
        Advice::Headroom(kinds) => {
            let pods: u64 = kinds.iter().map(|kind| u64::from(kind.count)).sum();
            format!("room for {pods} pods of {} kinds", kinds.len())
        }
        Advice::Disruption(verdicts) => format!(
            "{} denials, {} addends",
            verdicts.denials.len(),
            verdicts.addends.len()
        ),
        Advice::Review(holds) => format!("{} holds", holds.len()),
    }
}

fn print(report: &Report) -> anyhow::Result<()> {
    output::line(format_args!("policy     {}", report.policy))?;
    output::line(format_args!("digest     sha256:{}", report.digest))?;
    output::line(format_args!(
        "size       {} KiB, {} functions, largest {} bytes, {} in {:.2} s",
        report.bytes.div_ceil(1024),
        report.functions,
        report.largest_function_bytes,
        if report.compiled_before {
            "compiled before, loaded"
        } else {
            "compiled"
        },
        report.compile_seconds
    ))?;
    output::line(format_args!("imports    {}", listed(&report.imports)))?;
    output::line(format_args!("exports    {}\n", listed(&report.exports)))?;
    let heads = [
        "hook",
        "sample",
        "answer",
        "fuel",
        "of",
        "memory KiB",
        "of",
        "µs",
        "alike",
    ];
    let mut table = output::table(&heads);
    for row in &report.evaluations {
        table.add_row([
            row.hook.to_string(),
            row.sample.to_owned(),
            row.answer.clone(),
            row.fuel.to_string(),
            row.fuel_limit.to_string(),
            row.memory_bytes.div_ceil(1024).to_string(),
            (row.memory_limit_bytes >> 10).to_string(),
            format!("{:.0}", row.microseconds),
            if row.deterministic { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    output::line(table)?;
    for row in &report.evaluations {
        for said in &row.log {
            output::line(format_args!("  {} on {}: {said}", row.hook, row.sample))?;
        }
    }
    let schema = if report.config_schema {
        "the configuration is what its schema asks for"
    } else {
        "it brings no schema of its configuration along"
    };
    output::line(format_args!(
        "\n{} odd configurations survived; answered alike in {} processes; {schema}",
        report.hostile_configurations.survived(),
        report.processes
    ))?;
    for objection in &report.objections {
        output::line(format_args!("failed: {objection}"))?;
    }
    output::line(if report.passed { "\npassed" } else { "\nfailed" })
}
