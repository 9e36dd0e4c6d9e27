//! Crowds: the pods that a rule means, counted by node, and what classes want of them there.
//!
//! A rule about pods on one node (anti-affinity and spread over hostnames, host ports) is a guard: as many of the
//! crowd as the node may hold while it hosts the class. Guards bind both ways, so any order of placing keeps them.
//! Zones are not dealt here.

use model::ids::NodeName;
use std::collections::BTreeMap;

/// How often a crowd may be on one node beside the class that wants it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Guard {
    /// Which crowd.
    pub(crate) crowd: u32,
    /// Most on a new node, the pod itself included where it is of the crowd.
    pub(crate) new_node: u32,
    /// Most on a node that is there.
    pub(crate) there: u32,
    /// Most on a new node in whatever order pods come: what a bound may not go below.
    pub(crate) most: u32,
}

/// What the rules of a class come to on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crowding {
    /// Crowds that its pods are of, in rising order: such as somebody guards.
    pub(crate) member: Vec<u32>,
    /// At most one for a crowd, in rising order.
    pub(crate) guards: Vec<Guard>,
}

impl Crowding {
    /// Of its pods a node holds at most so many, whoever else is there.
    pub(crate) fn at_most(crowd: u32, most: u32) -> Self {
        let mut limited = Self {
            member: vec![crowd],
            guards: Vec::new(),
        };
        limited.guard(Guard {
            crowd,
            new_node: most,
            there: most,
            most,
        });
        limited
    }

    /// The same with what new nodes may hold in whatever order pods come; `None` where that is no more.
    pub(crate) fn in_any_order(&self) -> Option<Self> {
        let more = |guard: &Guard| guard.most > guard.new_node;
        self.guards.iter().any(more).then(|| {
            let guards = self.guards.iter().filter(|guard| guard.most < u32::MAX);
            Self {
                member: self.member.clone(),
                guards: guards
                    .map(|guard| Guard {
                        new_node: guard.most,
                        ..*guard
                    })
                    .collect(),
            }
        })
    }

    /// Nobody counts its pods, and they count nobody.
    pub(crate) fn is_free(&self) -> bool {
        self.member.is_empty() && self.guards.is_empty()
    }

    /// Whether its pods are of the crowd.
    pub(crate) fn is_of(&self, crowd: u32) -> bool {
        self.member.binary_search(&crowd).is_ok()
    }

    /// Adds a guard; the tighter one of a crowd counts.
    pub(super) fn guard(&mut self, guard: Guard) {
        match self.guards.binary_search_by_key(&guard.crowd, |g| g.crowd) {
            Ok(at) => {
                let known = &mut self.guards[at];
                known.new_node = known.new_node.min(guard.new_node);
                known.there = known.there.min(guard.there);
                known.most = known.most.min(guard.most);
            }
            Err(at) => self.guards.insert(at, guard),
        }
    }
}

/// By crowd: how many of it run on which node, where some do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowds {
    pub(crate) by_node: Vec<BTreeMap<NodeName, u32>>,
}

/// Who is on one node, as far as anybody counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    /// Not bought yet.
    new: bool,
    /// In rising order of crowds.
    tallies: Vec<Tally>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tally {
    crowd: u32,
    count: u32,
    /// Fewest of what the pods on the node want.
    limit: u32,
}

impl Company {
    /// A node that would be bought.
    pub(crate) const fn of_new_node() -> Self {
        Self {
            new: true,
            tallies: Vec::new(),
        }
    }

    /// A node that is there.
    pub(crate) fn on(node: &NodeName, crowds: &Crowds) -> Self {
        let counted = (0_u32..).zip(&crowds.by_node);
        let tallies = counted
            .filter_map(|(crowd, by_node)| {
                Some(Tally {
                    crowd,
                    count: *by_node.get(node)?,
                    limit: u32::MAX,
                })
            })
            .collect();
        Self { new: false, tallies }
    }

    fn tally(&self, crowd: u32) -> (u32, u32) {
        let known = self.tallies.iter().find(|tally| tally.crowd == crowd);
        known.map_or((0, u32::MAX), |tally| (tally.count, tally.limit))
    }

    /// How many more pods of the class the node takes, amounts apart.
    pub(crate) fn more(&self, class: &Crowding) -> u32 {
        let mut more = u32::MAX;
        for guard in &class.guards {
            let (count, limit) = self.tally(guard.crowd);
            let own = if self.new { guard.new_node } else { guard.there };
            let left = limit.min(own).checked_sub(count);
            more = match left {
                None => return 0,
                Some(left) if class.is_of(guard.crowd) => more.min(left),
                Some(_) => more,
            };
        }
        for crowd in &class.member {
            let (count, limit) = self.tally(*crowd);
            more = more.min(limit.saturating_sub(count));
        }
        more
    }

    /// Puts pods of the class onto the node.
    pub(crate) fn put(&mut self, class: &Crowding, copies: u32) {
        if copies == 0 {
            return;
        }
        for guard in &class.guards {
            let own = if self.new { guard.new_node } else { guard.there };
            let tally = self.entry(guard.crowd);
            tally.limit = tally.limit.min(own);
        }
        for crowd in &class.member {
            let tally = self.entry(*crowd);
            tally.count = tally.count.saturating_add(copies);
        }
    }

    fn entry(&mut self, crowd: u32) -> &mut Tally {
        let at = match self.tallies.binary_search_by_key(&crowd, |tally| tally.crowd) {
            Ok(at) => at,
            Err(at) => {
                let fresh = Tally {
                    crowd,
                    count: 0,
                    limit: u32::MAX,
                };
                self.tallies.insert(at, fresh);
                at
            }
        };
        &mut self.tallies[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowding(member: &[u32], guards: &[(u32, u32)]) -> Crowding {
        let mut crowding = Crowding {
            member: member.to_vec(),
            guards: Vec::new(),
        };
        for (crowd, most) in guards {
            crowding.guard(Guard {
                crowd: *crowd,
                new_node: *most,
                there: *most,
                most: *most,
            });
        }
        crowding
    }

    #[test]
    fn guards_bind_both_ways() {
        let (apart, plain, stranger) = (
            crowding(&[0], &[(0, 1)]),
            crowding(&[0], &[]),
            crowding(&[], &[(0, 0)]),
        );
        let mut node = Company::of_new_node();
        assert_eq!(node.more(&plain), u32::MAX);
        node.put(&plain, 1);
        assert_eq!((node.more(&apart), node.more(&stranger)), (0, 0));
        let mut node = Company::of_new_node();
        node.put(&apart, 1);
        assert_eq!((node.more(&apart), node.more(&plain)), (0, 0));
        let mut node = Company::of_new_node();
        node.put(&stranger, 3);
        assert_eq!((node.more(&plain), node.more(&stranger)), (0, u32::MAX));
    }

    #[test]
    fn a_node_that_is_there_counts_who_runs() {
        let crowds = Crowds {
            by_node: vec![BTreeMap::from([("n".into(), 2)])],
        };
        let spread = Crowding {
            member: vec![0],
            guards: vec![Guard {
                crowd: 0,
                new_node: 1,
                there: 3,
                most: 1,
            }],
        };
        assert_eq!(Company::on(&"n".into(), &crowds).more(&spread), 1);
        assert_eq!(Company::on(&"m".into(), &crowds).more(&spread), 3);
        assert_eq!(Company::of_new_node().more(&spread), 1);
    }
}
