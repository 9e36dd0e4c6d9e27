//! `plimsoll simulate`: plays a scenario on the simulated cluster and cloud, offline.
//!
//! Reads files, plays, prints the scorecard. What happens is the room `sim`'s; nothing outside this process is
//! touched but the log and the report that are asked for.

use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs};
use crate::policies::{self, PolicyArg};
use anyhow::Context;
use cycle::InForce;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sim::{Moment, Options, Played, Scenario, Scorecard};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Without a terminal to draw on, a run that takes longer than this says now and then how far it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `simulate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scenario: YAML, or `-` for stdin. Files that it names are sought beside it.
    #[arg(value_name = "SCENARIO.yaml")]
    scenario: PathBuf,
    /// Another seed than the scenario's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A policy to ask, with its configuration; may be repeated.
    #[arg(long, value_name = "FILE[=CONFIG.json]")]
    policy: Vec<PolicyArg>,
    /// A folder to write the record of every cycle into, for `replay` and `explain`.
    #[arg(long, value_name = "OUT")]
    log: Option<PathBuf>,
    /// A page with the run's plots.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let scenario = scenario(&args.scenario, args.seed)?;
    let policies = policies::load(&args.policy)?;
    let log = args.log.as_deref().map(open_log).transpose()?;
    let played = play(scenario.clone(), policies, log)?;
    if let Some(path) = &args.report {
        let page = sim::report(&scenario, &played);
        std::fs::write(path, page).with_context(|| format!("{}", path.display()))?;
    }
    match args.output.output {
        Format::Json => output::json(&played.scorecard)?,
        Format::Table => output::bytes(played.scorecard.to_string().as_bytes())?,
    }
    Ok(exit(&played.scorecard))
}

/// 3 where a policy faulted, 1 where the referee found a breach.
fn exit(card: &Scorecard) -> Exit {
    match (card.policy.faults, card.violations.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::No,
        _ => Exit::Failed,
    }
}

/// Reads a scenario with the files that it names beside it; `seed`: another one than its own.
pub(crate) fn scenario(file: &Path, seed: Option<u64>) -> anyhow::Result<Scenario> {
    let bytes = input::read(file)?;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let fetch = |named: &str| {
        let bytes = input::read(&folder.join(named)).map_err(|error| format!("{error:#}"))?;
        Ok(bytes)
    };
    let read = Scenario::read(&input::name(file), &bytes, &fetch);
    let mut scenario = read.map_err(Unreadable::new)?;
    scenario.seed = seed.unwrap_or(scenario.seed);
    Ok(scenario)
}

fn open_log(folder: &Path) -> anyhow::Result<logbook::Writer> {
    // Nobody resumes a simulation: a record need not outlive a power cut.
    let settings = logbook::Settings {
        sync: false,
        ..logbook::Settings::new(folder)
    };
    let opened = logbook::Writer::open(settings);
    opened.map_err(|error| Unreadable::new(format_args!("{}: {error}", folder.display())).into())
}

fn play(scenario: Scenario, policies: InForce, log: Option<logbook::Writer>) -> anyhow::Result<Played> {
    let options = Options {
        log,
        ..Options::default()
    };
    let shown = Shown::start(scenario.cycles());
    let mut on_cycle = |moment: Moment<'_>| shown.at(&moment);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let played = runtime.block_on(sim::play(scenario, policies, options, &mut on_cycle));
    shown.bar.finish_and_clear();
    Ok(played?)
}

/// How far it is: a bar on a terminal, a line now and then elsewhere.
struct Shown {
    bar: ProgressBar,
    terminal: bool,
    begun: Instant,
}

impl Shown {
    fn start(cycles: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(cycles), target);
        let template = "{bar:32} {pos}/{len} cycles, {msg}, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            terminal,
            begun: Instant::now(),
        }
    }

    fn at(&self, moment: &Moment<'_>) {
        self.bar.set_position(moment.number);
        self.bar.set_message(format!(
            "{} waiting, {}",
            moment.sample.waiting, moment.sample.rate
        ));
        let tenth = moment.of.div_ceil(10).max(1);
        if !self.terminal && moment.number.is_multiple_of(tenth) && self.begun.elapsed() > PATIENCE {
            output::say(format_args!("{} of {} cycles", moment.number, moment.of));
        }
    }
}
