//! A cycle with scripted eyes behind a front on free ports, and clients of it.

#![expect(clippy::unwrap_used, reason = "a stage that cannot be set up ends its test")]

use cycle::{Desk, Ends, Fixed, Handle, InForce, ManualClock, MemoryStore, Parts};
use guard::{Fence, LedgerStore, Nobody};
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::InstanceId;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::pod::{Pod, PodPhase, PodSpec};
use model::selector::LabelSelector;
use model::{
    Aims, Freshness, GroupName, Instant, NodeName, Observe, ObserveError, OfferId, PodKey, Resources,
    Snapshot, Source, Span, UsdPerHour, Workload, WorkloadKey,
};
use proto::v1::control_client::ControlClient;
use proto::v1::planner_client::PlannerClient;
use proto::v1::policies_client::PoliciesClient;
use proto::v1::query_client::QueryClient;
use serve::{Authorise, LoopbackOnly, Options, Serving};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::{Channel, Endpoint};

pub(crate) struct Stage {
    desk: Arc<Desk>,
    ends: tokio::sync::Mutex<Ends<Eyes, Nobody>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) handle: Handle,
    pub(crate) serving: Serving,
}

/// Sees the same cluster every time.
pub(crate) struct Eyes(Snapshot);

impl Observe for Eyes {
    fn look(&mut self) -> impl Future<Output = Result<Snapshot, ObserveError>> + Send {
        std::future::ready(Ok(self.0.clone()))
    }
}

pub(crate) fn options() -> Options {
    Options {
        grpc: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        socket: None,
        reflection: true,
        http: Some("127.0.0.1:0".parse().unwrap()),
        authorise_metrics: false,
        admission: None,
    }
}

pub(crate) async fn desk(pending: usize) -> (Desk, Arc<ManualClock>) {
    desk_with(pending, Box::new(MemoryStore::default())).await
}

async fn desk_with(pending: usize, store: Box<dyn LedgerStore>) -> (Desk, Arc<ManualClock>) {
    let at = picture(pending).at;
    let clock = Arc::new(ManualClock::new(at));
    let desk = Desk::open(Parts {
        clock: clock.clone(),
        policies: InForce::default(),
        aims: Aims::default(),
        mode: model::aims::Mode::Observe,
        store,
        log: None,
        library: Box::new(Fixed),
        fence: Fence::sole(),
        overdue: Span::from_secs(60),
    })
    .await;
    (desk, clock)
}

impl Stage {
    pub(crate) async fn open() -> Self {
        Self::with_pods(5).await
    }

    pub(crate) async fn with_pods(pending: usize) -> Self {
        Self::serve(&options(), Arc::new(LoopbackOnly), pending).await
    }

    pub(crate) async fn serve(options: &Options, gate: Arc<dyn Authorise>, pending: usize) -> Self {
        Self::with_store(options, gate, pending, Box::new(MemoryStore::default())).await
    }

    pub(crate) async fn with_store(
        options: &Options,
        gate: Arc<dyn Authorise>,
        pending: usize,
        store: Box<dyn LedgerStore>,
    ) -> Self {
        let (desk, clock) = desk_with(pending, store).await;
        let handle = desk.handle();
        let serving = serve::serve(handle.clone(), options, gate).unwrap();
        Self {
            desk: Arc::new(desk),
            ends: tokio::sync::Mutex::new(Ends {
                eyes: Eyes(picture(pending)),
                hands: Nobody,
            }),
            clock,
            handle,
            serving,
        }
    }

    pub(crate) async fn cycle(&self) {
        cycle::run_cycle(&mut *self.ends.lock().await, &self.desk).await;
    }

    pub(crate) async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.serving.grpc);
        Endpoint::from_shared(address).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn query(&self) -> QueryClient<Channel> {
        QueryClient::new(self.channel().await)
    }

    pub(crate) async fn control(&self) -> ControlClient<Channel> {
        ControlClient::new(self.channel().await)
    }

    pub(crate) async fn planner(&self) -> PlannerClient<Channel> {
        PlannerClient::new(self.channel().await)
    }

    pub(crate) async fn policies(&self) -> PoliciesClient<Channel> {
        PoliciesClient::new(self.channel().await)
    }

    /// Status and body of a plain GET.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, "").await
    }

    /// The same with more headers, each with its end of line.
    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> (u16, String) {
        let address = self.serving.http.unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: plimsoll\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (code.unwrap(), body.to_owned())
    }
}

/// Three nodes of `blue` with a pod each, and `pending` more pods of the same Deployment that wait.
fn picture(pending: usize) -> Snapshot {
    let web = WorkloadKey::new("Deployment", "shop", "web");
    let spec = PodSpec {
        namespace: "shop".to_owned(),
        requests: Resources::new(500, 1 << 30),
        owner: Some(web.clone()),
        ..PodSpec::default()
    };
    let mut seen = Snapshot {
        at: Instant(1_700_000_000_000),
        cluster: "test".to_owned(),
        specs: vec![Arc::new(spec)],
        ..Snapshot::default()
    };
    for source in [
        Source::Pods,
        Source::Nodes,
        Source::Workloads,
        Source::Budgets,
        Source::Load,
        Source::Metrics,
        Source::Groups,
        Source::Offers,
    ] {
        seen.sources.insert(source, Freshness::Live);
    }
    for (ix, name, price) in [(0, "blue", 100_000_000), (1, "green", 200_000_000)] {
        seen.groups.push(group(name));
        seen.offers.push(offer(ix, name, price));
    }
    seen.nodes = (0..3).map(node).collect();
    for ix in 0..3 + pending {
        let node = (ix < 3).then(|| NodeName::new(format!("node-{ix}")));
        seen.pods.push(Pod {
            key: PodKey::new("shop", format!("web-{ix}")),
            spec: 0,
            phase: if node.is_some() {
                PodPhase::Running
            } else {
                PodPhase::Pending
            },
            node,
            created: seen.at,
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        });
    }
    seen.workloads.push(Workload {
        key: web,
        replicas: u32::try_from(3 + pending).unwrap(),
        ready: 3,
        template: Some(0),
        owned_by: None,
        annotations: model::selector::Labels::new(),
        generation: 1,
        selector: LabelSelector::default(),
        metrics: Vec::new(),
    });
    seen.sort();
    seen
}

fn group(name: &str) -> Group {
    Group {
        name: GroupName::new(name),
        uid: None,
        kind: GroupKind::Asg,
        min: 0,
        max: 10,
        desired: 3,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels: model::selector::Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn offer(group: u32, name: &str, price: i64) -> Offer {
    Offer {
        id: OfferId::new(format!("{name}/m6a.large")),
        group,
        kind: OfferKind::Ec2 {
            instance_type: "m6a.large".to_owned(),
            zone: "a".to_owned(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(price),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(2000, 8 << 30),
        max_pods: 29,
        labels: model::selector::Labels::new(),
    }
}

fn node(ix: usize) -> Node {
    Node {
        name: NodeName::new(format!("node-{ix}")),
        group: Some(GroupName::new("blue")),
        instance: Some(InstanceId::new(format!("i-{ix}"))),
        offer: Some(OfferId::new("blue/m6a.large")),
        labels: model::selector::Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::new(600, 2 << 30),
        max_pods: 29,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: model::selector::Labels::new(),
        unready: None,
        rate: None,
        created: Instant(1_600_000_000_000),
        usage: None,
        leaving: None,
        template: None,
    }
}
