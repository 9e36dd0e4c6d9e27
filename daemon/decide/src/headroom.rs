//! Headroom: virtual pods that policies want room for.
//!
//! They are demand like any other, packed last, listed under a namespace of their own and never refused.

use crate::demand::{self, Class};
use model::advice::Advice;
use model::ids::PolicyName;

/// Virtual pods in one plan; more is held to be a mistake of the policy and cut.
const MOST: u32 = 10_000;

/// Classes of the virtual pods that the answers add up to.
pub(crate) fn classes(answers: &[(PolicyName, Advice)]) -> Vec<Class> {
    let mut classes = Vec::new();
    let mut first = 0;
    for (_, advice) in answers {
        let Advice::Headroom(rows) = advice else {
            continue;
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::HeadroomAdvice;
    use model::resources::Resources;

    #[test]
    fn answers_add_up_under_unique_names_and_are_cut() {
        let room = |count| {
            let advice = HeadroomAdvice {
                count,
                requests: Resources::new(100, 1 << 20),
                code: 0,
            };
            (PolicyName::new("p"), Advice::Headroom(vec![advice]))
        };
        let classes = classes(&[room(2), room(3), room(u32::MAX)]);
        let counts: Vec<u32> = classes.iter().map(|c| c.headroom).collect();
        assert_eq!(counts, [2, 3, MOST - 5]);
        let names: std::collections::BTreeSet<_> = classes.iter().flat_map(|c| &c.pods).collect();
        assert_eq!(names.len(), MOST as usize);
    }
}
