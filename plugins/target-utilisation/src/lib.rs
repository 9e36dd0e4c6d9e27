//! Scaler policy: keeps each workload's metric at its target, as the Horizontal Pod Autoscaler does.
//!
//! Replicas in proportion to value ÷ target, unless the ratio is within a tolerance; downward no further than the
//! highest recommendation of the last five minutes. A missing or old value never means zero: the workload is left out.
//! Which workloads it may touch at all is the engine's business, not this policy's.

use plimsoll_sdk::{Replicas, Scaler, View, Workload, config, export_scaler};
use std::cmp::Ordering;

/// Above the target.
pub const UP: u16 = 1;
/// Below the target.
pub const DOWN: u16 = 2;
/// Within the tolerance, or held by a recent higher recommendation.
pub const STEADY: u16 = 3;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetUtilisation {
    /// Deviation from the target that is put up with, percent.
    tolerance_percent: f64,
    /// Values older than this are not believed, seconds.
    max_age_seconds: u32,
}

impl Default for TargetUtilisation {
    fn default() -> Self {
        Self {
            tolerance_percent: 10.0,
            max_age_seconds: 120,
        }
    }
}

impl Scaler for TargetUtilisation {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if (0.0..100.0).contains(&policy.tolerance_percent) {
            Ok(policy)
        } else {
            Err("tolerance_percent must be at least 0 and below 100".to_owned())
        }
    }

    fn scale(&self, view: &View<'_>) -> Result<Replicas, String> {
        let mut answer = Replicas::default();
        for workload in view.workloads() {
            if let Some((wanted, code)) = self.wanted(workload) {
                answer.set(workload, wanted, code);
            }
        }
        Ok(answer)
    }
}

impl TargetUtilisation {
    fn wanted(&self, workload: Workload<'_>) -> Option<(u32, u16)> {
        let value = workload
            .value()
            .filter(|_| workload.age_ms() / 1000 <= self.max_age_seconds)?;
        // `cpu` and `memory` aim at a share of what one pod requests, everything else at an amount per replica.
        let share = workload.metric() == "cpu" || workload.metric() == "memory";
        let per_pod = workload.target() * if share { workload.request() } else { 1.0 };
        let (now, measured) = (workload.replicas(), workload.pods());
        if per_pod <= 0.0 || measured == 0 || now == 0 {
            return None;
        }
        // Replicas without a value count as idle when growing and as on target when shrinking.
        let growing = value > per_pod * f64::from(measured);
        let unknown = if growing {
            0.0
        } else {
            f64::from(now.saturating_sub(measured))
        };
        let ideal = value / per_pod + unknown;
        let ratio = ideal / f64::from(now.max(measured));
        if (ratio - 1.0).abs() <= self.tolerance_percent / 100.0 || (ratio > 1.0) != growing {
            return Some((now, STEADY));
        }
        let floor = if growing {
            now
        } else {
            workload.recent_max().min(now)
        };
        let wanted = whole(ideal)
            .max(floor)
            .clamp(workload.min(), workload.max().max(workload.min()));
        let code = match wanted.cmp(&now) {
            Ordering::Greater => UP,
            Ordering::Less => DOWN,
            Ordering::Equal => STEADY,
        };
        Some((wanted, code))
    }
}

/// Rounds up, but not for what is only the inexactness of a division.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped first"
)]
fn whole(replicas: f64) -> u32 {
    (replicas - 1e-9).ceil().clamp(0.0, 1e6) as u32
}

export_scaler!(TargetUtilisation);

#[cfg(test)]
mod tests;
