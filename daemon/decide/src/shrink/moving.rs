//! Where pods may go whose place depends on other pods, host ports or claims: one by one, each asked of the filters.
//!
//! They go into free room before all others. What free room does not hold is dealt over the domains that new nodes could
//! be in, and what was found is held against the filters once more as a whole: new nodes first, because they are Ready
//! before any pod is asked to leave, then pod by pod in some order. Pods that no rule looks at are `search`'s.

use super::fleet::Put;
use super::search::{Found, New, Search};
use super::ties::{self, Sort, Ties};
use crate::number::{count, size};
use model::reason::Holds;

/// Where a pod is put.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A node that is there.
    Bin(usize),
    /// One that would be bought.
    New(ties::New),
}

/// Pods of a kind that are still to be put somewhere.
struct Open {
    kind: u32,
    copies: u32,
    place: Place,
}

impl Search<'_, '_> {
    /// Takes the pods of these nodes off them, as filters see it.
    pub(super) fn lift(&mut self, ruined: &[usize]) {
        if let Some(ties) = self.ties.as_mut().filter(|_| self.engaged) {
            for bin in ruined {
                ties.empty(*bin, &self.fleet.bins[*bin].load);
            }
            self.lifted = ties.mark();
        }
    }

    /// Takes back what filters were told since.
    pub(super) fn unlift(&mut self, mark: usize) {
        if let Some(ties) = &mut self.ties {
            ties.undo(mark);
        }
        self.engaged = false;
    }

    /// A place in the journal of what filters were told.
    pub(super) fn ties_mark(&self) -> usize {
        self.ties.as_ref().map_or(0, Ties::mark)
    }

    /// Tells filters what was put since.
    pub(super) fn tell(&mut self, mark: usize) {
        if let Some(ties) = self.ties.as_mut().filter(|_| self.engaged) {
            self.fleet.since(mark).iter().for_each(|put| ties.put(*put));
        }
    }

