//! What admission adds to the pods of a template: defaults of LimitRanges, overhead and scheduling of a RuntimeClass, the
//! priority of a PriorityClass.
//!
//! Source: `plugin/pkg/admission/{limitranger,runtimeclass,priority}` and `SetDefaults_LimitRangeItem`. Pods
//! that are there have been through admission; templates have not. Deliberately absent: what these plugins refuse.

use crate::meta;
use crate::requests::{Amounts, amounts, template_requests};
use crate::selectors;
use crate::sheet::{At, Sheet};
use crate::tree::Tree;
use model::pod::{PodSpec, Toleration};
use model::selector::Labels;
use std::collections::BTreeMap;

/// A RuntimeClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeClassObject {
    /// Name.
    pub name: String,
    overhead: Amounts,
    node_selector: Labels,
    tolerations: Vec<Toleration>,
}

/// A PriorityClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityClassObject {
    /// Name.
    pub name: String,
    value: i32,
    /// Pods that name no class get it.
    global: bool,
}

/// Classes that every cluster has (`scheduling.SystemPriorityClasses`).
const SYSTEM_CLASSES: [(&str, i32); 2] = [
    ("system-cluster-critical", 2_000_000_000),
    ("system-node-critical", 2_000_001_000),
];

/// A LimitRange, as far as it gives containers requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRangeObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    requests: Amounts,
}

/// Reads a RuntimeClass.
pub(crate) fn runtime_class(top: At<'_, '_>) -> RuntimeClassObject {
    let scheduling = top.get("scheduling");
    RuntimeClassObject {
        name: meta::meta(top).name,
        overhead: amounts(top.at(["overhead", "podFixed"])),
        node_selector: scheduling.get("nodeSelector").labels(),
        tolerations: selectors::tolerations(scheduling.get("tolerations")),
    }
}

/// Reads a PriorityClass.
pub(crate) fn priority_class(top: At<'_, '_>) -> PriorityClassObject {
    let value = top.get("value");
    PriorityClassObject {
        name: meta::meta(top).name,
        value: value.int().map_or(0, clamped),
        global: top.get("globalDefault").flag(),
    }
}

/// A priority; what is beyond all of them is the last.
pub(crate) fn clamped(priority: i64) -> i32 {
    i32::try_from(priority).unwrap_or(if priority < 0 { i32::MIN } else { i32::MAX })
}

/// The class that gives a pod its priority, where it tells none itself: the name it says, empty where it says none.
pub(crate) fn class_of(spec: At<'_, '_>) -> Option<String> {
    let named = || {
        spec.get("priorityClassName")
            .text()
            .unwrap_or_default()
            .to_owned()
    };
    (!spec.get("priority").is_there()).then(named)
}

/// Reads a LimitRange. What it says of a container's limit is its request too where neither has one.
pub(crate) fn limit_range(top: At<'_, '_>) -> LimitRangeObject {
    let meta::Meta { namespace, name, .. } = meta::meta(top);
    let mut requests = Amounts::new();
    for item in top.at(["spec", "limits"]).items() {
        if item.get("type").text() == Some("Container") {
            for key in ["defaultRequest", "default", "max", "min"] {
                fill(&mut requests, &amounts(item.get(key)));
            }
        }
    }
    LimitRangeObject {
        namespace,
        name,
        requests,
    }
}

/// What of a pod's `spec` admission looks at.
pub(crate) fn trimmed(spec: At<'_, '_>) -> Tree {
    let picked = |at: At<'_, '_>, keys: &[&'static str]| -> Vec<(String, Tree)> {
        let there = keys.iter().filter_map(|key| {
            let tree = at.tree()?.get(key)?;
            Some(((*key).to_owned(), tree.clone()))
        });
        there.collect()
    };
    let mut kept = picked(
        spec,
        &[
            "resources",
            "overhead",
            "runtimeClassName",
            "priority",
            "priorityClassName",
        ],
    );
    for key in ["containers", "initContainers"] {
        let containers = spec.get(key).items();
        let containers = containers.map(|at| Tree::Map(picked(at, &["resources", "restartPolicy"])));
        kept.push((key.to_owned(), Tree::List(containers.collect())));
    }
    Tree::Map(kept)
}

/// The objects by which pods are admitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission {
    classes: BTreeMap<String, RuntimeClassObject>,
    /// By namespace and name.
    ranges: BTreeMap<(String, String), Amounts>,
    priorities: BTreeMap<String, i32>,
    /// Of pods that name no class.
    usual: Option<i32>,
}

impl Admission {
    pub(crate) fn add_class(&mut self, class: RuntimeClassObject) {
        self.classes.insert(class.name.clone(), class);
    }

    pub(crate) fn add_range(&mut self, range: LimitRangeObject) {
        self.ranges.insert((range.namespace, range.name), range.requests);
    }

    /// Of several global defaults the least counts, as upstream.
    pub(crate) fn add_priority(&mut self, class: PriorityClassObject) {
        if class.global {
            self.usual = Some(self.usual.map_or(class.value, |usual| usual.min(class.value)));
        }
        self.priorities.insert(class.name, class.value);
    }

    /// Priority that a class gives; none where nobody knows it.
    pub(crate) fn priority(&self, class: &str) -> Option<i32> {
        if class.is_empty() {
            return self.usual;
        }
        let system = SYSTEM_CLASSES.iter().find(|(name, _)| *name == class);
        let known = self.priorities.get(class).copied();
        known.or_else(|| system.map(|(_, value)| *value))
    }

    /// Makes of a template's spec what its pods will be; `written` is what the template says.
    pub(crate) fn admit(&self, spec: &mut PodSpec, written: &Tree) {
        let sheet = Sheet::new("", String::new());
        let top = sheet.top(written);
        if let Some(priority) = class_of(top).and_then(|class| self.priority(&class)) {
            spec.priority = priority;
        }
        let class = top.get("runtimeClassName").text();
        let class = class.and_then(|name| self.classes.get(name));
        let mut defaults = Amounts::new();
        let own = self
            .ranges
            .iter()
            .filter(|((namespace, _), _)| *namespace == spec.namespace);
        for (_, requests) in own {
            fill(&mut defaults, requests);
        }
        if class.is_none() && defaults.is_empty() {
            return;
        }
        let overhead = class.map(|class| &class.overhead);
        let overhead = overhead.filter(|_| !top.get("overhead").is_there());
        spec.requests = template_requests(top, &defaults, overhead);
        let Some(class) = class else { return };
        for (key, value) in &class.node_selector {
            let kept = spec.node_selector.entry(key.clone());
            kept.or_insert_with(|| value.clone());
        }
        spec.tolerations.extend(class.tolerations.iter().cloned());
        spec.tolerations.sort();
        spec.tolerations.dedup();
    }
}

/// Adds what is not there.
fn fill(have: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        have.entry(name.clone()).or_insert(*amount);
    }
}

#[cfg(test)]
mod tests;
