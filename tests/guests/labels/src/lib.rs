//! Guest of the bench: reads every label column that the sample has, and answers one row for each class.

use plimsoll_sdk::{Placement, Prices, View, export_placement};

/// No configuration.
pub struct Labels;

impl Placement for Labels {
    fn configure(_json: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut prices = Prices::default();
        let Some(set) = view.sets().next() else {
            return Ok(prices);
        };
        let keys = [
            "app.kubernetes.io/name",
            "app.kubernetes.io/part-of",
            "team",
            "tier",
        ];
        let columns = keys.map(|key| view.class_label(key));
        for class in view.classes() {
            let row = class.row() as usize;
            let sum = columns
                .iter()
                .filter_map(|column| column.get(row))
                .fold(0, |sum, sym| sum ^ sym);
            prices.forbid(class, set, u16::try_from(sum % 7).unwrap_or(0));
        }
        Ok(prices)
    }
}

export_placement!(Labels);
