//! A daemon that knows one thing: a cycle every fifty milliseconds.

use proto::v1;
use proto::v1::query_server::{Query, QueryServer};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::codegen::tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Serves until it is dropped.
pub(crate) struct Daemon {
    pub(crate) address: String,
    streams: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Daemon {
    /// Connections end after `age`, and are cut off after as long again.
    pub(crate) fn start(age: Option<Duration>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let streams = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let cycles = Cycles(Arc::clone(&streams));
        let thread = std::thread::spawn(move || serve(listener, cycles, age, stopped));
        Self {
            address,
            streams,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Streams that were opened.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: TcpListener, cycles: Cycles, age: Option<Duration>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut server = tonic::transport::Server::builder();
        if let Some(age) = age {
            server = server.max_connection_age(age).max_connection_age_grace(age);
        }
        let serving = server
            .add_service(QueryServer::new(cycles))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::select! {
            done = serving => done.unwrap(),
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}

struct Cycles(Arc<AtomicUsize>);

type Answer<T> = Result<Response<T>, Status>;

macro_rules! unknown {
    ($($name:ident: $request:ident -> $answer:ident,)*) => {
        #[tonic::async_trait]
        impl Query for Cycles {
            $(async fn $name(&self, _: Request<v1::$request>) -> Answer<v1::$answer> {
                Err(Status::unimplemented("a made-up daemon"))
            })*

            type WatchCyclesStream = Pin<Box<dyn Stream<Item = Result<v1::Cycle, Status>> + Send>>;

            async fn watch_cycles(&self, _: Request<v1::WatchCyclesRequest>) -> Answer<Self::WatchCyclesStream> {
                self.0.fetch_add(1, Ordering::Relaxed);
                let (sender, receiver) = tokio::sync::mpsc::channel(1);
                tokio::spawn(async move {
                    for number in 1.. {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        let cycle = v1::Cycle { number, ..v1::Cycle::default() };
                        if sender.send(cycle).await.is_err() {
                            return;
                        }
                    }
                });
                Ok(Response::new(Box::pin(ReceiverStream::new(receiver).map(Ok))))
            }
        }
    };
}

unknown!(
    get_summary: GetSummaryRequest -> Summary,
    list_groups: ListGroupsRequest -> ListGroupsResponse,
    list_offers: ListOffersRequest -> ListOffersResponse,
    list_nodes: ListNodesRequest -> ListNodesResponse,
    list_workloads: ListWorkloadsRequest -> ListWorkloadsResponse,
    list_pods: ListPodsRequest -> ListPodsResponse,
    get_cycle: GetCycleRequest -> Cycle,
    list_cycles: ListCyclesRequest -> ListCyclesResponse,
    get_ecs: GetEcsRequest -> GetEcsResponse,
);
