//! The world of the run: control plane, façade, machines, EKS' own webhook, the referee, and the daemon under the
//! chart's own RBAC, its limits raised and acknowledged.

use crate::Size;
use crate::demand::{Demand, SHOP};
use crate::machines::{Machines, Seen};
use crate::referee::Referee;
use plimsoll_tests::blue::{self, BATCH, CLUSTER, HOPELESS, ON_FARGATE, PROFILE};
use plimsoll_tests::cluster::{Api, Cluster};
use plimsoll_tests::daemon::Daemon;
use plimsoll_tests::eks::Eks;
use plimsoll_tests::{Result, process, root};
use serde_json::json;
use sim_aws::{Clock, Facade};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The daemon, as the API server knows it.
pub(crate) const DAEMON: &str = "system:serviceaccount:plimsoll-system:plimsoll";
const SYSTEM: &str = "plimsoll-system";
const REGION: &str = "us-east-1";

/// See the module. Parts are dropped in this order.
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    pub(crate) demand: Demand,
    pub(crate) referee: Referee,
    machines: Machines,
    _eks: Eks,
    facade: Arc<Facade>,
    api: Api,
    pub(crate) cluster: Cluster,
}

impl World {
    pub(crate) async fn new(size: Size) -> Result<Self> {
        let cluster = Cluster::up(&[]).await?;
        let api = cluster.api.clone();
        api.create("/api/v1/namespaces", json!({"metadata": {"name": SYSTEM}}))
            .await?;
        cluster.apply(&rbac(&cluster)?)?;
        let login = cluster.login(SYSTEM, "plimsoll")?;
        let at = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let facade = Arc::new(
            Facade::start(
                blue::settings(size.nodes, size.is_large()),
                at,
                Clock::Wall { speed: 1 },
            )
            .await?,
        );
        let demand = Demand::create(&api, size).await?;
        let eks = Eks::with_profile(&api, PROFILE, BATCH, ON_FARGATE).await?;
        let machines = Machines::play(Arc::clone(&facade), api.clone());
        let referee = Referee::watch(api.clone());
        let daemon = daemon(&facade.url, &login, size).await?;
        Ok(Self {
            daemon,
            demand,
            referee,
            machines,
            _eks: eks,
            facade,
            api,
            cluster,
        })
    }

    pub(crate) fn seen(&self) -> Seen {
        self.machines.seen()
    }

    /// Machines that are or will be there.
    pub(crate) fn living(&self) -> usize {
        self.facade.account(|account| {
            account
                .machines
                .values()
                .filter(|machine| machine.lives())
                .count()
        })
    }

    /// Machines that have their notice and are still there.
    pub(crate) fn about_to_go(&self) -> usize {
        let going = |machine: &&sim_aws::Machine| machine.noticed && machine.lives();
        self.facade
            .account(|account| account.machines.values().filter(going).count())
    }

    /// Whether the Nodes of the cluster, Fargate's apart, are as many as machines have joined.
    pub(crate) async fn has_settled(&self) -> Result<Option<()>> {
        let joined = |machine: &&sim_aws::Machine| machine.joined && machine.lives();
        let joined = self
            .facade
            .account(|account| account.machines.values().filter(joined).count());
        let nodes = self.api.nodes().await?;
        let nodes = nodes.iter().filter(|name| !name.starts_with("fargate-")).count();
        Ok((nodes == joined).then_some(()))
    }

    /// Machines by group and purchase, in one line.
    pub(crate) fn state(&self) -> String {
        self.facade.account(|account| {
            let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            for machine in account.machines.values().filter(|machine| machine.lives()) {
                let group = machine.group.as_deref().unwrap_or("fleet");
                let group = group
                    .split('-')
                    .nth(1)
                    .filter(|_| group.starts_with("eks-"))
                    .unwrap_or(group);
                let purchase = if machine.spot { "spot" } else { "on-demand" };
                let count = counts.entry(format!("{group} {purchase}")).or_default();
                count.0 += 1;
                count.1 += u32::from(machine.joined);
            }
            let all: u32 = counts.values().map(|(count, _)| count).sum();
            let rows = counts
                .iter()
                .map(|(name, (count, joined))| format!("{name} {count} ({joined} joined)"));
            format!("{all} machines: {}", rows.collect::<Vec<_>>().join(", "))
        })
    }

    /// Takes spot machines back: as many as make 30 % of all, if there are so many. Gives how many.
    pub(crate) async fn strike(&self) -> usize {
        self.referee.watch_budgets(false);
        self.facade.account(blue::strike);
        // The blow falls when the account's clock moves next.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.about_to_go()
    }

    /// The pods that nothing can run wait, and nothing was bought for them.
    pub(crate) async fn unsatisfiable_waits(&self) -> Result<()> {
        let pods = self.api.pods(SHOP, &format!("app={HOPELESS}")).await?;
        let bound = pods
            .iter()
            .filter(|pod| !pod["spec"]["nodeName"].is_null())
            .count();
        if pods.is_empty() || bound > 0 {
            return Err(format!("{bound} of {} pods run that nothing can run", pods.len()).into());
        }
        Ok(())
    }

