//! Whether a pod may run in a place, and what objects if not.
//!
//! Source of the rules: kube-scheduler's NodeResourcesFit, TaintToleration, NodeAffinity (node selector,
//! required terms, `matchFields`), VolumeBinding, VolumeZone and NodeVolumeLimits. Preferences only choose between
//! equals; constraints that are not modelled are objections of their own. A volume that two pods of a node share
//! counts twice, once for kube-scheduler: the safe side. Prices and policies are not looked at here, Fargate's own
//! rules are in `fargate`.

use model::node::{Node, STARTING_TAINT};
use model::pod::{PodSpec, Taint, TaintEffect};
use model::reason::Misfit;
use model::resources::{Resources, attach_driver};
use model::selector::{Labels, NodeTerm, Operator, Requirement};

/// Label that every node carries with its own name.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node that is there or could be bought, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its labels.
    pub labels: &'a Labels,
    /// Its name; empty for a node that has none yet.
    pub name: &'a str,
    /// Its taints.
    pub taints: &'a [Taint],
}

impl<'a> Place<'a> {
    /// A node that is there.
    pub fn of_node(node: &'a Node) -> Self {
        Self {
            labels: &node.labels,
            name: node.name.as_str(),
            taints: &node.taints,
        }
    }
}

/// What keeps the pod away from the place, amounts apart; one entry per objection, empty when none.
pub fn rules(spec: &PodSpec, place: Place<'_>) -> Vec<Misfit> {
    let mut objections: Vec<Misfit> = place
        .taints
        .iter()
        .filter(|taint| repels(spec, taint))
        .map(|taint| Misfit::UntoleratedTaint {
            taint: written(taint),
        })
        .collect();
    objections.extend(
        spec.node_selector
            .iter()
            .filter(|(key, value)| place.labels.get(*key) != Some(value))
            .map(|(key, value)| Misfit::NodeSelector {
                wants: format!("{key}={value}"),
            }),
    );
    if let Some(terms) = &spec.node_affinity
        && !any_matches(terms, place)
    {
        objections.push(Misfit::NodeAffinity);
    }
    objections.extend(
        spec.reach
            .iter()
            .filter(|terms| !any_matches(terms, place))
            .map(|terms| Misfit::VolumeOutOfReach {
                wants: written_terms(terms),
            }),
    );
    objections
}

/// Whether no rule keeps the pod away from the place.
pub fn admits(spec: &PodSpec, place: Place<'_>) -> bool {
    admits_but_for_volumes(spec, place) && spec.reach.iter().all(|terms| any_matches(terms, place))
}

/// How much the pod would like to be there: the weights of the preferred terms of node affinity that match
/// (NodeAffinity's score before it is normalised). Ties between equal prices are what it is for.
pub fn preference(spec: &PodSpec, place: Place<'_>) -> i64 {
    let liked = spec
        .prefers
        .iter()
        .filter(|preference| preference.term.matches(place.labels, place.name));
    liked.map(|preference| i64::from(preference.weight)).sum()
}

/// How many taints with `PreferNoSchedule` the pod does not tolerate (TaintToleration's score), and how much it would
/// like the place by [`preference`].
pub fn dislike(spec: &PodSpec, place: Place<'_>) -> (u64, i64) {
    let soft = place.taints.iter().filter(|taint| {
        taint.effect == TaintEffect::PreferNoSchedule && !spec.tolerations.iter().any(|t| t.tolerates(taint))
    });
    (model::index::count(soft.count()).into(), preference(spec, place))
}

/// Whether no rule keeps the pod away but for where its volumes are: what makes a node one of those among which
/// PodTopologySpread counts the fewest.
pub fn admits_but_for_volumes(spec: &PodSpec, place: Place<'_>) -> bool {
    !place.taints.iter().any(|taint| repels(spec, taint))
        && spec
            .node_selector
            .iter()
            .all(|(key, value)| place.labels.get(key) == Some(value))
        && spec
            .node_affinity
            .as_ref()
            .is_none_or(|terms| any_matches(terms, place))
}