    /// Puts pods that the filters are asked about into free room, those that pay most first, as often as it brings any
    /// further: one may have to wait for another that it must be with.
    pub(super) fn house_tied(&mut self) {
        let Some(mut ties) = self.ties.take() else { return };
        let prices = self.prices;
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by_key(|row| (std::cmp::Reverse(prices.pays[size(*row)]), *row));
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for row in rows.iter().filter(|row| prices.tied[size(**row)]) {
                let kind = prices.kinds[size(*row)].0;
                for at in 0..self.receivers.len() {
                    let bin = self.receivers[at];
                    while self.left[size(*row)] > 0
                        && self.fleet.bins[bin].receives
                        && self.fleet.takes(bin, kind, 1) > 0
                        && ties.place(kind, bin)
                    {
                        self.left[size(*row)] -= 1;
                        self.fleet.put(Put {
                            bin: count(bin),
                            kind,
                            copies: 1,
                        });
                        moved = true;
                    }
                }
            }
            moved &= rows
                .iter()
                .any(|row| prices.tied[size(*row)] && self.left[size(*row)] > 0);
        }
        rows.retain(|row| self.left[size(*row)] > 0);
        rows.sort_unstable();
        self.rows = rows;
        self.ties = Some(ties);
    }

    /// Deals what is left of such pods over the domains that new nodes could be in; `false` where some may be in none.
    pub(super) fn deal(&mut self) -> bool {
        let prices = self.prices;
        let is_tied = |row: &u32| prices.tied[size(*row)];
        if !self.engaged || !self.rows.iter().any(is_tied) {
            return true;
        }
        let Some(mut ties) = self.ties.take() else {
            return true;
        };
        let (open, rows): (Vec<u32>, Vec<u32>) = self.rows.iter().partition(|row| is_tied(row));
        let mut wanted: Vec<u32> = open
            .iter()
            .map(|row| std::mem::take(&mut self.left[size(*row)]))
            .collect();
        self.rows = rows;
        let mark = ties.mark();
        let mut stands: Vec<(usize, ties::New)> = Vec::new();
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for (row, wanted) in open.iter().zip(&mut wanted) {
                let kind = prices.kinds[size(*row)].0;
                while *wanted > 0 {
                    let Some(row) = self.dealt(kind, &mut ties, &mut stands) else {
                        break;
                    };
                    if self.left[size(row)] == 0 {
                        self.rows.push(row);
                    }
                    self.left[size(row)] += 1;
                    (*wanted, moved) = (*wanted - 1, true);
                }
            }
        }
        ties.undo(mark);
        self.ties = Some(ties);
        self.rows.sort_unstable();
        wanted.iter().all(|wanted| *wanted == 0)
    }

    /// The row, and with it the domain, of one more pod on a new node; stand-ins are added where it needs one.
    fn dealt(&self, kind: u32, ties: &mut Ties<'_>, stands: &mut Vec<(usize, ties::New)>) -> Option<u32> {
        let prices = self.prices;
        let rows = prices.rows(kind);
        let offers = || {
            rows.iter()
                .filter_map(|row| Some((*row, prices.offer_for(*row)?)))
        };
        for (row, offer) in offers() {
            let mut there = stands.iter().filter(|(of, _)| *of == offer);
            if there.any(|(_, new)| ties.place_new(kind, *new)) {
                return Some(row);
            }
        }
        for (row, offer) in offers() {
            let mark = ties.mark();
            let new = ties.add(Sort { offer, endless: true })?;
            if ties.place_new(kind, new) {
                stands.push((offer, new));
                return Some(row);
            }
            ties.undo(mark);
        }
        None
    }

    /// Whether the filters let everything go where it was found to go, in some order; says of new nodes which offer they
    /// are of. `told` is the place in the journal at which the pods have not left.
    pub(super) fn settle(&mut self, found: &mut Found, told: usize) -> bool {
        if !self.engaged {
            return true;
        }
        let Some(mut ties) = self.ties.take() else {
            return true;
        };
        ties.undo(self.lifted);
        let settled = self.settled(&mut ties, found) && self.drains(&mut ties, found, told);
        self.ties = Some(ties);
        settled
    }

    fn settled(&self, ties: &mut Ties<'_>, found: &mut Found) -> bool {
        let prices = self.prices;
        let mut open: Vec<Open> = found
            .puts
            .iter()
            .map(|put| Open {
                kind: put.kind,
                copies: put.copies,
                place: Place::Bin(size(put.bin)),
            })
            .collect();
        for new in &mut found.bought {
            let Some(at) = self.stand(ties, new) else {
                return false;
            };
            open.extend(new.load.iter().map(|(row, copies)| Open {
                kind: prices.kinds[size(*row)].0,
                copies: *copies,
                place: Place::New(at),
            }));
        }
        let (mut tied, plain): (Vec<Open>, Vec<Open>) = open
            .into_iter()
            .partition(|open| self.fleet.kinds[size(open.kind)].tied);
        one_by_one(ties, &mut tied);
        for open in plain {
            match open.place {
                Place::Bin(bin) => ties.put(Put {
                    bin: count(bin),
                    kind: open.kind,
                    copies: open.copies,
                }),
                Place::New(new) => ties.put_new(open.kind, open.copies, new),
            }
        }
        one_by_one(ties, &mut tied);
        tied.is_empty()
    }

    /// A new node, of the first offer of its lot that its pods are admitted to.
    fn stand(&self, ties: &mut Ties<'_>, new: &mut New) -> Option<ties::New> {
        let prices = self.prices;
        let offers = &prices.market.lots[prices.table.sold[new.column].lot].offers;
        let load = new.load.iter().filter(|(row, _)| prices.tied[size(*row)]);
        let mut first = None;
        if load.clone().next().is_some() {
            for offer in offers {
                let mark = ties.mark();
                let at = ties.add(Sort {
                    offer: *offer,
                    endless: false,
                })?;
                let all = load.clone().all(|(row, copies)| {
                    (0..*copies).all(|_| ties.place_new(prices.kinds[size(*row)].0, at))
                });
                ties.undo(mark);
                if all {
                    first = Some(*offer);
                    break;
                }
            }
            new.offer = first.or_else(|| offers.first().copied());
        }
        let offer = new.offer.or_else(|| offers.first().copied())?;
        ties.add(Sort {
            offer,
            endless: false,
        })
    }

    /// Tells filters of what is begun.
    pub(super) fn commit_ties(&mut self, found: &Found) {
        let Some(mut ties) = self.ties.take() else { return };
        for bin in &found.ruined {
            ties.empty(*bin, &self.fleet.bins[*bin].load);
        }
        found.puts.iter().for_each(|put| ties.put(*put));
        for new in &found.bought {
            let lot = &self.prices.market.lots[self.prices.table.sold[new.column].lot];
            let offer = new.offer.or_else(|| lot.offers.first().copied());
            let at = offer.and_then(|offer| {
                ties.add(Sort {
                    offer,
                    endless: false,
                })
            });
            let Some(at) = at else { continue };
            for (row, copies) in &new.load {
                ties.put_new(self.prices.kinds[size(*row)].0, *copies, at);
            }
        }
        ties.keep();
        self.ties = Some(ties);
    }

    /// The rule that keeps one more pod of the kind off the first node that has room for it.
    pub(super) fn held(&self, kind: u32) -> Option<Holds> {
        let ties = self.ties.as_ref().filter(|_| self.fleet.kinds[size(kind)].tied)?;
        let open = self
            .receivers
            .iter()
            .filter(|bin| self.fleet.bins[**bin].receives);
        let mut with_room = open.filter(|bin| self.fleet.takes(**bin, kind, 1) > 0);
        with_room.find_map(|bin| ties.holds(kind, *bin))
    }
}

/// Puts pods one after the other as the filters admit them, as often as it brings any further; those that are left stay
/// in the list.
fn one_by_one(ties: &mut Ties<'_>, open: &mut Vec<Open>) {
    let mut moved = true;
    while std::mem::take(&mut moved) {
        for open in open.iter_mut() {
            while open.copies > 0
                && match open.place {
                    Place::Bin(bin) => ties.place(open.kind, bin),
                    Place::New(new) => ties.place_new(open.kind, new),
                }
            {
                open.copies -= 1;
                moved = true;
            }
        }
        open.retain(|open| open.copies > 0);
    }
}
