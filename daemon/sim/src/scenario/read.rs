//! Reads a scenario from YAML: unknown fields are refused, every mistake is named with its path.
//!
//! Files beside it (offers, traces) are fetched by the caller's function, so that nothing here does I/O.

use crate::scenario::{Arrivals, Lag, Scenario, Scoring, offers, pods, strikes, values};
use manifest::{At, Problems, Sheet};
use model::aims::{Aims, Mode};
use model::{Instant, Span};

/// Scenarios longer than this would fill the memory before they end.
const MAX_CYCLES: i64 = 1_000_000;

/// Jobs and traces that bring more pods than this would as well.
const MAX_ARRIVALS: i64 = 10_000_000;

/// Fetches a file named by a scenario, relative to it: its bytes, or why not.
pub type Fetch<'f> = &'f dyn Fn(&str) -> Result<Vec<u8>, String>;

const FIELDS: [&str; 15] = [
    "name",
    "about",
    "seed",
    "start",
    "duration",
    "cycle",
    "cluster",
    "offers",
    "groups",
    "daemon_sets",
    "deployments",
    "jobs",
    "traces",
    "faults",
    "aims",
];

impl Scenario {
    /// Reads a scenario. `file` is how messages call it; `fetch` brings the files that it names.
    pub fn read(file: &str, bytes: &[u8], fetch: Fetch<'_>) -> Result<Self, Problems> {
        let tree = manifest::single(file, bytes)?;
        let sheet = Sheet::new(file, String::new());
        let top = sheet.top(&tree);
        let (scenario, outside) = whole(top, file, fetch);
        match sheet.close(scenario) {
            Ok(scenario) => outside.or(scenario),
            Err(mut problems) => {
                problems.extend(outside);
                Err(problems)
            }
        }
    }
}

/// The scenario as far as it could be read, and the problems of the files it names.
fn whole(top: At<'_, '_>, file: &str, fetch: Fetch<'_>) -> (Scenario, Problems) {
    let mut outside = Problems::default();
    if !matches!(top.tree(), Some(manifest::Tree::Map(_))) {
        top.problem("a scenario is a mapping");
        return (blank(), outside);
    }
    top.only(&FIELDS);
    let cluster = top.get("cluster");
    cluster.only(&[
        "name",
        "zones",
        "boot",
        "scoring",
        "fargate_start",
        "placement_ttl",
    ]);
    let zones = zones(cluster.get("zones"));
    let aims = aims(top.get("aims"), file, &mut outside);
    let groups = offers::groups(top.get("groups"), &zones);
    let catalogue = offers::catalogue(top.get("offers"), fetch, &mut outside);
    let offers = offers::offers(&groups, &catalogue);
    let names: Vec<_> = groups.iter().map(|g| g.plan.name.clone()).collect();
    let mut arrivals = pods::jobs(top.get("jobs"));
    arrivals.extend(pods::traces(top.get("traces"), fetch));
    let scenario = Scenario {
        name: top.get("name").name().unwrap_or_default().to_owned(),
        about: top.get("about").text().unwrap_or_default().to_owned(),
        seed: seed(top.get("seed")),
        start: start(top.get("start")),
        duration: positive(top.get("duration")),
        cycle: values::positive(top.get("cycle"), Span::from_secs(30)),
        cluster: cluster.get("name").text().unwrap_or("simulated").to_owned(),
        boot: cluster.get("boot").lag(Lag::secs(30, 90)),
        scoring: scoring(cluster.get("scoring")),
        fargate_start: cluster.get("fargate_start").lag(Lag::secs(45, 60)),
        placement_ttl: values::positive(cluster.get("placement_ttl"), Span::from_secs(900)),
        groups: groups.into_iter().map(|g| g.plan).collect(),
        offers,
        daemon_sets: pods::daemon_sets(top.get("daemon_sets")),
        workloads: pods::deployments(top.get("deployments")),
        arrivals,
        faults: strikes::faults(top.get("faults"), &names),
        aims,
    };
    check_length(top, &scenario);
    check_arrivals(top, &scenario);
    (scenario, outside)
}

