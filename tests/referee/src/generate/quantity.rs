//! Amounts as people and tools write them.

use crate::dice::Dice;
use serde_json::{Value, json};

/// So many thousandths of a core, in one of the ways to write that.
pub(super) fn cpu(dice: &mut Dice, milli: i64) -> Value {
    match dice.below(8) {
        0 if milli % 1000 == 0 => json!(milli / 1000),
        1 => json!(format!("{}.{:03}", milli / 1000, milli % 1000)),
        2 => json!(format!("{milli}e-3")),
        3 => json!(format!("{}u", milli * 1000)),
        4 => json!(format!("{}n", milli * 1_000_000)),
        5 if milli % 1000 == 0 => json!(format!("{}", milli / 1000)),
        6 => json!(format!("0.{:06}k", milli)),
        _ => json!(format!("{milli}m")),
    }
}

/// So many bytes, in one of the ways to write that.
pub(super) fn bytes(dice: &mut Dice, bytes: i64) -> Value {
    let whole = |unit: i64, suffix: &str| (bytes % unit == 0).then(|| format!("{}{suffix}", bytes / unit));
    let written = match dice.below(10) {
        0 => whole(1 << 30, "Gi"),
        1 => whole(1 << 20, "Mi"),
        2 => whole(1 << 10, "Ki"),
        3 => whole(1_000_000, "M"),
        4 => whole(1000, "k"),
        5 => whole(1000, "e3"),
        6 => whole(1 << 29, "")
            .map(|_| format!("{}.5Gi", (bytes >> 30) - i64::from(bytes % (1 << 30) == 0)))
            .filter(|_| bytes % (1 << 30) == 1 << 29),
        7 => Some(format!("{bytes}000m")),
        8 => return json!(bytes),
        _ => None,
    };
    json!(written.unwrap_or_else(|| bytes.to_string()))
}
