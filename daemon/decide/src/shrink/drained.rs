//! A drain as PodDisruptionBudgets let it go: where they let some of the pods go only once others run again, each must be
//! admitted while those that wait for their turn still stand where they are.
//!
//! Asked of what was found, after all of its pods were found a place together. Which pod of a kind comes first does not
//! matter. Where the pods go was decided before (`search`, `moving`).

use super::fleet::Put;
use super::moving::Place;
use super::search::{Found, Search};
use super::ties::{self, Sort, Ties};
use crate::number::size;

/// Room for pods of a kind that is still open.
struct Open {
    kind: u32,
    copies: u32,
    place: Place,
}

impl Search<'_, '_> {
    /// Whether the pods can leave in the order of budgets and all come to where they were found to go. `told` is the place
    /// in the journal at which they have not left.
    pub(super) fn drains(&self, ties: &mut Ties<'_>, found: &Found, told: usize) -> bool {
        let mut budgets = self.fleet.budgets();
        if self.by_turns(&found.ruined).is_none() {
            return true;
        }
        ties.undo(told);
        let Some(mut open) = self.open(ties, found) else {
            return false;
        };
        found.ruined.iter().for_each(|bin| ties.cordon(*bin));
        let mut staying: Vec<(usize, u32)> = Vec::new();
        for bin in &found.ruined {
            staying.extend(self.fleet.movers(*bin).map(|(_, kind)| (*bin, kind)));
        }
        let mut waiting: Vec<u32> = Vec::new();
        let mut moved = true;
        while std::mem::take(&mut moved) {
            staying.retain(|(bin, kind)| {
                let covered = self.fleet.covered(*kind);
                if covered.iter().any(|budget| budgets[*budget] == 0) {
                    return true;
                }
                for budget in covered {
                    budgets[*budget] -= 1;
                }
                ties.lift(*bin, &[(*kind, 1)]);
                waiting.push(*kind);
                moved = true;
                false
            });
            waiting.retain(|kind| {
                let mut rooms = open.iter_mut().filter(|of| of.kind == *kind && of.copies > 0);
                let Some(room) = rooms.find(|of| of.place.admit(ties, *kind)) else {
                    return true;
                };
                room.copies -= 1;
                let covered = self.fleet.covered(*kind);
                for budget in covered {
                    budgets[*budget] += 1;
                }
                moved = true;
                false
            });
        }
        staying.is_empty() && waiting.is_empty()
    }

    /// The first budget that does not let all the pods of these nodes go together.
    pub(super) fn by_turns(&self, ruined: &[usize]) -> Option<usize> {
        let allowed = self.fleet.budgets();
        let mut asked = vec![0_u32; allowed.len()];
        let loads = ruined.iter().flat_map(|bin| &self.fleet.bins[*bin].load);
        for (kind, copies) in loads {
            for budget in self.fleet.covered(*kind) {
                asked[*budget] = asked[*budget].saturating_add(*copies);
            }
        }
        let mut both = asked.iter().zip(&allowed);
        both.position(|(asked, allowed)| asked > allowed)
    }

    /// The places that were found, new nodes among them.
    fn open(&self, ties: &mut Ties<'_>, found: &Found) -> Option<Vec<Open>> {
        let mut open: Vec<Open> = found
            .puts
            .iter()
            .map(|put: &Put| Open {
                kind: put.kind,
                copies: put.copies,
                place: Place::Bin(size(put.bin)),
            })
            .collect();
        for new in &found.bought {
            let lot = &self.prices.market.lots[self.prices.table.sold[new.column].lot];
            let offer = new.offer.or_else(|| lot.offers.first().copied())?;
            let at: ties::New = ties.add(Sort {
                offer,
                endless: false,
            })?;
            open.extend(new.load.iter().map(|(row, copies)| Open {
                kind: self.prices.kinds[size(*row)].0,
                copies: *copies,
                place: Place::New(at),
            }));
        }
        Some(open)
    }
}

impl Place {
    /// Puts one pod there, where the filters admit it.
    fn admit(self, ties: &mut Ties<'_>, kind: u32) -> bool {
        match self {
            Self::Bin(bin) => ties.place(kind, bin),
            Self::New(new) => ties.place_new(kind, new),
        }
    }
}
