//! Reaching a daemon, and what is said when that fails.

use crate::exit::{Exit, Unreadable};
use crate::output::say;
use anyhow::Context;
use proto::v1::control_client::ControlClient;
use proto::v1::explain_client::ExplainClient;
use proto::v1::planner_client::PlannerClient;
use proto::v1::policies_client::PoliciesClient;
use proto::v1::query_client::QueryClient;
use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

/// Where a daemon on this machine listens.
const DEFAULT_SERVER: &str = "127.0.0.1:7480";
const CONNECT: Duration = Duration::from_secs(5);
/// Time until an answer begins; the daemon gives itself 30 s for a what-if, its longest.
const ANSWER: Duration = Duration::from_secs(40);
/// A daemon that has nothing to say is asked this often whether it is there …
const KEEPALIVE: Duration = Duration::from_secs(20);
/// … and given up when it has not answered for this long.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
/// The same where the daemon compiles, which it gives two minutes.
const COMPILED: Duration = Duration::from_secs(130);
const ANSWER_BYTES: usize = 8 << 20;

/// How to reach the daemon, to be flattened into the arguments of a verb.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ServerArgs {
    /// Address of the daemon: `host:port`, `http://…`, `https://…`, or `unix:/path` of its socket; without TLS no token
    /// is sent beyond this machine.
    #[arg(long, value_name = "ADDR", env = "PLIMSOLL_SERVER", default_value = DEFAULT_SERVER)]
    server: String,
    /// Authority of the daemon's certificate, PEM; turns TLS on.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CA")]
    ca: Option<PathBuf>,
    /// File with a bearer token of the cluster.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

type Wire = InterceptedService<Channel, Token>;

/// A daemon that has been reached.
pub(crate) struct Remote {
    wire: Wire,
}

