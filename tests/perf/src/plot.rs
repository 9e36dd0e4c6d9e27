//! Cost against disruption as an SVG: one line per series, a mark per setting, the target as a corner.
//!
//! Plain text, no scripts; the style is in it, for light and dark.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 52.0;
const COLOURS: [&str; 8] = [
    "#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#65a30d",
];

/// One setting's result.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Across.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// Beside the mark.
    pub label: String,
}

/// Marks joined in their order; `target` is the corner that should be reached from above and the right.
pub fn scatter(
    title: &str,
    (across, up): (&str, &str),
    lines: &[(String, Vec<Mark>)],
    target: Option<(f64, f64)>,
) -> String {
    let marks = || lines.iter().flat_map(|line| &line.1);
    let most = |of: &dyn Fn(&Mark) -> f64, at: f64| marks().map(of).fold(at, f64::max);
    let right = nice(most(&|m| m.x, target.map_or(1.0, |t| t.0)));
    let top = nice(most(&|m| m.y, target.map_or(1.0, |t| t.1)));
    let x = |value: f64| LEFT + value / right * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\"><style>:root{{color-scheme:light dark}}text{{fill:#374151}}.grid{{stroke:#d1d5db}}\
         .paper{{fill:#fff}}@media(prefers-color-scheme:dark){{text{{fill:#d1d5db}}.grid{{stroke:#374151}}\
         .paper{{fill:#111827}}}}</style><rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"14\" font-weight=\"600\">{}</text>",
        escaped(title)
    );
    if let Some((far, high)) = target {
        let (x1, y1) = (x(far), y(high));
        let _ = write!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y1:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#10b981\" opacity=\"0.15\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">target</text>",
            x1 - LEFT,
            y(0.0) - y1,
            LEFT + 6.0,
            y(0.0) - 6.0
        );
    }
    for tick in 0..=5 {
        let (at_x, at_y) = (right * f64::from(tick) / 5.0, top * f64::from(tick) / 5.0);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
             <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{at_y}</text>\
             <text x=\"{4:.1}\" y=\"{5:.1}\" text-anchor=\"middle\">{at_x}</text>",
            WIDTH - RIGHT,
            y(at_y),
            LEFT - 8.0,
            y(at_y) + 4.0,
            x(at_x),
            HEIGHT - BOTTOM + 18.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 12.0,
        escaped(across),
        HEIGHT / 2.0,
        escaped(up)
    );
    for (ix, (name, marks)) in lines.iter().enumerate() {
        let colour = COLOURS[ix % COLOURS.len()];
        let points: Vec<String> = marks
            .iter()
            .map(|m| format!("{:.1},{:.1}", x(m.x), y(m.y)))
            .collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            points.join(" "),
            WIDTH - RIGHT + 14.0,
            TOP + 18.0 * rank(ix),
            WIDTH - RIGHT + 30.0,
            TOP + 18.0 * rank(ix) + 9.0,
            escaped(name)
        );
        for mark in marks {
            let _ = write!(
                svg,
                "<circle cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"3.5\" fill=\"{colour}\"/>\
                 <text x=\"{2:.1}\" y=\"{3:.1}\" font-size=\"10\">{4}</text>",
                x(mark.x),
                y(mark.y),
                x(mark.x) + 6.0,
                y(mark.y) - 5.0,
                escaped(&mark.label)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "a handful of series")]
const fn rank(ix: usize) -> f64 {
    ix as f64
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= most)
        .unwrap_or(most)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers_and_marks_lie_within() {
        for (most, end) in [(0.9, 1.0), (1300.0, 2000.0), (21.0, 25.0), (4.0, 5.0)] {
            assert!((nice(most) - end).abs() < 1e-9, "{most}");
        }
        let mark = |x, y| Mark {
            x,
            y,
            label: "a<b".to_owned(),
        };
        let svg = scatter(
            "t",
            ("x", "y"),
            &[("s".to_owned(), vec![mark(0.0, 5.0), mark(2000.0, 0.0)])],
            Some((1300.0, 4.0)),
        );
        assert!(svg.contains("points=\"64.0,44.0 710.0,408.0\""), "{svg}");
        assert!(svg.contains("a&lt;b") && svg.ends_with("</svg>\n"));
    }
}
