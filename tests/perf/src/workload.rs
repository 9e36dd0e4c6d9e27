//! Pods to place: a synthetic mix of small service pods, and draws from public traces.
//!
//! Every draw is named by its seed and the same on every machine. The shapes of `k8smix` are those of
//! `k8smix5k_seed1.csv.gz`; the generator is another one, so that only seed 1 of the file is that very file.

use crate::data;
use anyhow::{Context, Result, bail};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, Zipf};
use rand_pcg::Pcg64;
use std::collections::BTreeMap;

const MIB: i64 = 1 << 20;

/// Pods by shape: CPU in millicores, memory in bytes, how many.
pub type Shapes = Vec<(i64, i64, u32)>;

/// Where pods come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Small service pods; synthetic.
    K8smix,
    /// Alibaba 2018 batch tasks, memory as a share of a 384 GiB server.
    Ali2018,
    /// Alibaba GPU trace 2023: pods up to 16 vCPU and 110,000 MiB, their GPUs left aside.
    Openb,
    /// Alibaba DLRM serving 2025: CPU nodes up to 64 vCPU.
    Dlrm,
}

impl Source {
    /// How tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::K8smix => "k8smix (synthetic)",
            Self::Ali2018 => "ali2018",
            Self::Openb => "openb",
            Self::Dlrm => "dlrm",
        }
    }

    /// So many pods of this seed.
    pub fn draw(self, pods: usize, seed: u64) -> Result<Shapes> {
        let mut random = Pcg64::seed_from_u64(seed);
        let drawn = match self {
            Self::K8smix => k8smix(pods, &mut random)?,
            Self::Ali2018 => ali2018(pods, &mut random)?,
            Self::Openb => sample(openb()?, pods, &mut random)?,
            Self::Dlrm => sample(dlrm()?, pods, &mut random)?,
        };
        Ok(folded(drawn))
    }
}

/// So many pods of exactly so many distinct requests, drawn like service pods (log-normal, a few shapes with most of
/// the replicas); synthetic.
pub fn of_classes(classes: usize, pods: usize, seed: u64) -> Shapes {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut shapes: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    while shapes.len() < classes {
        let (of_cpu, of_memory): (f64, f64) = (
            StandardNormal.sample(&mut random),
            StandardNormal.sample(&mut random),
        );
        let cpu = (steps(250.0 * (1.2 * of_cpu).exp()) / 5 * 5).clamp(10, 8_000);
        let mib = (steps(3.072 * whole(cpu) * (0.8 * of_memory).exp()) / 16 * 16).clamp(32, 32_768);
        shapes.insert((cpu, mib * MIB), 1);
    }
    let mut keys: Vec<(i64, i64)> = shapes.keys().copied().collect();
    keys.shuffle(&mut random);
    for _ in classes..pods {
        // The square favours the first of a fixed order: few shapes have many replicas.
        let at = random.random::<f64>().powi(2) * whole(i64::try_from(keys.len()).unwrap_or(i64::MAX));
        let key = usize::try_from(steps(at)).ok().and_then(|at| keys.get(at));
        if let Some(many) = key.and_then(|key| shapes.get_mut(key)) {
            *many += 1;
        }
    }
    folded_shapes(shapes)
}

fn folded(pods: Vec<(i64, i64)>) -> Shapes {
    let mut shapes: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    for shape in pods {
        *shapes.entry(shape).or_insert(0) += 1;
    }
    folded_shapes(shapes)
}

fn folded_shapes(shapes: BTreeMap<(i64, i64), u32>) -> Shapes {
    shapes
        .into_iter()
        .map(|((cpu, memory), n)| (cpu, memory, n))
        .collect()
}

const CPUS: [(i64, f64); 16] = [
    (10, 4.0),
    (25, 5.0),
    (50, 9.0),
    (100, 18.0),
    (150, 4.0),
    (200, 9.0),
    (250, 12.0),
    (300, 3.0),
    (500, 14.0),
    (750, 3.0),
    (1000, 10.0),
    (1500, 2.0),
    (2000, 4.0),
    (3000, 1.0),
    (4000, 1.5),
    (8000, 0.5),
];
const MIBS: [f64; 19] = [
    32.0, 64.0, 128.0, 192.0, 256.0, 384.0, 512.0, 768.0, 1024.0, 1536.0, 2048.0, 3072.0, 4096.0, 6144.0,
    8192.0, 12288.0, 16384.0, 24576.0, 32768.0,
];

