//! Small charts as SVG text, for reports: axes with readable ticks, step lines, stacked areas, stacked bars.
//!
//! Colours are classes (`c0`…`c7`), chosen by the page's style sheet for light and dark. No scripts: what a
//! column shows is told by native tooltips.

use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// Colours of the style sheet.
pub const COLOURS: usize = 8;

/// One named row of values, one per point in time.
pub struct Row {
    /// Name, for the legend.
    pub name: String,
    /// Values by point.
    pub values: Vec<f64>,
}

/// What the charts have in common: points in time, in hours since midnight of the first day.
pub struct Times {
    /// Beginning of each point.
    pub hours: Vec<f64>,
    /// End of the last.
    pub end: f64,
}

/// Lines that hold their value until the next point; the first is filled.
pub fn lines(times: &Times, rows: &[Row], unit: &str) -> String {
    let top = nice(rows.iter().flat_map(|r| &r.values).copied().fold(0.0, f64::max));
    let frame = Frame::new(times, top);
    let mut svg = frame.open(unit);
    for (ix, row) in rows.iter().enumerate() {
        let path = frame.steps(&row.values);
        if ix == 0 {
            let (x0, x1, y) = (frame.x(frame.from), frame.x(times.end), frame.y(0.0));
            let _ = write!(
                svg,
                "<path class=\"area c{ix}\" d=\"{path} L{x1:.1},{y:.1} L{x0:.1},{y:.1} Z\"/>"
            );
        }
        let _ = write!(svg, "<path class=\"line c{ix}\" d=\"{path}\"/>");
    }
    frame.close(svg, rows)
}

/// Areas on top of each other, the first at the bottom.
pub fn stacked(times: &Times, rows: &[Row], unit: &str) -> String {
    let top = nice(highest_sum(times, rows));
    let frame = Frame::new(times, top);
    let mut svg = frame.open(unit);
    let mut floor = vec![0.0; times.hours.len()];
    for (ix, row) in rows.iter().enumerate() {
        let ceiling: Vec<f64> = floor.iter().zip(&row.values).map(|(a, b)| a + b).collect();
        let upper = frame.steps(&ceiling);
        let lower = frame.steps_back(&floor);
        let _ = write!(
            svg,
            "<path class=\"stack c{}\" d=\"{upper} {lower} Z\"/>",
            ix % COLOURS
        );
        floor = ceiling;
    }
    frame.close(svg, rows)
}

/// Bars on top of each other, one pile per point.
pub fn bars(times: &Times, rows: &[Row], unit: &str) -> String {
    let top = nice(highest_sum(times, rows));
    let frame = Frame::new(times, top);
    let mut svg = frame.open(unit);
    for (point, hour) in times.hours.iter().enumerate() {
        let end = times.hours.get(point + 1).copied().unwrap_or(times.end);
        let (x0, x1) = (frame.x(*hour), frame.x(end));
        let mut floor = 0.0;
        for (ix, row) in rows.iter().enumerate() {
            let value = row.values.get(point).copied().unwrap_or(0.0);
            if value > 0.0 {
                let (y0, y1) = (frame.y(floor), frame.y(floor + value));
                let _ = write!(
                    svg,
                    "<rect class=\"stack c{}\" x=\"{:.1}\" y=\"{y1:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                    ix % COLOURS,
                    x0 + 0.5,
                    (x1 - x0 - 1.0).max(0.5),
                    y0 - y1
                );
            }
            floor += value;
        }
    }
    frame.close(svg, rows)
}

fn highest_sum(times: &Times, rows: &[Row]) -> f64 {
    let sum = |point: usize| rows.iter().filter_map(|r| r.values.get(point)).sum::<f64>();
    (0..times.hours.len()).map(sum).fold(0.0, f64::max)
}

/// The top of an axis: the first tick that is not below the value.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let step = tick(value);
    (value / step - 1e-9).ceil() * step
}

/// A readable distance between ticks, 1, 2 or 5 × 10ⁿ: at most eight of them.
fn tick(top: f64) -> f64 {
    let mut unit = 1e-4;
    loop {
        for step in [1.0, 2.0, 5.0] {
            if top / (unit * step) <= 8.0 + 1e-9 {
                return unit * step;
            }
        }
        unit *= 10.0;
    }
}

struct Frame<'t> {
    times: &'t Times,
    from: f64,
    top: f64,
}

impl<'t> Frame<'t> {
    fn new(times: &'t Times, top: f64) -> Self {
        Self {
            times,
            from: times.hours.first().copied().unwrap_or(0.0),
            top,
        }
    }

