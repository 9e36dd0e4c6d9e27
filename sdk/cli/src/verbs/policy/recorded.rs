//! `policy test --log`: what a policy would have changed in recorded cycles: steps, dollars per hour, pods that wait,
//! evictions; per day and per group.
//!
//! Every cycle is decided twice from what was recorded: with the recorded answers, and with the policy in force beside them
//! (instead of one of the same name). Each is decided on its own: the picture of the next cycle is again the recorded one,
//! so that what the policy would have brought about later is not in these figures (`simulate` plays that). What the policy
//! keeps is carried on from cycle to cycle.

mod figures;
mod page;

use super::subject::{Configured, Subject};
use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, Progress, line};
use anyhow::Context;
use cycle::replay::policies_of;
use decide::{Deliberation, PolicyEntry, PolicySet, deliberate};
use figures::{Change, Cycle};
use host::Limits;
use logbook::{CycleRecord, Reader};
use model::advice::{Hook, PolicyMode};
use model::memory::{Kept, Memory};
use model::{PolicyName, Span};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How long the last cycle counts, and the most that one counts: a daemon that was stopped decided nothing meanwhile.
const INTERVAL: Span = Span::from_secs(60);
const MOST: Span = Span::from_secs(600);

/// What came of it; documented and only ever added to.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    policy: String,
    digest: String,
    /// Cycles with a picture; the others decided nothing.
    cycles: u64,
    /// Cycles whose plan is another with the policy.
    changed: u64,
    /// Beginning of the first cycle and of the last, RFC 3339.
    from: String,
    to: String,
    calls: u64,
    faults: u64,
    fuel: u64,
    /// The first fault.
    fault: Option<String>,
    total: Change,
    days: Vec<Named>,
    groups: Vec<Named>,
    /// By day and group.
    each: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(flatten)]
    change: Change,
}

