//! `exact`: small instances against the optimum that a solver of whole numbers proves.
//!
//! Writes every instance as a compact model (which type each slot is, which pods are on it), runs HiGHS on it
//! within a time limit, checks its answer from scratch and compares the engine's plan. The solver is a program
//! that the caller names; it is no dependency. What is left out of the model changes no optimum: types that another
//! one beats in everything, and pairs of nodes that one node could stand in for at no higher price.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use anyhow::{Context, Result, bail};
use clap::Parser;
use model::{Aims, Memory, Offer};
use perf::catalogue::{self, Catalogue};
use perf::snapshot;
use perf::workload::{Shapes, Source};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The engine against proven optima.
#[derive(Parser)]
struct Args {
    /// The HiGHS program; without it only optima that are known are compared with.
    #[arg(long, env = "PLIMSOLL_HIGHS")]
    solver: Option<PathBuf>,
    /// A file of proven optima, as `--keep` writes it: these are not proven again.
    #[arg(long)]
    known: Option<PathBuf>,
    /// Pods of an instance.
    #[arg(long, value_delimiter = ',', default_value = "20,60,100,200,300")]
    pods: Vec<usize>,
    /// Largest type, in vCPU.
    #[arg(long, value_delimiter = ',', default_value = "16,64")]
    vcpu: Vec<i64>,
    /// Seeds, from `--from` on.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// First seed: none from here on was used for tuning.
    #[arg(long, default_value_t = 41)]
    from: u64,
    /// Seconds that the solver may take for one instance.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Append proven optima to this file, one line each: pods,vcpu,seed,nanodollars.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Folder for models and solutions.
    #[arg(long, default_value = ".")]
    room: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let prices = catalogue::prices()?;
    let known = match &args.known {
        None => Optima::new(),
        Some(path) => optima(&std::fs::read_to_string(path).with_context(|| path.display().to_string())?)?,
    };
    println!(
        "| instance | seeds | proven | equal | over the optimum, mean % | worst % | the others over the bound, mean % | worst % |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut details = String::new();
    for pods in &args.pods {
        for vcpu in &args.vcpu {
            let offers = Catalogue::up_to(*vcpu).offers(&prices);
            let mut found = Vec::new();
            for seed in args.from..args.from + args.seeds {
                let shapes = Source::K8smix.draw(*pods, seed)?;
                let name = format!("k8smix-{pods}-{vcpu}-{seed}");
                let known = known.get(&(*pods, *vcpu, seed)).copied();
                let result = compare(&args, (&name, known), &shapes, &offers)?;
                eprintln_line(&name, &result);
                if let (Some(path), Some(optimum), None) = (&args.keep, result.optimum, known) {
                    append(path, &format!("{pods},{vcpu},{seed},{optimum}\n"))?;
                }
                details.push_str(&result.told(&name));
                found.push(result);
            }
            println!("{}", row(*pods, *vcpu, &found));
        }
    }
    print!("{details}");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress")]
fn eprintln_line(name: &str, result: &Compared) {
    eprintln!(
        "{name}: engine {}, bound {}, optimum {:?}, solver's bound {:.6}",
        result.engine, result.bound, result.optimum, result.solver_bound
    );
}

/// By pods, vCPU and seed.
type Optima = BTreeMap<(usize, i64, u64), i64>;

/// Reads what `--keep` wrote, below one line of heads.
fn optima(text: &str) -> Result<Optima> {
    let mut optima = Optima::new();
    for line in text.lines().filter(|line| !line.starts_with("pods")) {
        let cells: Vec<&str> = line.split(',').collect();
        let [pods, vcpu, seed, nanos] = cells[..] else {
            bail!("{line}: four numbers are wanted");
        };
        optima.insert((pods.parse()?, vcpu.parse()?, seed.parse()?), nanos.parse()?);
    }
    Ok(optima)
}

fn append(path: &Path, line: &str) -> Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    std::fs::write(path, before + line).with_context(|| path.display().to_string())
}

/// What came of one instance; money in nano-dollars an hour.
struct Compared {
    engine: i64,
    bound: i64,
    optimum: Option<i64>,
    /// In dollars.
    solver_bound: f64,
    engine_nodes: Vec<String>,
    solver_nodes: Vec<String>,
}

impl Compared {
    fn told(&self, name: &str) -> String {
        let Some(optimum) = self.optimum.filter(|optimum| *optimum < self.engine) else {
            return String::new();
        };
        let mut text = format!(
            "\n{name}: engine {:.4}, optimum {:.4}, {:.2} % dearer\n",
            dollars(self.engine),
            dollars(optimum),
            percent(self.engine, optimum)
        );
        for (who, nodes) in [("engine", &self.engine_nodes), ("optimum", &self.solver_nodes)] {
            for node in nodes {
                let _ = writeln!(text, "  {who}  {node}");
            }
        }
        text
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn dollars(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

fn percent(over: i64, base: i64) -> f64 {
    (dollars(over) / dollars(base) - 1.0) * 100.0
}

fn row(pods: usize, vcpu: i64, found: &[Compared]) -> String {
    let proven: Vec<(i64, i64)> = found
        .iter()
        .filter_map(|one| Some((one.engine, one.optimum?)))
        .collect();
    let equal = proven
        .iter()
        .filter(|(engine, optimum)| engine == optimum)
        .count();
    let over: Vec<f64> = proven
        .iter()
        .map(|(engine, optimum)| percent(*engine, *optimum))
        .collect();
    let open = found.iter().filter(|one| one.optimum.is_none());
    let open: Vec<f64> = open.map(|one| percent(one.engine, one.bound)).collect();
    format!(
        "| k8smix (synthetic) {pods} ≤{vcpu} | {} | {} | {equal} | {} | {} | {} | {} |",
        found.len(),
        proven.len(),
        mean(&over),
        worst(&over),
        mean(&open),
        worst(&open),
    )
}

fn mean(of: &[f64]) -> String {
    let many = u32::try_from(of.len()).unwrap_or(u32::MAX);
    match many {
        0 => "–".to_owned(),
        many => format!("{:.2}", of.iter().sum::<f64>() / f64::from(many)),
    }
}

fn worst(of: &[f64]) -> String {
    match of {
        [] => "–".to_owned(),
        _ => format!("{:.2}", of.iter().copied().fold(0.0, f64::max)),
    }
}

/// A type of the model: room for pods, price, name.
#[derive(Clone, Debug)]
struct Kind {
    room: [i64; 3],
    price: i64,
    name: String,
    /// Only nodes with more pods than this are of this kind, so that there cannot be many.
    above: Option<i64>,
}

/// Types that no other one beats in everything, the DaemonSet's pod taken off.
fn kinds(offers: &[Offer]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut all: Vec<Kind> = offers
        .iter()
        .map(|offer| Kind {
            room: [
                offer.allocatable.cpu_milli - snapshot::DAEMON.0,
                offer.allocatable.memory_bytes - snapshot::DAEMON.1,
                i64::from(offer.max_pods) - 1,
            ],
            price: offer.price.0,
            name: offer.instance_type().unwrap_or_default().to_owned(),
            above: None,
        })
        .filter(|kind| kind.room.iter().all(|room| *room > 0))
        .collect();
    all.sort_by(|a, b| (a.price, &a.name).cmp(&(b.price, &b.name)));
    for kind in all {
        let beaten = |other: &Kind| other.room.iter().zip(&kind.room).all(|(a, b)| a >= b);
        if !kinds.iter().any(beaten) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Whether one node of some kind holds whatever both hold, at no higher price: then some optimum has not both.
fn merges(kinds: &[Kind], a: &Kind, b: &Kind, total: &[i64; 3]) -> bool {
    let instead = |kind: &&Kind| {
        let dims = 0..total.len();
        kind.price <= a.price + b.price
            && dims
                .into_iter()
                .all(|dim| kind.room[dim] >= (a.room[dim] + b.room[dim]).min(total[dim]))
    };
    kinds.iter().any(|kind| instead(&kind))
}

/// The same kinds, those that do not merge with their like for the number of pods alone split in two: with few
/// pods, which do merge, and with many.
fn split(kinds: &[Kind], total: &[i64; 3]) -> Vec<Kind> {
    let mut found = Vec::new();
    for kind in kinds {
        let few = |pods: i64| Kind {
            room: [kind.room[0], kind.room[1], pods],
            ..kind.clone()
        };
        let halves = (1..kind.room[2]).rev().map(few);
        let half = halves.into_iter().find(|half| merges(kinds, half, half, total));
        if merges(kinds, kind, kind, total) {
            found.push(kind.clone());
        } else if let Some(half) = half {
            found.push(Kind {
                above: Some(half.room[2]),
                ..kind.clone()
            });
            found.push(half);
        } else {
            found.push(kind.clone());
        }
    }
    found
}

/// Sets of kinds of which some optimum has one node at most.
fn cliques(kinds: &[Kind], total: &[i64; 3]) -> Vec<Vec<usize>> {
    let mut cliques: Vec<Vec<usize>> = Vec::new();
    for (t, kind) in kinds.iter().enumerate() {
        if !merges(kinds, kind, kind, total) {
            continue;
        }
        let joins = |clique: &&mut Vec<usize>| {
            clique
                .iter()
                .all(|other| merges(kinds, kind, &kinds[*other], total))
        };
        match cliques.iter_mut().find(joins) {
            Some(clique) => clique.push(t),
            None => cliques.push(vec![t]),
        }
    }
    cliques
}

/// Most nodes of an optimum that costs no more than this.
fn most_nodes(kinds: &[Kind], cliques: &[Vec<usize>], pods: i64, cost: i64) -> usize {
    let mut prices: Vec<i64> = Vec::new();
    for clique in cliques {
        prices.extend(clique.iter().map(|t| kinds[*t].price).min());
    }
    let mut least_of_all = i64::MAX;
    for (t, kind) in kinds.iter().enumerate() {
        match kind.above {
            Some(above) => prices.extend((0..pods / (above + 1)).map(|_| kind.price)),
            None if cliques.iter().any(|clique| clique.contains(&t)) => {}
            None => least_of_all = least_of_all.min(kind.price),
        }
    }
    let mut left = cost;
    let mut nodes = 0;
    prices.retain(|price| *price < least_of_all);
    prices.sort_unstable();
    for price in prices {
        left -= price;
        if left < 0 {
            return nodes;
        }
        nodes += 1;
    }
    nodes + usize::try_from(left / least_of_all.max(1)).unwrap_or(0)
}

/// Pods of a shape that one node holds, by shape.
type Load = BTreeMap<usize, i64>;

fn compare(
    args: &Args,
    (name, known): (&str, Option<i64>),
    shapes: &Shapes,
    offers: &[Offer],
) -> Result<Compared> {
    let seen = snapshot::waiting(shapes, offers.to_vec());
    let aims = Aims::default();
    let done = decide::deliberate(&seen, &Memory::default(), &decide::PolicySet::default(), &aims);
    if let Some(flaw) = guard::audit(&seen, &aims, &done.plan, &done.notes).first() {
        bail!("{name}: {flaw}");
    }
    let total = shapes.iter().fold([0; 3], |total, (cpu, memory, many)| {
        let many = i64::from(*many);
        [total[0] + cpu * many, total[1] + memory * many, total[2] + many]
    });
    let kinds = split(&kinds(offers), &total);
    let types: BTreeMap<_, _> = offers.iter().map(|offer| (&offer.id, offer)).collect();
    let mut nodes: Vec<(i64, String, Load)> = Vec::new();
    for node in &done.plan.nodes {
        let offer = types.get(&node.offer).context("an offer")?;
        let mut load = Load::new();
        for pod in &node.pods {
            let shape = pod.name[1..].split('-').next().context("a shape")?;
            *load.entry(shape.parse()?).or_insert(0) += 1;
        }
        nodes.push((
            offer.price.0,
            offer.instance_type().unwrap_or_default().to_owned(),
            load,
        ));
    }
    nodes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let engine = done.plan.cost.rate.0;
    let cliques = cliques(&kinds, &total);
    let model = Model {
        shapes,
        slots: most_nodes(&kinds, &cliques, total[2], engine),
        kinds: &kinds,
        cliques,
    };
    let solved = match (known, &args.solver) {
        (None, Some(solver)) => solve(args, solver, name, &model)?,
        (optimum, _) => Solved {
            optimum,
            bound: 0.0,
            nodes: Vec::new(),
        },
    };
    Ok(Compared {
        engine,
        bound: done.plan.cost.bound.0,
        optimum: solved.optimum,
        solver_bound: solved.bound,
        engine_nodes: nodes.iter().map(|node| told(node, shapes)).collect(),
        solver_nodes: solved.nodes.iter().map(|node| told(node, shapes)).collect(),
    })
}

fn told((price, kind, load): &(i64, String, Load), shapes: &Shapes) -> String {
    let pods: Vec<String> = load
        .iter()
        .map(|(shape, many)| format!("{many}×{}m/{}Mi", shapes[*shape].0, shapes[*shape].1 >> 20))
        .collect();
    format!("{:.4} {kind}: {}", dollars(*price), pods.join(" "))
}

struct Model<'a> {
    shapes: &'a Shapes,
    kinds: &'a [Kind],
    /// See [`cliques`].
    cliques: Vec<Vec<usize>>,
    slots: usize,
}

impl Model<'_> {
    /// In the LP format: `z_b_t` is 1 where slot `b` is of type `t`, `x_b_s` the pods of shape `s` on it. Slots
    /// stand in falling order of their types.
    fn text(&self) -> String {
        let mut text = "minimize\n obj:".to_owned();
        for slot in 0..self.slots {
            for (t, kind) in self.kinds.iter().enumerate() {
                let _ = write!(text, " + {} z_{slot}_{t}", dollars(kind.price));
            }
            text.push('\n');
        }
        text.push_str("subject to\n");
        for (s, (_, _, many)) in self.shapes.iter().enumerate() {
            for slot in 0..self.slots {
                let _ = write!(text, " + x_{slot}_{s}");
            }
            let _ = writeln!(text, " = {many}");
        }
        for slot in 0..self.slots {
            self.slot(slot, &mut text);
        }
        self.few(&mut text);
        text.push_str("bounds\n");
        for slot in 0..self.slots {
            for (s, (_, _, many)) in self.shapes.iter().enumerate() {
                let _ = writeln!(text, " 0 <= x_{slot}_{s} <= {many}");
            }
        }
        self.whole(&mut text);
        text
    }

    /// At most one node of a clique, and no more nodes with many pods than there are pods for.
    fn few(&self, text: &mut String) {
        for clique in &self.cliques {
            self.sum(clique, text);
            text.push_str(" <= 1\n");
        }
        let pods: i64 = self.shapes.iter().map(|shape| i64::from(shape.2)).sum();
        for (t, kind) in self.kinds.iter().enumerate() {
            if let Some(above) = kind.above {
                self.sum(&[t], text);
                let _ = writeln!(text, " <= {}", pods / (above + 1));
            }
        }
    }

    fn sum(&self, kinds: &[usize], text: &mut String) {
        for slot in 0..self.slots {
            for t in kinds {
                let _ = write!(text, " + z_{slot}_{t}");
            }
        }
    }

    fn slot(&self, slot: usize, text: &mut String) {
        for dim in 0..3 {
            for (s, (cpu, memory, _)) in self.shapes.iter().enumerate() {
                let ask = [*cpu, *memory >> 20, 1][dim];
                let _ = write!(text, " + {ask} x_{slot}_{s}");
            }
            for (t, kind) in self.kinds.iter().enumerate() {
                let room = [kind.room[0], kind.room[1] >> 20, kind.room[2]][dim];
                let _ = write!(text, " - {room} z_{slot}_{t}");
            }
            text.push_str(" <= 0\n");
        }
        for t in 0..self.kinds.len() {
            let _ = write!(text, " + z_{slot}_{t}");
        }
        text.push_str(" <= 1\n");
        if slot + 1 < self.slots {
            for t in 0..self.kinds.len() {
                let _ = write!(text, " + {} z_{slot}_{t} - {} z_{}_{t}", t + 1, t + 1, slot + 1);
            }
            text.push_str(" >= 0\n");
        }
    }

    fn whole(&self, text: &mut String) {
        text.push_str("general\n");
        for slot in 0..self.slots {
            for s in 0..self.shapes.len() {
                let _ = writeln!(text, " x_{slot}_{s}");
            }
        }
        text.push_str("binary\n");
        for slot in 0..self.slots {
            for t in 0..self.kinds.len() {
                let _ = writeln!(text, " z_{slot}_{t}");
            }
        }
        text.push_str("end\n");
    }
}

struct Solved {
    optimum: Option<i64>,
    bound: f64,
    nodes: Vec<(i64, String, Load)>,
}

fn solve(args: &Args, solver: &Path, name: &str, model: &Model<'_>) -> Result<Solved> {
    let file = |ending: &str| args.room.join(format!("{name}.{ending}"));
    std::fs::write(file("lp"), model.text())?;
    let options = "threads = 1\nparallel = off\nmip_rel_gap = 0\nmip_abs_gap = 1e-7\n";
    std::fs::write(file("opt"), options)?;
    let run = Command::new(solver)
        .arg(format!("--options_file={}", file("opt").display()))
        .arg(format!("--time_limit={}", args.seconds))
        .arg(format!("--solution_file={}", file("sol").display()))
        .arg(file("lp"))
        .output()
        .with_context(|| solver.display().to_string())?;
    let log = String::from_utf8_lossy(&run.stdout);
    let bound = log
        .lines()
        .find_map(|line| line.trim().strip_prefix("Dual bound")?.trim().parse().ok())
        .unwrap_or(0.0);
    let proven = log.lines().any(|line| {
        line.trim()
            .strip_prefix("Status")
            .is_some_and(|status| status.trim() == "Optimal")
    });
    if !proven {
        return Ok(Solved {
            optimum: None,
            bound,
            nodes: Vec::new(),
        });
    }
    let nodes = read(model, &std::fs::read_to_string(file("sol"))?).with_context(|| name.to_owned())?;
    Ok(Solved {
        optimum: Some(nodes.iter().map(|node| node.0).sum()),
        bound,
        nodes,
    })
}

/// The solver's nodes, held against the instance.
fn read(model: &Model<'_>, text: &str) -> Result<Vec<(i64, String, Load)>> {
    let mut kinds: BTreeMap<usize, &Kind> = BTreeMap::new();
    let mut loads: BTreeMap<usize, Load> = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(' ') else {
            continue;
        };
        let parts: Vec<&str> = name.split('_').collect();
        let [what @ ("x" | "z"), slot, at] = parts.as_slice() else {
            continue;
        };
        let (slot, at): (usize, usize) = (slot.parse()?, at.parse()?);
        let many = rounded(value.trim().parse()?)?;
        if many == 0 {
            continue;
        }
        if *what == "z" {
            if kinds.insert(slot, &model.kinds[at]).is_some() {
                bail!("slot {slot} is of two types");
            }
        } else {
            loads.entry(slot).or_default().insert(at, many);
        }
        if text.contains("# Dual solution") && line.starts_with("# Dual") {
            break;
        }
    }
    let mut left: Vec<i64> = model.shapes.iter().map(|shape| i64::from(shape.2)).collect();
    let mut nodes = Vec::new();
    for (slot, kind) in kinds {
        let load = loads.remove(&slot).unwrap_or_default();
        let mut used = [0_i64; 3];
        for (shape, many) in &load {
            let (cpu, memory, _) = model.shapes[*shape];
            used[0] += cpu * many;
            used[1] += memory * many;
            used[2] += many;
            left[*shape] -= many;
        }
        if used.iter().zip(&kind.room).any(|(used, room)| used > room) {
            bail!("slot {slot} is over-committed");
        }
        nodes.push((kind.price, kind.name.clone(), load));
    }
    if !loads.is_empty() || left.iter().any(|left| *left != 0) {
        bail!("not every pod has one place");
    }
    nodes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(nodes)
}

#[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
fn rounded(value: f64) -> Result<i64> {
    let whole = value.round();
    if (value - whole).abs() > 1e-4 || whole.abs() > 1e9 {
        bail!("{value} is no whole number");
    }
    Ok(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Optima as `exact --keep` proved them, k8smix (synthetic).
    const PROVEN: &str = include_str!("../optima.csv");
    /// What the engine reaches on them at least: a ratchet.
    const EQUAL: usize = 96;
    /// Mean distance in percent, at most.
    const MEAN: f64 = 0.23;

    #[test]
    fn proven_optima_are_reached_as_often_as_before() {
        let Ok(prices) = catalogue::prices() else {
            println!("skipped: there is no price list (PLIMSOLL_DATA)");
            return;
        };
        let (mut equal, mut over) = (0, Vec::new());
        for ((pods, vcpu, seed), optimum) in optima(PROVEN).unwrap() {
            let name = format!("{pods} pods, {vcpu} vCPU, seed {seed}");
            let shapes = Source::K8smix.draw(pods, seed).unwrap();
            let seen = snapshot::waiting(&shapes, Catalogue::up_to(vcpu).offers(&prices));
            let policies = decide::PolicySet::default();
            let done = decide::deliberate(&seen, &Memory::default(), &policies, &Aims::default());
            let cost = done.plan.cost;
            assert!(
                cost.rate.0 >= optimum,
                "{name}: {} is below the optimum",
                cost.rate.0
            );
            assert!(
                cost.bound.0 <= optimum,
                "{name}: the bound {} is above it",
                cost.bound.0
            );
            equal += usize::from(cost.rate.0 == optimum);
            over.push(percent(cost.rate.0, optimum));
        }
        println!(
            "{equal} of {} equal, {} % above on average",
            over.len(),
            mean(&over)
        );
        assert!(equal >= EQUAL, "{equal} of {}", over.len());
        assert!(mean(&over).parse::<f64>().unwrap() <= MEAN, "{}", mean(&over));
    }
}
