//! Placement policy: spot becomes dearer with every node that was lost and every refusal of late, and is left for what
//! else there is where there were too many. Classes that say so never go there.
//!
//! Losses are counted from what is seen: a spot node that the provider takes, or that is gone without having been
//! drained; an offer that begins to be barred for want of capacity. What was seen last is kept from cycle to cycle.
//! How often AWS says that a type is taken back within a month is the engine's business (`aims.spot`) and not counted
//! again.

mod kept;

use kept::Kept;
use plimsoll_sdk::{Class, Placement, Prices, Purchase, Set, View, config, export_placement};

/// Its pods, kind or namespace must not be interrupted.
pub const NEVER_ON_SPOT: u16 = 1;

/// Annotation of pods: `never` keeps them off spot.
const ANNOTATION: &str = "plimsoll.io/spot";
const MINUTE: u64 = 60_000;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpotWithFallback {
    /// How long a loss counts, minutes.
    window_minutes: u32,
    /// So much dearer with every loss within the window, percent.
    dearer_percent: u32,
    /// From so many losses within the window on, the group's spot is priced out; 0: never.
    give_up_after: u32,
    /// Prices of spot are multiplied by this while it is given up.
    given_up_factor: f64,
    /// Kinds of owners whose pods never go to spot.
    never_kinds: Vec<String>,
    /// Namespaces whose pods never go to spot.
    never_namespaces: Vec<String>,
}

impl Default for SpotWithFallback {
    fn default() -> Self {
        Self {
            window_minutes: 60,
            dearer_percent: 10,
            give_up_after: 5,
            given_up_factor: 20.0,
            never_kinds: Vec::new(),
            never_namespaces: Vec::new(),
        }
    }
}

impl Placement for SpotWithFallback {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        let checks = [
            (
                (1..=1440).contains(&policy.window_minutes),
                "window_minutes: 1 to 1440",
            ),
            (policy.dearer_percent <= 1000, "dearer_percent: 0 to 1000"),
            (
                (1.0..=1000.0).contains(&policy.given_up_factor),
                "given_up_factor: 1 to 1000",
            ),
            (
                !policy
                    .never_kinds
                    .iter()
                    .chain(&policy.never_namespaces)
                    .any(String::is_empty),
                "never_kinds, never_namespaces: an empty name",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, wanted)) => Err(wanted.to_owned()),
            None => Ok(policy),
        }
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let window = u64::from(self.window_minutes) * MINUTE;
        let kept = Kept::read(&view.state()).next(view, window);
        view.keep(kept.written().as_bytes());
        let mut prices = Prices::default();
        let spot: Vec<Set<'_>> = view
            .sets()
            .filter(|set| set.purchase() == Purchase::Spot)
            .collect();
        for set in &spot {
            let factor = self.factor(kept.losses(&set.group()));
            if factor > 1.0 {
                prices.factor(*set, factor);
            }
        }
        for class in view.classes().filter(|class| self.never(*class)) {
            for set in &spot {
                prices.forbid(class, *set, NEVER_ON_SPOT);
            }
        }
        Ok(prices)
    }
}

impl SpotWithFallback {
    /// What the prices of spot are multiplied by after so many losses.
    fn factor(&self, losses: u32) -> f64 {
        if self.give_up_after > 0 && losses >= self.give_up_after {
            return self.given_up_factor;
        }
        let dearer = 1.0 + f64::from(losses) * f64::from(self.dearer_percent) / 100.0;
        dearer.min(1000.0)
    }

    fn never(&self, class: Class<'_>) -> bool {
        let (kind, namespace) = (class.owner_kind(), class.namespace());
        class.annotation(ANNOTATION) == "never"
            || self.never_kinds.iter().any(|never| kind == never.as_str())
            || self
                .never_namespaces
                .iter()
                .any(|never| namespace == never.as_str())
    }
}

export_placement!(SpotWithFallback);

#[cfg(test)]
mod tests;
