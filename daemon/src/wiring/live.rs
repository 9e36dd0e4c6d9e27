//! The daemon on a live cluster: real eyes, real hands, the wall's clock, the Ledger in the cluster.
//!
//! Observing only is no other wiring: it is a mode, and the guard holds every step under it.

use super::aimed::WithAims;
use super::{heartbeat, local_store, log_writer, open, policies, stop, surround};
use crate::access::ClusterAccess;
use crate::admission;
use crate::config::{Admission, AdmissionMode, Aws, AwsLaunch, Config, LedgerAt, LoadFrom, Provider};
use crate::pause::annotation;
use crate::signals::Signals;
use act::{CapacityHands, ConfigMapStore, Hands, HandsConfig};
use cycle::{Clock, Desk, Ends, Handle, Parts, Runner, WallClock};
use guard::{Fence, LedgerStore};
use host::Turns;
use kube::Client;
use machine::MemoryLimit;
use model::{NodeName, PodKey, Span, UsdPerHour};
use observe::{Eyes, EyesConfig, LoadSource};
use serve::Serving;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Environment of the daemon's pod (deploy/chart).
const NODE: &str = "PLIMSOLL_NODE";
const NAMESPACE: &str = "PLIMSOLL_NAMESPACE";
const POD: &str = "PLIMSOLL_POD";

/// Figures go to CloudWatch this often.
const PUBLISH_EVERY: Duration = Duration::from_mins(1);

/// Of the memory, a quarter is for labels and rules that tenants write.
const RULES_OF_ALL: u64 = 4;

/// Runs cycles until told to end.
pub(super) async fn run(mut config: Config, (signals, turns): (Signals, &Turns)) -> anyhow::Result<()> {
    let client = observe::client(config.kubernetes.kubeconfig.as_deref()).await?;
    let capacity = capacity(&config, &client).await?;
    let mut policies = policies(&config, turns).await?;
    let (loader, timings) = (policies.loader(), policies.timings());
    let parts = Parts {
        clock: Arc::new(WallClock::start()),
        policies: policies.now(),
        aims: config.aims.clone().unwrap_or_default(),
        mode: config.mode,
        store: store(&config.ledger, &client),
        log: log_writer(config.logbook.as_ref())?,
        library: Box::new(policies),
        // There is no lease yet: that no second daemon acts is the deployment's word (one replica, Recreate).
        fence: Fence::sole(),
        overdue: config.overdue.unwrap_or_else(|| overdue(config.interval)),
    };
    let desk = open(parts, loader).await;
    let gate = Arc::new(ClusterAccess::new(client.clone(), config.access.clone()));
    config.serve.admission = webhook(&config.admission);
    let serving = surround(&config, &desk, gate, (&signals, timings)).await?;
    tokio::spawn(annotation::follow(
        (client.clone(), namespace()),
        desk.handle(),
        signals.clone(),
    ));
    let placing = place(&config.admission, &client, &serving, &desk, &signals);
    if let Some(publisher) = capacity.publisher {
        tokio::spawn(publish(publisher, desk.handle(), signals.clone()));
    }
    if let Some(ecs) = capacity.ecs {
        tokio::spawn(read_ecs(ecs, desk.handle(), signals.clone()));
    }
    if let Some(heartbeats) = capacity.heartbeats {
        tokio::spawn(heartbeat::keep(heartbeats, desk.handle(), signals.clone()));
    }
    if let Some(governor) = capacity.governor {
        serving.metrics.calls_from(move || governor.tallies());
    }
    let mut eyes = EyesConfig::new(client.clone(), &config.cluster, capacity.eyes);
    eyes.own_node = variable(NODE).map(NodeName::new);
    eyes.own_pod = own_pod().map(|pod| PodKey::new(namespace(), pod));
    if let Some(limit) = MemoryLimit::of_this_process() {
        eyes.bytes = usize::try_from(limit.bytes / RULES_OF_ALL).unwrap_or(usize::MAX);
    }
    eyes.load = match config.kubernetes.load {
        LoadFrom::Kubelet => LoadSource::Kubelet,
        LoadFrom::MetricsServer => LoadSource::MetricsServer,
        LoadFrom::Nowhere => LoadSource::None,
    };
    let eyes = tokio::select! {
        eyes = Eyes::connect(eyes) => eyes?,
        () = signals.ended() => {
            placed(placing).await;
            stop(serving).await;
            return Ok(());
        }
    };
    let pulse = eyes.pulse();
    serving.liveness.stuck_where(move || pulse.stuck());
    let eyes = WithAims {
        eyes,
        handle: desk.handle(),
        unmet: Vec::new(),
        unpriced: false,
    };
    let hands = Hands::new(HandsConfig {
        client,
        capacity: capacity.hands,
        instance: own_pod().unwrap_or_else(|| "plimsolld".to_owned()),
        events: config.kubernetes.events,
    });
    let runner = Runner {
        interval: config.interval,
        gap: Span::from_secs(1).min(config.interval),
    };
    let mut ends = Ends { eyes, hands };
    let ended = Box::pin(runner.run(&mut ends, &desk, signals.ended())).await;
    // Where a cycle has failed, no signal has come: nothing is placed by a runtime that ends.
    if ended.is_ok() {
        placed(placing).await;
    }
    stop(serving).await;
    ended?;
    Ok(())
}