fn blank() -> Scenario {
    Scenario {
        name: String::new(),
        about: String::new(),
        seed: 0,
        start: Instant::default(),
        duration: Span::ZERO,
        cycle: Span::from_secs(30),
        cluster: String::new(),
        boot: Lag::secs(0, 0),
        scoring: Scoring::default(),
        fargate_start: Lag::secs(0, 0),
        placement_ttl: Span::ZERO,
        groups: Vec::new(),
        offers: Vec::new(),
        daemon_sets: Vec::new(),
        workloads: Vec::new(),
        arrivals: Vec::new(),
        faults: Vec::new(),
        aims: Aims::default(),
    }
}

/// What the operator wants, in the form of an aims file; without a mode the world is acted on.
fn aims(at: At<'_, '_>, file: &str, outside: &mut Problems) -> Aims {
    let tree = at.tree().filter(|_| at.is_there());
    let read = tree.map(|tree| manifest::aims_from(file, "aims", tree));
    let mut aims = read
        .unwrap_or_else(|| Ok(Aims::default()))
        .unwrap_or_else(|problems| {
            outside.extend(problems);
            Aims::default()
        });
    aims.modes.cluster = aims.modes.cluster.or(Some(Mode::Act));
    aims
}

fn scoring(at: At<'_, '_>) -> Scoring {
    match at.text() {
        None | Some("least-allocated") => Scoring::LeastAllocated,
        Some("most-allocated") => Scoring::MostAllocated,
        Some(_) => {
            at.problem("must be least-allocated or most-allocated");
            Scoring::LeastAllocated
        }
    }
}

fn zones(at: At<'_, '_>) -> Vec<String> {
    let read: Vec<String> = at
        .items()
        .filter_map(|zone| zone.name().map(str::to_owned))
        .collect();
    if read.is_empty() && !at.is_there() {
        return vec!["zone-a".to_owned(), "zone-b".to_owned()];
    }
    if read.is_empty() {
        at.problem("must name at least one zone");
    }
    read
}

fn seed(at: At<'_, '_>) -> u64 {
    let read = at.int().unwrap_or(1);
    u64::try_from(read).unwrap_or_else(|_| {
        at.problem("must not be negative");
        1
    })
}

/// 2026-03-02 00:00 UTC, a Monday, where the scenario names no start.
fn start(at: At<'_, '_>) -> Instant {
    const MONDAY: Instant = Instant(1_772_409_600_000);
    manifest::instant(at).unwrap_or(MONDAY)
}

fn positive(at: At<'_, '_>) -> Span {
    if !at.is_there() {
        at.problem("is missing");
    }
    values::positive(at, Span::from_secs(3600))
}

/// All that the jobs and traces bring over the whole scenario.
fn check_arrivals(top: At<'_, '_>, scenario: &Scenario) {
    let pods = |arrivals: &Arrivals| match arrivals {
        Arrivals::Burst { job, every, .. } => {
            let every = every.map_or(i64::MAX, |every| every.millis().max(1));
            let times = scenario.duration.millis() / every + 1;
            times.saturating_mul(i64::from(job.pods.1.max(1)))
        }
        Arrivals::Trace { rows, .. } => rows.iter().map(|row| i64::from(row.pods)).sum(),
    };
    let all = scenario
        .arrivals
        .iter()
        .fold(0_i64, |all, arrivals| all.saturating_add(pods(arrivals)));
    if all > MAX_ARRIVALS {
        top.get("jobs").problem(format_args!(
            "{all} pods arrive; a scenario has at most {MAX_ARRIVALS}"
        ));
    }
}

fn check_length(top: At<'_, '_>, scenario: &Scenario) {
    let cycles = scenario.duration.millis() / scenario.cycle.millis().max(1);
    if cycles > MAX_CYCLES {
        let at = top.get("duration");
        at.problem(format_args!(
            "{cycles} cycles; a scenario has at most {MAX_CYCLES}"
        ));
    }
    let fits = scenario.duration < Span::from_secs(86_400 * 366);
    if !fits {
        top.get("duration").problem("must be below a year");
    }
}
