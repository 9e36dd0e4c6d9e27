//! The table: one line for every row, as Markdown or as JSON.

use crate::measure::mib;
use crate::suite::{Figures, Part, Row, Try, Wanted};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Heading of a part.
pub fn heading(part: Part) -> String {
    format!(
        "\n## {}\n\n\
         | row | pods | classes | nodes | $/h | gap % mean [worst] | ms mean [worst] | pods/s | peak MiB (added) | \
         allocations | wanted |\n|---|---|---|---|---|---|---|---|---|---|---|",
        part.title()
    )
}

/// One line.
pub fn line(row: &Row, figures: &Figures) -> String {
    let all = Means {
        tries: &figures.tries,
    };
    let seconds = all.mean(|t| t.taken.seconds);
    let pods = all.mean(|t| real(t.pods));
    let mut name = row.name.clone();
    if let Some(peer) = &figures.peer {
        let _ = write!(name, "; {}× as fast as {}", digits(peer.faster), peer.name);
        if let Some(cheaper) = peer.cheaper {
            let _ = write!(name, ", {cheaper:.1} % cheaper");
        }
    }
    for text in &figures.beside {
        let _ = write!(name, "; {text}");
    }
    let refused = all.mean(|t| real(t.refused));
    if refused > 0.0 {
        let _ = write!(name, "; **refused {refused:.0}**");
    }
    format!(
        "| {name} | {pods:.0} | {:.0} | {:.0} | {:.2} | {} | {} | {} | {:.0} ({:.1}) | {} | {} |",
        all.mean(|t| real(t.classes)),
        all.mean(|t| real(t.nodes)),
        all.mean(|t| t.dollars),
        all.pair(|t| t.gap, |gap| format!("{gap:.2}")),
        all.time(),
        thousands(pods / seconds),
        all.worst(|t| mib(t.taken.peak)),
        all.worst(|t| t.taken.added_mib()),
        thousands(all.mean(|t| real(t.taken.allocations))),
        verdicts(&row.wanted, figures),
    )
}

/// The same for tools.
pub fn json(row: &Row, figures: &Figures) -> Value {
    json!({
        "name": row.name,
        "part": row.part,
        "wanted": row.wanted,
        "missed": missed(&row.wanted, figures),
        "figures": figures,
    })
}

struct Means<'a> {
    tries: &'a [Try],
}

impl Means<'_> {
    fn mean(&self, of: impl Fn(&Try) -> f64) -> f64 {
        self.tries.iter().map(of).sum::<f64>() / real(self.tries.len().max(1))
    }

    fn worst(&self, of: impl Fn(&Try) -> f64) -> f64 {
        self.tries.iter().map(of).fold(0.0, f64::max)
    }

    /// Marked where a try was never let be.
    fn time(&self) -> String {
        let disturbed = self.tries.iter().any(|t| t.taken.disturbed);
        let mark = if disturbed { "~" } else { "" };
        format!("{mark}{}", self.pair(|t| t.taken.seconds * 1e3, digits))
    }

    fn pair(&self, of: impl Fn(&Try) -> f64, show: impl Fn(f64) -> String) -> String {
        let mean = show(self.mean(&of));
        if self.tries.len() < 2 {
            return mean;
        }
        format!("{mean} [{}]", show(self.worst(&of)))
    }
}

/// What is wanted, with a mark and the figure where it is missed.
fn verdicts(wanted: &Wanted, figures: &Figures) -> String {
    let shown = asked(wanted, figures).into_iter().map(|ask| {
        if ask.reached {
            ask.text
        } else {
            format!("**{}: missed**", ask.text)
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// What is wanted and not reached.
pub fn missed(wanted: &Wanted, figures: &Figures) -> Vec<String> {
    let asked = asked(wanted, figures).into_iter();
    asked.filter(|ask| !ask.reached).map(|ask| ask.text).collect()
}

struct Ask {
    text: String,
    reached: bool,
}

fn asked(wanted: &Wanted, figures: &Figures) -> Vec<Ask> {
    let all = Means {
        tries: &figures.tries,
    };
    let most = |most: Option<f64>, is: f64, text: &dyn Fn(f64) -> String| {
        most.map(|most| Ask {
            text: text(most),
            reached: is <= most,
        })
    };
    let least = |least: Option<f64>, is: Option<f64>, text: &dyn Fn(f64) -> String| {
        least.map(|least| Ask {
            text: text(least),
            reached: is.is_some_and(|is| is >= least),
        })
    };
    let peer = figures.peer.as_ref();
    let nodes = wanted.nodes.map(real);
    let asks = [
        most(wanted.seconds, all.mean(|t| t.taken.seconds), &|s| {
            format!("≤ {} ms", digits(s * 1e3))
        }),
        most(wanted.gap, all.mean(|t| t.gap), &|gap| format!("mean ≤ {gap} %")),
        most(wanted.worst, all.worst(|t| t.gap), &|gap| {
            format!("worst ≤ {gap} %")
        }),
        most(nodes, all.worst(|t| real(t.nodes)), &|n| format!("≤ {n} nodes")),
        most(wanted.mib, all.worst(|t| mib(t.taken.peak)), &|m| {
            format!("≤ {m} MiB")
        }),
        least(wanted.faster, peer.map(|p| p.faster), &|f| format!("≥ {f}×")),
        least(wanted.cheaper, peer.and_then(|p| p.cheaper), &|c| {
            format!("≥ {c} % cheaper")
        }),
    ];
    asks.into_iter().flatten().collect()
}

/// Two or three digits that mean something.
fn digits(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

fn thousands(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e3 => format!("{:.0} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
const fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Taken;
    use crate::suite::Peer;

    fn figures(seconds: f64, gap: f64) -> Figures {
        let taken = Taken {
            seconds,
            ..Taken::default()
        };
        Figures {
            tries: vec![Try {
                taken,
                gap,
                nodes: 7,
                ..Try::default()
            }],
            peer: Some(Peer {
                name: "somebody".to_owned(),
                faster: 99.0,
                cheaper: None,
            }),
            ..Figures::default()
        }
    }

    #[test]
    fn what_is_missed_is_said() {
        let wanted = Wanted {
            nodes: Some(7),
            faster: Some(100.0),
            cheaper: Some(30.0),
            ..Wanted::gaps(1.0, 2.0)
        };
        let asked = |gap| missed(&wanted, &figures(0.1, gap)).len();
        assert_eq!((asked(0.5), asked(1.5), asked(2.5)), (2, 3, 4));
        assert!(missed(&Wanted::within(100.0), &figures(0.1, 9.0)).is_empty());
        assert_eq!(missed(&Wanted::within(99.0), &figures(0.1, 9.0)), ["≤ 99.0 ms"]);
        assert!(verdicts(&wanted, &figures(0.1, 0.5)).contains("**≥ 100×: missed**"));
    }
}
