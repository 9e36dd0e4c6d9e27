//! PodTopologySpread: for pods of one kind of spec, how many their rules mean in each domain that counts.
//!
//! Constraints with `ScheduleAnyway`, and a scheduler's own default constraints, filter nothing and are left out.

use super::objection::{Objection, Plugin};
use super::standing::Standing;
use crate::place::{self, Place};
use model::pod::{Near, NearRule, PodSpec, Toleration};
use model::selector::{Labels, NodeTerm};
use std::collections::BTreeMap;

/// What decides which nodes and pods are counted: kinds that agree in it share the counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question<'a> {
    rules: Vec<&'a Near>,
    node_selector: &'a Labels,
    node_affinity: Option<&'a Vec<NodeTerm>>,
    tolerations: &'a [Toleration],
}

impl<'a> Question<'a> {
    /// `None` for a spec without such rules.
    pub(super) fn of(spec: &'a PodSpec) -> Option<Self> {
        let spreads = |near: &&Near| matches!(near.rule, NearRule::Spread { .. });
        let rules: Vec<&Near> = spec.near.iter().filter(spreads).collect();
        (!rules.is_empty()).then_some(Self {
            rules,
            node_selector: &spec.node_selector,
            node_affinity: spec.node_affinity.as_ref(),
            tolerations: &spec.tolerations,
        })
    }

    /// The rules, any of which may mean a pod.
    pub(super) fn rules(&self) -> impl Iterator<Item = &'a Near> + '_ {
        self.rules.iter().copied()
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Spread<'a> {
    /// What of the pod decides whether a node counts, apart from taints.
    selecting: PodSpec,
    /// What of the pod decides whether a node's taints count.
    tolerating: PodSpec,
    rules: Vec<Rule<'a>>,
}

#[derive(Clone, Debug)]
struct Rule<'a> {
    near: &'a Near,
    skew: u32,
    least_domains: usize,
    domains: BTreeMap<&'a str, Domain>,
    /// How many domains hold so many pods.
    levels: BTreeMap<u32, u32>,
}

/// Nodes of a domain that count, and the pods on them that are meant.
#[derive(Clone, Copy, Debug, Default)]
struct Domain {
    nodes: u32,
    pods: u32,
}

impl<'a> Spread<'a> {
    pub(super) fn new(question: &Question<'a>) -> Self {
        let rules = question.rules.iter().filter_map(|near| match near.rule {
            NearRule::Spread { skew, domains } => Some(Rule {
                near,
                skew,
                least_domains: domains as usize,
                domains: BTreeMap::new(),
                levels: BTreeMap::new(),
            }),
            NearRule::Together | NearRule::Apart => None,
        });
        Self {
            selecting: PodSpec {
                node_selector: question.node_selector.clone(),
                node_affinity: question.node_affinity.cloned(),
                ..PodSpec::default()
            },
            tolerating: PodSpec {
                tolerations: question.tolerations.to_vec(),
                ..PodSpec::default()
            },
            rules: rules.collect(),
        }
    }

    /// Whether any rule counts pods of this spec. A selector that is empty counts none (upstream).
    pub(super) fn means(&self, spec: &PodSpec) -> bool {
        self.rules.iter().any(|rule| rule.means(spec))
    }

    pub(super) fn add_node(&mut self, at: &Standing<'a>) {
        self.counting(at, |rule, domain| {
            let entry = rule.domains.entry(domain).or_default();
            entry.nodes += 1;
            if entry.nodes == 1 {
                *rule.levels.entry(0).or_insert(0) += 1;
            }
        });
    }

    /// After all of its pods are taken.
    pub(super) fn drop_node(&mut self, at: &Standing<'a>) {
        self.counting(at, |rule, domain| {
            let Some(entry) = rule.domains.get_mut(domain) else {
                return;
            };
            entry.nodes -= 1;
            if entry.nodes == 0 {
                let pods = entry.pods;
                rule.domains.remove(domain);
                rule.leave(pods);
            }
        });
    }

    pub(super) fn put(&mut self, spec: &PodSpec, at: &Standing<'a>, pods: u32) {
        self.counting(at, |rule, domain| {
            if rule.means(spec) {
                rule.change(domain, |there| there + pods);
            }
        });
    }

    pub(super) fn take(&mut self, spec: &PodSpec, at: &Standing<'a>, pods: u32) {
        self.counting(at, |rule, domain| {
            if rule.means(spec) {
                rule.change(domain, |there| there.saturating_sub(pods));
            }
        });
    }

    pub(super) fn judge(&self, spec: &PodSpec, at: &Standing<'a>) -> Result<(), Objection> {
        for rule in &self.rules {
            let key = &rule.near.key;
            let Some(domain) = at.label(key) else {
                return Err(Objection::NoDomain {
                    plugin: Plugin::PodTopologySpread,
                    key: key.clone(),
                });
            };
            let there = rule.domains.get(domain).map_or(0, |domain| domain.pods);
            let own = u32::from(rule.near.selector.matches(&spec.labels));
            let fewest = rule.fewest();
            if there.saturating_add(own) > fewest.saturating_add(rule.skew) {
                return Err(Objection::TooMany {
                    key: key.clone(),
                    domain: domain.to_owned(),
                    there,
                    fewest,
                    skew: rule.skew,
                });
            }
        }
        Ok(())
    }

    /// For every rule that counts this node: the rule and the node's domain. A node that lacks the key of any rule
    /// counts for none.
    fn counting(&mut self, at: &Standing<'a>, mut of: impl FnMut(&mut Rule<'a>, &'a str)) {
        let place = at.place();
        if self.rules.iter().any(|rule| at.label(&rule.near.key).is_none()) {
            return;
        }
        let selected = place::admits_but_for_volumes(&self.selecting, Place { taints: &[], ..place });
        let any = Labels::new();
        let tolerated = || {
            place::admits_but_for_volumes(
                &self.tolerating,
                Place {
                    labels: &any,
                    ..place
                },
            )
        };
        for rule in &mut self.rules {
            let nodes = rule.near.nodes;
            if (selected || nodes.despite_affinity)
                && (!nodes.only_tolerated || tolerated())
                && let Some(domain) = at.label(&rule.near.key)
            {
                of(rule, domain);
            }
        }
    }
}

impl<'a> Rule<'a> {
    fn means(&self, spec: &PodSpec) -> bool {
        !self.near.selector.requirements.is_empty() && self.near.selects(spec)
    }

    fn change(&mut self, domain: &'a str, pods: impl Fn(u32) -> u32) {
        let Some(entry) = self.domains.get_mut(domain) else {
            return;
        };
        let (was, is) = (entry.pods, pods(entry.pods));
        entry.pods = is;
        self.leave(was);
        *self.levels.entry(is).or_insert(0) += 1;
    }

    /// One domain fewer at this level.
    fn leave(&mut self, level: u32) {
        if let Some(domains) = self.levels.get_mut(&level) {
            *domains -= 1;
            if *domains == 0 {
                self.levels.remove(&level);
            }
        }
    }

    /// Fewest pods in any domain; 0 as long as there are fewer domains than asked for.
    fn fewest(&self) -> u32 {
        if self.domains.len() < self.least_domains {
            return 0;
        }
        self.levels.first_key_value().map_or(u32::MAX, |(pods, _)| *pods)
    }
}
