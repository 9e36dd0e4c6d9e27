//! The pods: shapes of `k8smix` (synthetic), cut into ReplicaSets, and rules dealt to these in fixed shares.
//!
//! The same seed gives the same ReplicaSets. Not here: creating them.

use crate::market::{POOL, ZONES};
use model::PodKey;
use perf::workload::Source;
use plimsoll_tests::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where the pods are.
pub const NAMESPACE: &str = "shop";

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// What a ReplicaSet's pods ask for beside room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing.
    Plain,
    /// Spread over zones, a skew of one.
    Spread,
    /// No two on one node (required anti-affinity by hostname).
    Apart,
    /// The tainted pool, by toleration and node selector.
    Pool,
    /// One zone, by node selector.
    Zone,
    /// A host port.
    Port,
    /// No compute-optimised type, by required node affinity.
    Types,
}

impl Rule {
    /// How tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Spread => "zone spread",
            Self::Apart => "apart by hostname",
            Self::Pool => "tainted pool",
            Self::Zone => "one zone",
            Self::Port => "host port",
            Self::Types => "instance types",
        }
    }

    /// Most replicas: who must stand alone on a node comes in small numbers.
    const fn most(self) -> u32 {
        match self {
            Self::Apart | Self::Port => 6,
            _ => 24,
        }
    }
}

/// In turn; half of the ReplicaSets have a rule.
const DEAL: [Rule; 16] = [
    Rule::Plain,
    Rule::Spread,
    Rule::Plain,
    Rule::Apart,
    Rule::Plain,
    Rule::Pool,
    Rule::Plain,
    Rule::Zone,
    Rule::Plain,
    Rule::Spread,
    Rule::Plain,
    Rule::Port,
    Rule::Plain,
    Rule::Types,
    Rule::Plain,
    Rule::Apart,
];

/// One ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    number: usize,
    /// Pods.
    pub replicas: u32,
    cpu_milli: i64,
    memory_bytes: i64,
    /// What they ask for beside room.
    pub rule: Rule,
}

/// In turn, where a third has a zone spread and nobody anything else.
pub const THIRD: [Rule; 3] = [Rule::Plain, Rule::Plain, Rule::Spread];

/// ReplicaSets with so many pods in all.
pub fn apps(pods: usize, seed: u64) -> Result<Vec<App>> {
    dealt(pods, seed, &DEAL)
}

/// The same with rules of another deal.
pub fn dealt(pods: usize, seed: u64, deal: &[Rule]) -> Result<Vec<App>> {
    let shapes = Source::K8smix.draw(pods, seed)?;
    let mut apps: Vec<App> = Vec::new();
    for (cpu_milli, memory_bytes, mut left) in shapes {
        while left > 0 {
            let number = apps.len();
            let rule = deal[number % deal.len()];
            let replicas = left.min(rule.most());
            left -= replicas;
            apps.push(App {
                number,
                replicas,
                cpu_milli,
                memory_bytes,
                rule,
            });
        }
    }
    Ok(apps)
}

/// The rule of a pod, by its name.
pub fn rule_of(pod: &PodKey) -> Rule {
    let number = pod
        .name
        .split('-')
        .nth(1)
        .and_then(|number| number.parse::<usize>().ok());
    number.map_or(Rule::Plain, |number| DEAL[number % DEAL.len()])
}

/// Pods by rule.
pub fn shares(apps: &[App]) -> BTreeMap<Rule, u32> {
    let mut shares = BTreeMap::new();
    for app in apps {
        *shares.entry(app.rule).or_insert(0) += app.replicas;
    }
    shares
}

impl App {
    /// Its name.
    pub fn name(&self) -> String {
        format!("app-{}", self.number)
    }

    /// As a Deployment whose pods start and stop at once, as the API server takes it.
    pub fn deployment(&self) -> Value {
        let mut deployment = self.replica_set();
        deployment["kind"] = json!("Deployment");
        let template = &mut deployment["spec"]["template"];
        template["metadata"]["annotations"] = json!({"fakelet/start-after": "1s"});
        template["spec"]["terminationGracePeriodSeconds"] = json!(0);
        deployment
    }

    /// As the API server takes it.
    pub fn replica_set(&self) -> Value {
        let name = self.name();
        json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": self.pod(&name)},
            },
        })
    }

    fn pod(&self, name: &str) -> Value {
        let requests = json!({
            "cpu": format!("{}m", self.cpu_milli),
            "memory": self.memory_bytes.to_string(),
        });
        let mut pod =
            json!({"containers": [{"name": "main", "image": "x", "resources": {"requests": requests}}]});
        let own = json!({"matchLabels": {"app": name}});
        match self.rule {
            Rule::Plain => {}
            Rule::Spread => {
                pod["topologySpreadConstraints"] = json!([
                    {"topologyKey": ZONE, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": own}
                ]);
            }
            Rule::Apart => {
                pod["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": HOSTNAME, "labelSelector": own}
                ]}});
            }
            Rule::Pool => {
                pod["nodeSelector"] = json!({POOL: "batch"});
                pod["tolerations"] = json!([{"key": POOL, "operator": "Equal", "value": "batch"}]);
            }
            Rule::Zone => pod["nodeSelector"] = json!({ZONE: ZONES[self.number % ZONES.len()]}),
            Rule::Port => {
                let port = 20_000 + self.number;
                pod["containers"][0]["ports"] = json!([{"containerPort": port, "hostPort": port}]);
            }
            Rule::Types => {
                let compute = crate::market::compute_optimised();
                pod["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [
                        {"key": "node.kubernetes.io/instance-type", "operator": "NotIn", "values": compute}
                    ]}]
                }}});
            }
        }
        pod
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_share_and_the_same_seed_gives_the_same_pods() {
        let drawn = apps(2000, 1).unwrap();
        let shares = shares(&drawn);
        assert_eq!(shares.values().sum::<u32>(), 2000);
        assert_eq!(shares.len(), 7, "{shares:?}");
        assert!(shares.values().all(|pods| *pods >= 20), "{shares:?}");
        assert_eq!(drawn, apps(2000, 1).unwrap());
        assert_ne!(drawn, apps(2000, 2).unwrap());
    }
}