fn k8smix(pods: usize, random: &mut impl Rng) -> Result<Vec<(i64, i64)>> {
    let zipf = Zipf::new(1e9_f64, 1.9)?;
    let total: f64 = CPUS.iter().map(|(_, weight)| weight).sum();
    let mut drawn = Vec::with_capacity(pods + 60);
    while drawn.len() < pods {
        let mut at = random.random::<f64>() * total;
        let mut cpu = CPUS[0].0;
        for (of, weight) in CPUS {
            cpu = of;
            at -= weight;
            if at < 0.0 {
                break;
            }
        }
        let normal: f64 = StandardNormal.sample(random);
        let mut ratio = (3.0_f64.ln() + 0.8 * normal).exp();
        if cpu < 200 {
            let more: f64 = StandardNormal.sample(random);
            ratio *= (0.6 * more).abs().exp();
        }
        let wanted = (whole(cpu) / 1000.0 * ratio * 1024.0).max(32.0);
        let near = |mib: &f64| (mib.ln() - wanted.ln()).abs();
        let mib = MIBS
            .into_iter()
            .min_by(|a, b| near(a).total_cmp(&near(b)))
            .context("a menu")?;
        let copies: f64 = zipf.sample(random);
        let mut replicas = copies.min(60.0);
        if random.random::<f64>() < 0.6 {
            replicas += 1.0;
        }
        for _ in 0..steps(replicas) {
            drawn.push((cpu, steps(mib) * MIB));
        }
    }
    drawn.truncate(pods);
    Ok(drawn)
}

#[expect(clippy::cast_precision_loss, reason = "millicores of a menu")]
const fn whole(amount: i64) -> f64 {
    amount as f64
}

#[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
const fn steps(amount: f64) -> i64 {
    amount as i64
}

fn rows(name: &str, headers: bool) -> Result<(csv::StringRecord, Vec<csv::StringRecord>)> {
    let bytes = data::read(name)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(headers)
        .from_reader(&bytes[..]);
    let head = reader.headers()?.clone();
    Ok((head, reader.records().collect::<Result<_, _>>()?))
}

fn number(row: &csv::StringRecord, at: usize) -> f64 {
    row.get(at).and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn column(head: &csv::StringRecord, name: &str) -> Result<usize> {
    head.iter()
        .position(|column| column == name)
        .with_context(|| format!("column {name}"))
}

/// Rows with replacement, weighted by instances, at most 2,000.
fn ali2018(pods: usize, random: &mut impl Rng) -> Result<Vec<(i64, i64)>> {
    let (_, rows) = rows("traces/alibaba2018_batch_sample_tasks.csv.zst", false)?;
    let mut sums = Vec::with_capacity(rows.len());
    let mut total = 0.0;
    let mut shapes = Vec::with_capacity(rows.len());
    for row in &rows {
        total += number(row, 6).min(2000.0);
        sums.push(total);
        let cpu = steps(number(row, 4) * 10.0).max(1);
        let mib = steps(number(row, 5) / 100.0 * 384.0 * 1024.0).max(16);
        shapes.push((cpu, mib * MIB));
    }
    let mut drawn = Vec::with_capacity(pods);
    for _ in 0..pods {
        let at = random.random::<f64>() * total;
        let row = sums.partition_point(|sum| *sum <= at).min(shapes.len() - 1);
        drawn.push(shapes[row]);
    }
    Ok(drawn)
}

fn openb() -> Result<Vec<(i64, i64)>> {
    let (head, rows) = rows("traces/openb_pod_list_default.csv.zst", true)?;
    let (cpu, mib) = (column(&head, "cpu_milli")?, column(&head, "memory_mib")?);
    let pods = rows
        .iter()
        .map(|row| (steps(number(row, cpu)), steps(number(row, mib))));
    Ok(pods
        .filter(|(cpu, mib)| *cpu <= 16_000 && *mib <= 110_000)
        .map(|(cpu, mib)| (cpu, mib * MIB))
        .collect())
}

fn dlrm() -> Result<Vec<(i64, i64)>> {
    let (head, rows) = rows("traces/alibaba_gpu_v2025_disaggregated_DLRM.csv.zst", true)?;
    let role = column(&head, "role")?;
    let (cpu, gib) = (column(&head, "cpu_request")?, column(&head, "memory_request")?);
    Ok(rows
        .iter()
        .filter(|row| row.get(role) == Some("CN") && number(row, cpu) <= 64.0)
        .map(|row| {
            (
                steps(number(row, cpu) * 1000.0),
                steps(number(row, gib) * 1024.0) * MIB,
            )
        })
        .collect())
}

/// Rows without replacement as far as they go.
fn sample(mut from: Vec<(i64, i64)>, pods: usize, random: &mut impl Rng) -> Result<Vec<(i64, i64)>> {
    if from.is_empty() {
        bail!("the trace has no such rows");
    }
    for at in 0..pods.min(from.len()) {
        let other = random.random_range(at..from.len());
        from.swap(at, other);
    }
    Ok(from.into_iter().cycle().take(pods).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_so_many_classes() {
        let shapes = of_classes(150, 30_000, 7);
        assert_eq!(shapes.len(), 150);
        assert_eq!(shapes.iter().map(|(_, _, many)| many).sum::<u32>(), 30_000);
        assert_eq!(shapes, of_classes(150, 30_000, 7));
        assert_ne!(shapes, of_classes(150, 30_000, 8));
    }
}
