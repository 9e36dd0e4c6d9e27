//! The report of a run: one HTML page that needs nothing but itself.
//!
//! No scripts, no fonts, no network. What is shown is rendered from the scorecard and the series; nothing is
//! computed here that is not a sum over a stretch of time.

pub mod chart;

use crate::play::Played;
use crate::scenario::Scenario;
use crate::series::Sample;
use chart::{COLOURS, Row, Times};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Style sheet of every report: colours, cards, charts and tables, for light and dark.
pub const STYLE: &str = include_str!("style.css");

/// Points of a line; a day of 30-second cycles becomes five-minute stretches.
const POINTS: usize = 288;
/// Piles of bars.
const PILES: usize = 48;
/// Decisions in the table.
const DECISIONS: usize = 150;

const MILLIS_PER_HOUR: f64 = 3_600_000.0;

/// The page of a run.
pub fn report(scenario: &Scenario, played: &Played) -> String {
    let samples = &played.series.samples;
    let fine = stretches(scenario, samples, POINTS);
    let coarse = stretches(scenario, samples, PILES);
    let mut page = String::with_capacity(1 << 18);
    page.push_str(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">",
    );
    let _ = write!(
        page,
        "<title>Plimsoll: {}</title><style>{}</style></head><body><main>",
        escaped(&scenario.name),
        STYLE
    );
    head(&mut page, scenario, played);
    section(
        &mut page,
        "Cost against the lower bound",
        "Dollars per hour for everything that runs, beside what the pods that exist could cost at best: no \
         schedule that runs them all at once costs less.",
        &chart::lines(&fine.times, &cost(&fine), "$ per hour"),
    );
    section(
        &mut page,
        "Pods waiting",
        "Pods without a node, at their highest in each stretch. New replicas are bought for before they wait; \
         bursts wait for a node to boot or for Fargate.",
        &chart::lines(&fine.times, &waiting(&fine), "pods waiting"),
    );
    section(
        &mut page,
        "Nodes by kind",
        "Instances that are paid for, by type and purchase; Fargate counts one per pod.",
        &chart::stacked(&fine.times, &nodes(&fine), "nodes"),
    );
    section(
        &mut page,
        "Decisions by policy",
        "Steps that were carried out, by who decided and what; nominations and evictions left out.",
        &chart::bars(&coarse.times, &decisions(&coarse), "steps"),
    );
    scorecard(&mut page, played);
    latest(&mut page, played);
    page.push_str("<footer>Made by Plimsoll's simulator. Same scenario and seed, same page.</footer>");
    page.push_str("</main></body></html>\n");
    page
}

fn head(page: &mut String, scenario: &Scenario, played: &Played) {
    let card = &played.scorecard;
    let _ = write!(
        page,
        "<h1>{}</h1><p>{}</p><div class=\"cards\">",
        escaped(&crate::scorecard::title(scenario)),
        escaped(&scenario.about)
    );
    let figures = [
        ("cost", card.cost.to_string()),
        ("above the lower bound", format!("{:+.1} %", card.gap_percent())),
        ("pods placed", card.pods.to_string()),
        ("of them on Fargate", card.fargate_pods.to_string()),
        (
            "99 % of pods waited at most",
            format!("{} s", card.pending_p99_ms / 1000),
        ),
        (
            "nodes bought, removed",
            format!("{}, {}", card.launches, card.removals),
        ),
        ("evictions", card.evictions.to_string()),
        ("violations", card.violations.len().to_string()),
    ];
    for (name, value) in figures {
        let class = if name == "violations" && value != "0" {
            " class=\"bad\""
        } else {
            ""
        };
        let _ = write!(
            page,
            "<div><b{class}>{}</b><span>{name}</span></div>",
            escaped(&value)
        );
    }
    page.push_str("</div>");
}

fn section(page: &mut String, title: &str, about: &str, chart: &str) {
    let _ = write!(page, "<section><h2>{title}</h2><p>{about}</p>{chart}</section>");
}

fn scorecard(page: &mut String, played: &Played) {
    page.push_str("<section><h2>Scorecard</h2><table>");
    for (name, value) in played.scorecard.rows() {
        let _ = write!(page, "<tr><th>{name}</th><td>{}</td></tr>", escaped(&value));
    }
    for violation in played.scorecard.violations.iter().take(50) {
        let _ = write!(
            page,
            "<tr><th class=\"bad\">{:?}</th><td>{}</td></tr>",
            violation.kind,
            escaped(&violation.message)
        );
    }
    page.push_str("</table></section>");
}

