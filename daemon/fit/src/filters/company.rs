//! InterPodAffinity: pods counted by the domains of the terms that ask about them.
//!
//! Preferred terms are left out.

use super::objection::{Objection, Plugin};
use super::standing::Standing;
use model::pod::{Near, PodSpec};
use std::collections::BTreeMap;

/// Pods counted by domain, once for each key.
#[derive(Clone, Debug)]
pub(super) struct Tally<'a> {
    /// A pod is meant where all of them mean it.
    pub(super) terms: Vec<&'a Near>,
    /// By term: domain and count, never 0.
    domains: Vec<BTreeMap<&'a str, u32>>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(terms: Vec<&'a Near>) -> Self {
        Self {
            domains: vec![BTreeMap::new(); terms.len()],
            terms,
        }
    }

    /// Whether all terms mean a pod of this spec (upstream's affinity asks for one pod that satisfies every term).
    pub(super) fn means(&self, spec: &PodSpec) -> bool {
        self.terms.iter().all(|near| near.selects(spec))
    }

    /// Nobody is counted anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.domains.iter().all(BTreeMap::is_empty)
    }

    pub(super) fn put(&mut self, at: &Standing<'a>, pods: u32) {
        for (near, domains) in self.terms.iter().zip(&mut self.domains) {
            if let Some(domain) = at.label(&near.key) {
                *domains.entry(domain).or_insert(0) += pods;
            }
        }
    }

    pub(super) fn take(&mut self, at: &Standing<'a>, pods: u32) {
        for (near, domains) in self.terms.iter().zip(&mut self.domains) {
            if let Some(domain) = at.label(&near.key)
                && let Some(count) = domains.get_mut(domain)
            {
                *count = count.saturating_sub(pods);
                if *count == 0 {
                    domains.remove(domain);
                }
            }
        }
    }

    /// By term: the node's domain, `None` where it lacks the label, and how many are in it.
    fn around<'t>(
        &'t self,
        at: &'t Standing<'a>,
    ) -> impl Iterator<Item = (&'a Near, Option<(&'a str, u32)>)> + 't {
        self.terms.iter().zip(&self.domains).map(|(near, domains)| {
            let domain = at.label(&near.key);
            let count = |domain| domains.get(domain).copied().unwrap_or(0);
            (*near, domain.map(|domain| (domain, count(domain))))
        })
    }

    /// A pod's affinity, all terms at once. The first of a series that wants to be with its own kind may stand
    /// anywhere.
    pub(super) fn together(&self, spec: &PodSpec, at: &Standing<'a>) -> Result<(), Objection> {
        let mut alone = None;
        for (near, domain) in self.around(at) {
            let Some((domain, there)) = domain else {
                return Err(Objection::NoDomain {
                    plugin: Plugin::InterPodAffinity,
                    key: near.key.clone(),
                });
            };
            if there == 0 && alone.is_none() {
                alone = Some((near, domain));
            }
        }
        match alone {
            Some((near, domain)) if !(self.is_empty() && self.means(spec)) => Err(Objection::NobodyNear {
                key: near.key.clone(),
                domain: domain.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// A pod's anti-affinity.
    pub(super) fn apart(&self, at: &Standing<'a>) -> Result<(), Objection> {
        self.somebody(at).map_or(Ok(()), |(near, domain, there)| {
            Err(Objection::SomebodyNear {
                key: near.key.clone(),
                domain: domain.to_owned(),
                there,
            })
        })
    }

    /// Anti-affinity of those that are there.
    pub(super) fn unwanted(&self, at: &Standing<'a>) -> Result<(), Objection> {
        self.somebody(at).map_or(Ok(()), |(near, domain, there)| {
            Err(Objection::Unwanted {
                key: near.key.clone(),
                domain: domain.to_owned(),
                there,
            })
        })
    }

    fn somebody(&self, at: &Standing<'a>) -> Option<(&'a Near, &'a str, u32)> {
        self.around(at).find_map(|(near, domain)| {
            let (domain, there) = domain?;
            (there > 0).then_some((near, domain, there))
        })
    }
}
