//! The kill switch under attack: while somebody without credentials does what `attack` lists, the API server is away,
//! the Ledger cannot be kept or the machine is starved, a pause over TCP with a token, one over the Unix socket and one by
//! the pause file come through.
//!
//! Timed is what the guard asks before every effect. The fourth way, the annotation, is a word of the API server: it is
//! tested with a real one (`only_who_may_can_pause` in `tests/e2e`), and cannot work while that is away. Nor can a token
//! that the API server has not vouched for lately.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]
#![expect(clippy::print_stderr, reason = "what was measured is told")]

#[expect(dead_code, reason = "the stage is also that of `front.rs`")]
mod stage;

mod attack;

use attack::{ATTACKS, Attack, Spinning};
use cycle::MemoryStore;
use guard::{Kept, LedgerStore, StoreError, Stored};
use model::Memory;
use model::intent::Ledger;
use prost::Message;
use proto::v1;
use proto::v1::control_client::ControlClient;
use serve::pause_file::PauseFile;
use serve::{Authorise, Caller, Denied, Identity, Object, TlsFiles, Verb};
use stage::{Stage, options};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// The promise is a second on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(8);
/// The attack has this long to fill what it can fill.
const FILLS: Duration = Duration::from_millis(700);

/// What a test takes away from the daemon, and gives back.
#[derive(Clone, Default)]
struct Away {
    /// Nobody can say whose a token is.
    cluster: Arc<AtomicBool>,
    /// Nothing can be kept.
    ledger: Arc<AtomicBool>,
}

/// Lets in one token.
struct OneToken(Away);

#[serve::async_trait]
impl Authorise for OneToken {
    async fn authorise(&self, caller: &Caller, _: Verb, _: Object) -> Result<Identity, Denied> {
        if self.0.cluster.load(Ordering::Relaxed) {
            return Err(Denied::Unavailable("connection refused".to_owned()));
        }
        match caller.token.as_deref() {
            Some("good") => Ok(Identity("ops".to_owned())),
            _ => Err(Denied::Unauthenticated("a token is wanted".to_owned())),
        }
    }
}

/// Keeps the Ledger where it can be kept; where it cannot, that takes its time to say so.
struct Store(MemoryStore, Away);

impl Store {
    fn is_away(&self) -> bool {
        self.1.ledger.load(Ordering::Relaxed)
    }
}

impl LedgerStore for Store {
    fn load(&mut self) -> Stored<'_, Kept> {
        self.0.load()
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        if self.is_away() {
            return Box::pin(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Err(StoreError::Unavailable("it is gone".to_owned()))
            });
        }
        self.0.save(ledger)
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        self.0.save_memory(memory)
    }
}

/// How a pause gets in.
enum Way {
    Tcp(Endpoint),
    Socket(Endpoint),
    File(PathBuf),
}

