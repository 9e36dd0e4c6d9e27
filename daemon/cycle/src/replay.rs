//! Deciding a record again: the same function, fed with what was recorded.
//!
//! Nothing is looked at and nothing is carried out. Reading logs, loading components and printing are the
//! work of the caller.

use decide::{Advised, Policy, PolicyEntry, PolicySet, View};
use logbook::{CycleRecord, Difference, PolicyUse, difference};
use model::advice::{Hook, PolicyCall, PolicyFault};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Loads the component of a policy that was in force; `None` where its bytes are not known.
pub type Load<'a> = dyn FnMut(&PolicyUse) -> Option<Arc<dyn Policy>> + 'a;

/// A policy that answers as it was recorded to have answered. With its component at hand the component
/// answers, except where the wall clock cut it off: that is not in the component, so the record has the word.
struct Recorded {
    hooks: Vec<Hook>,
    calls: Vec<PolicyCall>,
    component: Option<Arc<dyn Policy>>,
}

/// The policies of a record, in the order they were asked.
pub fn policies_of(record: &CycleRecord, load: &mut Load<'_>) -> PolicySet {
    let entries = record.policies.iter().map(|policy| {
        let calls: Vec<PolicyCall> = record
            .notes
            .calls
            .iter()
            .filter(|call| call.policy == policy.name)
            .cloned()
            .collect();
        let component = load(policy);
        let called: BTreeSet<Hook> = calls.iter().map(|call| call.hook).collect();
        let hooks = component.as_ref().map_or_else(
            || called.into_iter().collect(),
            |component| component.hooks().to_vec(),
        );
        PolicyEntry {
            name: policy.name.clone(),
            digest: policy.digest.clone(),
            mode: policy.mode,
            scope: policy.scope.clone(),
            policy: Arc::new(Recorded {
                hooks,
                calls,
                component,
            }),
        }
    });
    PolicySet {
        entries: entries.collect(),
    }
}

/// Decides again and compares the bytes of the plans. `Ok`: identical; else what differs.
pub fn decide_again(record: &CycleRecord, policies: &PolicySet) -> Result<(), Vec<Difference>> {
    let again = decide::deliberate(&record.snapshot, &record.memory, policies, &record.aims);
    // Equal values are equal bytes: every map in a plan is ordered, every number an integer.
    if again.plan == record.plan {
        return Ok(());
    }
    Err(difference(&record.plan, &again.plan))
}

impl Policy for Recorded {
    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        let call = self.calls.iter().find(|call| call.hook == view.hook);
        let cut_off = call.is_some_and(|call| matches!(call.answer, Err(PolicyFault::Deadline { .. })));
        match (&self.component, call) {
            (Some(component), _) if !cut_off => component.advise(view, kept),
            (_, Some(call)) => Advised {
                answer: call.answer.clone(),
                fuel: call.fuel,
                log: call.log.clone(),
                kept: call.kept.clone(),
            },
            (_, None) => Advised {
                answer: Err(PolicyFault::Declined("no answer was recorded".to_owned())),
                fuel: 0,
                log: Vec::new(),
                kept: None,
            },
        }
    }
}
