//! Which selectors may mean which pods, by a label that a selector asks for: ten thousand rules over ten thousand kinds of
//! pods are not held against each other one by one.
//!
//! What is found here may match; whether it does is the selector's to say. A selector that asks for no value of any label
//! may match anybody.

use model::selector::{LabelSelector, Labels, Operator};
use std::collections::BTreeMap;

type Label<'a> = (&'a str, &'a str);

/// Selectors by number.
#[derive(Clone, Debug, Default)]
pub struct Selectors<'a> {
    by_label: BTreeMap<Label<'a>, Vec<usize>>,
    /// Those that ask for no value.
    others: Vec<usize>,
}

impl<'a> Selectors<'a> {
    /// One more, under a number that may have several.
    pub fn insert(&mut self, number: usize, selector: &'a LabelSelector) {
        let many = |label: &Label<'_>| self.by_label.get(label).map_or(0, Vec::len);
        match narrowest(selector, many) {
            Some(labels) => {
                for label in labels {
                    self.by_label.entry(label).or_default().push(number);
                }
            }
            None => self.others.push(number),
        }
    }

    /// Numbers of those that may mean a pod with these labels, rising.
    pub fn of(&self, labels: &Labels) -> Vec<usize> {
        let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let own = labels.filter_map(|label| self.by_label.get(&label)).flatten();
        rising(own.chain(&self.others))
    }
}

/// Kinds of pods by number.
#[derive(Clone, Debug, Default)]
pub struct Selected<'a> {
    by_label: BTreeMap<Label<'a>, Vec<usize>>,
    all: Vec<usize>,
}

impl<'a> Selected<'a> {
    /// One more.
    pub fn insert(&mut self, number: usize, labels: &'a Labels) {
        for (key, value) in labels {
            let label = (key.as_str(), value.as_str());
            self.by_label.entry(label).or_default().push(number);
        }
        self.all.push(number);
    }

    /// Numbers of those that the selector may mean, rising.
    pub fn by(&self, selector: &LabelSelector) -> Vec<usize> {
        let many = |label: &Label<'_>| self.by_label.get(label).map_or(0, Vec::len);
        let Some(labels) = narrowest(selector, many) else {
            return self.all.clone();
        };
        rising(
            labels
                .iter()
                .filter_map(|label| self.by_label.get(label))
                .flatten(),
        )
    }
}

/// The labels of which a pod must have one, of the requirement under which there are fewest.
fn narrowest<'s>(selector: &'s LabelSelector, many: impl Fn(&Label<'s>) -> usize) -> Option<Vec<Label<'s>>> {
    let asked = selector.requirements.iter().filter_map(|requirement| {
        let Operator::In(values) = &requirement.operator else {
            return None;
        };
        let label = |value: &'s String| (requirement.key.as_str(), value.as_str());
        Some(values.iter().map(label).collect::<Vec<_>>())
    });
    asked.min_by_key(|labels| labels.iter().map(&many).sum::<usize>())
}

fn rising<'n>(numbers: impl Iterator<Item = &'n usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = numbers.copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::selector::Requirement;

    /// Every selector over two keys and two values against every labelling by them: nobody that matches is left out.
    #[test]
    fn whoever_matches_is_found_from_both_sides() {
        let values = || vec!["a".to_owned(), "b".to_owned()];
        let mut operators = vec![
            Operator::Exists,
            Operator::DoesNotExist,
            Operator::Gt(3),
            Operator::In(values()),
        ];
        operators.extend([Operator::NotIn(values()), Operator::In(Vec::new())]);
        operators.extend(values().into_iter().map(|value| Operator::In(vec![value])));
        let asks = |key: &str| -> Vec<Option<Requirement>> {
            let asked = operators.iter().map(|operator| Requirement {
                key: key.to_owned(),
                operator: operator.clone(),
            });
            asked.map(Some).chain([None]).collect()
        };
        let mut selectors = Vec::new();
        for first in asks("x") {
            for second in asks("y") {
                let requirements = [first.clone(), second].into_iter().flatten().collect();
                selectors.push(LabelSelector { requirements });
            }
        }
        let mut labellings = Vec::new();
        for x in [None, Some("a"), Some("b"), Some("4")] {
            for y in [None, Some("a"), Some("b"), Some("4")] {
                let own = [("x", x), ("y", y)].into_iter();
                let own = own.filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
                labellings.push(own.collect::<Labels>());
            }
        }
        let (mut rules, mut kinds) = (Selectors::default(), Selected::default());
        for (at, selector) in selectors.iter().enumerate() {
            rules.insert(at, selector);
        }
        for (at, labels) in labellings.iter().enumerate() {
            kinds.insert(at, labels);
        }
        let (mut found, mut matching) = (0, 0);
        for (kind, labels) in labellings.iter().enumerate() {
            let of = rules.of(labels);
            found += of.len();
            for (rule, selector) in selectors.iter().enumerate() {
                let matches = selector.matches(labels);
                matching += usize::from(matches);
                assert!(!matches || of.contains(&rule), "{selector} {labels:?}");
                assert!(
                    !matches || kinds.by(selector).contains(&kind),
                    "{selector} {labels:?}"
                );
            }
        }
        assert!(
            matching > 100 && found < selectors.len() * labellings.len() / 2,
            "{matching} {found}"
        );
    }
}
