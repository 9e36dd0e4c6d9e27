//! Policies, aims, ledger, logbook, listeners and logs of a configuration.

use super::ends::Provider;
use super::images::{self, Images};
use super::limits::{self, PolicyHost};
use super::{lifecycle, rules, values};
use manifest::{At, Problem, Problems};
use model::advice::PolicyMode;
use model::{Aims, PolicyName, Span};
use serde_json::Value;
use serve::TlsFiles;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where a daemon on this machine listens; the command line's default, too.
const GRPC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7480);
const HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7481);

/// Where the folder of policies may be given instead.
const POLICIES_DIR: &str = "PLIMSOLL_POLICIES_DIR";

/// Where the ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LedgerAt {
    /// In memory: forgotten at the end, for simulated worlds.
    Memory,
    /// In a folder.
    Folder(PathBuf),
    /// In a ConfigMap.
    ConfigMap {
        /// Its namespace; `None`: that of the daemon's pod.
        namespace: Option<String>,
    },
}

/// Where records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogbookAt {
    /// Folder of the segment files.
    pub(crate) dir: PathBuf,
    /// Size of all of them together.
    pub(crate) max_mib: u32,
    /// Age of the oldest.
    pub(crate) max_age: Span,
}

/// Logs of the daemon itself, on standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// Form of a line.
    pub(crate) format: LogFormat,
    /// `info`, or directives such as `info,kube=warn`.
    pub(crate) level: String,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// Fields of a policy.
const FIELDS: [&str; 10] = [
    "name", "file", "rule", "mode", "trust", "config", "canary", "promote", "guards", "limits",
];

/// Policies in the order they are asked.
pub(crate) fn policies(
    top: At<'_, '_>,
    whole: &Value,
    (host, images): (&PolicyHost, &mut Images),
) -> Vec<host::Source> {
    let dir = std::env::var_os(POLICIES_DIR)
        .map(PathBuf::from)
        .or_else(|| values::path(top.get("policies_dir")))
        .unwrap_or_default();
    let mut names = BTreeSet::new();
    let mut sources = Vec::new();
    for (ix, at) in top.get("policies").items().enumerate() {
        at.only(&[&FIELDS[..], &images::FIELDS].concat());
        let mode = values::word(at.get("mode"), &lifecycle::MODES, PolicyMode::Shadow);
        let name = at.get("name").name().unwrap_or_default();
        if !name.is_empty() && !names.insert(name) {
            at.get("name")
                .problem(format_args!("{name:?} is the name of another policy already"));
        }
        if name == "built-in" {
            at.get("name")
                .problem("is the name of what stands in for a policy that fails");
        }
        let config = policy_config(at.get("config"), whole, ix);
        let text = rules::text(at, &config);
        let path = match &text {
            Some(_) => rules::path(name),
            None => policy_file(at, name, &dir, images),
        };
        sources.push(host::Source {
            name: PolicyName::new(name),
            path,
            text,
            mode,
            scope: lifecycle::scope(at, mode),
            config,
            limits: Some(limits::of_policy(at.get("limits"), host)),
            before: at.get("image").is_there().then(|| images.before(name)),
            vouch: None,
        });
    }
    sources
}

/// The document as JSON, with everything in it: what a policy is told is handed on as it stands, also under keys
/// that `manifest` does not read (`env`, `args` …).
pub(crate) fn json(file: &str, bytes: &[u8]) -> Result<Value, Problems> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    // As `manifest` reads: only true and false are booleans, and what JSON has no number for is text.
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text.trim_start_matches('\u{feff}'), options).map_err(|error| {
        let what = error.to_string();
        let what = what.lines().next().unwrap_or_default();
        Problems::from(problem(
            file,
            "policies",
            format!("cannot be handed on as JSON: {what}"),
        ))
    })
}

/// Where a component lies, or will lie once it has come from a registry.
fn policy_file(at: At<'_, '_>, name: &str, dir: &Path, images: &mut Images) -> PathBuf {
    if at.get("image").is_there() {
        return images.follow(name, at);
    }
    for field in images::FIELDS {
        if at.get(field).is_there() {
            at.get(field).problem("is for policies with an image");
        }
    }
    dir.join(at.get("file").name().unwrap_or_default())
}

fn policy_config(at: At<'_, '_>, whole: &Value, ix: usize) -> String {
    if !at.is_there() {
        return String::new();
    }
    // Says what is wrong where it is no mapping.
    let _ = at.entries();
    let value = whole.get("policies").and_then(|list| list.get(ix)?.get("config"));
    value.map(ToString::to_string).unwrap_or_default()
}

/// A problem of a field.
pub(crate) fn problem(file: &str, path: &str, what: String) -> Problem {
    Problem {
        file: file.to_owned(),
        line: None,
        object: String::new(),
        path: path.to_owned(),
        what,
    }
}

/// Aims in a file of their own, with its bytes: who follows the file compares with what is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AimsFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its bytes as they were read for the configuration.
    pub(crate) bytes: Vec<u8>,
}

/// The file that `aims_file` names, unless aims stand here as well, which `aims` says.
pub(crate) fn aims_file(top: At<'_, '_>, outside: &mut Problems) -> Option<AimsFile> {
    let path = values::path(top.get("aims_file"))?;
    if top.get("aims").is_there() {
        return None;
    }
    match super::bounded(&path, super::MAX_BYTES) {
        Ok(bytes) => Some(AimsFile { path, bytes }),
        Err(why) => {
            outside.push(problem(&path.display().to_string(), "", why));
            None
        }
    }
}

