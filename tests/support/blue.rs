//! The pretend account of the end-to-end runs: a spot Auto Scaling group, an EKS managed node group, a kops instance
//! group, the launch template of Plimsoll's own fleet, a Fargate profile; what goes wrong in it, and the Deployments that
//! ask for it.
//!
//! Rebalancing of zones is suspended, as everybody's guide for cluster autoscalers says: the group itself would end
//! healthy instances.

use model::fleet::Fleet;
use model::time::Span;
use sim_aws::faults::ErrorKind;
use sim_aws::{Account, Fault, FaultKind, Lag, NewGroup, NewNodeGroup, NewProfile, Settings};
use std::collections::BTreeMap;

/// Name of the cluster.
pub const CLUSTER: &str = "blue";
/// Zones of the account.
pub const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];
/// The zone without capacity.
const EMPTY: &str = "us-east-1c";
/// Label of nodes: whose they are.
pub const POOL: &str = "pool";
/// Taint of the managed node group.
pub const DEDICATED: &str = "dedicated";
/// The Fargate profile.
pub const PROFILE: &str = "serverless";
/// Label of the pods that the profile takes.
pub const ON_FARGATE: (&str, &str) = ("compute", "fargate");
/// Where the profile looks.
pub const BATCH: &str = "batch";
/// Launch template of the fleet.
pub const TEMPLATE: &str = "plimsoll-fleet";

/// A Deployment at the top of a run.
#[derive(Clone, Copy, Debug)]
pub struct App {
    /// Name.
    pub name: &'static str,
    /// Thousandths of the run's nodes; at least two pods.
    pub per_node: u32,
    /// Millicores and MiB of a pod.
    pub asks: (u32, u32),
    /// Where it must run; nothing: anywhere.
    pub pool: Option<&'static str>,
    /// Its budget: per cent of the pods that may be missing, rounded up (kube-controller-manager).
    pub missing: Option<u32>,
}

const fn app(
    name: &'static str,
    (per_node, cpu, mib): (u32, u32, u32),
    pool: Option<&'static str>,
    missing: Option<u32>,
) -> App {
    App {
        name,
        per_node,
        asks: (cpu, mib),
        pool,
        missing,
    }
}

/// Spreads over zones where it can.
pub const CART: &str = "cart";
/// Wants a node for each pod.
pub const GATE: &str = "gate";
/// Runs on Fargate.
pub const REPORT: &str = "report";
/// Nothing can run it.
pub const HOPELESS: &str = "hopeless";
/// Deployments of different shapes: one or two for each kind of group and some for any.
pub const APPS: [App; 9] = [
    app(CART, (1150, 950, 1700), Some("workers"), Some(10)),
    app("search", (600, 1250, 3000), Some("managed"), Some(25)),
    app("encode", (1200, 630, 900), Some("kops"), Some(20)),
    app("web", (800, 940, 2600), Some("fleet"), Some(10)),
    app("api", (700, 470, 600), Some("fleet"), None),
    app("anywhere", (300, 310, 400), None, Some(30)),
    app(GATE, (50, 200, 256), None, Some(1)),
    app(REPORT, (50, 250, 512), None, None),
    app(HOPELESS, (0, 100, 128), Some("nowhere"), None),
];

impl App {
    /// Replicas at this share of the top; none at nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small positive numbers"
    )]
    pub fn replicas(&self, nodes: u32, share: f64) -> u32 {
        if share <= 0.0 {
            return 0;
        }
        let top = f64::from(nodes * self.per_node / 1000).max(2.0);
        (top * share).round().max(1.0) as u32
    }
}

/// Takes spot machines back: as many as make 30 % of all, if there are so many; tells how many that are.
pub fn strike(account: &mut Account) -> usize {
    let living = || account.machines.values().filter(|machine| machine.lives());
    let (all, spot) = (living().count(), living().filter(|machine| machine.spot).count());
    let share = (all * 300).div_ceil(spot.max(1)).min(1000);
    account.strike(Fault {
        at: account.since_began(),
        lasts: Span::ZERO,
        kind: FaultKind::Interruption {
            permille: u32::try_from(share).unwrap_or(1000),
        },
    });
    spot * share / 1000
}

