//! Linear programs, as small as the search needs them: a knapsack of few dimensions, and a master problem of many rows.

mod knapsack;
mod master;

pub(crate) use knapsack::Knapsack;
pub(crate) use master::{Master, Purchase};
