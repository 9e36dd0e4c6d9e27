//! What makes an answer nonsense, checked natively as the host checks it (sdk/wit/hooks.wit), so that a policy's own
//! tests find it.
//!
//! Only what can be seen of an answer and its View; limits of memory, fuel and time are the host's.

use crate::{Holds, Prices, Replicas, Room, Verdicts, View};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Most replicas of a workload.
const REPLICAS: u32 = 1_000_000;
/// Most kinds of virtual pods in an answer, and most pods of all kinds together.
const KINDS: usize = 256;
const VIRTUAL_PODS: u64 = 10_000;
/// Largest addend, dollars per hour (and pod).
const ADDEND: f64 = 1_000_000.0;

impl Replicas {
    /// Whether the host would take this answer to this View.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, view: &View<'_>) -> Result<(), String> {
        once("workload row", self.rows.iter())?;
        within("workload", view.workload_count(), &self.rows)?;
        match self.wanted.iter().find(|wanted| **wanted > REPLICAS) {
            Some(wanted) => Err(format!("{wanted} replicas of one workload")),
            None => Ok(()),
        }
    }
}

impl Prices {
    /// Whether the host would take this answer to this View.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, view: &View<'_>) -> Result<(), String> {
        once("factor for set row", self.factor_sets.iter())?;
        once("ban of (class, set)", self.ban_classes.iter().zip(&self.ban_sets))?;
        once(
            "addend for (class, set)",
            self.add_classes.iter().zip(&self.add_sets),
        )?;
        for sets in [&self.factor_sets, &self.ban_sets, &self.add_sets] {
            within("set", view.set_count(), sets)?;
        }
        for classes in [&self.ban_classes, &self.add_classes] {
            within("class", view.class_count(), classes)?;
        }
        let wild = |factor: &&f64| !(0.001..=1000.0).contains(*factor);
        if let Some(factor) = self.factors.iter().find(wild) {
            return Err(format!("a factor of {factor}"));
        }
        addends(&self.add_usd)
    }
}

impl Verdicts {
    /// Whether the host would take this answer to this View.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, view: &View<'_>) -> Result<(), String> {
        once("denial of candidate row", self.denied.iter())?;
        once("addend for candidate row", self.add_candidates.iter())?;
        for rows in [&self.denied, &self.add_candidates] {
            within("candidate", view.candidate_count(), rows)?;
        }
        addends(&self.add_usd)
    }
}

impl Room {
    /// Whether the host would take this answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.counts.len() > KINDS {
            return Err(format!(
                "{} kinds of virtual pods; {KINDS} are allowed",
                self.counts.len()
            ));
        }
        if self
            .cpus
            .iter()
            .zip(&self.memories)
            .any(|asked| asked == (&0, &0))
        {
            return Err("virtual pods that ask for nothing".to_owned());
        }
        let pods: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        if pods > VIRTUAL_PODS {
            return Err(format!("{pods} virtual pods; {VIRTUAL_PODS} are allowed"));
        }
        Ok(())
    }
}

impl Holds {
    /// Whether the host would take this answer to this View.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, view: &View<'_>) -> Result<(), String> {
        once("hold of step row", self.rows.iter())?;
        within("step", view.step_count(), &self.rows)
    }
}

fn addends(usd: &[f64]) -> Result<(), String> {
    let wild = |usd: &&f64| !(-ADDEND..=ADDEND).contains(*usd);
    match usd.iter().find(wild) {
        Some(usd) => Err(format!("an addend of {usd} dollars per hour")),
        None => Ok(()),
    }
}

fn once<T: Ord + Copy + Debug>(what: &str, rows: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert(row) {
            return Err(format!("{what} {row:?} twice"));
        }
    }
    Ok(())
}

