//! Guest of the bench: reads three `u32` columns and answers one row for each class.

use plimsoll_sdk::{Placement, Prices, View, export_placement};

/// No configuration.
pub struct Columns;

impl Placement for Columns {
    fn configure(_json: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut prices = Prices::default();
        let Some(set) = view.sets().next() else {
            return Ok(prices);
        };
        let figures = view
            .class_cpu()
            .iter()
            .zip(view.class_memory())
            .zip(view.class_pending());
        let codes = figures.map(|((cpu, memory), pending)| {
            let sum = cpu.wrapping_add(*memory).wrapping_add(*pending);
            u16::from(sum & 1 == 1)
        });
        prices.forbid_every(view, set, codes);
        Ok(prices)
    }
}

export_placement!(Columns);