/// The webhook, where it is wanted.
fn webhook(admission: &Admission) -> Option<serve::Admission> {
    (admission.mode == AdmissionMode::Webhook).then(|| serve::Admission {
        bind: admission.bind,
        namespace: namespace(),
        client_ca: admission.client_ca.clone(),
    })
}

/// Starts what placement at admission takes beside the webhook itself.
fn place(
    admission: &Admission,
    client: &Client,
    serving: &Serving,
    desk: &Desk,
    signals: &Signals,
) -> Option<JoinHandle<()>> {
    let at = (client.clone(), namespace());
    match (admission.mode, &serving.admission) {
        (AdmissionMode::Webhook, Some(admitting)) => {
            let kept = admission::keep_trusted(at, admission.clone(), admitting.clone(), signals.clone());
            Some(tokio::spawn(kept))
        }
        (AdmissionMode::Policy, _) => Some(tokio::spawn(admission::keep_table(
            at,
            desk.handle(),
            signals.clone(),
        ))),
        (AdmissionMode::Webhook | AdmissionMode::Off, _) => None,
    }
}

/// What is kept for placement at admission ends in good order: it has heard the same signal.
async fn placed(placing: Option<JoinHandle<()>>) {
    if let Some(placing) = placing
        && let Err(error) = placing.await
    {
        tracing::error!(%error, "placement at admission did not end well");
    }
}

/// Both ends of one provider.
struct Capacity {
    eyes: observe::Provider,
    hands: CapacityHands,
    publisher: Option<act::aws::Publisher>,
    /// Read beside the cluster.
    ecs: Option<observe::aws::ecs::Ecs>,
    heartbeats: Option<act::aws::Heartbeats>,
    governor: Option<Arc<observe::aws::Governor>>,
}

async fn capacity(config: &Config, client: &Client) -> anyhow::Result<Capacity> {
    Ok(match &config.provider {
        Provider::Kwok(groups) => Capacity {
            eyes: observe::Provider::Kwok(observe::kwok::Groups::new(groups.clone())),
            hands: CapacityHands::Kwok(act::kwok::Hands::new(client.clone(), groups.clone())),
            publisher: None,
            ecs: None,
            heartbeats: None,
            governor: None,
        },
        Provider::Aws(aws) => on_aws(config, aws).await?,
        Provider::None | Provider::Simulated(_) => Capacity {
            eyes: observe::Provider::Nowhere,
            hands: CapacityHands::Nowhere,
            publisher: None,
            ecs: None,
            heartbeats: None,
            governor: None,
        },
    })
}

