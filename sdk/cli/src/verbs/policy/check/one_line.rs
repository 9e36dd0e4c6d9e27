//! The check of one-line rules: would the daemon load them, and do they answer made-up pictures, alike each time. There is
//! nothing to build, and nothing that they could import.

use super::summary;
use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format};
use decide::Policy;
use host::sample;
use model::advice::{Hook, PolicyFault};
use rules::RulePolicy;
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
    rules: Vec<RuleOf>,
    evaluations: Vec<Evaluation>,
    objections: Vec<String>,
}

/// One rule, as it is listed.
#[derive(Serialize)]
pub(in super::super) struct RuleOf {
    pub(in super::super) number: u16,
    pub(in super::super) hook: Hook,
    pub(in super::super) label: String,
}

/// The rules of a policy, in order.
pub(in super::super) fn rules_of(policy: &RulePolicy) -> Vec<RuleOf> {
    let rules = policy.labels().map(|(number, hook, label)| RuleOf {
        number,
        hook,
        label: label.to_owned(),
    });
    rules.collect()
}

/// One hook on one made-up picture.
#[derive(Serialize)]
struct Evaluation {
    hook: Hook,
    sample: &'static str,
    answer: String,
    fuel: u64,
    fuel_limit: u64,
    microseconds: f64,
    deterministic: bool,
    log: Vec<String>,
}

/// Checks rules with their configuration, on so many made-up pictures beside the usual ones.
pub(super) fn run(
    (name, text): (&str, &[u8]),
    config: &str,
    samples: u32,
    format: Format,
) -> anyhow::Result<Exit> {
    let refused = |why| Unreadable::new(format_args!("{name}: {why}"));
    let policy = rules::read(text, config).map_err(refused)?;
    let report = examine(&policy, name, samples);
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => print(&report)?,
    }
    Ok(if report.passed { Exit::Done } else { Exit::No })
}

fn examine(policy: &RulePolicy, name: &str, samples_beside: u32) -> Report {
    let mut samples = sample::all();
    samples.extend((1..=samples_beside).map(|n| sample::rows(n * 7)));
    let (mut evaluations, mut objections) = (Vec::new(), Vec::new());
    for hook in policy.hooks() {
        for sample in &samples {
            let (evaluation, fault) = evaluate(policy, *hook, sample);
            objections.extend(fault.map(|why| format!("{hook}, {}: {why}", sample.name)));
            if !evaluation.deterministic {
                objections.push(format!("{hook}, {}: not the same answer twice", sample.name));
            }
            evaluations.push(evaluation);
        }
    }
    Report {
        version: "plimsoll.policy-check/v1",
        policy: name.to_owned(),
        passed: objections.is_empty(),
        digest: policy.digest().to_owned(),
        bytes: policy.text().len(),
        rules: rules_of(policy),
        evaluations,
        objections,
    }
}

fn evaluate(policy: &RulePolicy, hook: Hook, sample: &sample::Sample) -> (Evaluation, Option<PolicyFault>) {
    let view = sample.view(hook);
    let first = policy.advise(&view, &[]);
    let started = Instant::now();
    let second = policy.advise(&view, &[]);
    let took = started.elapsed();
    let deterministic = first == second;
    let (answer, fault) = match first.answer {
        Ok(advice) => (summary(&advice), None),
        Err(fault) => (fault.to_string(), Some(fault)),
    };
    let evaluation = Evaluation {
        hook,
        sample: sample.name,
        answer,
        fuel: first.fuel,
        fuel_limit: rules::budget(&view),
        microseconds: took.as_secs_f64() * 1e6,
        deterministic,
        log: first.log,
    };
    (evaluation, fault)
}

fn print(report: &Report) -> anyhow::Result<()> {
    output::line(format_args!("policy     {}", report.policy))?;
    output::line(format_args!("digest     sha256:{}", report.digest))?;
    output::line(format_args!(
        "size       {} bytes, {} rules\n",
        report.bytes,
        report.rules.len()
    ))?;
    let mut table = output::table(&["hook", "sample", "answer", "fuel", "of", "µs", "alike"]);
    for row in &report.evaluations {
        table.add_row([
            row.hook.to_string(),
            row.sample.to_owned(),
            row.answer.clone(),
            row.fuel.to_string(),
            row.fuel_limit.to_string(),
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
    for objection in &report.objections {
        output::line(format_args!("failed: {objection}"))?;
    }
    output::line(if report.passed { "\npassed" } else { "\nfailed" })
}