/// Adds the bearer token to every call.
#[derive(Clone)]
pub(crate) struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl ServerArgs {
    /// Connects.
    pub(crate) async fn reach(&self) -> anyhow::Result<Remote> {
        self.within(ANSWER).await
    }

    /// Connects for a call that takes the daemon long.
    pub(crate) async fn reach_for_long(&self) -> anyhow::Result<Remote> {
        self.within(COMPILED).await
    }

    async fn within(&self, answer: Duration) -> anyhow::Result<Remote> {
        let token = Token(self.token()?);
        let channel = self.endpoint()?.timeout(answer).connect().await.map_err(|error| {
            anyhow::anyhow!(
                "no daemon answers at {}: {}\nis plimsolld running? start one with `make demo KEEP=1`, or name \
                 another with --server",
                self.server,
                innermost(&error)
            )
        })?;
        Ok(Remote {
            wire: InterceptedService::new(channel, token),
        })
    }

    fn endpoint(&self) -> anyhow::Result<Endpoint> {
        if let Some(path) = self.server.strip_prefix("unix:") {
            return socket(path.strip_prefix("//").unwrap_or(path));
        }
        let (scheme, host) = match self.server.split_once("://") {
            Some((scheme @ ("http" | "https"), host)) => (scheme, host),
            Some((scheme, _)) => {
                return Err(Unreadable::new(format_args!(
                    "--server: {scheme}:// is not spoken here; http://, https:// and unix: are"
                ))
                .into());
            }
            None if self.ca.is_some() => ("https", self.server.as_str()),
            None => ("http", self.server.as_str()),
        };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{host}"))
            .map_err(|_| Unreadable::new(format_args!("--server: {:?} is not an address", self.server)))?;
        let endpoint = patient(endpoint)?;
        if scheme == "http" {
            if self.token_file.is_some() && !is_loopback(&endpoint) {
                return Err(Unreadable::new(format_args!(
                    "--token-file: the token would go in the clear to {host}: name the authority of the daemon's \
                     certificate with --ca, for https://"
                ))
                .into());
            }
            return Ok(endpoint);
        }
        let file = self.ca.as_ref().ok_or_else(|| {
            Unreadable::new("--ca: the authority of the daemon's certificate is wanted for https://")
        })?;
        let pem = std::fs::read(file)
            .map_err(|error| Unreadable::new(format_args!("--ca: {}: {error}", file.display())))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        Ok(endpoint
            .tls_config(tls)
            .map_err(|error| Unreadable::new(format_args!("--ca: {}", innermost(&error))))?)
    }

    fn token(&self) -> anyhow::Result<Option<MetadataValue<Ascii>>> {
        let Some(file) = &self.token_file else {
            return Ok(None);
        };
        let wrong = |why: &dyn std::fmt::Display| {
            Unreadable::new(format_args!("--token-file: {}: {why}", file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", text.trim())
            .parse()
            .map_err(|_| wrong(&"is not a token"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// The daemon's Unix socket: the file says who may.
fn socket(path: &str) -> anyhow::Result<Endpoint> {
    if !path.starts_with('/') {
        return Err(Unreadable::new(format_args!(
            "--server: unix:{path}: the whole path of a socket is wanted, as in unix:/run/plimsoll/grpc.sock"
        ))
        .into());
    }
    let endpoint = Endpoint::from_shared(format!("unix:{path}"))
        .map_err(|_| Unreadable::new(format_args!("--server: unix:{path} is not a path")))?;
    patient(endpoint)
}

/// With the times that are given to connecting and answering.
fn patient(endpoint: Endpoint) -> anyhow::Result<Endpoint> {
    Ok(endpoint
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .keep_alive_while_idle(true)
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))?)
}

/// Whether calls stay on this machine.
fn is_loopback(endpoint: &Endpoint) -> bool {
    let host = endpoint.uri().host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl Remote {
    pub(crate) fn query(&self) -> QueryClient<Wire> {
        QueryClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    pub(crate) fn explain(&self) -> ExplainClient<Wire> {
        ExplainClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    pub(crate) fn planner(&self) -> PlannerClient<Wire> {
        PlannerClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    pub(crate) fn policies(&self) -> PoliciesClient<Wire> {
        PoliciesClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    pub(crate) fn control(&self) -> ControlClient<Wire> {
        ControlClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }
}

/// A runtime for one conversation.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")
}

/// The daemon's refusals as exit codes: 1 for what it does not have or does not allow, 2 for what it cannot
/// read, 3 for the rest.
pub(crate) fn ended(done: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let error = match done {
        Ok(exit) => return Ok(exit),
        Err(error) => error,
    };
    let Some(status) = error.downcast_ref::<Status>() else {
        return Err(error);
    };
    let said = status.message();
    match status.code() {
        Code::NotFound => {
            say(said);
            Ok(Exit::No)
        }
        Code::PermissionDenied | Code::Unauthenticated => {
            say(format_args!("the daemon refuses: {said}"));
            Ok(Exit::No)
        }
        Code::InvalidArgument | Code::OutOfRange => Err(Unreadable::new(said).into()),
        code => Err(anyhow::anyhow!("the daemon answers {code:?}: {said}")),
    }
}

/// The cause that says most: outer ones only say `transport error`.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_leaves_the_machine_in_the_clear() {
        for (server, taken) in [
            ("127.0.0.1:7480", true),
            ("localhost:7480", true),
            ("[::1]:7480", true),
            ("http://127.0.0.2:7480", true),
            ("10.0.0.1:7480", false),
            ("http://plimsolld.plimsoll:7480", false),
            ("127.0.0.1.example.com:7480", false),
            ("localhost.example.com:7480", false),
            ("http://[fe80::1]:7480", false),
            ("unix:/run/plimsoll/grpc.sock", true),
            ("unix:///run/plimsoll/grpc.sock", true),
        ] {
            let mut args = ServerArgs {
                server: server.to_owned(),
                ca: None,
                token_file: Some("token".into()),
            };
            let endpoint = args.endpoint();
            assert_eq!(endpoint.is_ok(), taken, "{server}");
            if let Err(error) = endpoint {
                assert_eq!(Exit::of(&error), Exit::Usage);
            }
            args.token_file = None;
            assert!(args.endpoint().is_ok(), "{server} without a token");
        }
    }
}
