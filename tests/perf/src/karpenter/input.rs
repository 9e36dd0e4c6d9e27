//! The input as its file has it, and as the nouns of `model`.

use crate::{data, snapshot};
use anyhow::{Context, Result, bail};
use manifest::{ARCH, INSTANCE_TYPE, OS, ZONE, fleet_group};
use model::offer::{Confidence, OfferKind, Purchase};
use model::pod::SpecIx;
use model::pod::{Near, NearRule, NodeInclusion, PodPhase};
use model::selector::{LabelSelector, Operator, Requirement};
use model::{Offer, OfferId, Pod, PodKey, PodSpec, Resources, Snapshot, UsdPerHour};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file of `../shared/data/peers`, and Karpenter's own result.
#[derive(Deserialize)]
pub struct Input {
    /// Types for sale.
    pub instance_types: Vec<RawType>,
    /// Pods in Karpenter's order.
    pub pods: Vec<RawPod>,
    /// What Karpenter bought.
    #[serde(rename = "karpenter_result")]
    pub karpenter: Bought,
}

/// What Karpenter bought.
#[derive(Deserialize)]
pub struct Bought {
    /// Nodes.
    pub nodes: usize,
    /// Dollars per hour: every node at the cheapest type that is left to it.
    #[serde(rename = "price_per_h")]
    pub dollars: f64,
}

/// A type.
#[derive(Deserialize)]
pub struct RawType {
    /// Its name.
    pub name: String,
    /// What pods can use.
    pub allocatable: RawAmounts,
    /// Where it is sold, and for how much.
    pub offerings: Vec<RawOffering>,
}

/// Amounts.
#[derive(Clone, Copy, Deserialize)]
pub struct RawAmounts {
    /// Millicores.
    pub cpu_milli: i64,
    /// Bytes.
    pub memory_bytes: i64,
    /// Pods on a node.
    #[serde(default)]
    pub pods: u32,
}

/// One price.
#[derive(Deserialize)]
pub struct RawOffering {
    /// Zone.
    pub zone: String,
    /// `on-demand` or `spot`, at one price in this input.
    pub capacity_type: String,
    /// Dollars per hour.
    pub price: f64,
}

/// A pod.
#[derive(Deserialize)]
pub struct RawPod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it asks for.
    pub requests: RawAmounts,
    /// Its affinity.
    #[serde(default)]
    pub affinity: RawAffinity,
    /// Its spread.
    #[serde(default, rename = "topologySpreadConstraints")]
    pub spread: Vec<RawSpread>,
}

/// `affinity`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawAffinity {
    /// With whom.
    #[serde(default)]
    pub pod_affinity: RawTerms,
    /// Away from whom.
    #[serde(default)]
    pub pod_anti_affinity: RawTerms,
}

/// The required terms; nothing else is in the input.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTerms {
    /// `requiredDuringSchedulingIgnoredDuringExecution`.
    #[serde(default, rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub required: Vec<RawTerm>,
}

/// A term.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawTerm {
    /// Who is meant.
    pub label_selector: RawSelector,
    /// What makes a domain.
    pub topology_key: String,
}

/// A spread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawSpread {
    /// Most above the fewest.
    pub max_skew: u32,
    /// What makes a domain.
    pub topology_key: String,
    /// `DoNotSchedule` throughout.
    pub when_unsatisfiable: String,
    /// Who is counted.
    pub label_selector: RawSelector,
}

/// `matchLabels`, the only form in the input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawSelector {
    /// All must be there.
    pub match_labels: BTreeMap<String, String>,
}

/// A pod that somebody has told us about, not interned yet.
pub struct Told {
    /// Name.
    pub key: PodKey,
    /// Everything that rules read.
    pub spec: PodSpec,
}

impl Input {
    /// The file of so many pods.
    pub fn read(pods: usize) -> Result<Self> {
        let bytes = data::read(&format!("peers/karpenter-bench-input-{pods}.json.gz"))?;
        let input: Self = serde_json::from_slice(&bytes)?;
        let soft = |spread: &RawSpread| spread.when_unsatisfiable != "DoNotSchedule";
        if input.pods.len() != pods || input.pods.iter().any(|pod| pod.spread.iter().any(soft)) {
            bail!("the input of {pods} pods is not what it was");
        }
        Ok(input)
    }