async fn on_aws(config: &Config, aws: &Aws) -> anyhow::Result<Capacity> {
    let sdk = observe::aws::config(aws.region.clone()).await;
    let governor = Arc::new(observe::aws::Governor::default());
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    if let Some(list) = &config.named.prices
        && !region.is_empty()
        && !list.sells_in(&region)
    {
        let own = list.region.as_deref().unwrap_or_default();
        anyhow::bail!("provider.aws.offers: its prices are those of {own}, and the cluster is in {region}");
    }
    let looks = governor.govern(&sdk, observe::aws::Side::Eyes);
    let sdk = governor.govern(&sdk, observe::aws::Side::Hands);
    let cluster = config.cluster.clone();
    let (seen, done) = match aws.launch {
        AwsLaunch::Auto => (observe::aws::Launch::Auto, act::aws::Launch::Auto),
        AwsLaunch::Instances => (observe::aws::Launch::Instances, act::aws::Launch::Instances),
        AwsLaunch::Desired => (observe::aws::Launch::Desired, act::aws::Launch::Desired),
    };
    let metrics = aws.metrics.iter().map(|metric| observe::aws::AppMetric {
        workload: metric.workload.clone(),
        name: metric.name.clone(),
        namespace: metric.namespace.clone(),
        metric: metric.metric.clone(),
        dimensions: metric.dimensions.clone(),
        stat: metric.stat.clone(),
        period: metric.period,
    });
    let settings = observe::aws::Settings {
        cluster: cluster.clone(),
        launch: seen,
        metrics: metrics.collect(),
        prices: prices(config),
        source: config.named.prices.as_ref().and_then(|list| list.source.clone()),
        fargate: config.named.fargate(),
        fleets: aws.fleets.clone(),
        queue: aws.queue.clone(),
        complete_hooks: aws.complete_hooks.clone(),
        startup_taints: config
            .aims
            .as_ref()
            .map(|aims| aims.startup_taints.clone())
            .unwrap_or_default(),
    };
    let eyes = observe::aws::Groups::new(&looks, settings);
    let hands = act::aws::Hands::new(&sdk, cluster.clone(), done, eyes.stirred());
    let hands = hands
        .with_fleets(aws.fleets.clone())
        .with_hooks(aws.complete_hooks.clone());
    let hooks = aws.complete_hooks.clone();
    Ok(Capacity {
        eyes: observe::Provider::Aws(Box::new(eyes)),
        hands: CapacityHands::Aws(Box::new(hands)),
        publisher: aws.publish.then(|| act::aws::Publisher::new(&sdk, cluster)),
        ecs: aws
            .ecs
            .clone()
            .map(|clusters| observe::aws::ecs::Ecs::new(&looks, clusters)),
        heartbeats: (!hooks.is_empty()).then(|| act::aws::Heartbeats::new(&sdk, hooks)),
        governor: Some(governor),
    })
}

/// The operator's prices; none: the eyes take the built-in ones.
fn prices(config: &Config) -> BTreeMap<String, UsdPerHour> {
    let rows = config.named.prices.iter().flat_map(|list| &list.rows);
    rows.map(|row| (row.instance_type.clone(), row.on_demand))
        .collect()
}

/// Without a cycle for this long the daemon is not ready, unless it is told otherwise.
fn overdue(interval: Span) -> Span {
    Span::from_millis(interval.millis().saturating_mul(6).max(30_000))
}

fn store(ledger: &LedgerAt, client: &Client) -> Box<dyn LedgerStore> {
    local_store(ledger).unwrap_or_else(|| {
        let named = match ledger {
            LedgerAt::ConfigMap { namespace } => namespace.clone(),
            LedgerAt::Memory | LedgerAt::Folder(_) => None,
        };
        Box::new(ConfigMapStore::new(
            client.clone(),
            &named.unwrap_or_else(namespace),
        ))
    })
}

fn namespace() -> String {
    variable(NAMESPACE).unwrap_or_else(|| "default".to_owned())
}

/// The daemon's pod; in a pod of the chart the host name is the pod's.
fn own_pod() -> Option<String> {
    variable(POD).or_else(|| variable(NAMESPACE).and_then(|_| variable("HOSTNAME")))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads ECS now and then, for whoever asks.
async fn read_ecs(mut ecs: observe::aws::ecs::Ecs, handle: Handle, signals: Signals) {
    let clock = WallClock::start();
    let every = u64::try_from(observe::aws::ecs::EVERY.millis()).unwrap_or(u64::MAX);
    loop {
        tokio::select! {
            picture = ecs.read(clock.now()) => handle.keep_ecs(picture),
            () = signals.ended() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(every)) => {}
            () = signals.ended() => return,
        }
    }
}

/// Sends the daemon's own figures now and then; one that cannot be sent is dropped.
async fn publish(publisher: act::aws::Publisher, handle: Handle, signals: Signals) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PUBLISH_EVERY) => {}
            () = signals.ended() => return,
        }
        let Some(record) = handle.latest() else { continue };
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let figures = [
            ("Nodes", count(record.snapshot.nodes.len())),
            ("PendingPods", f64::from(record.plan.pending)),
            ("HourlyCostUSD", record.notes.running_rate.dollars()),
            ("PlanGapPercent", record.plan.cost.gap_percent()),
            ("OpenIntents", count(record.snapshot.ledger.intents.len())),
        ]
        .map(|(name, value)| act::aws::Figure { name, value });
        let sent = publisher.publish(record.at, &figures).await;
        if !sent.is_done() {
            tracing::warn!(outcome = %sent, "figures were not published");
        }
    }
}
