//! S1: pods of public traces that all wait at once, on real prices.

use crate::catalogue::{self, Catalogue};
use crate::measure;
use crate::snapshot;
use crate::suite::{self, Figures, Part, Row, Seeds, Try, Wanted};
use crate::workload::Source;
use anyhow::{Result, bail};
use model::Aims;

/// Every workload on every size of catalogue.
pub fn rows() -> Vec<Row> {
    let both = |vcpu| Catalogue { vcpu, both: true };
    let mut rows = Vec::new();
    let large = Wanted::gaps(1.0, 2.0);
    for source in [Source::K8smix, Source::Ali2018, Source::Openb] {
        for of in [
            Catalogue::up_to(16),
            Catalogue::up_to(64),
            Catalogue::all(),
            both(i64::MAX),
        ] {
            // Pods of 16 vCPU do not fit beside a DaemonSet on a node of 16.
            if !(source == Source::Openb && of.vcpu == 16) {
                rows.push(row(source, 5000, of, large));
            }
        }
    }
    let whole = Wanted::gaps(0.1, 0.1);
    rows.push(row(Source::Openb, 5000, Catalogue::up_to(32), whole));
    rows.push(row(Source::Dlrm, 1000, Catalogue::up_to(192), whole));
    rows.push(row(Source::Dlrm, 1000, Catalogue::all(), whole));
    for pods in [20, 60, 300] {
        rows.push(row(Source::K8smix, pods, Catalogue::up_to(16), Wanted::nothing()));
    }
    for of in [Catalogue::up_to(16), Catalogue::up_to(64)] {
        rows.push(row(Source::K8smix, 1000, of, Wanted::gaps(1.2, 2.0)));
    }
    for (pods, ms) in [(30_000, 200.0), (100_000, 1000.0), (1_000_000, 1000.0)] {
        let wanted = Wanted {
            seconds: Some(ms / 1e3),
            ..large
        };
        rows.push(row(Source::K8smix, pods, Catalogue::up_to(64), wanted));
    }
    rows.push(row(Source::Ali2018, 30_000, Catalogue::up_to(64), large));
    rows.extend(worked());
    rows
}

/// The first answer, and answers of more work.
fn worked() -> Vec<Row> {
    let k8smix = |work: u32, pods: usize, wanted| Row {
        name: format!("{} {pods} ≤64, {work} % of the work", Source::K8smix.name()),
        part: Part::OneShot,
        wanted,
        run: Box::new(move |seeds| run(Source::K8smix, pods, Catalogue::up_to(64), (seeds, work))),
    };
    vec![
        k8smix(0, 30_000, Wanted::within(25.0)),
        k8smix(800, 5_000, Wanted::gaps(1.0, 2.0)),
        k8smix(800, 30_000, Wanted::gaps(1.0, 2.0)),
    ]
}

fn row(source: Source, pods: usize, catalogue: Catalogue, wanted: Wanted) -> Row {
    Row {
        name: format!("{} {pods} {}", source.name(), catalogue.name()),
        part: Part::OneShot,
        wanted,
        run: Box::new(move |seeds| run(source, pods, catalogue, (seeds, 100))),
    }
}

fn run(source: Source, pods: usize, catalogue: Catalogue, (seeds, work): (Seeds, u32)) -> Result<Figures> {
    let offers = catalogue.offers(&catalogue::prices()?);
    let mut aims = Aims::default();
    aims.search.work_percent = work;
    let mut figures = Figures::default();
    for seed in seeds.each() {
        let seen = snapshot::waiting(&source.draw(pods, seed)?, offers.clone());
        let (taken, done) = measure::best(|| suite::decide(&seen, &aims));
        let one = Try::of(taken, &seen, &aims, &done)?;
        if one.refused > 0 {
            bail!("{} of {pods} pods have no place", one.refused);
        }
        figures.tries.push(one);
    }
    Ok(figures)
}
