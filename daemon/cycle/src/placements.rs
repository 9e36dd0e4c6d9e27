//! Where pods that are yet to be created should go: what the last plans want, by who creates them.
//!
//! A plan places pods that are there; Fargate is chosen when a pod is created. So what a plan wants for a class counts
//! for the next pods of it: until another plan wants something else, for a quarter of an hour after the last that
//! wanted it, and not at all once cycles stop coming. Here: the table. Not here: pods of which no plan knows
//! (`unseen`), and how pods are asked about (the front, or a policy in the API server).

use decide::fargate::{self, PLACEMENT_LABEL};
use logbook::CycleRecord;
use model::plan::{Step, StepKind};
use model::pod::PodSpec;
use model::selector::Labels;
use model::{GroupName, HoldReason, Instant, Resources, Span, StepId, Verdict, WorkloadKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A placement counts this long after the last plan that wanted it.
const COUNTS: Span = Span::from_secs(900);
/// Rows at most; what does not fit is not placed.
const ROWS: usize = 20_000;
/// Ends the name of a ReplicaSet.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// Set by EKS on pods that it has placed.
const EKS_PROFILE: &str = "eks.amazonaws.com/fargate-profile";
/// Labels of every Fargate node.
const NODE_LABELS: [(&str, &str); 3] = [
    ("kubernetes.io/arch", "amd64"),
    ("kubernetes.io/os", "linux"),
    ("eks.amazonaws.com/compute-type", "fargate"),
];

/// What becomes of a pod that is about to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is to carry these labels.
    Label(Labels),
    /// It would, if its modes were `act`.
    Would(Labels),
    /// It is left alone.
    Leave(Why),
    /// No plan has spoken about its like: ask [`Handle::place_unseen`](crate::Handle::place_unseen).
    Unseen,
}

/// Why a pod is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It carries a placement already.
    Labelled,
    /// Fargate cannot run it, or it is not ours to place (DaemonSets, StatefulSets, other schedulers).
    Excluded,
    /// The plan wants it elsewhere.
    Elsewhere,
    /// The kill switch is pulled, or the daemon ends.
    Paused,
    /// No whole cycle has been made for too long.
    Overdue,
    /// Somebody else is being thought about.
    Busy,
}

/// Pods of one controller that are to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Controller as its pods name it when they are created: the ReplicaSet of a Deployment, a Job.
    pub controller: WorkloadKey,
    /// Fargate profile.
    pub profile: GroupName,
    /// Labels to set.
    pub label: Labels,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Placements {
    rows: BTreeMap<Key, Row>,
}

/// Whose pods a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Pods of a template that never changes.
    Controller(WorkloadKey),
    /// Pods of a Deployment, as long as they ask for the same.
    Deployment(WorkloadKey),
    /// Pods without a controller that no rule can tell apart.
    Bare(Arc<PodSpec>),
}

#[derive(Clone, Debug)]
struct Row {
    until: Instant,
    requests: Resources,
    /// `None`: elsewhere.
    place: Option<Place>,
}

/// Where they should go.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    profile: GroupName,
    label: Labels,
    acts: bool,
}

impl Place {
    /// What a step says, as far as the guard lets it: observing only would have placed.
    pub(crate) fn of(step: &Step, verdict: Option<&Verdict>) -> Option<Self> {
        let StepKind::PlaceOnFargate { profile, label, .. } = &step.kind else {
            return None;
        };
        let acts = match verdict {
            Some(Verdict::Cleared) => true,
            Some(Verdict::Held(HoldReason::ObserveOnly { .. })) => false,
            _ => return None,
        };
        Some(Self {
            profile: profile.clone(),
            label: label.clone(),
            acts,
        })
    }

    fn answer(&self, spec: &PodSpec) -> Answer {
        let set_otherwise =
            |(key, value): (&String, &String)| spec.labels.get(key).is_some_and(|v| v != value);
        if self.label.iter().any(set_otherwise) {
            return Answer::Leave(Why::Excluded);
        }
        if self.acts {
            Answer::Label(self.label.clone())
        } else {
            Answer::Would(self.label.clone())
        }
    }
}

