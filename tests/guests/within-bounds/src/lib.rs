//! Scaler policy: every workload keeps its replicas, within its bounds. Decides nothing; one of the four examples that
//! every SDK has, with which speed is measured (sdk/conformance).

use plimsoll_sdk::{Replicas, Scaler, View, config, export_scaler};

/// The most that an answer may ask for.
const MOST: u32 = 1_000_000;

/// No configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithinBounds {}

impl Scaler for WithinBounds {
    fn configure(json: &str) -> Result<Self, String> {
        config(json)
    }

    fn scale(&self, view: &View<'_>) -> Result<Replicas, String> {
        let bounds = view.workload_min().iter().zip(view.workload_max());
        let rows = view.workload_replicas().iter().zip(bounds);
        Ok(Replicas::of_every(
            view,
            rows.map(|(now, (least, most))| (*now).max(*least).min(*most).min(MOST)),
        ))
    }
}

export_scaler!(WithinBounds);
