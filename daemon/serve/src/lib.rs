//! The front of the daemon: gRPC, health, reflection, metrics, the admission webhook. Its own runtime on its own
//! thread, so that a flood of questions delays no effect; every limit is set (`limits.rs`).
//!
//! It holds only a `cycle::Handle`. Deliberately absent: decisions, cluster access, what a token means.

mod accept;
mod admission;
mod authorise;
mod certificates;
mod control;
mod crowd;
mod desk;
mod ecs;
mod entrance;
mod explain;
mod http;
mod limits;
mod messages;
mod metrics;
mod options;
mod pages;
pub mod pause_file;
mod places;
mod planner;
mod policies;
mod query;
mod rate;
mod server;
mod socket;
mod tls;
mod watch;

pub use admission::{Admission, Admitting, Keys, PATH as ADMISSION_PATH, check_client_ca};
pub use authorise::{Authorise, Caller, Denied, Identity, LoopbackOnly, Object, Verb};
pub use http::Liveness;
pub use metrics::{CallTallies, CallTimes, Metrics};
pub use options::{Options, ServeError, TlsFiles};
pub use rate::Rate;
/// The form in which `Authorise` is implemented.
pub use tonic::async_trait;

use certificates::Certificates;
use cycle::Handle;
use desk::Desk;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch as signal;

/// A running server. Dropping it ends it.
pub struct Serving {
    /// Where gRPC listens.
    pub grpc: SocketAddr,
    /// Where metrics and health listen.
    pub http: Option<SocketAddr>,
    /// The admission webhook.
    pub admission: Option<Admitting>,
    /// The series that `/metrics` shows.
    pub metrics: Metrics,
    /// What `/healthz` asks besides the loop of cycles.
    pub liveness: Liveness,
    ending: signal::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Binds, and serves from now on. What is wrong with options, files or addresses is said before it returns.
pub fn serve(handle: Handle, options: &Options, gate: Arc<dyn Authorise>) -> Result<Serving, ServeError> {
    options.check()?;
    let certificates = Certificates::default();
    let tls = options.tls.as_ref().map(tls::Files::of_grpc);
    let tls = tls.map(|files| files.open(&certificates)).transpose()?;
    let grpc = listen("grpc.bind", options.grpc)?;
    let socket = options.socket.as_deref().map(socket::Socket::open).transpose()?;
    let http = options
        .http
        .map(|address| listen("http.bind", address))
        .transpose()?;
    let addresses = (
        address(&grpc, options.grpc),
        http.as_ref().zip(options.http).map(|(l, a)| address(l, a)),
    );
    let webhook = options.admission.as_ref();
    let webhook = webhook
        .map(|asked| webhook_of(asked, &certificates))
        .transpose()?;
    let metrics = Metrics::new();
    let liveness = Liveness::default();
    let (ending, ended) = signal::channel(false);
    let front = server::Front {
        records: handle.watch(),
        desk: Desk::new(handle, gate, ended),
        metrics: metrics.clone(),
        reflection: options.reflection,
        tls,
        certificates,
        authorise_metrics: options.authorise_metrics,
        liveness: liveness.clone(),
    };
    let admission = webhook.as_ref().map(|(_, admitting, ..)| admitting.clone());
    let runtime = runtime().map_err(ServeError::Runtime)?;
    let thread = std::thread::Builder::new()
        .name("plimsoll-serve".to_owned())
        .spawn(move || {
            runtime.block_on(front.run((grpc, socket), http, webhook));
            runtime.shutdown_timeout(limits::SHUTDOWN);
        })
        .map_err(ServeError::Runtime)?;
    tracing::info!(grpc = %addresses.0, http = ?addresses.1, tls = options.tls.is_some(), socket = ?options.socket, "serving");
    Ok(Serving {
        grpc: addresses.0,
        http: addresses.1,
        admission,
        metrics,
        liveness,
        ending,
        thread: Some(thread),
    })
}

impl Serving {
    /// Ends calls within seconds and waits for that. Blocks: an async caller moves it off its runtime.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.ending.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the serving thread ended in a panic");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(limits::WHAT_IFS + 2)
        .thread_name("plimsoll-serve")
        .enable_all()
        .build()
}

/// The webhook's listener, where it is, whose pods it leaves alone, and its TLS.
type Webhook = (TcpListener, Admitting, String, (tls::InForce, tls::Follower));

fn webhook_of(asked: &Admission, certificates: &Certificates) -> Result<Webhook, ServeError> {
    let listener = listen("admission.bind", asked.bind)?;
    let admitting = Admitting {
        address: address(&listener, asked.bind),
        keys: Keys::new(certificates.clone()),
    };
    let files = tls::Files::of_admission(asked.client_ca.as_deref(), admitting.keys.clone());
    let tls = files.open(certificates)?;
    Ok((listener, admitting, asked.namespace.clone(), tls))
}

fn listen(field: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let open = || {
        let listener = TcpListener::bind(address)?;
        // Again, with more room.
        socket2::SockRef::from(&listener).listen(limits::BACKLOG)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    open().map_err(|why| ServeError::Listen { field, address, why })
}

fn address(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}
