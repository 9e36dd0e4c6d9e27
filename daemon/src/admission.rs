//! What stands around placement at admission in a live cluster: the webhook's certificates and the trust in them, or
//! the table for the API server's own policy.
//!
//! The objects themselves (MutatingWebhookConfiguration, MutatingAdmissionPolicy and its binding) are the chart's, so
//! that they go when the mode changes. Kept here: the webhook's `caBundle`, and the policy's table. Not here: what is
//! placed where (`cycle`), the webhook (`serve`).

mod authority;
mod objects;
mod table;
mod trust;

use crate::config;
use crate::signals::Signals;
use authority::Lives;
use cycle::Handle;
use kube::Client;
use objects::Objects;
use serve::Admitting;
use std::time::Duration;

/// The table is compared this often.
const TABLE_EVERY: Duration = Duration::from_secs(1);

/// Keeps the webhook's certificate good and trusted until the daemon ends.
pub(crate) async fn keep_trusted(
    (client, namespace): (Client, String),
    settings: config::Admission,
    admitting: Admitting,
    signals: Signals,
) {
    let objects = Objects::new(client, &namespace);
    let lives = Lives {
        authority: settings.authority.millis() / 1000,
        leaf: settings.certificate.millis() / 1000,
    };
    let mut keeper = trust::Keeper::new(objects, (&settings.service, &namespace), lives, admitting.keys);
    let rhythm = keeper.rhythm();
    loop {
        if let Err(error) = keeper.round().await {
            tracing::warn!(%error, "the webhook's certificate could not be looked after; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(rhythm) => {}
            () = signals.ended() => return,
        }
    }
}

/// Keeps the policy's table as the last plans have it until the daemon ends, and empties it then: nothing is placed by
/// a table that nobody keeps.
pub(crate) async fn keep_table((client, namespace): (Client, String), handle: Handle, signals: Signals) {
    let objects = Objects::new(client, &namespace);
    let mut written = None;
    loop {
        let wanted = table::of(&handle.placed());
        if written.as_ref() != Some(&wanted) {
            match objects.apply_table(&wanted).await {
                Ok(()) => {
                    tracing::info!(rows = wanted.len(), "the admission policy has a new table");
                    written = Some(wanted);
                }
                Err(error) => {
                    tracing::warn!(%error, "the admission policy's table could not be written; it is tried again");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TABLE_EVERY) => {}
            () = signals.ended() => break,
        }
    }
    if let Err(error) = objects.apply_table(&table::Table::default()).await {
        tracing::warn!(%error, "the admission policy keeps its table while the daemon is away");
    }
}
