//! The front as a client sees it: every call, the limits, health, metrics, TLS and authorisation, over real
//! sockets, in front of a cycle with scripted eyes.

#![expect(clippy::panic, reason = "a test ends where health never comes")]

mod stage;

mod certificates;

use proto::v1;
use proto::v1::control_client::ControlClient;
use proto::v1::explain_client::ExplainClient;
use proto::v1::query_client::QueryClient;
use serve::{Authorise, Caller, Denied, Identity, Object, ServeError, TlsFiles, Verb};
use stage::{Stage, options};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut query = stage.query().await;

    let summary = query
        .get_summary(v1::GetSummaryRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (summary.nodes, summary.nodes_ready, summary.pods_pending),
        (3, 3, 5)
    );
    assert_eq!(summary.mode(), v1::Mode::Observe);
    assert_eq!(summary.sources.len(), 8);

    let groups = query
        .list_groups(v1::ListGroupsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let names: Vec<&str> = groups.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["blue", "green"]);
    assert_eq!(groups.groups.first().map(|g| (g.nodes, g.offers)), Some((3, 1)));

    let request = v1::ListOffersRequest {
        group: "green".to_owned(),
        ..Default::default()
    };
    let offers = query.list_offers(request).await.unwrap().into_inner().offers;
    assert_eq!(offers.first().map(|o| o.rate_nanos), Some(200_000_000));
    assert_eq!(offers.len(), 1);

    let nodes = query
        .list_nodes(v1::ListNodesRequest::default())
        .await
        .unwrap()
        .into_inner()
        .nodes;
    let first = nodes.first().unwrap();
    assert_eq!((first.name.as_str(), first.pods), ("node-0", 1));
    assert_eq!(first.requested.as_ref().map(|r| r.cpu_milli), Some(500));
    assert_eq!(first.rate_nanos, Some(100_000_000));

    let workloads = query
        .list_workloads(v1::ListWorkloadsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .workloads;
    assert_eq!(workloads.first().map(|w| (w.replicas, w.pending)), Some((8, 5)));

    let cycle = query
        .get_cycle(v1::GetCycleRequest { number: 0 })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((cycle.node_count, cycle.pod_count), (3, 8));
    let gone = query
        .get_cycle(v1::GetCycleRequest { number: 99 })
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut query = stage.query().await;
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListPodsRequest {
            page_size: 3,
            page_token: token,
            ..Default::default()
        };
        let page = query.list_pods(request).await.unwrap().into_inner();
        assert!(page.pods.len() <= 3);
        names.extend(
            page.pods
                .into_iter()
                .map(|pod| format!("{}/{}", pod.namespace, pod.name)),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted());
    let waiting = v1::ListPodsRequest {
        pending_only: true,
        ..Default::default()
    };
    assert_eq!(query.list_pods(waiting).await.unwrap().into_inner().pods.len(), 5);

    for _ in 0..4 {
        stage.cycle().await;
    }
    let request = v1::ListCyclesRequest {
        page_size: 2,
        ..Default::default()
    };
    let first = query.list_cycles(request.clone()).await.unwrap().into_inner();
    let numbers: Vec<u64> = first.cycles.iter().map(|c| c.number).collect();
    assert_eq!(numbers, [5, 4]);
    let next = v1::ListCyclesRequest {
        page_token: first.next_page_token,
        ..request
    };
    let numbers: Vec<u64> = query
        .list_cycles(next)
        .await
        .unwrap()
        .into_inner()
        .cycles
        .iter()
        .map(|c| c.number)
        .collect();
    assert_eq!(numbers, [3, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_levers_move_and_say_who_moved_them() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut control = stage.control().await;
    let why = "looking into it".to_owned();
    let state = control
        .pause(v1::PauseRequest { why })
        .await
        .unwrap()
        .into_inner();
    let pause = state.paused.unwrap();
    assert_eq!(pause.why, "looking into it");
    assert!(pause.by.contains("loopback"), "{}", pause.by);
    assert!(stage.handle.status().paused.is_some());
    let state = control.resume(v1::ResumeRequest {}).await.unwrap().into_inner();
    assert!(state.paused.is_none() && stage.handle.status().paused.is_none());

    let mode = |mode: v1::Mode, scope| v1::SetModeRequest {
        mode: mode.into(),
        scope,
    };
    let state = control
        .set_mode(mode(v1::Mode::Act, None))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(state.mode(), v1::Mode::Act);
    assert_eq!(state.scoped, None);
    let group = Some(v1::set_mode_request::Scope::Group("blue".to_owned()));
    let state = control
        .set_mode(mode(v1::Mode::Observe, group))
        .await
        .unwrap()
        .into_inner();
    let scoped = state.scoped.clone().unwrap();
    assert_eq!((state.mode(), scoped.mode()), (v1::Mode::Act, v1::Mode::Observe));
    assert_eq!(
        scoped.scope,
        Some(v1::scoped_mode::Scope::Group("blue".to_owned()))
    );
    let misspelt = Some(v1::set_mode_request::Scope::Group("bleu".to_owned()));
    let error = control
        .set_mode(mode(v1::Mode::Observe, misspelt))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let unsaid = control
        .set_mode(mode(v1::Mode::Unspecified, None))
        .await
        .unwrap_err();
    assert_eq!(unsaid.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_what_if_changes_nothing() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut planner = stage.planner().await;
    let add = v1::AddPods {
        namespace: "shop".to_owned(),
        name: "extra".to_owned(),
        count: 2,
        like_pod: "shop/web-0".to_owned(),
        ..Default::default()
    };
    let request = v1::WhatIfRequest {
        add_pods: vec![add],
        ..Default::default()
    };
    let answer = planner.what_if(request).await.unwrap().into_inner();
    assert_eq!(answer.cycle, 1);
    assert_eq!(stage.handle.latest().map(|r| r.snapshot.pods.len()), Some(8));
    for (request, field) in [
        (
            v1::WhatIfRequest {
                remove_pods: vec!["nobody".to_owned()],
                ..Default::default()
            },
            "remove_pods[0]",
        ),
        (
            v1::WhatIfRequest {
                add_pods: vec![v1::AddPods {
                    name: "x".to_owned(),
                    count: u32::MAX,
                    ..Default::default()
                }],
                ..Default::default()
            },
            "add_pods",
        ),
        (
            v1::WhatIfRequest {
                prices: vec![v1::SetPrice {
                    offer: "m6a".to_owned(),
                    rate_nanos: -1,
                }],
                ..Default::default()
            },
            "prices[0]",
        ),
    ] {
        let error = planner.what_if(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().starts_with(field), "{}", error.message());
    }
}

/// A pod to add that is no longer than a request may be; it is held once for each of `count`.
fn added(change: impl Fn(&mut v1::AddPods)) -> v1::WhatIfRequest {
    let mut add = v1::AddPods {
        name: "extra".to_owned(),
        count: 100_000,
        ..Default::default()
    };
    change(&mut add);
    v1::WhatIfRequest {
        add_pods: vec![add],
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_what_if_that_would_fill_the_memory_is_refused() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut planner = stage.planner().await;
    let long = |bytes: usize| "x".repeat(bytes);
    let one = |key: usize, value: usize| [(long(key), long(value))].into_iter().collect();
    for (request, field) in [
        (added(|add| add.name = long(900_000)), "add_pods[0].name: "),
        (added(|add| add.namespace = long(64)), "add_pods[0].namespace: "),
        (added(|add| add.labels = one(318, 1)), "add_pods[0].labels: "),
        (added(|add| add.labels = one(1, 64)), "add_pods[0].labels: "),
        (
            added(|add| add.labels = (0..65).map(|n| (n.to_string(), String::new())).collect()),
            "add_pods[0].labels: ",
        ),
        (
            added(|add| add.node_selector = one(318, 1)),
            "add_pods[0].node_selector: ",
        ),
        (
            v1::WhatIfRequest {
                remove_pods: vec!["shop/web-0".to_owned(); 1001],
                ..Default::default()
            },
            "remove_pods: ",
        ),
    ] {
        let error = planner.what_if(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{field}");
        assert!(error.message().starts_with(field), "{field}: {}", error.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_listed() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let listed = stage
        .policies()
        .await
        .list(v1::ListPoliciesRequest {})
        .await
        .unwrap();
    assert!(listed.into_inner().policies.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_object_cannot_be_explained() {
    let stage = Stage::open().await;
    stage.cycle().await;
    let mut explain = ExplainClient::new(stage.channel().await);
    let request = v1::NodeRequest {
        name: "nowhere".to_owned(),
        cycle: 0,
    };
    assert_eq!(explain.node(request).await.unwrap_err().code(), Code::NotFound);
    let request = v1::NodeRequest {
        name: "node-0".to_owned(),
        cycle: 0,
    };
    let answer = explain.node(request).await.unwrap().into_inner();
    assert_eq!(answer.cycle, 1);
    assert!(!answer.facts.is_empty());
    let request = v1::StepRequest {
        id: "not a step".to_owned(),
    };
    assert_eq!(
        explain.step(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_follows_the_cycles() {
    let stage = Stage::open().await;
    let mut health = HealthClient::new(stage.channel().await);
    let unavailable = stage.query().await.get_summary(v1::GetSummaryRequest {}).await;
    assert_eq!(unavailable.unwrap_err().code(), Code::Unavailable);
    becomes(&mut health, ServingStatus::NotServing).await;
    assert_eq!(stage.get("/readyz").await.0, 503);
    assert_eq!(stage.get("/healthz").await.0, 200);
    stage.cycle().await;
    becomes(&mut health, ServingStatus::Serving).await;
    assert_eq!(stage.get("/readyz").await.0, 200);
    stage.clock.advance(model::Span::from_secs(3600));
    becomes(&mut health, ServingStatus::NotServing).await;
    let (code, text) = stage.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(text.contains("overdue"), "{text}");
    // Only now a restart may help.
    let (code, text) = stage.get("/healthz").await;
    assert_eq!(code, 503);
    assert!(text.contains("stuck") && text.contains("60m"), "{text}");
    stage.cycle().await;
    assert_eq!(stage.get("/healthz").await.0, 200);
    stage.clock.advance(model::Span::from_secs(500));
    assert_eq!(stage.get("/healthz").await.0, 200);
    assert_eq!(stage.get("/readyz").await.0, 503);
    // What else there is that a restart mends.
    let watches = Arc::new(AtomicUsize::new(0));
    let stuck = Arc::clone(&watches);
    let asked = move || (stuck.load(Ordering::Relaxed) > 0).then(|| "the watch of Job".to_owned());
    stage.serving.liveness.stuck_where(asked);
    assert_eq!(stage.get("/healthz").await.0, 200);
    watches.store(1, Ordering::Relaxed);
    let (code, text) = stage.get("/healthz").await;
    assert_eq!((code, text.as_str()), (503, "stuck: the watch of Job\n"));
}

async fn becomes(health: &mut HealthClient<Channel>, wanted: ServingStatus) {
    for _ in 0..100 {
        let request = HealthCheckRequest {
            service: "plimsoll.v1.Query".to_owned(),
        };
        let said = health
            .check(request)
            .await
            .map(|answer| answer.into_inner().status());
        if said.is_ok_and(|status| status == wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("health never became {wanted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_served_and_count_cycles() {
    let stage = Stage::open().await;
    stage.cycle().await;
    stage.cycle().await;
    let wanted = "plimsoll_cycles_total{trouble=\"none\"} 2";
    let mut text = String::new();
    for _ in 0..100 {
        let (code, body) = stage.get("/metrics").await;
        assert_eq!(code, 200);
        text = body;
        if text.contains(wanted) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(text.contains(wanted), "{text}");
    assert!(text.contains("plimsoll_pods{state=\"pending\"} 5"), "{text}");
    assert!(text.contains("plimsoll_paused 0"), "{text}");
    assert_eq!(stage.get("/nothing").await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_is_refused() {
    let stage = Stage::open().await;
    let why = "x".repeat(2 << 20);
    let error = stage
        .control()
        .await
        .pause(v1::PauseRequest { why })
        .await
        .unwrap_err();
    assert!(
        matches!(error.code(), Code::OutOfRange | Code::ResourceExhausted),
        "{error:?}"
    );
    assert!(stage.handle.status().paused.is_none());
    let why = "x".repeat(300);
    let error = stage
        .control()
        .await
        .pause(v1::PauseRequest { why })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_sees_every_cycle() {
    let stage = Stage::open().await;
    let mut cycles = stage
        .query()
        .await
        .watch_cycles(v1::WatchCyclesRequest::default())
        .await
        .unwrap()
        .into_inner();
    for number in 1..=3 {
        stage.cycle().await;
        assert_eq!(cycles.message().await.unwrap().map(|c| c.number), Some(number));
    }
    let ended = tokio::task::spawn_blocking(move || stage.serving.stop());
    assert_eq!(cycles.message().await.unwrap_err().code(), Code::Unavailable);
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_watcher_is_dropped_and_holds_up_nobody() {
    let stage = Stage::with_pods(3000).await;
    let mut cycles = stage
        .query()
        .await
        .watch_cycles(v1::WatchCyclesRequest::default())
        .await
        .unwrap()
        .into_inner();
    for _ in 0..100 {
        stage.cycle().await;
    }
    let mut read = 0;
    let error = loop {
        match cycles.message().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("ended without a word after {read}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::DataLoss, "{error:?}");
    assert!(read < 100, "{read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_a_limit_to_watchers() {
    let stage = Stage::open().await;
    let mut watching = Vec::new();
    let mut refused = 0;
    for _ in 0..4 {
        let mut query = stage.query().await;
        for _ in 0..20 {
            match query.watch_cycles(v1::WatchCyclesRequest::default()).await {
                Ok(stream) => watching.push(stream),
                Err(error) => {
                    assert_eq!(error.code(), Code::ResourceExhausted);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((watching.len(), refused), (64, 16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_grpc_outside_loopback_is_refused() {
    let (desk, _) = stage::desk(0).await;
    let mut options = options();
    options.grpc = "0.0.0.0:0".parse().unwrap();
    let error = serve::serve(desk.handle(), &options, Arc::new(serve::LoopbackOnly)).err();
    let error = error.unwrap();
    assert!(matches!(error, ServeError::PlainOutside(_)));
    assert!(error.to_string().contains("grpc.tls"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_is_named() {
    let stage = Stage::open().await;
    let mut options = options();
    options.grpc = stage.serving.grpc;
    let error = serve::serve(stage.handle.clone(), &options, Arc::new(serve::LoopbackOnly)).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(
        text.starts_with("grpc.bind: cannot listen on 127.0.0.1:"),
        "{text}"
    );
}

/// Lets in one token, to read only.
struct Reader;

#[serve::async_trait]
impl Authorise for Reader {
    async fn authorise(&self, caller: &Caller, verb: Verb, object: Object) -> Result<Identity, Denied> {
        let who = "reader".to_owned();
        match caller.token.as_deref() {
            Some("good") if verb != Verb::Update => Ok(Identity(who)),
            Some("good") => Err(Denied::Forbidden { who, verb, object }),
            Some("other") => Err(Denied::Forbidden {
                who: "other".to_owned(),
                verb,
                object,
            }),
            _ => Err(Denied::Unauthenticated("a token is wanted".to_owned())),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut options = options();
    options.tls = Some(TlsFiles {
        certificate,
        key,
        client_ca: None,
    });
    options.grpc = "0.0.0.0:0".parse().unwrap();
    let stage = Stage::serve(&options, Arc::new(Reader), 5).await;
    stage.cycle().await;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(made.cert.pem()))
        .domain_name("localhost");
    let channel = Endpoint::from_shared(format!("https://127.0.0.1:{}", stage.serving.grpc.port()))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let call = |token: &'static str| {
        let mut request = tonic::Request::new(v1::GetSummaryRequest {});
        request
            .metadata_mut()
            .insert("authorization", token.parse().unwrap());
        let mut query = QueryClient::new(channel.clone());
        async move {
            query
                .get_summary(request)
                .await
                .map_err(|status| status.code())
                .map(drop)
        }
    };
    assert_eq!(call("Bearer good").await, Ok(()));
    assert_eq!(call("Bearer bad").await, Err(Code::Unauthenticated));
    assert_eq!(call("Basic good").await, Err(Code::Unauthenticated));
    let mut request = tonic::Request::new(v1::PauseRequest::default());
    request
        .metadata_mut()
        .insert("authorization", "Bearer good".parse().unwrap());
    let mut control = ControlClient::new(channel);
    let error = control.pause(request).await.unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);
    assert!(
        error.message().contains("may not update actions"),
        "{}",
        error.message()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_ask_who_reads_them_where_that_is_wanted() {
    let mut options = options();
    options.authorise_metrics = true;
    let stage = Stage::serve(&options, Arc::new(Reader), 5).await;
    stage.cycle().await;
    for (headers, code, word) in [
        ("", 401, "a token is wanted"),
        ("Authorization: Bearer bad\r\n", 401, "a token is wanted"),
        ("Authorization: Basic good\r\n", 401, "Bearer <token>"),
        ("Authorization: Bearer good\r\n", 200, "plimsoll_cycles_total"),
        (
            "Authorization: Bearer other\r\n",
            403,
            "other may not get /metrics",
        ),
    ] {
        let (answered, text) = stage.get_with("/metrics", headers).await;
        assert_eq!(answered, code, "{headers}: {text}");
        assert!(text.contains(word), "{headers}: {text}");
    }
    // The kubelet has no token of ours.
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(stage.get(probe).await.0, 200, "{probe}");
    }
}

/// Lets everybody in under one name.
struct OneName;

#[serve::async_trait]
impl Authorise for OneName {
    async fn authorise(&self, _: &Caller, _: Verb, _: Object) -> Result<Identity, Denied> {
        Ok(Identity("busy".to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_identity_cannot_ask_without_end_and_can_still_pause() {
    let stage = Stage::serve(&options(), Arc::new(OneName), 5).await;
    stage.cycle().await;
    let mut query = stage.query().await;
    let refused = loop {
        match query.get_summary(v1::GetSummaryRequest {}).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("busy"), "{}", refused.message());
    let pause = stage.control().await.pause(v1::PauseRequest::default()).await;
    assert!(pause.is_ok(), "{pause:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not.pem");
    std::fs::write(&file, "nothing").unwrap();
    let mut options = options();
    let tls = TlsFiles {
        certificate: file.clone(),
        key: file,
        client_ca: None,
    };
    options.tls = Some(tls.clone());
    let (desk, _) = stage::desk(0).await;
    let start = |options: &serve::Options| {
        serve::serve(desk.handle(), options, Arc::new(serve::LoopbackOnly))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert!(start(&options).starts_with("grpc.tls"), "{}", start(&options));
    options.tls = Some(TlsFiles {
        key: folder.path().join("absent"),
        ..tls
    });
    assert!(
        start(&options).starts_with("grpc.tls.key: cannot read"),
        "{}",
        start(&options)
    );
}

/// Lets everybody in, slowly, each call as somebody else.
#[derive(Default)]
struct Slow(AtomicUsize);

#[serve::async_trait]
impl Authorise for Slow {
    async fn authorise(&self, _: &Caller, _: Verb, _: Object) -> Result<Identity, Denied> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Identity(format!(
            "caller {}",
            self.0.fetch_add(1, Ordering::Relaxed)
        )))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beyond_the_limits_are_turned_away_with_a_word() {
    let stage = Stage::serve(&options(), Arc::<Slow>::default(), 5).await;
    stage.cycle().await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let query = stage.query().await;
        for _ in 0..30 {
            let mut query = query.clone();
            calls.spawn(async move { query.get_summary(v1::GetSummaryRequest {}).await.map(drop) });
        }
    }
    let (mut answered, mut turned_away) = (0, 0);
    while let Some(ended) = calls.join_next().await {
        match ended.unwrap() {
            Ok(()) => answered += 1,
            Err(status) if status.code() == Code::ResourceExhausted => turned_away += 1,
            Err(status) => panic!("{status:?}"),
        }
    }
    assert_eq!(answered + turned_away, 180);
    assert!(
        answered >= 128 && turned_away > 0,
        "{answered} answered, {turned_away} turned away"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_connection_turns_away_with_a_word() {
    let stage = Stage::serve(&options(), Arc::<Slow>::default(), 5).await;
    stage.cycle().await;
    let query = stage.query().await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let mut query = query.clone();
        calls.spawn(async move { query.get_summary(v1::GetSummaryRequest {}).await.map(drop) });
    }
    let mut turned_away = 0;
    while let Some(ended) = calls.join_next().await {
        if let Err(status) = ended.unwrap() {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 60 - 32);
}
