//! What a person sees while a simulated day plays: a progress bar below, decisions as they fall above it.
//!
//! Decisions go to standard output, the bar to standard error and only to a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use logbook::CycleRecord;
use model::{Instant, StepKind};
use serve::Serving;
use sim::{Moment, Scenario};
use std::io::Write;

/// Where it is shown.
pub(super) struct Screen {
    bar: ProgressBar,
}

impl Screen {
    /// Says what is about to be played and where questions are answered.
    pub(super) fn open(scenario: &Scenario, serving: &Serving) -> Self {
        let bar = ProgressBar::new(scenario.cycles());
        let look = "{msg} [{bar:40}] {percent:>3} %  {elapsed} / {duration}";
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style.progress_chars("=> "));
        }
        let screen = Self { bar };
        let about = match scenario.about.as_str() {
            "" => String::new(),
            about => format!(" — {about}"),
        };
        screen.say(&format!(
            "playing {}{about}: {} in {} cycles",
            scenario.name,
            scenario.duration,
            scenario.cycles()
        ));
        screen.say(&format!(
            "serving gRPC on {}{}",
            serving.grpc,
            serving
                .http
                .map(|http| format!(", metrics on http://{http}/metrics"))
                .unwrap_or_default()
        ));
        screen
    }

    /// One cycle has been played.
    pub(super) fn moment(&self, moment: &Moment<'_>) {
        for line in lines(moment.record) {
            self.say(&line);
        }
        self.bar.set_position(moment.number);
        self.bar.set_message(format!(
            "{} {} nodes, {} waiting",
            clock(moment.record.at),
            moment.record.snapshot.nodes.len(),
            moment.sample.waiting
        ));
    }

    /// One line on standard output, above the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| {
            // A closed pipe ends nothing: the day plays on.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
    }

    /// The bar goes, the lines stay.
    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }
}

/// Decisions of a cycle worth a line: what was carried out, and what went wrong.
fn lines(record: &CycleRecord) -> Vec<String> {
    let at = clock(record.at);
    let mut lines: Vec<String> = sim::carried_out(record)
        .filter(|(step, _)| {
            !matches!(
                step.kind,
                StepKind::Nominate { .. }
                    | StepKind::Yield { .. }
                    | StepKind::Avoid { .. }
                    | StepKind::Evict { .. }
                    | StepKind::Remake { .. }
                    | StepKind::Uncordon { .. }
            )
        })
        .map(|(step, outcome)| format!("{at}  {} — {} → {outcome}", step.kind, step.reason))
        .collect();
    for call in &record.notes.calls {
        if let Err(fault) = &call.answer {
            lines.push(format!("{at}  policy {} ({}) {fault}", call.policy, call.hook));
        }
    }
    if let Some(trouble) = &record.trouble {
        lines.push(format!("{at}  {trouble}"));
    }
    lines
}

/// Time of day.
fn clock(at: Instant) -> String {
    let minutes = at.0.div_euclid(60_000);
    format!(
        "{:02}:{:02}",
        minutes.div_euclid(60).rem_euclid(24),
        minutes.rem_euclid(60)
    )
}
