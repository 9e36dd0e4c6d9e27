//! Placement at admission: off, by the webhook, or by the API server's own policy.

use super::ends::Provider;
use super::values;
use manifest::At;
use model::Span;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where the webhook listens: the API server comes from outside the pod.
const BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 7482);
/// Shorter lives are for tests, and no shorter than a certificate can be told.
const SHORTEST: Span = Span::from_secs(3);

/// Who sets the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdmissionMode {
    /// Nobody.
    Off,
    /// The daemon, asked for every pod.
    Webhook,
    /// The API server, by a table that the daemon keeps (Kubernetes 1.36 or newer).
    Policy,
}

/// Placement at admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Who sets the labels.
    pub(crate) mode: AdmissionMode,
    /// Where the webhook listens.
    pub(crate) bind: SocketAddr,
    /// Name of the Service by which the API server finds it.
    pub(crate) service: String,
    /// Authority that the API server's certificate must come from; `None`: it shows none.
    pub(crate) client_ca: Option<PathBuf>,
    /// How long its roots live.
    pub(crate) authority: Span,
    /// How long its certificates live.
    pub(crate) certificate: Span,
}

/// Reads it. A simulated world has no API server that could ask.
pub(crate) fn admission(at: At<'_, '_>, provider: &Provider) -> Admission {
    at.only(&["mode", "bind", "service", "client_ca", "certificates"]);
    let lives = at.get("certificates");
    lives.only(&["authority", "leaf"]);
    let modes = [
        ("off", AdmissionMode::Off),
        ("webhook", AdmissionMode::Webhook),
        ("policy", AdmissionMode::Policy),
    ];
    let mode = values::word(at.get("mode"), &modes, AdmissionMode::Off);
    if mode != AdmissionMode::Off && matches!(provider, Provider::Simulated(_)) {
        at.get("mode")
            .problem("a simulated world has no API server that could ask: must be off");
    }
    let days = |days: i64| Span::from_secs(days * 86_400);
    let certificate = values::span(lives.get("leaf"), days(30), SHORTEST);
    let authority = values::span(lives.get("authority"), days(365), SHORTEST);
    if certificate > authority {
        lives.get("leaf").problem(format_args!(
            "{certificate}: is longer than that of the authority, {authority}"
        ));
    }
    let address = "an address and a port, as in 0.0.0.0:7482";
    Admission {
        mode,
        bind: values::parsed(at.get("bind"), address).unwrap_or(BIND),
        service: at.get("service").text().unwrap_or("plimsoll").to_owned(),
        client_ca: values::path(at.get("client_ca")),
        authority,
        certificate,
    }
}
