//! The gRPC server: services behind limits, health kept true, metrics fed.

use crate::Webhook;
use crate::admission;
use crate::certificates::{self, Certificates};
use crate::desk::Desk;
use crate::entrance;
use crate::http;
use crate::limits;
use crate::metrics::Metrics;
use crate::places::Seating;
use crate::socket::Socket;
use crate::tls;
use logbook::CycleRecord;
use proto::v1::control_server::ControlServer;
use proto::v1::explain_server::ExplainServer;
use proto::v1::planner_server::PlannerServer;
use proto::v1::policies_server::PoliciesServer;
use proto::v1::query_server::QueryServer;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::layer::util::{Identity, Stack};

/// How often health is looked after between cycles.
const HEALTH_EVERY: Duration = Duration::from_millis(500);

type Bounds = Stack<Seating, Identity>;

/// Everything that is served.
pub(crate) struct Front {
    pub(crate) desk: Desk,
    pub(crate) metrics: Metrics,
    /// Subscribed before the first cycle begins, so that none goes uncounted.
    pub(crate) records: broadcast::Receiver<Arc<CycleRecord>>,
    pub(crate) reflection: bool,
    pub(crate) tls: Option<(tls::InForce, tls::Follower)>,
    pub(crate) certificates: Certificates,
    pub(crate) authorise_metrics: bool,
    pub(crate) liveness: http::Liveness,
}

/// A server with every limit set; calls of one connection are limited by `Seating`, which knows levers from questions.
fn builder(desk: &Desk) -> Server<Bounds> {
    Server::builder()
        // The longest of all; `Seating` ends most calls sooner.
        .timeout(limits::LOAD)
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_concurrent_streams(limits::STREAMS)
        .max_connection_age(limits::CONNECTION_AGE)
        .max_connection_age_grace(limits::CONNECTION_GRACE)
        .http2_keepalive_interval(Some(limits::KEEPALIVE))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_ANSWER))
        .http2_max_pending_accept_reset_streams(Some(limits::PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(limits::LOCAL_RESETS))
        .http2_max_header_list_size(limits::HEADER_BYTES)
        .max_frame_size(limits::FRAME_BYTES)
        .accept_http1(false)
        .layer(Seating::new(desk.clone()))
}

impl Front {
    /// Serves until the desk says that it ends.
    pub(crate) async fn run(
        self,
        grpc: (TcpListener, Option<Socket>),
        plain: Option<TcpListener>,
        webhook: Option<Webhook>,
    ) {
        let Self {
            desk,
            metrics,
            records,
            reflection,
            tls,
            certificates,
            authorise_metrics,
            liveness,
        } = self;
        let ending = desk.ending.clone();
        let (reporter, health) = tonic_health::server::health_reporter();
        tokio::spawn(look_after(reporter, desk.clone()));
        tokio::spawn(feed(metrics.clone(), records, ending.clone()));
        tokio::spawn(tell_of_ends(certificates.clone()));
        let tls = tls.map(|(in_force, follower)| {
            tokio::spawn(follower.follow(metrics.clone()));
            in_force
        });
        if let Some(webhook) = webhook {
            tokio::spawn(serve_webhook(webhook, desk.clone(), metrics.clone()));
        }
        if let Some(listener) = plain {
            let shown = http::Shown {
                desk: desk.clone(),
                metrics,
                certificates,
                authorise: authorise_metrics,
                liveness,
            };
            tokio::spawn(serve_plain(listener, shown));
        }
        let router = services(builder(&desk).add_service(health), desk, reflection);
        serve_grpc(router, grpc, tls, ending).await;
    }
}

macro_rules! bounded {
    ($server:ident, $desk:expr) => {
        $server::new($desk)
            .max_decoding_message_size(limits::REQUEST_BYTES)
            .max_encoding_message_size(limits::ANSWER_BYTES)
    };
}

fn services(router: Router<Bounds>, desk: Desk, reflection: bool) -> Router<Bounds> {
    let router = router
        .add_service(bounded!(QueryServer, desk.clone()))
        .add_service(bounded!(ExplainServer, desk.clone()))
        .add_service(bounded!(PlannerServer, desk.clone()))
        .add_service(bounded!(PoliciesServer, desk.clone()))
        .add_service(bounded!(ControlServer, desk));
    if !reflection {
        return router;
    }
    let service = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1();
    match service {
        Ok(service) => router.add_service(service),
        Err(error) => {
            tracing::error!(%error, "reflection is not served");
            router
        }
    }
}