/// Plimsoll's own fleet on this account.
pub fn fleet(nodes: u32) -> Fleet {
    Fleet {
        name: "fleet".into(),
        template: TEMPLATE.to_owned(),
        max: nodes * 2,
        types: ["c6a.xlarge", "m5.xlarge", "m6a.xlarge"]
            .map(str::to_owned)
            .to_vec(),
        spot: true,
        subnets: ZONES
            .map(|zone| (zone.to_owned(), format!("subnet-{zone}")))
            .into(),
        labels: [(POOL.to_owned(), "fleet".to_owned())].into(),
        taints: Vec::new(),
    }
}

/// The account at the beginning, for about so many nodes at the top: no instance. Its lags are as measured on EKS where
/// `patient`, else of seconds.
pub fn settings(nodes: u32, patient: bool) -> Settings {
    let max = nodes * 2;
    let group = |name: &str, kind: &str, pool: &str| {
        let mut group = NewGroup::of(name, kind).sized(0, max, 0).tagged(
            &format!("k8s.io/cluster-autoscaler/node-template/label/{POOL}"),
            pool,
        );
        group.node_labels.insert(POOL.to_owned(), pool.to_owned());
        group.suspended.push("AZRebalance".to_owned());
        group
    };
    let ours = |group: NewGroup| group.tagged("plimsoll.io/cluster", CLUSTER);
    let workers = NewGroup {
        spot: true,
        ..ours(group("workers", "m5.xlarge", "workers"))
    };
    let kops = ours(group("nodes.blue", "c6a.xlarge", "kops")).tagged("kops.k8s.io/instancegroup", "nodes");
    let managed = NewNodeGroup {
        group: group("managed", "m6a.xlarge", "managed"),
        labels: BTreeMap::from([(POOL.to_owned(), "managed".to_owned())]),
        taints: vec![(
            DEDICATED.to_owned(),
            "managed".to_owned(),
            "NO_SCHEDULE".to_owned(),
        )],
    };
    let profile = NewProfile {
        name: PROFILE.to_owned(),
        selectors: vec![(
            BATCH.to_owned(),
            BTreeMap::from([(ON_FARGATE.0.to_owned(), ON_FARGATE.1.to_owned())]),
        )],
        zones: ZONES.map(str::to_owned).to_vec(),
    };
    Settings {
        cluster: CLUSTER.to_owned(),
        groups: vec![workers, kops],
        node_groups: vec![managed],
        templates: vec![group(TEMPLATE, "m6a.xlarge", "fleet")],
        profiles: vec![profile],
        faults: faults(nodes),
        ..lags(patient)
    }
}

fn lags(patient: bool) -> Settings {
    if patient {
        return Settings::default();
    }
    Settings {
        boot: Lag::secs(1, 3),
        join: Lag::secs(2, 4),
        spot_notice: Span::from_secs(15),
        ..Settings::default()
    }
}

/// From the first instant to the last: one call in twenty fails, one machine in fifty never joins (at least one to be
/// expected), one zone has nothing.
fn faults(nodes: u32) -> Vec<Fault> {
    let always = |kind| Fault {
        at: Span::ZERO,
        lasts: Span::from_secs(86_400),
        kind,
    };
    let errors = |permille, error| FaultKind::Errors {
        calls: Vec::new(),
        permille,
        error,
    };
    vec![
        always(errors(25, ErrorKind::Internal)),
        always(errors(20, ErrorKind::Throttled)),
        always(FaultKind::AnswerLost {
            calls: Vec::new(),
            permille: 5,
        }),
        always(FaultKind::NeverJoins {
            permille: (2000 / nodes.max(1)).max(20),
        }),
        always(FaultKind::NoCapacity {
            types: Vec::new(),
            zones: vec![EMPTY.to_owned()],
            spot: None,
            but: 0,
        }),
    ]
}
