//! Which deployments there are on a day, and how many replicas each has at every tick.
//!
//! replicas(t) = max(1, ceil(base × (1 + amplitude × (u(t + phase) ÷ ū − 1)))), u the CPU series of Alibaba's
//! cluster of 2018 from its tick 288 on, ū its mean over the day. Playing the day is the parent's work.

use crate::data;
use crate::workload::Source;
use anyhow::{Context, Result};
use model::Span;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Pareto, StandardNormal};
use rand_pcg::Pcg64;

/// Time between two sizes.
pub(super) const TICK: Span = Span::from_secs(300);
/// Ticks of a day.
pub(super) const TICKS: usize = 288;
/// First tick of the series.
const FIRST: usize = 288;
/// Deployments.
const MANY: usize = 60;
/// The deployments of seed 7, drawn with numpy 2.4 as the law says (PCG64: shapes, base, phase, amplitude).
const REFERENCE: &str = include_str!("../../data/day_seed7.csv");
/// Its seed.
const REFERENCE_SEED: u64 = 7;

/// One deployment of the day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deployment {
    pub(super) cpu_milli: i64,
    pub(super) memory_bytes: i64,
    /// Replicas at the mean of the series.
    base: f64,
    amplitude: f64,
    /// Ticks ahead.
    phase: i64,
}

/// The deployments of a seed.
pub(super) fn deployments(seed: u64) -> Result<Vec<Deployment>> {
    if seed == REFERENCE_SEED {
        reference()
    } else {
        draw(seed)
    }
}

fn reference() -> Result<Vec<Deployment>> {
    let mut reader = csv::Reader::from_reader(REFERENCE.as_bytes());
    let mut read = Vec::new();
    for row in reader.deserialize() {
        let (cpu_milli, memory_mib, base, amplitude, phase): (i64, i64, f64, f64, i64) = row?;
        read.push(Deployment {
            cpu_milli,
            memory_bytes: memory_mib << 20,
            base,
            amplitude,
            phase,
        });
    }
    Ok(read)
}

/// Distinct shapes of 4,000 k8smix pods without replacement, base clip(3·(Pareto 1.3 + 1), 2, 60), phase N(0, 12),
/// amplitude U(.3, 1.3).
fn draw(seed: u64) -> Result<Vec<Deployment>> {
    let mut shapes = Source::K8smix.draw(4000, seed)?;
    let mut random = Pcg64::seed_from_u64(seed);
    // Numpy's `pareto` is Lomax: `Pareto` of scale 1 less 1, to which the law adds 1 again.
    let pareto = Pareto::new(1.0, 1.3)?;
    let many = MANY.min(shapes.len());
    for at in 0..many {
        let other = random.random_range(at..shapes.len());
        shapes.swap(at, other);
    }
    let drawn = shapes.into_iter().take(many);
    Ok(drawn
        .map(|(cpu_milli, memory_bytes, _)| {
            let base: f64 = 3.0 * pareto.sample(&mut random);
            let normal: f64 = StandardNormal.sample(&mut random);
            Deployment {
                cpu_milli,
                memory_bytes,
                base: base.clamp(2.0, 60.0),
                amplitude: 0.3 + random.random::<f64>(),
                phase: whole(12.0 * normal),
            }
        })
        .collect())
}

/// By deployment: replicas at every tick.
pub(super) fn sizes(of: &[Deployment]) -> Result<Vec<Vec<u32>>> {
    let series = series()?;
    let day = series.get(FIRST..FIRST + TICKS).context("the series is short")?;
    let mean = day.iter().sum::<f64>() / f64::from(u32::try_from(TICKS)?);
    of.iter()
        .map(|deployment| {
            (0..TICKS)
                .map(|tick| {
                    let at = i64::try_from(FIRST + tick)? + deployment.phase;
                    let u = usize::try_from(at).ok().and_then(|at| series.get(at));
                    let swing = u.context("the series is short")? / mean - 1.0;
                    Ok(replicas(deployment.base * (1.0 + deployment.amplitude * swing)))
                })
                .collect()
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and a few hundred"
)]
fn replicas(wanted: f64) -> u32 {
    wanted.ceil().max(1.0) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "a few dozen ticks")]
const fn whole(ticks: f64) -> i64 {
    ticks as i64
}

/// CPU utilisation in percent, every 300 s.
fn series() -> Result<Vec<f64>> {
    let bytes = data::read("traces/dctraces_alibaba2018_machine_usage_grouped_300_seconds.csv.zst")?;
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let at = reader
        .headers()?
        .iter()
        .position(|name| name == "cpu_util_percent");
    let at = at.context("column cpu_util_percent")?;
    reader
        .records()
        .map(|row| Ok(row?.get(at).context("a cell")?.parse()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the day's prose says of it: 424 to 772 pods.
    #[test]
    fn the_reference_day_has_the_pods_it_is_known_for() {
        if !data::folder().exists() {
            eprintln!("skipped: no outside data at {}", data::folder().display());
            return;
        }
        let deployments = deployments(REFERENCE_SEED).unwrap();
        assert_eq!(deployments.len(), MANY);
        let sizes = sizes(&deployments).unwrap();
        let total = |tick: usize| sizes.iter().map(|of| of[tick]).sum::<u32>();
        let totals: Vec<u32> = (0..TICKS).map(total).collect();
        assert_eq!(
            (totals.iter().min(), totals.iter().max()),
            (Some(&424), Some(&772))
        );
    }

    #[test]
    fn other_days_follow_the_law() {
        let (one, same, other) = (draw(1).unwrap(), draw(1).unwrap(), draw(2).unwrap());
        assert_eq!(one, same);
        assert_ne!(one, other);
        for deployment in one.iter().chain(&other) {
            assert!((2.0..=60.0).contains(&deployment.base));
            assert!((0.3..1.3).contains(&deployment.amplitude));
        }
    }
}