async fn serve_grpc(
    router: Router<Bounds>,
    (tcp, socket): (TcpListener, Option<Socket>),
    tls: Option<tls::InForce>,
    ending: watch::Receiver<bool>,
) {
    let (queue, connections) = mpsc::channel(limits::CONNECTION_QUEUE);
    let mut accepting = JoinSet::new();
    match tokio::net::TcpListener::from_std(tcp) {
        Ok(listener) => {
            accepting.spawn(entrance::tcp(listener, tls, queue.clone()));
        }
        Err(error) => tracing::error!(%error, "the gRPC listener is not usable"),
    }
    // The file is taken away when this is dropped, at the end.
    let _file = socket.map(|socket| {
        match tokio::net::UnixListener::from_std(socket.listener) {
            Ok(listener) => {
                accepting.spawn(entrance::socket(listener, queue.clone()));
            }
            Err(error) => tracing::error!(%error, "the Unix socket is not usable"),
        }
        socket.file
    });
    drop(queue);
    let incoming = ReceiverStream::new(connections).map(Ok::<_, std::io::Error>);
    let serving = router.serve_with_incoming_shutdown(incoming, ended(ending.clone()));
    let cut_off = async {
        ended(ending).await;
        tokio::time::sleep(limits::SHUTDOWN).await;
    };
    tokio::select! {
        done = serving => {
            if let Err(error) = done {
                tracing::error!(%error, "the gRPC server ended");
            }
        }
        () = cut_off => tracing::warn!("calls were still open at the end and have been cut off"),
    }
    accepting.abort_all();
}

async fn serve_plain(listener: TcpListener, shown: http::Shown) {
    let ending = shown.desk.ending.clone();
    let served = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => http::serve(listener, shown, ended(ending)).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "metrics and health are not served");
    }
}

async fn serve_webhook((listener, _, namespace, (tls, follower)): Webhook, desk: Desk, metrics: Metrics) {
    let ending = desk.ending.clone();
    tokio::spawn(follower.follow(metrics.clone()));
    let reviewer = admission::Reviewer::new(desk.handle, metrics.admission(), namespace);
    let served = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => admission::serve(listener, tls, reviewer, ended(ending)).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "the admission webhook is not served");
    }
}

async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone means the end as well.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// SERVING while cycles come as they should: the overall word and that of each service.
async fn look_after(reporter: HealthReporter, desk: Desk) {
    let mut ending = desk.ending.clone();
    loop {
        let stopping = *ending.borrow_and_update();
        let word = if desk.handle.status().ready && !stopping {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for service in [
            "",
            "plimsoll.v1.Query",
            "plimsoll.v1.Explain",
            "plimsoll.v1.Planner",
        ] {
            reporter.set_service_status(service, word).await;
        }
        // The levers work without a fresh picture.
        for service in ["plimsoll.v1.Control", "plimsoll.v1.Policies"] {
            let word = if stopping {
                ServingStatus::NotServing
            } else {
                ServingStatus::Serving
            };
            reporter.set_service_status(service, word).await;
        }
        if stopping {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(HEALTH_EVERY) => {}
            changed = ending.changed() => if changed.is_err() { return },
        }
    }
}

/// Tells now and then of certificates that are near their end, for as long as the runtime is there.
async fn tell_of_ends(certificates: Certificates) {
    loop {
        for alarm in certificates.alarms(certificates::now()) {
            tracing::warn!(%alarm, "certificates");
        }
        tokio::time::sleep(limits::CERTIFICATES_TOLD).await;
    }
}

/// Counts every record.
async fn feed(
    metrics: Metrics,
    mut records: broadcast::Receiver<Arc<CycleRecord>>,
    ending: watch::Receiver<bool>,
) {
    let counting = async {
        loop {
            match records.recv().await {
                Ok(record) => metrics.count(&record),
                Err(RecvError::Lagged(missed)) => metrics.missed(missed),
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = counting => {}
        () = ended(ending) => {}
    }
}