    /// Whether no machine lives, no Node is left and no intent is open.
    pub(crate) async fn is_empty(&self) -> Result<Option<()>> {
        let (living, nodes) = (self.living(), self.api.nodes().await?.len());
        let open = self.daemon.summary().await?.intents.len();
        if living == 0 && nodes == 0 && open == 0 {
            return Ok(Some(()));
        }
        Err(format!(
            "{living} machines, {nodes} nodes, {open} intents: {}",
            self.state()
        )
        .into())
    }

    /// What the daemon's last plan wanted and was not allowed, by how often.
    pub(crate) async fn held(&self) -> String {
        let Ok(cycles) = self.daemon.cycles(1).await else {
            return "no cycle can be read".to_owned();
        };
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for step in cycles.iter().flat_map(|cycle| &cycle.steps) {
            let word = step.verdict.as_ref().map_or("", |verdict| verdict.text.as_str());
            *counts
                .entry(format!("{} {} {word}", step.kind, step.group))
                .or_default() += 1;
        }
        for refusal in cycles.iter().flat_map(|cycle| &cycle.refusals) {
            *counts
                .entry(format!("{} {}", refusal.kind, refusal.code))
                .or_default() += 1;
        }
        let rows = counts.iter().map(|(what, count)| format!("{count} x {what}"));
        rows.collect::<Vec<_>>().join("; ")
    }

    /// What was begun and undone in the last cycles, with the reasons: the log says what, the records why.
    pub(crate) async fn last_steps(&self) -> String {
        let Ok(cycles) = self.daemon.cycles(40).await else {
            return "no cycle can be read".to_owned();
        };
        let told = cycles.iter().rev().flat_map(|cycle| {
            let steps = cycle.steps.iter().filter(|step| step.kind != "Evict");
            steps.map(|step| format!("{} {}: {}", step.id, step.what, step.reason))
        });
        told.collect::<Vec<_>>().join("\n")
    }

    /// EC2's bill, dollars.
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    pub(crate) fn bill(&self) -> f64 {
        self.facade.account(|account| account.cost_nanos()) as f64 / 1e9
    }

    /// What the façade was asked.
    pub(crate) fn told(&self) -> String {
        let calls = self.facade.calls();
        let writes = calls
            .iter()
            .filter(|(name, _)| !name.contains("Describe") && !name.contains("List"));
        let writes: Vec<String> = writes.map(|(name, count)| format!("{name} {count}")).collect();
        let all: u64 = calls.values().sum();
        format!(
            "{all} calls of AWS, {} throttled by its buckets; {}",
            self.facade.throttled(),
            writes.join(", ")
        )
    }
}

/// The daemon with limits for a run of minutes: what is raised is acknowledged.
async fn daemon(url: &str, login: &Path, size: Size) -> Result<Daemon> {
    let large = size.is_large();
    let fleet = blue::fleet(size.nodes);
    let aims = json!({
        "limits": {
            // Shares are of the nodes that are left: of the last few, many more have gone before in any long window.
            "window": "30s",
            "long_window": "30s",
            "removed_per_window": "1000%",
            "removed_per_long_window": "1000%",
            "emptied_per_window": "1000%",
            "acknowledge_risk": true,
            "removals_at_once": 150,
            "bought_per_window": size.nodes * 4,
            "max_nodes": size.nodes * 3,
            "added_per_window": 2000,
            "max_rate": 2000,
            "evictions_per_window": 100_000,
            "provision_time": if large { "150s" } else { "30s" },
        },
        "shrink": {
            "unneeded_for": if large { "15s" } else { "5s" },
            "min_age": "0s",
            "drain_timeout": "10m",
            "parallel": 100,
        },
    });
    let config = json!({
        "cluster": CLUSTER,
        "mode": "act",
        "interval": if large { "2s" } else { "1s" },
        "provider": {"aws": {"region": REGION, "fleets": [{
            "name": fleet.name,
            "launch_template": fleet.template,
            "max": fleet.max,
            "types": fleet.types,
            "spot": fleet.spot,
            "subnets": fleet.subnets,
            "labels": fleet.labels,
        }]}},
        "kubernetes": {"kubeconfig": login, "load": "none"},
        "ledger": {"configmap": {"namespace": SYSTEM}},
        "aims": aims,
    });
    let env = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    Daemon::start(config, &env).await
}

/// Service account and roles as the chart has them.
fn rbac(cluster: &Cluster) -> Result<String> {
    let mut helm = cluster.command("helm");
    helm.args(["template", "plimsoll"])
        .arg(root().join("deploy/chart"))
        .args(["-n", SYSTEM, "--set"])
        .arg(format!("mode=act,load=none,cluster={CLUSTER}"));
    for template in ["serviceaccount", "rbac-read", "rbac-act"] {
        helm.args(["--show-only", &format!("templates/{template}.yaml")]);
    }
    process::run(&mut helm)
}