    /// Every type in every zone, on demand; spot costs the same and is sold in fewer zones.
    pub fn offers(&self) -> Result<Vec<Offer>> {
        let mut offers = Vec::new();
        for of in &self.instance_types {
            for sold in of.offerings.iter().filter(|o| o.capacity_type == "on-demand") {
                offers.push(offer(of, sold).with_context(|| of.name.clone())?);
            }
        }
        Ok(offers)
    }

    /// The pods with their rules.
    pub fn pods(&self) -> Vec<Told> {
        let told = |pod: &RawPod| Told {
            key: PodKey::new(&*pod.namespace, &*pod.name),
            spec: PodSpec {
                namespace: pod.namespace.clone(),
                requests: Resources::new(pod.requests.cpu_milli, pod.requests.memory_bytes),
                labels: pod.labels.clone().into(),
                near: pod.rules(),
                ..PodSpec::default()
            },
        };
        self.pods.iter().map(told).collect()
    }
}

impl RawPod {
    /// Whether it wants no other pod of its own kind on its node.
    pub fn wants_own_node(&self) -> bool {
        let own = |term: &RawTerm| {
            let mut asked = term.label_selector.match_labels.iter();
            term.topology_key == "kubernetes.io/hostname"
                && asked.all(|(key, value)| self.labels.get(key) == Some(value))
        };
        self.affinity.pod_anti_affinity.required.iter().any(own)
    }

    fn rules(&self) -> Vec<Near> {
        let near = |key: &String, selector: &RawSelector, rule| Near {
            key: key.clone(),
            selector: selected(selector),
            namespaces: Some(vec![self.namespace.clone()]),
            namespace_selector: None,
            nodes: NodeInclusion::default(),
            rule,
        };
        let terms = |terms: &'_ RawTerms, rule| {
            let of = terms.required.iter();
            of.map(|term| near(&term.topology_key, &term.label_selector, rule))
                .collect::<Vec<_>>()
        };
        let mut rules = terms(&self.affinity.pod_affinity, NearRule::Together);
        rules.extend(terms(&self.affinity.pod_anti_affinity, NearRule::Apart));
        rules.extend(self.spread.iter().map(|spread| {
            let rule = NearRule::Spread {
                skew: spread.max_skew,
                domains: 1,
            };
            near(&spread.topology_key, &spread.label_selector, rule)
        }));
        rules.sort();
        rules.dedup();
        rules
    }
}

fn selected(selector: &RawSelector) -> LabelSelector {
    let requirement = |(key, value): (&String, &String)| Requirement {
        key: key.clone(),
        operator: Operator::In(vec![value.clone()]),
    };
    LabelSelector {
        requirements: selector.match_labels.iter().map(requirement).collect(),
    }
}

fn offer(of: &RawType, sold: &RawOffering) -> Option<Offer> {
    let labels: [(&str, &str); 4] = [
        (INSTANCE_TYPE, &of.name),
        (ARCH, "amd64"),
        (OS, "linux"),
        (ZONE, &sold.zone),
    ];
    Some(Offer {
        id: OfferId::new(format!("{}/{}/on-demand", of.name, sold.zone)),
        group: 0,
        kind: OfferKind::Ec2 {
            instance_type: of.name.clone(),
            zone: sold.zone.clone(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour::from_dollars(sold.price)?,
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(of.allocatable.cpu_milli, of.allocatable.memory_bytes),
        max_pods: of.allocatable.pods,
        labels: labels
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    })
}

/// The Snapshot of an empty cluster in which these pods wait: each distinct spec is kept once, found by one hash a pod.
pub fn snapshot(waiting: &[Told], offers: &[Offer]) -> Snapshot {
    let mut seen = Snapshot {
        groups: vec![fleet_group()],
        offers: offers.to_vec(),
        pods: Vec::with_capacity(waiting.len()),
        ..snapshot::bare()
    };
    let mut known: FxHashMap<&PodSpec, SpecIx> = FxHashMap::default();
    for told in waiting {
        let next = SpecIx::try_from(seen.specs.len()).unwrap_or(SpecIx::MAX);
        let spec = *known.entry(&told.spec).or_insert(next);
        if spec == next {
            seen.specs.push(Arc::new(told.spec.clone()));
        }
        seen.pods.push(Pod {
            key: told.key.clone(),
            spec,
            node: None,
            phase: PodPhase::Pending,
            created: seen.at,
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        });
    }
    seen.sort();
    seen
}

#[expect(clippy::cast_precision_loss, reason = "sums far below 2^53")]
pub(super) const fn whole(amount: i64) -> f64 {
    amount as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub(super) const fn real(count: usize) -> f64 {
    count as f64
}
