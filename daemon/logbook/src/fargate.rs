//! What became of pods that were placed on Fargate when they were created: whether EKS took them, and as what size, as
//! it shows on the pods themselves (label, scheduler, annotation).
//!
//! EKS' own webhook fails open: a pod that it did not see waits for a node instead, and nobody says so. Not here: what
//! is done about it.

use model::pod::{Pod, PodPhase, PodSpec};
use model::provisioned::{FargateBills, PROFILE_LABEL as PROFILE, PROVISIONED as CAPACITY, Said};
use model::{Snapshot, Span};
use std::fmt;

/// Label by which a pod is placed; values of ours that mean Fargate begin with `fargate`.
const PLACEMENT: &str = "plimsoll.io/placement";
/// Scheduler that EKS sets.
const SCHEDULER: &str = "fargate-scheduler";
/// Launches are throttled: a burst takes its time.
const PATIENCE: Span = Span::from_secs(300);

/// How a pod that should be on Fargate is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// EKS has not put it into any profile: it waits for a node.
    NotTaken,
    /// EKS has put it into a profile, and somebody else schedules it.
    OtherScheduler,
    /// EKS has taken it, and no capacity has been provisioned for minutes.
    NotProvisioned,
}

impl Doubt {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::NotTaken, Self::OtherScheduler, Self::NotProvisioned];

    /// Short code for tools.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotTaken => "NotTaken",
            Self::OtherScheduler => "OtherScheduler",
            Self::NotProvisioned => "NotProvisioned",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTaken => {
                "placed on Fargate, but EKS has put it into no profile: does one select its namespace and labels?"
            }
            Self::OtherScheduler => "EKS has put it into a Fargate profile, but another scheduler has it",
            Self::NotProvisioned => "EKS has taken it for Fargate, but has provisioned nothing for 5 minutes",
        })
    }
}

/// Pods that were placed on Fargate and are not there, in the order of their keys.
pub fn doubts(seen: &Snapshot) -> Vec<(&Pod, Doubt)> {
    let doubted = |pod| doubt(seen, pod).map(|doubt| (pod, doubt));
    seen.pods.iter().filter_map(doubted).collect()
}

/// What is wrong with the placement of a pod; `None` where nothing is, or it was never placed.
pub fn doubt(seen: &Snapshot, pod: &Pod) -> Option<Doubt> {
    let spec = seen.specs.get(pod.spec as usize)?;
    let over = matches!(pod.phase, PodPhase::Terminating | PodPhase::Finished);
    if over || !is_placed(spec) {
        return None;
    }
    if !spec.labels.contains_key(PROFILE) {
        return Some(Doubt::NotTaken);
    }
    if spec.scheduler != SCHEDULER {
        return Some(Doubt::OtherScheduler);
    }
    let waits = pod.phase == PodPhase::Pending && seen.at.since(pod.created) > PATIENCE;
    (waits && !spec.annotations.contains_key(CAPACITY)).then_some(Doubt::NotProvisioned)
}

/// Profile of a pod on Fargate, and what EKS says it provisioned.
pub(crate) fn taken(spec: &PodSpec) -> Option<(&str, Option<&str>)> {
    let profile = spec.labels.get(PROFILE)?;
    Some((profile, spec.annotations.get(CAPACITY).map(String::as_str)))
}

/// How what is billed for a pod on Fargate stands to what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sizing {
    /// The size computed from what it asks for was provisioned.
    AsComputed,
    /// Another one was.
    Differs,
    /// EKS has said nothing: it is billed as computed, as far as anybody knows.
    Untold,
    /// What EKS says is no size: likewise.
    Unreadable,
}

impl Sizing {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::AsComputed, Self::Differs, Self::Untold, Self::Unreadable];

    /// Short code for tools.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AsComputed => "AsComputed",
            Self::Differs => "Differs",
            Self::Untold => "Untold",
            Self::Unreadable => "Unreadable",
        }
    }
}

/// Sizing of every pod that runs on Fargate, in the order of their keys.
pub fn sizings(seen: &Snapshot) -> Vec<(&Pod, Sizing)> {
    let bills = FargateBills::new(seen);
    let sizing = |(pod, bill): (_, model::provisioned::Billed)| {
        let pod: &Pod = pod;
        let spec = seen.specs.get(pod.spec as usize)?;
        let sizing = match (Said::of(spec), bill.differs()) {
            (Said::Nothing, _) => Sizing::Untold,
            (Said::Unreadable(_), _) => Sizing::Unreadable,
            (Said::Size(_), Some(_)) => Sizing::Differs,
            (Said::Size(_), None) => Sizing::AsComputed,
        };
        Some((pod, sizing))
    };
    bills.all().filter_map(sizing).collect()
}

fn is_placed(spec: &PodSpec) -> bool {
    spec.labels
        .get(PLACEMENT)
        .is_some_and(|value| value.starts_with("fargate"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Instant, PodKey};
    use std::sync::Arc;

    fn seen(labels: &[(&str, &str)], scheduler: &str, provisioned: bool, age: i64) -> Snapshot {
        let mut spec = PodSpec {
            scheduler: scheduler.to_owned(),
            ..PodSpec::default()
        };
        let pairs = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        spec.labels.extend(pairs);
        if provisioned {
            let billed = "0.25vCPU 0.5GB".to_owned();
            spec.annotations.insert(CAPACITY.to_owned(), billed);
        }
        let pod = Pod {
            key: PodKey::new("ns", "p"),
            spec: 0,
            node: None,
            phase: PodPhase::Pending,
            created: Instant(0),
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        };
        Snapshot {
            at: Instant(age * 1000),
            specs: vec![Arc::new(spec)],
            pods: vec![pod],
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_eks_did_otherwise_is_told() {
        let (ours, theirs) = ((PLACEMENT, "fargate"), (PROFILE, "serverless"));
        for (labels, scheduler, provisioned, age, expected) in [
            (&[][..], "", false, 900, None),
            (&[(PLACEMENT, "ec2")], "", false, 900, None),
            (&[ours], "", false, 1, Some(Doubt::NotTaken)),
            (
                &[(PLACEMENT, "fargate-use1-az1")],
                SCHEDULER,
                true,
                1,
                Some(Doubt::NotTaken),
            ),
            (&[ours, theirs], "", true, 1, Some(Doubt::OtherScheduler)),
            (&[ours, theirs], SCHEDULER, false, 299, None),
            (
                &[ours, theirs],
                SCHEDULER,
                false,
                301,
                Some(Doubt::NotProvisioned),
            ),
            (&[ours, theirs], SCHEDULER, true, 900, None),
        ] {
            let seen = seen(labels, scheduler, provisioned, age);
            let found: Vec<Doubt> = doubts(&seen).into_iter().map(|(_, doubt)| doubt).collect();
            assert_eq!(found, Vec::from_iter(expected), "{labels:?} {scheduler} {age}");
        }
    }
}
