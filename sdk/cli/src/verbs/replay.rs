//! `plimsoll replay`: decides every record of a log again and compares with what was recorded.
//!
//! With the policies of the log: their components where the log has the bytes, else their recorded answers; or
//! with other policies, to see what these would have done. Nothing is carried out.

use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, OutputArgs, Progress};
use crate::policies::{self, PolicyArg};
use cycle::replay::{decide_again, policies_of};
use decide::{Policy, PolicySet};
use logbook::{CycleRecord, Difference, LogError, PolicyUse, Reader};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Differences printed per cycle in a table; JSON has them all.
const SHOWN: usize = 20;

/// Arguments of `replay`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A log of cycle records: a segment file or a folder of them.
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// Decide with these policies instead of the recorded ones; may be repeated.
    #[arg(long, value_name = "FILE[=CONFIG.json]")]
    policy: Vec<PolicyArg>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What came of it; documented and only ever added to.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    /// Records in the log.
    records: u64,
    /// Decided again with the same plan.
    identical: u64,
    /// Decided again with another plan.
    different: u64,
    /// Nothing had been seen: nothing to decide.
    unseen: u64,
    /// Engine versions in the log; exact agreement is promised for one's own only.
    engines: Vec<String>,
    /// This engine.
    engine: &'static str,
    /// Components that answered for themselves; the other policies answered as recorded.
    components: u64,
    differences: Vec<Differing>,
}

#[derive(Serialize)]
struct Differing {
    cycle: u64,
    differences: Vec<Difference>,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let instead = match args.policy.as_slice() {
        [] => None,
        given => Some(policies::load(given)?.set),
    };
    let progress = Progress::start("deciding again");
    let mut reader = Reader::open(&args.log).map_err(Unreadable::new)?;
    let mut shelf = Shelf::default();
    let mut report = Report::new();
    let mut bad: Option<LogError> = None;
    while let Some(read) = reader.next() {
        match read {
            Ok(record) => report.count(&record, &shelf.policies(&record, &reader, instead.as_ref())),
            // What can be read is still compared; the log as a whole is not readable.
            Err(error) => bad = bad.or(Some(error)),
        }
    }
    report.components = shelf.loaded();
    drop(progress);
    if reader.torn() {
        output::say(format_args!(
            "{}: the last record is cut off; the ones before it are whole",
            args.log.display()
        ));
    }
    match args.output.output {
        Format::Json => output::json(&report)?,
        Format::Table => report.show()?,
    }
    match (bad, report.records, report.different) {
        (Some(error), _, _) => Err(Unreadable::new(error).into()),
        (None, 0, _) => Err(Unreadable::new(format_args!("{}: no records", args.log.display())).into()),
        (None, _, 0) => Ok(Exit::Done),
        (None, _, _) => Ok(Exit::No),
    }
}

/// Components of the log, each loaded once.
#[derive(Default)]
struct Shelf {
    engine: Option<host::Engine>,
    loaded: BTreeMap<(String, String), Option<Arc<dyn Policy>>>,
}

impl Shelf {
    fn policies(&mut self, record: &CycleRecord, reader: &Reader, instead: Option<&PolicySet>) -> PolicySet {
        instead.map_or_else(
            || policies_of(record, &mut |policy| self.component(policy, reader)),
            PolicySet::clone,
        )
    }

    fn loaded(&self) -> u64 {
        self.loaded.values().flatten().count() as u64
    }

    fn component(&mut self, policy: &PolicyUse, reader: &Reader) -> Option<Arc<dyn Policy>> {
        let bytes = reader.component(&policy.digest)?;
        let key = (policy.digest.clone(), policy.config.clone());
        if let Some(known) = self.loaded.get(&key) {
            return known.clone();
        }
        let loaded = self.load(policy, bytes).inspect_err(|why| {
            output::say(format_args!(
                "policy {}: its component does not load here ({why}); its recorded answers are used",
                policy.name
            ));
        });
        let loaded = loaded.ok();
        self.loaded.insert(key, loaded.clone());
        loaded
    }

    fn load(&mut self, policy: &PolicyUse, bytes: &[u8]) -> Result<Arc<dyn Policy>, String> {
        // A log keeps components and texts of rules alike, by digest alone.
        if !bytes.starts_with(b"\0asm") {
            let rules = rules::read(bytes, &policy.config).map_err(|error| error.to_string())?;
            return Ok(Arc::new(rules));
        }
        if self.engine.is_none() {
            self.engine = Some(crate::engine::start()?);
        }
        let engine = self.engine.as_ref().ok_or("no engine")?;
        let loaded = engine
            .load(bytes, &policy.name, &policy.config, &host::Limits::default())
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(loaded))
    }
}

impl Report {
    const fn new() -> Self {
        Self {
            version: "plimsoll.replay/v1",
            records: 0,
            identical: 0,
            different: 0,
            unseen: 0,
            engines: Vec::new(),
            engine: env!("CARGO_PKG_VERSION"),
            components: 0,
            differences: Vec::new(),
        }
    }

    fn count(&mut self, record: &CycleRecord, policies: &PolicySet) {
        self.records += 1;
        if !self.engines.contains(&record.engine) {
            self.engines.push(record.engine.clone());
        }
        if !record.has_seen() {
            self.unseen += 1;
            return;
        }
        match decide_again(record, policies) {
            Ok(()) => self.identical += 1,
            Err(differences) => {
                self.different += 1;
                self.differences.push(Differing {
                    cycle: record.cycle,
                    differences,
                });
            }
        }
    }

    fn show(&self) -> anyhow::Result<()> {
        for differing in &self.differences {
            output::line(format_args!("cycle {}: different", differing.cycle))?;
            for difference in differing.differences.iter().take(SHOWN) {
                output::line(output::plain(&format!("  {difference}")))?;
            }
            let more = differing.differences.len().saturating_sub(SHOWN);
            if more > 0 {
                output::line(format_args!("  and {more} more"))?;
            }
        }
        output::line(format_args!(
            "{} records: {} identical, {} different, {} without a picture",
            self.records, self.identical, self.different, self.unseen
        ))?;
        if self.engines.iter().any(|engine| engine != self.engine) {
            output::say(format_args!(
                "recorded by engine {}, decided again by {}: differences are no fault",
                self.engines.join(", "),
                self.engine
            ));
        }
        Ok(())
    }
}
