//! How time and memory grow with pods, classes and types. Not part of the table: `perf draw` runs these and draws them.

use crate::catalogue::{self, Catalogue};
use crate::measure;
use crate::snapshot;
use crate::suite::{self, Figures, Part, Row, Try, Wanted};
use crate::workload::{self, Source};
use anyhow::Result;
use model::{Aims, Offer};

/// What grows along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Pods of k8smix on types of at most 64 vCPUs.
    Pods,
    /// Distinct requests among 30,000 pods on the same types.
    Classes,
    /// Types on offer, for 30,000 pods of 150 distinct requests.
    Types,
}

impl Axis {
    /// Every axis.
    pub const ALL: [Self; 3] = [Self::Pods, Self::Classes, Self::Types];

    /// What it counts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Classes => "classes",
            Self::Types => "types",
        }
    }

    /// Where it is measured.
    pub const fn points(self) -> &'static [usize] {
        match self {
            Self::Pods => &[1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
            Self::Classes => &[50, 100, 200, 500, 1_000, 2_000],
            Self::Types => &[60, 120, 300, 600, 900],
        }
    }

    /// The name of a point's row.
    pub fn row(self, point: usize) -> String {
        format!("growth: {point} {}", self.name())
    }
}

/// One row for every point.
pub fn rows() -> Vec<Row> {
    let points = Axis::ALL
        .into_iter()
        .flat_map(|axis| axis.points().iter().map(move |point| (axis, *point)));
    let row = |(axis, point): (Axis, usize)| Row {
        name: axis.row(point),
        part: Part::Growth,
        wanted: Wanted::nothing(),
        run: Box::new(move |_| run(axis, point)),
    };
    points.map(row).collect()
}

const SEED: u64 = 41;

fn run(axis: Axis, point: usize) -> Result<Figures> {
    let usual = || -> Result<Vec<Offer>> { Ok(Catalogue::up_to(64).offers(&catalogue::prices()?)) };
    let (shapes, offers) = match axis {
        Axis::Pods => (Source::K8smix.draw(point, SEED)?, usual()?),
        Axis::Classes => (workload::of_classes(point, 30_000, SEED), usual()?),
        Axis::Types => (workload::of_classes(150, 30_000, SEED), types(point)?),
    };
    let seen = snapshot::waiting(&shapes, offers);
    let aims = Aims::default();
    let (taken, done) = measure::best(|| suite::decide(&seen, &aims));
    Ok(Figures {
        tries: vec![Try::of(taken, &seen, &aims, &done)?],
        ..Figures::default()
    })
}

/// So many types of every family and both architectures, evenly from the whole list.
fn types(many: usize) -> Result<Vec<Offer>> {
    let offers = catalogue::every(&catalogue::prices()?);
    let step = |n: usize| offers.get(n * offers.len() / many).cloned();
    Ok((0..many.min(offers.len())).filter_map(step).collect())
}