/// Aims that stand here or in a file of their own.
pub(crate) fn aims(
    top: At<'_, '_>,
    file: &str,
    own_file: Option<&AimsFile>,
    outside: &mut Problems,
) -> Option<Aims> {
    let here = top.get("aims");
    if here.is_there() && top.get("aims_file").is_there() {
        here.problem("stands here, and aims_file names a file: one of the two");
        return None;
    }
    let read = match (here.tree(), own_file) {
        (_, Some(own)) => manifest::aims(&own.path.display().to_string(), &own.bytes),
        (Some(tree), None) if here.is_there() => manifest::aims_from(file, "aims", tree),
        _ => return None,
    };
    read.map_err(|problems| outside.extend(problems)).ok()
}

/// Where the ledger is kept; by default as durably as the provider deserves.
pub(crate) fn ledger(at: At<'_, '_>, provider: &Provider) -> LedgerAt {
    at.only(&["folder", "configmap"]);
    let folder = values::path(at.get("folder"));
    let map = at.get("configmap");
    map.only(&["namespace"]);
    match (folder, map.is_there()) {
        (Some(_), true) => {
            at.problem("folder and configmap stand here: one of the two");
            LedgerAt::Memory
        }
        (Some(folder), false) => LedgerAt::Folder(folder),
        (None, true) => LedgerAt::ConfigMap {
            namespace: map.get("namespace").text().map(str::to_owned),
        },
        (None, false) if matches!(provider, Provider::Simulated(_)) => LedgerAt::Memory,
        (None, false) => LedgerAt::ConfigMap { namespace: None },
    }
}

/// Where records are written.
pub(crate) fn logbook(at: At<'_, '_>) -> Option<LogbookAt> {
    at.only(&["dir", "max_mib", "max_age"]);
    if !at.is_there() {
        return None;
    }
    Some(LogbookAt {
        dir: at.get("dir").name().unwrap_or_default().into(),
        max_mib: values::count(at.get("max_mib"), 512, 16, 1 << 20),
        max_age: values::span(
            at.get("max_age"),
            Span::from_secs(7 * 86_400),
            Span::from_secs(60),
        ),
    })
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Callers on loopback may do everything, without a token.
    pub(crate) trust_loopback: bool,
    /// Audiences that a token must be meant for; empty: those of the API server.
    pub(crate) audiences: Vec<String>,
}

/// Who is let in. A simulated world has no cluster that could say who somebody is.
pub(crate) fn access(top: At<'_, '_>, provider: &Provider) -> Access {
    const NOBODY: &str = "a simulated world has no cluster that knows tokens: nobody could be let in";
    let (grpc, metrics) = (top.get("grpc"), top.get("http").get("authorise"));
    let trust = grpc.get("trust_loopback");
    let access = Access {
        trust_loopback: !trust.is_there() || trust.flag(),
        audiences: grpc
            .get("audiences")
            .items()
            .filter_map(|at| at.name().map(str::to_owned))
            .collect(),
    };
    if matches!(provider, Provider::Simulated(_)) {
        if !access.trust_loopback {
            trust.problem(NOBODY);
        }
        if metrics.flag() {
            metrics.problem(NOBODY);
        }
    }
    access
}

/// Listeners; gRPC in the clear outside loopback is refused here already.
pub(crate) fn listeners(top: At<'_, '_>) -> serve::Options {
    let grpc = top.get("grpc");
    grpc.only(&[
        "bind",
        "tls",
        "socket",
        "reflection",
        "trust_loopback",
        "audiences",
    ]);
    let tls = grpc.get("tls");
    tls.only(&["certificate", "key", "client_ca"]);
    let http = top.get("http");
    http.only(&["bind", "enabled", "authorise"]);
    let address = "an address and a port, as in 127.0.0.1:7480";
    let options = serve::Options {
        grpc: values::parsed(grpc.get("bind"), address).unwrap_or(GRPC),
        tls: tls.is_there().then(|| TlsFiles {
            certificate: tls.get("certificate").name().unwrap_or_default().into(),
            key: tls.get("key").name().unwrap_or_default().into(),
            client_ca: values::path(tls.get("client_ca")),
        }),
        socket: values::path(grpc.get("socket")),
        reflection: grpc.get("reflection").flag(),
        http: (!http.get("enabled").is_there() || http.get("enabled").flag())
            .then(|| values::parsed(http.get("bind"), address).unwrap_or(HTTP)),
        authorise_metrics: http.get("authorise").flag(),
        // Of the namespace that the daemon is in: `admission` of a live cluster.
        admission: None,
    };
    if let Err(error) = options.check() {
        let text = error.to_string();
        grpc.get("bind")
            .problem(text.strip_prefix("grpc.bind: ").unwrap_or(&text));
    }
    options
}

/// Logs of the daemon itself.
pub(crate) fn log(at: At<'_, '_>) -> Log {
    at.only(&["format", "level"]);
    let level = at.get("level").text().unwrap_or("info");
    if tracing_subscriber::EnvFilter::builder().parse(level).is_err() {
        at.get("level").problem(format_args!(
            "{level:?}: must be error, warn, info, debug, trace, or directives as in info,kube=warn"
        ));
    }
    Log {
        format: values::word(
            at.get("format"),
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            LogFormat::Text,
        ),
        level: level.to_owned(),
    }
}
