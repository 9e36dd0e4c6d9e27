//! The report as one page that needs nothing but itself: no scripts, no fonts, no network; light and dark.

use super::figures::{Change, Cycle};
use super::{Named, Report, cells};
use sim::report::chart::{self, Row, Times};
use sim::report::{STYLE, escaped};
use std::fmt::Write as _;

/// Points of a line.
const POINTS: usize = 240;
const MILLIS_PER_HOUR: f64 = 3_600_000.0;
const DAY: i64 = 86_400_000;

/// What the figures are, for whoever reads them.
pub(super) const ABOUT: &str = "Every recorded cycle is decided once more with the policy in force. Each cycle begins with \
    the recorded picture, so what the policy would have brought about later is not in here: what it asks for again and \
    again counts again and again. $/h is what a cycle's plan adds to the bill less what it takes off it, as a mean over \
    time; pods wait where they found no place, and for new nodes to start.";

/// The page.
pub(super) fn of(report: &Report, cycles: &[Cycle]) -> String {
    let mut page = String::with_capacity(1 << 17);
    let title = format!("Plimsoll: {} over recorded cycles", report.policy);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{STYLE}\
         td{{text-align:right}}th{{text-align:right}}td:first-child,th:first-child,td:nth-child(2),th:nth-child(2)\
         {{text-align:left}}.wide{{overflow-x:auto}}</style></head><body><main><h1>{}</h1><p>{}</p>",
        escaped(&title),
        escaped(&report.policy),
        escaped(ABOUT)
    );
    cards(&mut page, report);
    if let Some(fault) = &report.fault {
        let _ = write!(page, "<p class=\"bad\">First fault: {}</p>", escaped(fault));
    }
    let (times, points) = stretches(cycles);
    for (heading, unit, figure) in charts() {
        let row = |name: &str, of: &dyn Fn(&Change) -> f64| Row {
            name: name.to_owned(),
            values: points.iter().map(of).collect(),
        };
        let rows = [
            row("as recorded", &|change| figure(change, false)),
            row("with the policy", &|change| figure(change, true)),
        ];
        let _ = write!(page, "<h2>{heading}</h2>{}", chart::lines(&times, &rows, unit));
    }
    for (heading, rows) in [
        ("Per day", &report.days),
        ("Per group", &report.groups),
        ("Per day and group", &report.each),
    ] {
        table(&mut page, heading, rows);
    }
    let _ = write!(
        page,
        "<footer>{} cycles from {} to {}. sha256:{}</footer></main></body></html>",
        report.cycles,
        escaped(&report.from),
        escaped(&report.to),
        escaped(&report.digest)
    );
    page
}

type Figure = fn(&Change, bool) -> f64;

/// Heading, unit, and the value of a stretch.
fn charts() -> [(&'static str, &'static str, Figure); 4] {
    [
        (
            "Dollars per hour that are bought",
            "$ per hour",
            |change, with| side(change, with).usd_per_hour.max(0.0),
        ),
        (
            "Dollars per hour that are given up",
            "$ per hour",
            |change, with| (-side(change, with).usd_per_hour).max(0.0),
        ),
        ("Pods that wait", "pod-seconds", |change, with| {
            number(side(change, with).pending_pod_seconds)
        }),
        ("Pods that have to move", "evictions", |change, with| {
            number(side(change, with).evictions)
        }),
    ]
}

const fn side(change: &Change, with: bool) -> &super::figures::Figures {
    if with { &change.policy } else { &change.recorded }
}

#[expect(clippy::cast_precision_loss, reason = "for drawing")]
const fn number(value: u64) -> f64 {
    value as f64
}

fn cards(page: &mut String, report: &Report) {
    let (was, is) = (&report.total.recorded, &report.total.policy);
    let steps = &report.total;
    let figures = [
        (
            "cycles with another plan",
            format!("{} of {}", report.changed, report.cycles),
        ),
        (
            "dollars per hour",
            format!("{:+.4}", is.usd_per_hour - was.usd_per_hour),
        ),
        ("dollars over the time", format!("{:+.2}", is.usd() - was.usd())),
        ("steps added, dropped, changed", {
            format!(
                "{}, {}, {}",
                steps.steps_added, steps.steps_dropped, steps.steps_changed
            )
        }),
        (
            "pod-seconds waiting",
            apart(was.pending_pod_seconds, is.pending_pod_seconds),
        ),
        ("evictions", apart(was.evictions, is.evictions)),
        ("calls", report.calls.to_string()),
        ("faults", report.faults.to_string()),
    ];
    page.push_str("<div class=\"cards\">");
    for (name, value) in figures {
        let class = if name == "faults" && value != "0" {
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

fn apart(was: u64, is: u64) -> String {
    format!("{:+}", i128::from(is) - i128::from(was))
}

fn table(page: &mut String, heading: &str, rows: &[Named]) {
    let _ = write!(
        page,
        "<h2>{heading}</h2><div class=\"wide\"><table><tr><th>day</th><th>group</th><th>steps</th><th>with it</th>\
         <th>added</th><th>dropped</th><th>changed</th><th>$/h</th><th>with it</th><th>difference</th>\
         <th>pod-seconds</th><th>with it</th><th>evictions</th><th>with it</th></tr>"
    );
    for row in rows {
        let all = || "all".to_owned();
        let named = (
            row.day.clone().unwrap_or_else(all),
            row.group.clone().unwrap_or_else(all),
        );
        page.push_str("<tr>");
        for cell in cells(named, &row.change) {
            let _ = write!(page, "<td>{}</td>", escaped(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>");
}

/// Cycles drawn together into at most `POINTS` stretches.
#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn stretches(cycles: &[Cycle]) -> (Times, Vec<Change>) {
    let first = cycles.first().map_or(0, |cycle| cycle.at.0);
    let midnight = first - first.rem_euclid(DAY);
    let hour = |millis: i64| (millis - midnight) as f64 / MILLIS_PER_HOUR;
    let (mut hours, mut points) = (Vec::new(), Vec::new());
    for some in cycles.chunks(cycles.len().div_ceil(POINTS).max(1)) {
        let mut change = Change::default();
        some.iter()
            .flat_map(|cycle| cycle.groups.values())
            .for_each(|of| change.add(of));
        let lasted: i64 = some.iter().map(|cycle| cycle.lasted.millis()).sum();
        change.settle(model::Span::from_millis(lasted));
        hours.extend(some.first().map(|cycle| hour(cycle.at.0)));
        points.push(change);
    }
    let end = cycles
        .last()
        .map_or(0.0, |cycle| hour(cycle.at.0 + cycle.lasted.millis()));
    (Times { hours, end }, points)
}
