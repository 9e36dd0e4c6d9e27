//! What policies said about a workload or a class of pods, one by one, and what it comes to together.
//!
//! Denials of disruption and holds of reviews are not here: the refusal and the verdict name them.

use super::answer::{Answer, FactKind};
use model::advice::Advice;
use model::standing::ScalerRule;
use model::{UsdPerHour, WorkloadKey};
use std::collections::BTreeMap;

/// What scalers said about a workload, and whose number counts.
pub(super) fn said_by_scalers(answer: &mut Answer<'_>, key: &WorkloadKey) {
    let Some(row) = answer.record.notes.scaled_row(key) else {
        return;
    };
    let mut counted = 0;
    for call in &answer.record.notes.calls {
        let Ok(Advice::Scale(wanted)) = &call.answer else {
            continue;
        };
        if let Some(row) = wanted.of(row) {
            let words = if row.text.is_empty() {
                String::new()
            } else {
                format!(": {}", row.text)
            };
            answer.decided(
                FactKind::Policy,
                0,
                format_args!(
                    "{} ({}) wants {} replicas, code {}{words}",
                    call.policy,
                    call.mode.as_str(),
                    row.replicas,
                    row.code
                ),
            );
            counted += usize::from(call.mode.counts());
        }
    }
    if counted > 1 {
        let rule = match answer.record.aims.compose.scaler {
            ScalerRule::Max => "the highest of them counts",
            ScalerRule::First => "the first of them counts (aims: compose.scaler)",
            ScalerRule::Last => "the last of them counts (aims: compose.scaler)",
        };
        answer.decided(FactKind::Policy, 1, rule);
    }
}

/// What placement policies said about a class, offer set by offer set, and what that makes together.
pub(super) fn said_by_placers(answer: &mut Answer<'_>, depth: u32, class: usize) {
    let record = answer.record;
    let row = u32::try_from(class).unwrap_or(u32::MAX);
    let mut said: BTreeMap<u32, Said> = BTreeMap::new();
    for call in &record.notes.calls {
        let Ok(Advice::Placement(advice)) = &call.answer else {
            continue;
        };
        let by = format_args!("{} ({})", call.policy, call.mode.as_str()).to_string();
        let mut note = |set: u32, what: String, effect: Effect| {
            let of = said.entry(set).or_default();
            of.lines.push(format!("{by} {what}"));
            if call.mode.counts() {
                of.counted.push(effect);
            }
        };
        for (set, factor) in advice.factors.iter().filter(|(_, factor)| *factor != 1000) {
            let what = format!("multiplies its price by {}.{:03}", factor / 1000, factor % 1000);
            note(*set, what, Effect::Factor(*factor));
        }
        for (_, set, nanos, code) in advice.addends.iter().filter(|(class, ..)| *class == row) {
            note(
                *set,
                format!("adds {} a pod, code {code}", UsdPerHour(*nanos)),
                Effect::Addend(*nanos),
            );
        }
        for (_, set, code) in advice.forbids.iter().filter(|(class, ..)| *class == row) {
            note(*set, format!("forbids it, code {code}"), Effect::Forbid);
        }
    }
    for (set, said) in said {
        let Some(name) = usize::try_from(set)
            .ok()
            .and_then(|set| record.notes.sets.get(set))
        else {
            continue;
        };
        answer.decided(FactKind::Policy, depth, format_args!("{}:", name.name));
        for line in &said.lines {
            answer.decided(FactKind::Policy, depth + 1, line);
        }
        if let Some(together) = together(&said.counted) {
            answer.decided(FactKind::Policy, depth + 1, together);
        }
    }
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    counted: Vec<Effect>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Factor(u32),
    Addend(i64),
    Forbid,
}

/// What several answers that count come to: a forbid wins, factors multiply, addends add.
fn together(effects: &[Effect]) -> Option<String> {
    if effects.len() < 2 {
        return None;
    }
    if effects.contains(&Effect::Forbid) {
        return Some("together: forbidden, one is enough".to_owned());
    }
    let (mut factor, mut addend) = (1000_u64, 0_i64);
    for effect in effects {
        match effect {
            Effect::Factor(by) => factor = factor.saturating_mul(u64::from(*by)) / 1000,
            Effect::Addend(nanos) => addend = addend.saturating_add(*nanos),
            Effect::Forbid => {}
        }
    }
    Some(format!(
        "together: its price times {}.{:03}, and {} a pod",
        factor / 1000,
        factor % 1000,
        UsdPerHour(addend)
    ))
}
