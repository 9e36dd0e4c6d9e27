//! Requests to a registry that read: with limits of size and time, and a login where one is asked for. What a registry sends is
//! not believed here, only bounded; `fetch` holds it against digests.
//!
//! The OCI client answers the challenges, and writes (`publish`); it reads whole bodies of any size and does not tell
//! `Retry-After`, which is why reading is done here.

use crate::error::Fault;
use crate::login;
use crate::manifest::short;
use crate::reference::Reference;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderMap, Method};
use oci_client::RegistryOperation;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;
use tokio::sync::Mutex;

const CONNECT: Duration = Duration::from_secs(5);
/// Between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(15);
/// From a question to the last byte of its answer, where nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// What is read of an answer that only says why not.
const REFUSAL_BYTES: u64 = 4 << 10;
/// Longest patience that a registry may ask for.
const MOST_PATIENCE: Duration = Duration::from_hours(1);

/// Speaks to registries. Cheap to keep, and to be kept: it holds connections and logins.
pub struct Client {
    http: reqwest::Client,
    plain_http: bool,
    patience: Duration,
    /// What `Authorization` says for a repository.
    logins: Mutex<BTreeMap<String, String>>,
}

/// A question: what is asked of which artifact's repository.
pub(crate) struct Question<'a> {
    pub(crate) of: &'a Reference,
    /// `manifests/<tag or digest>`, `blobs/<digest>`, …
    pub(crate) path: &'a str,
    /// Media types that are understood.
    pub(crate) accept: &'a str,
    /// The longest body that is read, bytes.
    pub(crate) limit: u64,
}

impl Question<'_> {
    pub(crate) fn what(&self) -> String {
        format!("{}/{}: {}", self.of.registry(), self.of.repository(), self.path)
    }
}

