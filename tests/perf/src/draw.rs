//! Growth and gap over time as plots: SVG files for the documentation.
//!
//! Figures come from rows that were run; nothing is measured here.

use crate::growth::Axis;
use crate::suite::Figures;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

/// One line of points.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Places and values.
    pub points: Vec<(f64, f64)>,
}

/// One plot.
struct Panel<'a> {
    title: String,
    across: &'a str,
    up: &'a str,
    lines: &'a [Line],
}

type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 94, 0),
    RGBColor(0, 128, 96),
    RGBColor(148, 60, 150),
    RGBColor(120, 120, 120),
    RGBColor(200, 30, 60),
];
const WIDTH: u32 = 1080;

/// Time above, memory below, one column for every axis.
pub fn growth(path: &Path, of: &dyn Fn(Axis, usize) -> Option<Figures>) -> Result<()> {
    let sheet = SVGBackend::new(path, (WIDTH, 560)).into_drawing_area();
    sheet.fill(&WHITE).map_err(|e| anyhow!("{e}"))?;
    let cells = sheet.split_evenly((2, Axis::ALL.len()));
    for (column, axis) in Axis::ALL.into_iter().enumerate() {
        let (mut time, mut memory) = (Vec::new(), Vec::new());
        for point in axis.points() {
            let figures = of(axis, *point);
            if let Some(one) = figures.as_ref().and_then(|figures| figures.tries.first()) {
                let at = real(*point);
                time.push((at, one.taken.seconds * 1e3));
                memory.push((at, one.taken.added_mib().max(0.1)));
            }
        }
        let panels = [
            ("Milliseconds to decide", "ms", time, 0),
            ("MiB added while deciding", "MiB", memory, Axis::ALL.len()),
        ];
        for (title, up, points, row) in panels {
            let lines = [Line {
                name: String::new(),
                points,
            }];
            let panel = Panel {
                title: format!("{title}, by {}", axis.name()),
                across: axis.name(),
                up,
                lines: &lines,
            };
            if let Some(cell) = cells.get(row + column) {
                panel.draw(cell)?;
            }
        }
    }
    sheet.present().map_err(|e| anyhow!("{e}"))
}

/// How the gap falls with time spent, one line for every workload.
pub fn gaps(path: &Path, lines: &[Line]) -> Result<()> {
    let sheet = SVGBackend::new(path, (WIDTH, 420)).into_drawing_area();
    sheet.fill(&WHITE).map_err(|e| anyhow!("{e}"))?;
    let panel = Panel {
        title: "Percent above the bound, by milliseconds to decide".to_owned(),
        across: "ms",
        up: "%",
        lines,
    };
    panel.draw(&sheet)?;
    sheet.present().map_err(|e| anyhow!("{e}"))
}

impl Panel<'_> {
    /// Both axes logarithmic: growth in proportion is a line that climbs one decade a decade.
    fn draw(&self, sheet: &Sheet<'_>) -> Result<()> {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        if all().next().is_none() {
            return Ok(());
        }
        let range = |of: fn(&(f64, f64)) -> f64, slack: f64| {
            let least = all().map(of).fold(f64::INFINITY, f64::min);
            let most = all().map(of).fold(f64::MIN_POSITIVE, f64::max);
            (least / slack)..(most * slack)
        };
        let mut chart = ChartBuilder::on(sheet)
            .caption(&self.title, ("sans-serif", 15))
            .margin(14)
            .x_label_area_size(38)
            .y_label_area_size(52)
            .build_cartesian_2d(
                range(|point| point.0, 1.3).log_scale(),
                range(|point| point.1, 1.6).log_scale(),
            )
            .map_err(|e| anyhow!("{e}"))?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(4)
            .y_labels(5)
            .x_desc(self.across)
            .y_desc(self.up)
            .x_label_formatter(&|value| short(*value))
            .y_label_formatter(&|value| short(*value))
            .label_style(("sans-serif", 12))
            .draw()
            .map_err(|e| anyhow!("{e}"))?;
        for (line, colour) in self.lines.iter().zip(COLOURS.into_iter().cycle()) {
            let drawn = chart
                .draw_series(
                    LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3),
                )
                .map_err(|e| anyhow!("{e}"))?;
            if !line.name.is_empty() {
                drawn
                    .label(&line.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
        }
        if self.lines.iter().any(|line| !line.name.is_empty()) {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.85))
                .border_style(BLACK.mix(0.2))
                .label_font(("sans-serif", 12))
                .draw()
                .map_err(|e| anyhow!("{e}"))?;
        }
        Ok(())
    }
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.0} M", v / 1e6),
        v if v >= 1e3 => format!("{:.0} k", v / 1e3),
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
const fn real(count: usize) -> f64 {
    count as f64
}
