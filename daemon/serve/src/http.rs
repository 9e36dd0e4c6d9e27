//! The plain, read-only listener: `/metrics`, `/healthz`, `/readyz`. No lever is reachable from here. Who may
//! read the metrics is asked like every caller of gRPC, where the configuration wants it; the probes are open to everybody.

use crate::accept::Door;
use crate::authorise::{Object, Verb};
use crate::certificates::{self, Certificates};
use crate::desk::Desk;
use crate::limits;
use crate::metrics::Metrics;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::IncomingStream;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpListener;
use tonic::{Code, Status};

/// What it shows.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) desk: Desk,
    pub(crate) metrics: Metrics,
    pub(crate) certificates: Certificates,
    pub(crate) liveness: Liveness,
    /// `/metrics` is for callers that may `get` that path; the probes are for everybody.
    pub(crate) authorise: bool,
}

/// What else there is that only a restart mends; cheap to clone.
#[derive(Clone, Default)]
pub struct Liveness(Arc<OnceLock<Question>>);

type Question = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl Liveness {
    /// Asked at every probe from now on: what is stuck, where something is. The first to be set stays.
    pub fn stuck_where(&self, stuck: impl Fn() -> Option<String> + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(stuck));
    }

    fn stuck(&self) -> Option<String> {
        self.0.get().and_then(|stuck| stuck())
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy)]
struct From(SocketAddr);

impl Connected<IncomingStream<'_, Door>> for From {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves until `ending` is done.
pub(crate) async fn serve(
    listener: TcpListener,
    shown: Shown,
    ending: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(text))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(shown);
    let router = router.into_make_service_with_connect_info::<From>();
    axum::serve(door(listener), router)
        .with_graceful_shutdown(ending)
        .await
}

/// No peer can fill it, neither at once nor by staying: the kubelet's probes come through it.
fn door(listener: TcpListener) -> Door {
    Door::new(
        listener,
        limits::HTTP_CONNECTIONS,
        limits::HTTP_CONNECTIONS_PER_PEER,
    )
    .at_most(limits::HTTP_CONNECTION_AGE)
}

async fn text(
    State(shown): State<Shown>,
    ConnectInfo(From(from)): ConnectInfo<From>,
    headers: HeaderMap,
) -> Response {
    if shown.authorise {
        let (verb, object) = (Verb::Get, Object::Metrics);
        if let Err(refused) = shown.desk.ask_plainly(&headers, from, verb, object).await {
            return refusal(&refused);
        }
    }
    shown.metrics.show_status(&shown.desk.handle.status());
    shown.metrics.show_unread(shown.desk.unread.bytes());
    shown.metrics.show_certificates(&shown.certificates.ends());
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shown.metrics.text() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, form)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What gRPC says, as HTTP says it.
fn refusal(refused: &Status) -> Response {
    let code = match refused.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = format!("{}\n", refused.message());
    (code, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
}

/// The kubelet restarts the daemon where this fails: only for what a restart mends. An API server that is away, or a
/// Ledger that cannot be read, is none of it.
async fn alive(State(shown): State<Shown>) -> (StatusCode, String) {
    let silent = shown.desk.handle.status().stuck;
    let looped = silent.map(|silent| format!("nothing has been heard of the loop of cycles for {silent}"));
    match looped.or_else(|| shown.liveness.stuck()) {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("stuck: {why}\n")),
    }
}

async fn ready(State(shown): State<Shown>) -> (StatusCode, String) {
    let status = shown.desk.handle.status();
    let line = |text: String, alarm: String| text + &alarm + "\n";
    let certificates = shown.certificates.alarms(certificates::now());
    let alarms = status.alarms().into_iter().chain(certificates);
    let alarms = alarms.fold(String::new(), line);
    if status.ready {
        return (StatusCode::OK, format!("ready\n{alarms}"));
    }
    let why = match status.trouble {
        Some(trouble) => trouble.to_string(),
        None if status.cycles == 0 => "no cycle has ended yet".to_owned(),
        None => "the last cycle is overdue".to_owned(),
    };
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {why}\n{alarms}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[tokio::test]
    async fn one_peer_cannot_keep_the_probes_out() {
        let door = door(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let flood = IpAddr::from([10, 0, 0, 1]);
        let seats: Vec<_> = (0..64).map_while(|_| door.seat(flood)).collect();
        assert_eq!(seats.len(), 8);
        assert!(door.seat(IpAddr::from([10, 0, 0, 2])).is_some());
    }
}
