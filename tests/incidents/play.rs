//! Plays an incident twice on equal grounds: a naive controller in charge, then Plimsoll; and judges both runs.
//!
//! The naive one has to show the failure that was reported, else the replay proves nothing. Plimsoll has to be safe,
//! and to serve every pod that can be served once the faults are over.

use crate::ground::Ground;
use crate::incident::{Event, Incident};
use crate::naive::Naive;
use crate::ours::Plimsoll;
use crate::referee::Report;
use model::Span;

/// Who is in charge.
enum Master {
    Naive(Box<Naive>),
    Ours(Box<Plimsoll>),
}

/// An incident that has been played twice.
pub(crate) struct Played {
    incident: Incident,
    theirs: Report,
    ours: Report,
    told: String,
}

/// Plays it twice.
pub(crate) async fn twice(incident: Incident) -> Played {
    let (theirs, _) = Box::pin(run(&incident, false)).await;
    let (ours, told) = Box::pin(run(&incident, true)).await;
    Played {
        incident,
        theirs,
        ours,
        told: told.join("\n  "),
    }
}

impl Played {
    /// The figures of both runs, and on demand what Plimsoll did.
    pub(crate) fn figures(&self) -> String {
        let Incident { name, source, .. } = self.incident;
        let (theirs, ours) = (line(&self.theirs), line(&self.ours));
        let tells = std::env::var_os("PLIMSOLL_INCIDENTS_TELL").is_some();
        let told = if tells { self.told.as_str() } else { "" };
        format!("{name} ({source})\n    naive    {theirs}\n    plimsoll {ours}\n  {told}")
    }

    /// The naive run has to be the failure, ours has to be none.
    pub(crate) fn judge(&self) {
        let Self {
            incident,
            theirs,
            ours,
            told,
        } = self;
        let name = incident.name;
        assert!(
            (incident.failed)(theirs),
            "{name}: the naive controller does not show the failure: {theirs:#?}"
        );
        let broken = unsafe_of(incident, ours);
        assert!(broken.is_empty(), "{name}: {broken:?}: {ours:#?}\n  {told}");
        assert_eq!(
            ours.waiting, incident.unservable,
            "{name}: pods wait at the end: {ours:#?}\n  {told}"
        );
        assert!((incident.held)(ours), "{name}: {ours:#?}\n  {told}");
    }
}

/// What no run of Plimsoll may be, whatever the incident.
fn unsafe_of(incident: &Incident, report: &Report) -> Vec<&'static str> {
    let broken = [
        (
            report.killed > incident.others_by_number,
            "a healthy machine was ended with pods on it",
        ),
        (
            report.by_number > incident.others_by_number,
            "a group was made smaller by number",
        ),
        (report.orphans > 0, "a machine lives that belongs to nobody"),
        (report.cordoned > 0, "a node is cordoned at the end"),
    ];
    broken
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| what)
        .collect()
}

async fn run(incident: &Incident, ours: bool) -> (Report, Vec<String>) {
    let mut ground = Ground::of(incident).await;
    let mut master = if ours {
        Master::Ours(Box::new(Plimsoll::begin(&ground, incident).await))
    } else {
        Master::Naive(Box::new(Naive::begin(&ground, &incident.habits)))
    };
    let mut events = incident.events.clone();
    events.sort_by_key(|(at, _)| *at);
    let mut events = events.into_iter().peekable();
    let cycles = incident.lasts / incident.every;
    for cycle in 0..cycles {
        // What is there at the beginning is there for the first cycle; everything else comes between two.
        while let Some((_, event)) = events.next_if(|(at, _)| cycle == 0 && *at == 0) {
            master.hears(&mut ground, &event).await;
        }
        if has_a_home(&ground) {
            master.turn(&ground).await;
        }
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= cycle * incident.every) {
            master.hears(&mut ground, &event).await;
        }
        ground.pass(Span::from_secs(incident.every));
    }
    let told = match master {
        Master::Naive(_) => Vec::new(),
        Master::Ours(ours) => ours.told,
    };
    let calls = ground.cloud.calls();
    let report = ground
        .cloud
        .account(|account| ground.referee.report(account, &ground.cluster(), &calls));
    (report, told)
}

/// A controller whose node is gone is gone with it.
fn has_a_home(ground: &Ground) -> bool {
    let cluster = ground.cluster();
    cluster
        .own_node
        .as_ref()
        .is_none_or(|own| cluster.nodes.contains_key(own))
}

impl Master {
    async fn turn(&mut self, ground: &Ground) {
        match self {
            Self::Naive(naive) => naive.turn(ground).await,
            Self::Ours(ours) => ours.turn(ground).await,
        }
    }

    async fn hears(&mut self, ground: &mut Ground, event: &Event) {
        if !ground.happens(event).await {
            return;
        }
        match (self, event) {
            (Self::Naive(naive), Event::Crash { step, moment }) => naive.doom(step, *moment),
            (Self::Ours(ours), Event::Crash { step, moment }) => ours.doom(step, *moment),
            (Self::Naive(naive), _) => naive.restart(),
            (Self::Ours(ours), _) => ours.restart(ground).await,
        }
    }
}

fn line(report: &Report) -> String {
    format!(
        "killed {:3}  by number {:3}  lost pods {:4}  launched {:4}  removed {:3} (in 10 min {:3})  most {:4}  idle {:3}  orphans {:2}  waiting {:4} (last at {:6} s)  cordoned {:2}  evicted {:3}  writes {:5}  $ {:.2}",
        report.killed,
        report.by_number,
        report.lost,
        report.launched,
        report.removed,
        report.removed_in_ten_minutes,
        report.most,
        report.idle,
        report.orphans,
        report.waiting,
        report.last_waited,
        report.cordoned,
        report.evictions,
        report.writes,
        cents(report.cents),
    )
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn cents(cents: i128) -> f64 {
    cents as f64 / 100.0
}