impl Placements {
    /// Takes over what a whole cycle wants.
    pub(crate) fn take(&mut self, record: &CycleRecord, now: Instant) {
        if record.trouble.is_some() || !record.has_seen() {
            return;
        }
        self.rows.retain(|_, row| row.place.is_some() && row.until > now);
        let verdicts: BTreeMap<StepId, &Verdict> = record.verdicts.iter().map(|(id, v)| (*id, v)).collect();
        let mut wanted: BTreeMap<u32, Place> = BTreeMap::new();
        for step in &record.plan.steps {
            if let StepKind::PlaceOnFargate { class, .. } = &step.kind
                && let Some(place) = Place::of(step, verdicts.get(&step.id).copied())
            {
                wanted.entry(*class).or_insert(place);
            }
        }
        let classes = || (0_u32..).zip(&record.notes.classes);
        // Pods that wait for long are past admission: what is wanted for them says nothing about new ones.
        let elsewhere = classes().filter(|(class, note)| !note.late && !wanted.contains_key(class));
        for (_, note) in elsewhere {
            if let Some(spec) = note.spec {
                self.put(&record.snapshot.spec(spec), None, now);
            }
        }
        for (class, note) in classes() {
            if let (Some(place), Some(spec)) = (wanted.get(&class), note.spec) {
                self.put(&record.snapshot.spec(spec), Some(place), now);
            }
        }
    }

    /// What is wanted for pods of this spec from now on.
    pub(crate) fn put(&mut self, spec: &Arc<PodSpec>, place: Option<&Place>, now: Instant) {
        // A pod that carries a placement and waits all the same says nothing about its like.
        if barred(spec).is_some() {
            return;
        }
        for key in keys(spec) {
            if self.rows.len() >= ROWS && !self.rows.contains_key(&key) {
                return;
            }
            let row = Row {
                until: now + COUNTS,
                requests: spec.requests.clone(),
                place: place.cloned(),
            };
            self.rows.insert(key, row);
        }
    }

    /// The word on a pod that may be placed.
    pub(crate) fn answer(&self, spec: &Arc<PodSpec>, now: Instant) -> Answer {
        let row = keys(spec).into_iter().find_map(|key| {
            let row = self.rows.get(&key).filter(|row| row.until > now)?;
            let same = !matches!(key, Key::Deployment(_)) || row.requests == spec.requests;
            same.then_some(row)
        });
        match row {
            None => Answer::Unseen,
            Some(Row { place: None, .. }) => Answer::Leave(Why::Elsewhere),
            Some(Row {
                place: Some(place), ..
            }) => place.answer(spec),
        }
    }

    /// Controllers whose pods are to be placed now, in order.
    pub(crate) fn placed(&self, now: Instant) -> Vec<Placed> {
        let rows = self.rows.iter().filter(|(_, row)| row.until > now);
        let placed = rows.filter_map(|(key, row)| match (key, &row.place) {
            (Key::Controller(controller), Some(place)) if place.acts => Some(Placed {
                controller: controller.clone(),
                profile: place.profile.clone(),
                label: place.label.clone(),
            }),
            _ => None,
        });
        placed.collect()
    }
}

/// Why a pod of this spec is never placed; `None`: it may be.
pub(crate) fn barred(spec: &PodSpec) -> Option<Why> {
    let carries = |key: &str| spec.labels.contains_key(key);
    if carries(PLACEMENT_LABEL) || carries(EKS_PROFILE) {
        return Some(Why::Labelled);
    }
    let kind = spec.owner.as_ref().map_or("", |owner| &owner.kind);
    let theirs = ["DaemonSet", "StatefulSet", "Node"].contains(&kind)
        || spec.traits.mirror
        || !spec.scheduler.is_empty()
        || !spec.unmodelled.is_empty();
    let labels = NODE_LABELS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let excluded = !fargate::rules(spec, &Labels::from(labels)).is_empty();
    (theirs || excluded).then_some(Why::Excluded)
}

/// Where the pods of a spec are looked for, narrowest first.
fn keys(spec: &Arc<PodSpec>) -> Vec<Key> {
    let Some(owner) = &spec.owner else {
        return vec![Key::Bare(Arc::clone(spec))];
    };
    if &*owner.kind != "Deployment" {
        return vec![Key::Controller(owner.clone())];
    }
    let hash = spec.labels.get(TEMPLATE_HASH);
    let set = hash.map(|hash| {
        let name = format!("{}-{hash}", owner.name);
        Key::Controller(WorkloadKey::new("ReplicaSet", &owner.namespace, name))
    });
    set.into_iter().chain([Key::Deployment(owner.clone())]).collect()
}
