//! Every limit of the listeners, in one place. tonic leaves most of them open; hyper, too, once tonic has passed
//! on its `None`.
//!
//! Behind them: Rapid Reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671), unbounded resets
//! (RUSTSEC-2024-0003), accept loops that spin on EMFILE, slow readers that hold memory.

use crate::crowd::Bounds;
use std::time::Duration;

/// Largest request message, compressed or not.
pub(crate) const REQUEST_BYTES: usize = 1 << 20;
/// Largest answer; lists come in pages so that they stay below.
pub(crate) const ANSWER_BYTES: usize = 4 << 20;
/// Streams of one connection.
pub(crate) const STREAMS: u32 = 64;
/// Streams that the peer reset before we accepted them (h2's own default, kept explicit).
pub(crate) const PENDING_RESETS: usize = 20;
/// Streams that we reset because the peer erred.
pub(crate) const LOCAL_RESETS: usize = 256;
/// Request headers of one stream.
pub(crate) const HEADER_BYTES: u32 = 16 << 10;
/// One HTTP/2 frame.
pub(crate) const FRAME_BYTES: u32 = 16 << 10;
/// Unread bytes of one stream.
pub(crate) const STREAM_WINDOW: u32 = 256 << 10;
/// Unread bytes of one connection.
pub(crate) const CONNECTION_WINDOW: u32 = 1 << 20;
/// Time for one call; a shorter `grpc-timeout` of the client counts. Streams: until their first message.
pub(crate) const CALL: Duration = Duration::from_secs(10);
/// Time for a what-if, which is a whole deliberation.
pub(crate) const WHAT_IF: Duration = Duration::from_secs(30);
/// Time for taking a component in: it is compiled.
pub(crate) const LOAD: Duration = Duration::from_mins(2);
/// Ping an idle peer this often …
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(30);
/// … and drop it when it has not answered for this long.
pub(crate) const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
/// A connection is asked to go after this long …
pub(crate) const CONNECTION_AGE: Duration = Duration::from_mins(30);
/// … and cut off after this long more.
pub(crate) const CONNECTION_GRACE: Duration = Duration::from_secs(30);
/// A connection that sends nothing at all (not even pings) for this long is closed.
pub(crate) const SILENCE: Duration = Duration::from_secs(90);
/// TLS handshake of a gRPC connection.
pub(crate) const TLS_HANDSHAKE: Duration = Duration::from_secs(5);
/// The first whole request of a gRPC connection, handshake and HTTP/2 preface included.
pub(crate) const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Calls of one connection at a time; more are turned away, not queued.
pub(crate) const CALLS_PER_CONNECTION: usize = 32;
/// Calls of `Control` of one connection at a time, beside those: a proxy brings many callers over one connection.
pub(crate) const LEVER_CALLS_PER_CONNECTION: usize = 4;
/// Calls at a time; more are turned away, not queued.
pub(crate) const CALLS: usize = 128;
/// Calls of `Control` at a time, beside those: a flood of questions never stands before the kill switch.
pub(crate) const LEVER_CALLS: usize = 8;
/// Calls at a time of what is open to everybody: health, reflection.
pub(crate) const OPEN_CALLS: usize = 32;
/// Calls of one identity per second, levers apart from questions …
pub(crate) const IDENTITY_RATE: u32 = 50;
/// … after so many at once.
pub(crate) const IDENTITY_BURST: u32 = 100;
/// Calls from one address per second, before anybody is asked who it is: several callers may share an address.
pub(crate) const PEER_RATE: u32 = 200;
/// … after so many at once.
pub(crate) const PEER_BURST: u32 = 400;
/// Identities, and addresses, whose rate is kept; beyond that the ones that rested longest are forgotten.
pub(crate) const RATES: usize = 4096;
/// Connections of the gRPC listener, by how much their callers have shown (`crowd.rs`).
pub(crate) const CONNECTIONS: Bounds = Bounds {
    newcomers: 128,
    newcomers_per_address: 16,
    known: 512,
    known_per_address: 64,
    known_of_loopback: 32,
};
/// Connections of the Unix socket: all callers are its owner, and the newest comes in.
pub(crate) const SOCKET_CONNECTIONS: Bounds = Bounds {
    newcomers: 16,
    newcomers_per_address: 16,
    known: 0,
    known_per_address: 0,
    known_of_loopback: 0,
};
/// Connections that wait to be accepted (the system may have fewer): where a flood fills this, a greeting is dropped and
/// made again a second later. The standard library asks for 128.
pub(crate) const BACKLOG: i32 = 4096;
/// Connections that wait for the server to take them up: it does so at once.
pub(crate) const CONNECTION_QUEUE: usize = 16;
/// Connections of the plain listener.
pub(crate) const HTTP_CONNECTIONS: usize = 64;
/// Of these, from one address that is not loopback: no peer keeps the kubelet's probes out.
pub(crate) const HTTP_CONNECTIONS_PER_PEER: usize = 8;
/// A connection of the plain listener ends after this long, however slowly its peer writes or reads.
pub(crate) const HTTP_CONNECTION_AGE: Duration = Duration::from_mins(2);
/// Connections of the webhook's listener: each API server keeps some.
pub(crate) const ADMISSION_CONNECTIONS: usize = 512;
/// Of these, from one address that is not loopback.
pub(crate) const ADMISSION_CONNECTIONS_PER_PEER: usize = 128;
/// The API server rests its connections for 90 s: ours end later, so that no review meets a closed one.
pub(crate) const ADMISSION_SILENCE: Duration = Duration::from_secs(150);
/// A connection of the webhook's listener ends after this long.
pub(crate) const ADMISSION_CONNECTION_AGE: Duration = Duration::from_hours(1);
/// TLS handshake with the webhook: the API server waits for 2 s in all.
pub(crate) const ADMISSION_HANDSHAKE: Duration = Duration::from_millis(1500);
/// A review: a pod has at most 1.5 MiB, and stands in it once.
pub(crate) const REVIEW_BYTES: usize = 3 << 20;
/// The bytes of a review come within this time.
pub(crate) const REVIEW_READ: Duration = Duration::from_millis(700);
/// Reviews at a time; more are let through without a look at their pods.
pub(crate) const REVIEWS: usize = 64;
/// A pod of which no plan knows is asked about for this long.
pub(crate) const UNSEEN: Duration = Duration::from_millis(5);
/// Rest after the system had no file descriptor left.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(50);
/// Watchers of cycles.
pub(crate) const WATCHERS: usize = 64;
/// Bytes of all watchers together that were made for them and not yet taken: room for eight of the largest messages.
pub(crate) const WATCH_BYTES: usize = 8 * ANSWER_BYTES;
/// A watcher that has not taken its message after this long is cut: others may be waiting for the room.
pub(crate) const WATCH_UNREAD: Duration = Duration::from_secs(20);
/// Rows of a page, at most.
pub(crate) const PAGE: u32 = 1000;
/// Rows of a page, unless asked otherwise.
pub(crate) const PAGE_DEFAULT: u32 = 100;
/// Pods named in one step.
pub(crate) const STEP_PODS: usize = 100;
/// Refusals, planned nodes and steps of one answer, each …
pub(crate) const CYCLE_ROWS: usize = 1000;
/// … and their bytes, together below `ANSWER_BYTES`: refusals, planned nodes, calls of policies.
pub(crate) const ROWS_BYTES: usize = 768 << 10;
/// Bytes of the steps of one answer.
pub(crate) const STEPS_BYTES: usize = 1536 << 10;
/// Bytes of a page of rows, or of an explanation.
pub(crate) const PAGE_BYTES: usize = 3 << 20;
/// What-ifs at a time: each is a deliberation of its own.
pub(crate) const WHAT_IFS: usize = 1;
/// Pods that a what-if may add.
pub(crate) const WHAT_IF_PODS: u32 = 100_000;
/// Entries of each list of a what-if.
pub(crate) const WHAT_IF_CHANGES: usize = 1000;
/// Labels, selectors or kinds of extended resources of one added pod.
pub(crate) const WHAT_IF_LABELS: usize = 64;
/// The name of an object, as Kubernetes has it.
pub(crate) const NAME_BYTES: usize = 253;
/// A namespace, and the value of a label.
pub(crate) const LABEL_BYTES: usize = 63;
/// The key of a label: a name of at most 63 bytes below a domain.
pub(crate) const LABEL_KEY_BYTES: usize = 253 + 1 + 63;
/// Reason given for a pause, in bytes.
pub(crate) const WHY_BYTES: usize = 256;
/// Bearer tokens, in bytes.
pub(crate) const TOKEN_BYTES: usize = 8 << 10;
/// Certificate files are looked at this often.
pub(crate) const CERTIFICATES_EVERY: Duration = Duration::from_secs(1);
/// A certificate that is near its end is told of this often.
pub(crate) const CERTIFICATES_TOLD: Duration = Duration::from_hours(24);
/// A PEM file.
pub(crate) const PEM_BYTES: u64 = 1 << 20;
/// Values of one metric label; further ones are counted as `other`.
pub(crate) const LABEL_VALUES: usize = 64;
/// Open calls may end within this time at shutdown.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(5);