/// Runs the policy over a log; writes the page where one is asked for.
pub(super) fn run(
    subject: &Subject,
    config: &str,
    log: &Path,
    (html, format): (Option<&Path>, Format),
) -> anyhow::Result<Exit> {
    let loaded = subject.configured(config, &Limits::default());
    let loaded = loaded.map_err(|why| Unreadable::new(format_args!("{}: {why}", subject.name)))?;
    let progress = Progress::start("deciding recorded cycles again");
    let mut run = Run::new(subject.policy_name(), loaded);
    let mut reader = Reader::open(log).map_err(Unreadable::new)?;
    let mut before: Option<CycleRecord> = None;
    for record in &mut reader {
        let record = record.map_err(Unreadable::new)?;
        if !record.has_seen() {
            continue;
        }
        let at = record.at;
        if let Some(last) = before.replace(record) {
            run.cycle(&last, at.since(last.at).min(MOST));
        }
    }
    match &before {
        Some(last) => run.cycle(last, INTERVAL),
        None => {
            return Err(Unreadable::new(format_args!("{}: no cycle with a picture", log.display())).into());
        }
    }
    drop(progress);
    let report = run.report(subject);
    if let Some(file) = html {
        std::fs::write(file, page::of(&report, &run.cycles)).with_context(|| file.display().to_string())?;
        output::say(format_args!("{}: written", file.display()));
    }
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => report.show()?,
    }
    Ok(if report.faults > 0 {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The policies of a record with their recorded answers, and this one in force beside them, instead of one of the same name;
/// with what was remembered, but that it was in quarantine.
pub(super) fn in_force(record: &CycleRecord, entry: PolicyEntry) -> (PolicySet, Memory) {
    let mut entries = policies_of(record, &mut |_| None).entries;
    entries.retain(|known| known.name != entry.name);
    let mut memory = (*record.memory).clone();
    memory.quarantine.remove(&entry.name);
    entries.push(entry);
    (PolicySet { entries }, memory)
}

/// What is known so far.
struct Run {
    name: PolicyName,
    policy: Configured,
    kept: BTreeMap<(PolicyName, Hook), Kept>,
    cycles: Vec<Cycle>,
    calls: u64,
    faults: u64,
    fuel: u64,
    fault: Option<String>,
}

impl Run {
    const fn new(name: PolicyName, policy: Configured) -> Self {
        Self {
            name,
            policy,
            kept: BTreeMap::new(),
            cycles: Vec::new(),
            calls: 0,
            faults: 0,
            fuel: 0,
            fault: None,
        }
    }

    fn cycle(&mut self, record: &CycleRecord, lasted: Span) {
        let was = if record.engine == env!("CARGO_PKG_VERSION") {
            record.plan.clone()
        } else {
            let recorded = policies_of(record, &mut |_| None);
            deliberate(&record.snapshot, &record.memory, &recorded, &record.aims).plan
        };
        let (set, mut memory) = in_force(record, self.entry());
        memory.kept.retain(|(name, _), _| *name != self.name);
        memory.kept.extend(std::mem::take(&mut self.kept));
        let is = deliberate(&record.snapshot, &memory, &set, &record.aims);
        self.heard(record, &is);
        self.cycles.push(Cycle::of(record, lasted, &was, &is.plan));
        let ours = is
            .memory
            .kept
            .into_iter()
            .filter(|((name, _), _)| *name == self.name);
        self.kept = ours.collect();
    }

    fn entry(&self) -> PolicyEntry {
        PolicyEntry {
            name: self.name.clone(),
            digest: self.policy.digest.clone(),
            mode: PolicyMode::Enforce,
            scope: model::PolicyScope::default(),
            policy: Arc::clone(&self.policy.policy),
        }
    }

    fn heard(&mut self, record: &CycleRecord, is: &Deliberation) {
        for call in is.notes.calls.iter().filter(|call| call.policy == self.name) {
            self.calls += 1;
            self.fuel = self.fuel.saturating_add(call.fuel);
            if let Err(fault) = &call.answer {
                self.faults += 1;
                self.fault
                    .get_or_insert_with(|| format!("cycle {}, {}: {fault}", record.cycle, call.hook));
            }
        }
    }

    fn report(&self, subject: &Subject) -> Report {
        let mut total = Change::default();
        let (mut days, mut groups, mut each) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut whole = Span::ZERO;
        for cycle in &self.cycles {
            let day = date(cycle.at);
            whole = Span::from_millis(whole.millis() + cycle.lasted.millis());
            let (of_day, lasted): &mut (Change, Span) = days.entry(day.clone()).or_default();
            *lasted = Span::from_millis(lasted.millis() + cycle.lasted.millis());
            for (group, change) in &cycle.groups {
                total.add(change);
                of_day.add(change);
                groups
                    .entry(group.clone())
                    .or_insert_with(Change::default)
                    .add(change);
                each.entry((day.clone(), group.clone()))
                    .or_insert_with(Change::default)
                    .add(change);
            }
        }
        // A group's rate is a mean over all the time, and in a day over the day.
        total.settle(whole);
        for change in groups.values_mut() {
            change.settle(whole);
        }
        for ((day, _), change) in &mut each {
            change.settle(days.get(day).map_or(whole, |(_, lasted)| *lasted));
        }
        for (change, lasted) in days.values_mut() {
            change.settle(*lasted);
        }
        let ends = |cycle: Option<&Cycle>| {
            cycle
                .map(|cycle| timestamp(cycle.at).to_string())
                .unwrap_or_default()
        };
        Report {
            version: "plimsoll.policy-log/v1",
            policy: subject.name.clone(),
            digest: self.policy.digest.clone(),
            cycles: u64::try_from(self.cycles.len()).unwrap_or(u64::MAX),
            changed: u64::try_from(self.cycles.iter().filter(|cycle| cycle.changed).count())
                .unwrap_or(u64::MAX),
            from: ends(self.cycles.first()),
            to: ends(self.cycles.last()),
            calls: self.calls,
            faults: self.faults,
            fuel: self.fuel,
            fault: self.fault.clone(),
            total,
            days: days
                .into_iter()
                .map(|(day, (change, _))| named(Some(day), None, change))
                .collect(),
            groups: groups
                .into_iter()
                .map(|(group, change)| named(None, Some(group), change))
                .collect(),
            each: each
                .into_iter()
                .map(|((day, group), change)| named(Some(day), Some(group), change))
                .collect(),
        }
    }
}

fn named(day: Option<String>, group: Option<String>, change: Change) -> Named {
    Named { day, group, change }
}

fn timestamp(at: model::Instant) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default()
}

/// The day in UTC.
fn date(at: model::Instant) -> String {
    timestamp(at).strftime("%Y-%m-%d").to_string()
}

impl Report {
    fn show(&self) -> anyhow::Result<()> {
        line(format_args!(
            "{}: {} cycles from {} to {}, {} with another plan; {} calls, {} faults\n",
            self.policy, self.cycles, self.from, self.to, self.changed, self.calls, self.faults
        ))?;
        let heads = [
            "day",
            "group",
            "steps",
            "with it",
            "added",
            "dropped",
            "changed",
            "$/h",
            "with it",
            "difference",
            "pod-seconds waiting",
            "with it",
            "evictions",
            "with it",
        ];
        let mut table = output::table(&heads);
        for row in self.days.iter().chain(&self.groups).chain(&self.each) {
            let all = || "all".to_owned();
            table.add_row(cells(
                (
                    row.day.clone().unwrap_or_else(all),
                    row.group.clone().unwrap_or_else(all),
                ),
                &row.change,
            ));
        }
        table.add_row(cells(("all".to_owned(), "all".to_owned()), &self.total));
        line(table)?;
        line(format_args!("\n{}", page::ABOUT))?;
        match &self.fault {
            Some(fault) => line(format_args!("first fault: {fault}")),
            None => Ok(()),
        }
    }
}

/// A row of the table, here and on the page.
fn cells((day, group): (String, String), change: &Change) -> [String; 14] {
    let (was, is) = (&change.recorded, &change.policy);
    [
        day,
        output::plain(&group),
        was.steps.to_string(),
        is.steps.to_string(),
        change.steps_added.to_string(),
        change.steps_dropped.to_string(),
        change.steps_changed.to_string(),
        format!("{:.4}", was.usd_per_hour),
        format!("{:.4}", is.usd_per_hour),
        format!("{:+.4}", is.usd_per_hour - was.usd_per_hour),
        was.pending_pod_seconds.to_string(),
        is.pending_pod_seconds.to_string(),
        was.evictions.to_string(),
        is.evictions.to_string(),
    ]
}