fn within(what: &str, there: u32, rows: &[u32]) -> Result<(), String> {
    match rows.iter().find(|row| **row >= there) {
        Some(row) => Err(format!("{what} row {row}; there are {there}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Candidate, Class, Picture, Set, Step, Workload};

    #[test]
    fn nonsense_is_found_natively() {
        let picture = Picture::new()
            .class(Class::default())
            .set(Set::default())
            .workload(Workload::default());
        // Rows beyond the tables come from a larger picture: nobody can make them up.
        let larger = Picture::new()
            .class(Class::default())
            .class(Class::default())
            .set(Set::default())
            .set(Set::default())
            .workload(Workload::default())
            .workload(Workload::default());
        let (view, other) = (picture.view(), larger.view());
        let (class, set) = (view.classes().next().unwrap(), view.sets().next().unwrap());
        let workload = view.workloads().next().unwrap();
        let (far_class, far_set) = (other.classes().nth(1).unwrap(), other.sets().nth(1).unwrap());
        let prices = |fill: &dyn Fn(&mut Prices)| {
            let mut prices = Prices::default();
            fill(&mut prices);
            prices.check(&view)
        };
        for (checked, wanted) in [
            (prices(&|p| p.factor(set, 1.1)), ""),
            (prices(&|p| p.factor(set, 0.0)), "a factor of 0"),
            (prices(&|p| p.factor(set, f64::NAN)), "a factor of NaN"),
            (
                prices(&|p| [1.0, 2.0].into_iter().for_each(|f| p.factor(set, f))),
                "factor for set row 0 twice",
            ),
            (prices(&|p| p.factor(far_set, 1.0)), "set row 1; there are 1"),
            (
                prices(&|p| p.forbid(far_class, set, 1)),
                "class row 1; there are 1",
            ),
            (
                prices(&|p| (0..2).for_each(|_| p.forbid(class, set, 1))),
                "ban of (class, set) (0, 0) twice",
            ),
            (prices(&|p| p.add(class, set, -1e6, 1)), ""),
            (
                prices(&|p| p.add(class, set, 1e7, 1)),
                "an addend of 10000000 dollars",
            ),
            (
                prices(&|p| p.add(class, set, f64::INFINITY, 1)),
                "an addend of inf",
            ),
            (
                prices(&|p| (0..2).for_each(|_| p.add(class, set, 1.0, 1))),
                "addend for (class, set) (0, 0) twice",
            ),
        ] {
            assert_eq!(checked.is_ok(), wanted.is_empty(), "{checked:?}");
            assert!(checked.err().unwrap_or_default().contains(wanted), "{wanted}");
        }
        let mut replicas = Replicas::default();
        replicas.set(workload, 1_000_000, 1);
        assert_eq!(replicas.check(&view), Ok(()));
        replicas.set(workload, 1, 1);
        assert!(replicas.check(&view).is_err());
        let mut many = Replicas::default();
        many.set(workload, 1_000_001, 1);
        assert!(many.check(&view).is_err());
    }

    #[test]
    fn verdicts_name_a_candidate_once() {
        let picture = Picture::new().candidate(Candidate::default());
        let larger = picture.clone().candidate(Candidate::default());
        let (view, other) = (picture.view(), larger.view());
        let (first, far) = (
            view.candidates().next().unwrap(),
            other.candidates().nth(1).unwrap(),
        );
        let mut verdicts = Verdicts::default();
        verdicts.deny(first, 1);
        verdicts.add(first, -1e6, 2);
        assert_eq!(verdicts.check(&view), Ok(()));
        assert_eq!(
            (verdicts.denial(0), verdicts.addend(0)),
            (Some(1), Some((-1e6, 2)))
        );
        let refused = |change: &dyn Fn(&mut Verdicts)| {
            let mut changed = verdicts.clone();
            change(&mut changed);
            changed.check(&view).unwrap_err()
        };
        for (why, expected) in [
            (refused(&|v| v.deny(first, 1)), "denial of candidate row 0 twice"),
            (
                refused(&|v| v.add(first, 0.0, 1)),
                "addend for candidate row 0 twice",
            ),
            (refused(&|v| v.deny(far, 1)), "candidate row 1; there are 1"),
            (refused(&|v| v.add_usd[0] = f64::NAN), "an addend of NaN"),
        ] {
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn holds_name_a_step_once() {
        let picture = Picture::new().step(Step::default());
        let larger = picture.clone().step(Step::default());
        let (view, other) = (picture.view(), larger.view());
        let mut holds = Holds::default();
        holds.hold(view.steps().next().unwrap(), 4);
        assert_eq!((holds.check(&view), holds.held(0)), (Ok(()), Some(4)));
        let mut twice = holds.clone();
        twice.hold(view.steps().next().unwrap(), 4);
        assert!(twice.check(&view).unwrap_err().contains("step row 0 twice"));
        holds.hold(other.steps().nth(1).unwrap(), 4);
        assert!(
            holds
                .check(&view)
                .unwrap_err()
                .contains("step row 1; there are 1")
        );
    }

    #[test]
    fn room_is_bounded_in_all() {
        let mut room = Room::default();
        room.keep(9_999, 1, 0, 0);
        room.keep(1, 0, 1, 0);
        assert_eq!(room.check(), Ok(()));
        let mut more = room.clone();
        more.keep(1, 1, 1, 0);
        assert!(more.check().unwrap_err().contains("10001 virtual pods"));
        room.keep(0, 0, 0, 0);
        assert!(room.check().unwrap_err().contains("ask for nothing"));
        let mut kinds = Room::default();
        (0..257).for_each(|_| kinds.keep(1, 1, 1, 0));
        assert!(kinds.check().unwrap_err().contains("257 kinds"));
    }
}