/// An answer of any status but 401, 403 and 429.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client. Registries on this machine are asked without TLS, all others with it, or with `plain_http` without. No answer
    /// is waited for longer than `patience`.
    pub fn new(plain_http: bool, patience: Duration) -> Result<Self, Fault> {
        // Whoever embeds this may have installed it already; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE.min(patience))
            .timeout(patience)
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            http: http.map_err(|why| Fault::Unreachable {
                what: "the HTTP client".to_owned(),
                why: chain(&why),
            })?,
            plain_http,
            patience,
            logins: Mutex::default(),
        })
    }

    /// Asks; logs in where the registry wants that, once.
    pub(crate) async fn ask(&self, method: Method, question: &Question<'_>) -> Result<Answer, Fault> {
        let place = format!("{}/{}", question.of.registry(), question.of.repository());
        let known = self.logins.lock().await.get(&place).cloned();
        let first = self.once(&method, question, known.as_deref()).await?;
        let answer = if matches!(first.status, 401 | 403) {
            // ECR says 403 to a token that has expired.
            let login = self.log_in(question.of).await?;
            let again = self.once(&method, question, login.as_deref()).await?;
            let mut logins = self.logins.lock().await;
            match login {
                Some(login) if !matches!(again.status, 401 | 403) => logins.insert(place, login),
                _ => logins.remove(&place),
            };
            again
        } else {
            first
        };
        match answer.status {
            401 | 403 => Err(Fault::Unauthorized {
                what: question.what(),
                registry: question.of.registry().to_owned(),
                status: answer.status,
            }),
            429 | 503 => Err(Fault::Busy {
                what: question.what(),
                after: patience(&answer.headers),
            }),
            _ => Ok(answer),
        }
    }

    /// Asks for what must be there: any status but 200 is a fault.
    pub(crate) async fn get(&self, question: &Question<'_>) -> Result<Answer, Fault> {
        success(self.ask(Method::GET, question).await?, question)
    }

    async fn once(
        &self,
        method: &Method,
        question: &Question<'_>,
        login: Option<&str>,
    ) -> Result<Answer, Fault> {
        let scheme = if self.is_plain(question.of) {
            "http"
        } else {
            "https"
        };
        let (registry, repository) = (question.of.registry(), question.of.repository());
        let url = format!("{scheme}://{registry}/v2/{repository}/{}", question.path);
        let broken = |why: reqwest::Error| Fault::Unreachable {
            what: question.what(),
            why: chain(&why.without_url()),
        };
        let mut request = self
            .http
            .request(method.clone(), url)
            .header(ACCEPT, question.accept);
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login);
        }
        let response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let limit = if status == 200 {
            question.limit
        } else {
            REFUSAL_BYTES
        };
        let too_large = || Fault::TooLarge {
            what: question.what(),
            limit,
        };
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if *method == Method::HEAD {
            return Ok(Answer {
                status,
                headers,
                body: Vec::new(),
            });
        }
        if status == 200 && announced.is_some_and(|announced| announced > limit) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(broken)?);
            if body.len() as u64 > limit {
                if status == 200 {
                    return Err(too_large());
                }
                break;
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// What `Authorization` has to say there; `None` where nothing is asked for or there is nothing to say.
    async fn log_in(&self, of: &Reference) -> Result<Option<String>, Fault> {
        let (oci, login, target) = self.session(of).await?;
        let token = oci.auth(&target, &login, RegistryOperation::Pull).await;
        let token = token.map_err(|why| fault(of, "a token to pull", &why))?;
        Ok(match (token, login) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, RegistryAuth::Basic(name, password)) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
            }
            (None, _) => None,
        })
    }

    /// An OCI client for one registry, the login there, and the repository as it takes it.
    pub(crate) async fn session(
        &self,
        of: &Reference,
    ) -> Result<(oci_client::Client, RegistryAuth, oci_client::Reference), Fault> {
        let login = login::find(of.registry()).await?;
        let protocol = if self.is_plain(of) {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        };
        let config = ClientConfig {
            protocol,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE.min(self.patience)),
            user_agent: concat!("plimsoll/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let oci = oci_client::Client::try_from(config).map_err(|why| fault(of, "the OCI client", &why))?;
        Ok((oci, login, of.oci("any")))
    }

    fn is_plain(&self, of: &Reference) -> bool {
        self.plain_http || of.is_loopback()
    }
}

/// An answer of status 200, or what the other status means.
pub(crate) fn success(answer: Answer, question: &Question<'_>) -> Result<Answer, Fault> {
    match answer.status {
        200 => Ok(answer),
        404 => Err(Fault::Missing {
            what: question.what(),
        }),
        status => Err(Fault::Refused {
            what: question.what(),
            status,
            said: short(&String::from_utf8_lossy(&answer.body)),
        }),
    }
}

/// What the OCI client met.
pub(crate) fn fault(of: &Reference, doing: &str, why: &OciDistributionError) -> Fault {
    let what = format!("{}/{}: {doing}", of.registry(), of.repository());
    let status = match why {
        OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
            401
        }
        OciDistributionError::ServerError { code, .. } => *code,
        OciDistributionError::RequestError(why) => {
            return Fault::Unreachable {
                what,
                why: chain(why),
            };
        }
        _ => 0,
    };
    match (status, why) {
        (401 | 403, _) => Fault::Unauthorized {
            what,
            registry: of.registry().to_owned(),
            status,
        },
        (429 | 503, _) => Fault::Busy { what, after: None },
        (_, OciDistributionError::ServerError { message, .. }) => Fault::Refused {
            what,
            status,
            said: short(message),
        },
        (_, other) => Fault::Unreachable {
            what,
            why: short(&other.to_string()),
        },
    }
}

/// `Retry-After` in seconds; a date is not understood, and the usual rhythm does.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MOST_PATIENCE))
}

/// An error with its causes: the first alone says only that a request failed.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "timed out".to_owned()
    } else {
        error.to_string()
    };
    let mut cause = error.source();
    while let Some(why) = cause {
        text = format!("{text}: {why}");
        cause = why.source();
    }
    short(&text)
}
