//! Namespaces and their labels, and what selectors of namespaces come to.
//!
//! Source: kube-scheduler's InterPodAffinity. It asks the labels of namespaces only about rules of pods that run; for
//! rules of the pod to be placed it lists the namespaces selected, and beside them matches the selector against no
//! labels at all, so that one which such a match satisfies (`NotIn`, `DoesNotExist`) means every namespace. Both
//! directions of an anti-affinity are one rule here, so that it then keeps away from all (the stricter reading).

use crate::meta;
use crate::sheet::At;
use model::pod::{NearRule, PodSpec, Unmodelled};
use model::selector::{LabelSelector, Labels};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Label that the API server gives every namespace.
const NAME: &str = "kubernetes.io/metadata.name";

/// A Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceObject {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
}

/// Reads a Namespace.
pub(crate) fn namespace(top: At<'_, '_>) -> NamespaceObject {
    NamespaceObject {
        name: meta::meta(top).name,
        labels: top.at(["metadata", "labels"]).labels(),
    }
}

/// Namespaces by name.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    known: BTreeMap<String, Labels>,
}

impl Namespaces {
    /// Adds one with its labels.
    pub fn add(&mut self, object: NamespaceObject) {
        let NamespaceObject { name, mut labels } = object;
        labels.insert(NAME.to_owned(), name.clone());
        self.known.insert(name, labels);
    }

    /// Replaces selectors of namespaces by the names they mean, and takes back that such a rule is not modelled.
    ///
    /// A selector stays open where it asks for labels of a namespace that only its pods tell of; an anti-affinity
    /// then counts in all namespaces, so that nobody is placed beside a running pod that may not want it.
    pub fn resolve(&self, specs: &mut [Arc<PodSpec>]) {
        let named: Vec<&str> = specs.iter().map(|spec| spec.namespace.as_str()).collect();
        let mut all: BTreeMap<String, Option<&Labels>> =
            named.into_iter().map(|name| (name.to_owned(), None)).collect();
        all.extend(
            self.known
                .iter()
                .map(|(name, labels)| (name.clone(), Some(labels))),
        );
        for spec in specs {
            if spec.near.iter().any(|near| near.namespace_selector.is_some()) {
                resolve(Arc::make_mut(spec), &all);
            }
        }
    }
}

fn resolve(spec: &mut PodSpec, all: &BTreeMap<String, Option<&Labels>>) {
    for near in &mut spec.near {
        let Some(selector) = &near.namespace_selector else {
            continue;
        };
        if selector.matches(&Labels::new()) {
            (near.namespaces, near.namespace_selector) = (None, None);
        } else if let Some(selected) = selected(selector, all) {
            let mut names = near.namespaces.take().unwrap_or_default();
            names.extend(selected);
            names.sort();
            names.dedup();
            (near.namespaces, near.namespace_selector) = (Some(names), None);
        } else if near.rule == NearRule::Apart {
            near.namespaces = None;
        }
    }
    spec.near.sort();
    spec.near.dedup();
    let open = |rule| {
        let mut open = spec.near.iter().filter(|near| near.namespace_selector.is_some());
        open.any(|near| near.rule == rule)
    };
    let (together, apart) = (open(NearRule::Together), open(NearRule::Apart));
    spec.unmodelled.retain(|constraint| match constraint {
        Unmodelled::PodAffinity => together,
        Unmodelled::PodAntiAffinity => apart,
        _ => true,
    });
}

/// Names of the namespaces selected; `None` where that hangs on labels nobody knows.
fn selected(selector: &LabelSelector, all: &BTreeMap<String, Option<&Labels>>) -> Option<Vec<String>> {
    let by_name = selector
        .requirements
        .iter()
        .all(|requirement| requirement.key == NAME);
    let mut names = Vec::new();
    for (name, labels) in all {
        let matches = match labels {
            Some(labels) => selector.matches(labels),
            None if by_name => selector.matches(&Labels::from([(NAME.to_owned(), name.clone())])),
            None => return None,
        };
        if matches {
            names.push(name.clone());
        }
    }
    Some(names)
}
