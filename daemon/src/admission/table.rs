//! The table of the admission policy: controller to labels, as data of a ConfigMap that its CEL reads.
//!
//! A key names a controller whose template never changes (`shop.ReplicaSet.web-5d4f8`), so that nothing about the pod
//! itself has to be compared. Pods without a controller have no row.

use cycle::Placed;
use std::collections::BTreeMap;

/// Data of the ConfigMap: `namespace.Kind.name` to `key=value,…`.
pub(crate) type Table = BTreeMap<String, String>;

/// Longest key that a ConfigMap takes.
const KEY: usize = 253;
/// The API server takes 1 MiB per ConfigMap.
const BYTES: usize = 900 << 10;

/// As many rows as there is room for, in order.
pub(super) fn of(placed: &[Placed]) -> Table {
    let mut table = Table::new();
    let mut left = BYTES;
    for placed in placed {
        let of = &placed.controller;
        let key = format!("{}.{}.{}", of.namespace, of.kind, of.name);
        let labels: Vec<String> = placed
            .label
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let value = labels.join(",");
        let takes = key.len() + value.len() + 16;
        if key.len() > KEY {
            continue;
        }
        if takes > left {
            tracing::warn!(
                rows = table.len(),
                "the admission policy's table is full: the rest is not placed"
            );
            break;
        }
        left -= takes;
        table.insert(key, value);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::WorkloadKey;
    use model::selector::Labels;

    fn placed(name: &str, labels: &[(&str, &str)]) -> Placed {
        let pairs = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Placed {
            controller: WorkloadKey::new("ReplicaSet", "shop", name),
            profile: "serverless".into(),
            label: pairs.collect::<Labels>(),
        }
    }

    #[test]
    fn rows_name_controllers_and_labels() {
        let long = "n".repeat(253);
        let rows = of(&[
            placed(
                "web-5d4f8",
                &[("plimsoll.io/placement", "fargate"), ("team", "a")],
            ),
            placed(&long, &[("plimsoll.io/placement", "fargate")]),
        ]);
        let row = (
            "shop.ReplicaSet.web-5d4f8".to_owned(),
            "plimsoll.io/placement=fargate,team=a".to_owned(),
        );
        assert_eq!(rows, Table::from([row]), "a key that is too long has no row");
    }

    #[test]
    fn the_table_fits_into_its_map() {
        let many: Vec<Placed> = (0..30_000)
            .map(|n| placed(&format!("web-{n:05}"), &[("plimsoll.io/placement", "fargate")]))
            .collect();
        let rows = of(&many);
        let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(
            rows.len() > 10_000 && bytes < BYTES,
            "{} rows, {bytes} bytes",
            rows.len()
        );
    }
}