fn latest(page: &mut String, played: &Played) {
    page.push_str(
        "<section><h2>Latest decisions</h2><p>Newest first, each with its reason.</p>\
         <div class=\"scroll\"><table><tr><th>time</th><th>step</th><th>by</th><th>reason</th><th>outcome</th></tr>",
    );
    for decision in played.series.decisions.iter().rev().take(DECISIONS) {
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            time_of_day(decision.at),
            escaped(&decision.step),
            escaped(&decision.by),
            escaped(&decision.reason),
            escaped(&decision.outcome)
        );
    }
    page.push_str("</table></div></section>");
}

/// Samples in stretches of equal length.
struct Stretches<'s> {
    times: Times,
    samples: Vec<&'s [Sample]>,
}

fn stretches<'s>(scenario: &Scenario, samples: &'s [Sample], most: usize) -> Stretches<'s> {
    let each = samples.len().div_ceil(most).max(1);
    let day = scenario.start.0.div_euclid(86_400_000) * 86_400_000;
    let chunks: Vec<&[Sample]> = samples.chunks(each).collect();
    let hours = chunks
        .iter()
        .filter_map(|chunk| chunk.first())
        .map(|s| hours(s.at.0 - day));
    Stretches {
        times: Times {
            hours: hours.collect(),
            end: hours_of_end(scenario, day),
        },
        samples: chunks,
    }
}

fn hours_of_end(scenario: &Scenario, day: i64) -> f64 {
    hours(scenario.end().0 - day)
}

#[expect(clippy::cast_precision_loss, reason = "a scenario is shorter than a year")]
fn hours(millis: i64) -> f64 {
    millis as f64 / MILLIS_PER_HOUR
}

impl Stretches<'_> {
    /// One value per stretch.
    fn row(&self, name: impl Into<String>, of: impl Fn(&[Sample]) -> f64) -> Row {
        Row {
            name: name.into(),
            values: self.samples.iter().map(|chunk| of(chunk)).collect(),
        }
    }
}

fn mean(chunk: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let count = u32::try_from(chunk.len().max(1)).map_or(1.0, f64::from);
    chunk.iter().map(of).sum::<f64>() / count
}

fn cost(all: &Stretches<'_>) -> Vec<Row> {
    vec![
        all.row("cost", |chunk| mean(chunk, |s| s.rate.dollars())),
        all.row("lower bound", |chunk| mean(chunk, |s| s.bound.dollars())),
    ]
}

fn waiting(all: &Stretches<'_>) -> Vec<Row> {
    vec![all.row("pods waiting", |chunk| {
        chunk.iter().map(|s| f64::from(s.waiting)).fold(0.0, f64::max)
    })]
}

fn nodes(all: &Stretches<'_>) -> Vec<Row> {
    let samples = || all.samples.iter().copied().flatten();
    let kinds: BTreeSet<&String> = samples().flat_map(|s| s.nodes.keys()).collect();
    let count = |s: &Sample, kind: &String| f64::from(s.nodes.get(kind).copied().unwrap_or(0));
    let rows = kinds
        .into_iter()
        .map(|kind| all.row(kind.clone(), |chunk| mean(chunk, |s| count(s, kind))))
        .collect();
    biggest(rows)
}

fn decisions(all: &Stretches<'_>) -> Vec<Row> {
    let samples = || all.samples.iter().copied().flatten();
    let kinds: BTreeSet<&(String, String)> = samples()
        .flat_map(|s| s.decisions.keys())
        .filter(|(_, kind)| kind != "Nominate" && kind != "Evict")
        .collect();
    let count = |s: &Sample, key: &(String, String)| f64::from(s.decisions.get(key).copied().unwrap_or(0));
    let rows = kinds.into_iter().map(|key| {
        let name = format!("{}: {}", key.0, key.1);
        all.row(name, |chunk| chunk.iter().map(|s| count(s, key)).sum())
    });
    biggest(rows.collect())
}

/// As many rows as there are colours; the smallest ones are added up.
fn biggest(mut rows: Vec<Row>) -> Vec<Row> {
    let weight = |row: &Row| row.values.iter().sum::<f64>();
    rows.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.name.cmp(&b.name)));
    if rows.len() > COLOURS {
        let rest = rows.split_off(COLOURS - 1);
        let mut values: BTreeMap<usize, f64> = BTreeMap::new();
        for (point, value) in rest.iter().flat_map(|row| row.values.iter().enumerate()) {
            *values.entry(point).or_insert(0.0) += value;
        }
        rows.push(Row {
            name: "other".to_owned(),
            values: values.into_values().collect(),
        });
    }
    rows
}

fn time_of_day(at: model::Instant) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Text for HTML and SVG.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
