//! What a policy answers: one trait for each hook.
//!
//! Not here: how a policy becomes a component (`export_scaler!` and its like).

use crate::answers::{Holds, Prices, Replicas, Room, Verdicts};
use crate::view::View;

/// Answers the scaler hook: how many replicas each workload needs.
pub trait Scaler: Sized + 'static {
    /// Reads the operator's configuration, a JSON object. An error refuses the policy and names the mistake.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(json: &str) -> Result<Self, String>;

    /// Wanted replicas; a workload that is left out keeps what it has.
    ///
    /// # Errors
    /// Why it cannot answer; the built-in default answers instead.
    fn scale(&self, view: &View<'_>) -> Result<Replicas, String>;
}

/// Answers the placement hook: what places cost.
pub trait Placement: Sized + 'static {
    /// As `Scaler::configure`.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(json: &str) -> Result<Self, String>;

    /// Factors, bans and addends.
    ///
    /// # Errors
    /// Why it cannot answer; the built-in default answers instead.
    fn place(&self, view: &View<'_>) -> Result<Prices, String>;
}

/// Answers the headroom hook: how much room to keep free.
pub trait Headroom: Sized + 'static {
    /// As `Scaler::configure`.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(json: &str) -> Result<Self, String>;

    /// Virtual pods to keep room for.
    ///
    /// # Errors
    /// Why it cannot answer; the built-in default answers instead.
    fn reserve(&self, view: &View<'_>) -> Result<Room, String>;
}

/// Answers the disruption hook: which nodes may be given up.
pub trait Disruption: Sized + 'static {
    /// As `Scaler::configure`.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(json: &str) -> Result<Self, String>;

    /// Denials and addends.
    ///
    /// # Errors
    /// Why it cannot answer; nothing new is given up in this cycle.
    fn judge(&self, view: &View<'_>) -> Result<Verdicts, String>;
}

/// Answers the review hook: which steps of the finished plan wait.
pub trait Review: Sized + 'static {
    /// As `Scaler::configure`.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn configure(json: &str) -> Result<Self, String>;

    /// Steps that are not to be begun in this cycle.
    ///
    /// # Errors
    /// Why it cannot answer; nothing new shrinks in this cycle.
    fn review(&self, view: &View<'_>) -> Result<Holds, String>;
}