impl Way {
    const fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Socket(_) => "socket",
            Self::File(_) => "file",
        }
    }

    /// Pulls the lever until it is pulled; how long that took.
    async fn pulls(&self, stage: &Stage, pause: bool) -> Result<Duration, String> {
        let began = Instant::now();
        let mut last = "nothing was tried".to_owned();
        let is_done = || stage.handle.status().paused.is_some() == pause;
        while began.elapsed() < PATIENCE {
            // Effects stop when the switch is pulled, not when somebody has been told so.
            let pulled = tokio::select! {
                () = until(is_done) => Ok(()),
                done = tokio::time::timeout(Duration::from_secs(2), self.pull(pause)) => {
                    done.unwrap_or_else(|_| Err("no answer in two seconds".to_owned()))
                }
            };
            match pulled {
                Ok(()) if is_done() => return Ok(began.elapsed()),
                Ok(()) => "it had no effect".clone_into(&mut last),
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(last)
    }

    async fn pull(&self, pause: bool) -> Result<(), String> {
        let endpoint = match self {
            Self::Tcp(endpoint) | Self::Socket(endpoint) => endpoint,
            Self::File(path) => {
                let done = if pause {
                    std::fs::write(path, "")
                } else {
                    std::fs::remove_file(path)
                };
                done.map_err(|error| error.to_string())?;
                return std::future::pending().await;
            }
        };
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

/// Looks a hundred times a second whether something has come true.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(10)).await;
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
    away: Away,
    ways: [Way; 3],
    _looking: PauseFile,
    _folder: tempfile::TempDir,
}

async fn target() -> Target {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (socket, file) = (folder.path().join("s"), folder.path().join("pause"));
    let mut options = options();
    options.tls = Some(TlsFiles {
        certificate,
        key,
        client_ca: None,
    });
    options.socket = Some(socket.clone());
    let away = Away::default();
    let store = Box::new(Store(MemoryStore::default(), away.clone()));
    let stage = Stage::with_store(&options, Arc::new(OneToken(away.clone())), 5, store).await;
    let there = serve::pause_file::look(&file, &stage.handle).await;
    let looking = PauseFile::follow(file.clone(), there, stage.handle.clone()).unwrap();
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
        away,
        ways: [Way::Tcp(tcp), Way::Socket(socket), Way::File(file)],
        _looking: looking,
        _folder: folder,
    }
}

/// Pulls and releases by every way; what is taken away for a pull is given back for a release.
async fn pulled_by_every_way(name: &str, target: &Target, ways: &[&Way], taken: Option<&AtomicBool>) {
    let (mut took, mut failed) = (Vec::new(), Vec::new());
    for way in ways {
        for pause in [true, false] {
            if let Some(taken) = taken {
                taken.store(pause, Ordering::Relaxed);
            }
            let word = if pause { way.name() } else { "and on" };
            match way.pulls(&target.stage, pause).await {
                Ok(time) => took.push(format!("{word} {} ms", time.as_millis())),
                Err(why) => failed.push(format!("{word}: {why}")),
            }
        }
    }
    eprintln!("{name}: {}", took.join(", "));
    assert!(failed.is_empty(), "{name}: {failed:?}");
}

async fn end(target: Target) {
    let serving = target.stage.serving;
    tokio::task::spawn_blocking(move || serving.stop()).await.unwrap();
}

async fn withstands(attack: Attack) {
    let target = target().await;
    let under_way = attack.begin(target.stage.serving.grpc, &target.ca);
    // They do not all begin at once (`Attack::begin`).
    tokio::time::sleep(FILLS + Duration::from_micros(attack.connections as u64 * 200)).await;
    let (open, made) = (under_way.open(), under_way.made());
    let [tcp, socket, file] = &target.ways;
    let name = format!("{}: {made} made, {open} open", attack.name);
    pulled_by_every_way(&name, &target, &[tcp, socket, file, tcp], None).await;
    drop(under_way);
    end(target).await;
}

/// One after the other: they share a machine and its file descriptors.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_levers_can_be_pulled_under_every_attack() {
    for attack in ATTACKS {
        withstands(attack).await;
    }
    starved().await;
    without_a_ledger().await;
    without_an_api_server().await;
}

/// More threads want the machine than it has cores.
async fn starved() {
    let target = target().await;
    let spinning = Spinning::begin();
    let [tcp, socket, file] = &target.ways;
    pulled_by_every_way(
        "four threads spin for each core",
        &target,
        &[tcp, socket, file],
        None,
    )
    .await;
    drop(spinning);
    end(target).await;
}

/// What cannot be kept holds in this process all the same; going on waits until it can be kept.
async fn without_a_ledger() {
    let target = target().await;
    let [tcp, socket, file] = &target.ways;
    let gone = Arc::clone(&target.away.ledger);
    pulled_by_every_way("the Ledger is gone", &target, &[tcp, socket, file], Some(&*gone)).await;
    end(target).await;
}

/// The socket and the file need no word of the cluster, whose Ledger is away with it.
async fn without_an_api_server() {
    let target = target().await;
    target.away.cluster.store(true, Ordering::Relaxed);
    let [tcp, socket, file] = &target.ways;
    let gone = Arc::clone(&target.away.ledger);
    pulled_by_every_way("the API server is down", &target, &[socket, file], Some(&*gone)).await;
    let refused = tcp.pull(true).await.unwrap_err();
    assert!(refused.contains("cannot check who you are"), "{refused}");
    end(target).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unix_socket_needs_no_token_and_says_who_pulled() {
    let target = target().await;
    target.stage.cycle().await;
    let [_, Way::Socket(endpoint), _] = &target.ways else {
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
