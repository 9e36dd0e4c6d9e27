//! Headroom: virtual pods that policies want room for.
//!
//! They are demand like any other, packed last, listed under a namespace of their own and never refused.

use crate::asking::Counted;
use crate::class::Class;
use crate::demand;
use model::advice::{Advice, HeadroomAdvice};
use model::standing::HeadroomRule;

/// Virtual pods in one plan; more is held to be a mistake of the policy and cut.
const MOST: u32 = 10_000;

/// Classes of the virtual pods that the answers add up to.
pub(crate) fn classes(answers: &[Counted<'_>], rule: HeadroomRule) -> Vec<Class> {
    let rooms = answers.iter().filter_map(|(_, advice)| match &**advice {
        Advice::Headroom(rows) => Some(rows),
        _ => None,
    });
    let rooms: Vec<&Vec<HeadroomAdvice>> = match rule {
        HeadroomRule::Sum => rooms.collect(),
        HeadroomRule::Max => rooms.rev().max_by_key(|rows| asked(rows)).into_iter().collect(),
    };
    let mut classes = Vec::new();
    let mut first = 0;
    for rows in rooms {
        for row in rows {
            let count = row.count.min(MOST.saturating_sub(first));
            if count > 0 {
                classes.push(demand::virtual_class(row.requests.clone(), first, count));
                first += count;
            }
        }
    }
    classes
}

/// Millicores and bytes that the virtual pods ask for together.
fn asked(rows: &[HeadroomAdvice]) -> (i128, i128) {
    rows.iter().fold((0, 0), |(cpu, memory), row| {
        let count = i128::from(row.count);
        let of = |each: i64| count * i128::from(each);
        (
            cpu + of(row.requests.cpu_milli),
            memory + of(row.requests.memory_bytes),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::PolicyName;
    use model::resources::Resources;
    use std::borrow::Cow;

    #[test]
    fn answers_add_up_under_unique_names_and_are_cut() {
        let name = PolicyName::new("p");
        let room = |count| {
            let advice = HeadroomAdvice {
                count,
                requests: Resources::new(100, 1 << 20),
                code: 0,
            };
            (&name, Cow::Owned(Advice::Headroom(vec![advice])))
        };
        let answers = [room(2), room(3), room(u32::MAX)];
        let summed = classes(&answers, HeadroomRule::Sum);
        let counts: Vec<u32> = summed.iter().map(|c| c.headroom).collect();
        assert_eq!(counts, [2, 3, MOST - 5]);
        let names: std::collections::BTreeSet<_> = summed.iter().flat_map(|c| &c.pods).collect();
        assert_eq!(names.len(), MOST as usize);
        let most = classes(&[room(2), room(5), room(3)], HeadroomRule::Max);
        let counts: Vec<u32> = most.iter().map(|c| c.headroom).collect();
        assert_eq!(counts, [5], "one policy has its way");
        assert!(classes(&[], HeadroomRule::Max).is_empty());
    }
}