    fn x(&self, hour: f64) -> f64 {
        let width = (self.times.end - self.from).max(1e-6);
        LEFT + (hour - self.from) / width * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)
    }

    fn open(&self, unit: &str) -> String {
        let mut svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{unit} over time\">");
        let step = tick(self.top);
        let mut value = 0.0;
        while value <= self.top * 1.0001 {
            let y = self.y(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                number(value)
            );
            value += step;
        }
        let every = hour_step(self.times.end - self.from);
        let mut hour = (self.from / every).ceil() * every;
        while hour <= self.times.end + 1e-9 {
            let x = self.x(hour);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 16.0,
                clock(hour)
            );
            hour += every;
        }
        let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6.0);
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        let _ = write!(
            svg,
            "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">time of day (UTC)</text>\
             <text class=\"label\" transform=\"translate(12 {middle:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{unit}</text>"
        );
        svg
    }

    /// Tooltips over everything, then the legend below.
    fn close(&self, mut svg: String, rows: &[Row]) -> String {
        for (point, hour) in self.times.hours.iter().enumerate() {
            let end = self.times.hours.get(point + 1).copied().unwrap_or(self.times.end);
            let (x0, x1) = (self.x(*hour), self.x(end));
            let mut told = clock(*hour);
            for row in rows {
                let value = row.values.get(point).copied().unwrap_or(0.0);
                if value > 0.0 {
                    let _ = write!(told, "\n{}: {}", row.name, number(value));
                }
            }
            let _ = write!(
                svg,
                "<rect class=\"over\" x=\"{x0:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\">\
                 <title>{}</title></rect>",
                x1 - x0,
                HEIGHT - TOP - BOTTOM,
                super::escaped(&told)
            );
        }
        svg.push_str("</svg><ul class=\"legend\">");
        for (ix, row) in rows.iter().enumerate() {
            let _ = write!(
                svg,
                "<li><i class=\"c{}\"></i>{}</li>",
                ix % COLOURS,
                super::escaped(&row.name)
            );
        }
        svg.push_str("</ul>");
        svg
    }

    /// A path that holds each value until the next point.
    fn steps(&self, values: &[f64]) -> String {
        let mut path = String::new();
        for (ix, (hour, value)) in self.times.hours.iter().zip(values).enumerate() {
            let y = self.y(*value);
            let _ = if ix == 0 {
                write!(path, "M{:.1},{y:.1}", self.x(*hour))
            } else {
                write!(path, " H{:.1} V{y:.1}", self.x(*hour))
            };
        }
        let _ = write!(path, " H{:.1}", self.x(self.times.end));
        path
    }

    /// The same from right to left, to close an area.
    fn steps_back(&self, values: &[f64]) -> String {
        let mut path = String::new();
        let points: Vec<(f64, f64)> = self
            .times
            .hours
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect();
        let mut right = self.times.end;
        for (hour, value) in points.iter().rev() {
            let _ = write!(
                path,
                "L{:.1},{:.1} H{:.1} ",
                self.x(right),
                self.y(*value),
                self.x(*hour)
            );
            right = *hour;
        }
        path
    }
}

/// Hours between two ticks of a time axis.
fn hour_step(hours: f64) -> f64 {
    let steps = [0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0];
    steps
        .into_iter()
        .find(|step| hours / step <= 12.5)
        .unwrap_or(48.0)
}

/// `14:30` of whatever day.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a scenario is shorter than a year"
)]
fn clock(hour: f64) -> String {
    let minutes = (hour * 60.0).round() as i64;
    format!(
        "{:02}:{:02}",
        minutes.div_euclid(60).rem_euclid(24),
        minutes.rem_euclid(60)
    )
}

/// As few digits as tell it: `12`, `0.5`, `1.25`.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_a_tick_above_the_data() {
        let cases = [
            (0.0, 1.0),
            (3.2, 3.5),
            (41.0, 50.0),
            (0.07, 0.07),
            (7.0, 7.0),
            (15.0, 16.0),
            (960.0, 1000.0),
        ];
        for (value, expected) in cases {
            assert!((nice(value) - expected).abs() < 1e-9, "{value}: {}", nice(value));
        }
    }

    #[test]
    fn steps_hold_their_value() {
        let times = Times {
            hours: vec![0.0, 1.0],
            end: 2.0,
        };
        let frame = Frame::new(&times, 10.0);
        let (left, right) = (LEFT, WIDTH - RIGHT);
        let middle = f64::midpoint(left, right);
        let path = frame.steps(&[0.0, 10.0]);
        assert_eq!(
            path,
            format!(
                "M{left:.1},{:.1} H{middle:.1} V{TOP:.1} H{right:.1}",
                HEIGHT - BOTTOM
            )
        );
    }

    #[test]
    fn numbers_and_clocks_are_short() {
        assert_eq!(
            [number(12.0), number(0.5), number(1.25), number(0.0)],
            ["12", "0.5", "1.25", "0"]
        );
        assert_eq!(
            [clock(0.0), clock(25.5), clock(9.25)],
            ["00:00", "01:30", "09:15"]
        );
    }
}