fn any_matches(terms: &[NodeTerm], place: Place<'_>) -> bool {
    terms.iter().any(|term| term.matches(place.labels, place.name))
}

/// Whether a DaemonSet puts a pod on the place. Its controller tolerates every `node.kubernetes.io/` taint.
pub fn daemon_runs(spec: &PodSpec, place: Place<'_>) -> bool {
    let real: Vec<Taint> = place
        .taints
        .iter()
        .filter(|taint| !taint.key.starts_with("node.kubernetes.io/"))
        .cloned()
        .collect();
    admits(
        spec,
        Place {
            taints: &real,
            ..place
        },
    )
}

/// What the place lacks; one entry per resource.
pub fn amounts(asked: &Resources, there: &Resources, pods_left: i64) -> Vec<Misfit> {
    let mut lacks = Vec::new();
    let short = |asked: i64, there: i64| asked > 0 && asked > there;
    if short(asked.cpu_milli, there.cpu_milli) {
        lacks.push(Misfit::InsufficientCpu {
            asked: asked.cpu_milli,
            there: there.cpu_milli.max(0),
        });
    }
    if short(asked.memory_bytes, there.memory_bytes) {
        lacks.push(Misfit::InsufficientMemory {
            asked: asked.memory_bytes,
            there: there.memory_bytes.max(0),
        });
    }
    if short(asked.ephemeral_bytes, there.ephemeral_bytes) {
        lacks.push(Misfit::InsufficientEphemeral {
            asked: asked.ephemeral_bytes,
            there: there.ephemeral_bytes.max(0),
        });
    }
    for (name, amount) in &asked.extended {
        let (asked, there) = (*amount, there.amount(name));
        if short(asked, there) {
            let there = there.max(0);
            lacks.push(match attach_driver(name) {
                Some(driver) => Misfit::TooManyVolumes {
                    driver: driver.to_owned(),
                    asked,
                    there,
                },
                None => Misfit::InsufficientExtended {
                    resource: name.clone(),
                    asked,
                    there,
                },
            });
        }
    }
    if pods_left < 1 {
        lacks.push(Misfit::TooManyPods);
    }
    lacks
}

/// The startup taint is ours to take away: it decides when pods may come, not whether.
fn repels(spec: &PodSpec, taint: &Taint) -> bool {
    taint.effect != TaintEffect::PreferNoSchedule
        && taint.key != STARTING_TAINT
        && !spec.tolerations.iter().any(|t| t.tolerates(taint))
}

fn written(taint: &Taint) -> String {
    if taint.value.is_empty() {
        format!("{}:{:?}", taint.key, taint.effect)
    } else {
        format!("{}={}:{:?}", taint.key, taint.value, taint.effect)
    }
}

/// `topology.kubernetes.io/zone is a or b`; empty where no node is meant.
pub fn written_terms(terms: &[NodeTerm]) -> String {
    let requirement = |wanted: &Requirement| {
        let key = &wanted.key;
        match &wanted.operator {
            Operator::In(values) => format!("{key} is {}", values.join(" or ")),
            Operator::NotIn(values) => format!("{key} is not {}", values.join(" or ")),
            Operator::Exists => format!("{key} is set"),
            Operator::DoesNotExist => format!("{key} is not set"),
            Operator::Gt(bound) => format!("{key} is above {bound}"),
            Operator::Lt(bound) => format!("{key} is below {bound}"),
        }
    };
    let term = |term: &NodeTerm| {
        let all: Vec<String> = term.labels.iter().chain(&term.fields).map(requirement).collect();
        all.join(" and ")
    };
    let all: Vec<String> = terms.iter().map(term).filter(|text| !text.is_empty()).collect();
    all.join(", or ")
}

#[cfg(test)]
mod tests;
