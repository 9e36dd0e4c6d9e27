//! The kill switch under attack: while somebody without credentials does what `attack.rs` lists, a pause over TCP with
//! a token, and one over the Unix socket, come through.
//!
//! The pause file touches no listener: `daemon/src/pause.rs` has its own tests.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]
#![expect(clippy::print_stderr, reason = "what was measured is told")]

#[expect(dead_code, reason = "the stage is also that of `front.rs`")]
mod stage;

#[path = "attacks/attack.rs"]
mod attack;

use attack::{ATTACKS, Attack};
use prost::Message;
use proto::v1;
use proto::v1::control_client::ControlClient;
use serve::{Authorise, Caller, Denied, Identity, Object, TlsFiles, Verb};
use stage::{Stage, options};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// The promise is a second on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(8);
/// The attack has this long to fill what it can fill.
const FILLS: Duration = Duration::from_secs(2);

/// Lets in one token.
struct OneToken;

#[serve::async_trait]
impl Authorise for OneToken {
    async fn authorise(&self, caller: &Caller, _: Verb, _: Object) -> Result<Identity, Denied> {
        match caller.token.as_deref() {
            Some("good") => Ok(Identity("ops".to_owned())),
            _ => Err(Denied::Unauthenticated("a token is wanted".to_owned())),
        }
    }
}

/// How a pause gets in.
enum Way {
    Tcp(Endpoint),
    Socket(Endpoint),
}

impl Way {
    /// Pulls the lever until it is pulled; how long that took.
    async fn pulls(&self, stage: &Stage, pause: bool) -> Result<Duration, String> {
        let began = Instant::now();
        let mut last = "nothing was tried".to_owned();
        while began.elapsed() < PATIENCE {
            match tokio::time::timeout(Duration::from_secs(2), self.pull(pause)).await {
                Ok(Ok(())) if stage.handle.status().paused.is_some() == pause => return Ok(began.elapsed()),
                Ok(Ok(())) => "it had no effect".clone_into(&mut last),
                Ok(Err(error)) => last = error,
                Err(_) => "no answer in two seconds".clone_into(&mut last),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(last)
    }

    async fn pull(&self, pause: bool) -> Result<(), String> {
        let (Self::Tcp(endpoint) | Self::Socket(endpoint)) = self;
        let channel = endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
        let mut control = ControlClient::new(channel);
        let answered = if pause {
            control.pause(signed(v1::PauseRequest::default())).await
        } else {
            control.resume(signed(v1::ResumeRequest {})).await
        };
        answered.map(drop).map_err(|status| status.to_string())
    }
}

fn signed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", "Bearer good".parse().unwrap());
    request
}

struct Target {
    stage: Stage,
    ca: rustls::pki_types::CertificateDer<'static>,
    tcp: Way,
    socket: Way,
    _folder: tempfile::TempDir,
}

async fn target() -> Target {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let socket = folder.path().join("s");
    let mut options = options();
    options.tls = Some(TlsFiles {
        certificate,
        key,
        client_ca: None,
    });
    options.socket = Some(socket.clone());
    let stage = Stage::serve(&options, Arc::new(OneToken), 5).await;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(made.cert.pem()))
        .domain_name("localhost");
    let tcp = Endpoint::from_shared(format!("https://{}", stage.serving.grpc))
        .unwrap()
        .tls_config(tls)
        .unwrap();
    let socket = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
    Target {
        stage,
        ca: made.cert.der().clone(),
        tcp: Way::Tcp(tcp),
        socket: Way::Socket(socket),
        _folder: folder,
    }
}

async fn withstands(attack: Attack) {
    let Target {
        stage,
        ca,
        tcp,
        socket,
        _folder,
    } = target().await;
    let under_way = attack.begin(stage.serving.grpc, &ca);
    tokio::time::sleep(FILLS).await;
    let (mut took, mut failed) = (Vec::new(), Vec::new());
    for (name, way) in [("tcp", &tcp), ("socket", &socket), ("tcp again", &tcp)] {
        for pause in [true, false] {
            match way.pulls(&stage, pause).await {
                Ok(time) => took.push(format!("{name} {} ms", time.as_millis())),
                Err(why) => failed.push(format!("{name}: {why}")),
            }
        }
    }
    let (open, made) = (under_way.open(), under_way.made());
    eprintln!("{}: {made} made, {open} open: {}", attack.name, took.join(", "));
    assert!(failed.is_empty(), "{}: {open} open: {failed:?}", attack.name);
    drop(under_way);
    tokio::task::spawn_blocking(move || stage.serving.stop())
        .await
        .unwrap();
}

/// One after the other: they share a machine and its file descriptors.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_levers_can_be_pulled_under_every_attack() {
    for attack in ATTACKS {
        withstands(attack).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unix_socket_needs_no_token_and_says_who_pulled() {
    let target = target().await;
    target.stage.cycle().await;
    let Way::Socket(endpoint) = &target.socket else {
        return;
    };
    let channel: Channel = endpoint.connect().await.unwrap();
    let mut control = ControlClient::new(channel);
    let state = control.pause(v1::PauseRequest::default()).await.unwrap();
    let by = state
        .into_inner()
        .paused
        .map(|pause| pause.by)
        .unwrap_or_default();
    assert!(by.starts_with("socket (uid "), "{by}");
}

/// 64 watchers that never read held 16 messages each and one more in HTTP/2: 590 MiB in a large cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_that_never_read_cost_little_and_are_cut() {
    let stage = Stage::with_pods(3000).await;
    let mut watching = Vec::new();
    for _ in 0..7 {
        let mut query = stage.query().await;
        for _ in 0..9 {
            let request = v1::WatchCyclesRequest::default();
            watching.push(query.watch_cycles(request).await.unwrap().into_inner());
        }
    }
    let mut reading = stage
        .query()
        .await
        .watch_cycles(v1::WatchCyclesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut size = 0;
    for number in 1..=20 {
        stage.cycle().await;
        let cycle = reading.message().await.unwrap().unwrap();
        assert_eq!(cycle.number, number, "who reads gets every cycle");
        size = cycle.encoded_len();
    }
    let unread = unread(&stage).await;
    eprintln!(
        "64 watchers, {size} bytes a cycle: {unread} bytes are unread; queues of 17 held {}",
        size * 17 * 63
    );
    assert!(unread > 0 && unread <= 32 << 20, "{unread}");
    assert!(
        unread <= 2 * 63 * (size + 1024),
        "{unread}: more than two messages each"
    );
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until && self::unread(&stage).await > 0 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(self::unread(&stage).await, 0, "all of them were cut");
    for stream in &mut watching {
        while let Ok(Some(_)) = stream.message().await {}
    }
    tokio::task::spawn_blocking(move || stage.serving.stop())
        .await
        .unwrap();
}

/// Bytes that watchers have not taken, as `/metrics` counts them.
async fn unread(stage: &Stage) -> usize {
    let (_, text) = stage.get("/metrics").await;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("plimsoll_watchers_unread_bytes "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap()
}
