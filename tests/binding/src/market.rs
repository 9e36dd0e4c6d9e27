//! What can be bought: the built-in amd64 types in three zones, each with and without the taint of a pool, as groups of
//! Node objects (the kwok provider).
//!
//! The eyes may be shown less room than the nodes will have: that is the slack. Not here: which are bought.

use model::group::Group;
use model::ids::GroupName;
use model::kwok::KwokGroup;
use model::pod::{Taint, TaintEffect};
use model::resources::Resources;
use model::selector::Labels;

/// Zones.
pub const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

/// Label and taint of the pool.
pub const POOL: &str = "pool";

/// Groups, one per type, zone and pool.
pub fn groups(taints: &[Taint]) -> Vec<KwokGroup> {
    let rows = manifest::built_in().rows.into_iter();
    let mut groups = Vec::new();
    for row in rows.filter(|row| row.arch == "amd64") {
        for zone in ZONES {
            for pool in [None, Some("batch")] {
                let of_pool = pool.map(|pool| Taint {
                    key: POOL.to_owned(),
                    value: pool.to_owned(),
                    effect: TaintEffect::NoSchedule,
                });
                let labels: Labels = pool
                    .map(|pool| (POOL.to_owned(), pool.to_owned()))
                    .into_iter()
                    .collect();
                let name = format!("{}-{zone}-{}", row.instance_type, pool.unwrap_or("any"));
                groups.push(KwokGroup {
                    name: GroupName::new(name.replace('.', "-")),
                    min: 0,
                    max: 1000,
                    instance_type: row.instance_type.clone(),
                    arch: row.arch.clone(),
                    zone: zone.to_owned(),
                    allocatable: row.allocatable.clone(),
                    max_pods: row.max_pods,
                    labels,
                    taints: of_pool.into_iter().chain(taints.iter().cloned()).collect(),
                    price: row.on_demand,
                });
            }
        }
    }
    groups
}

/// The same groups with so many thousandths of their room held back.
pub fn with_slack(groups: &[KwokGroup], permille: i64) -> Vec<KwokGroup> {
    let less = |amount: i64| amount - amount * permille / 1000;
    let held_back = |group: &KwokGroup| KwokGroup {
        allocatable: Resources {
            cpu_milli: less(group.allocatable.cpu_milli),
            memory_bytes: less(group.allocatable.memory_bytes),
            ..group.allocatable.clone()
        },
        max_pods: u32::try_from(less(i64::from(group.max_pods))).unwrap_or(group.max_pods),
        ..group.clone()
    };
    groups.iter().map(held_back).collect()
}

/// Types that some pods keep away from.
pub fn compute_optimised() -> Vec<String> {
    let names = manifest::built_in().rows.into_iter().map(|row| row.instance_type);
    names.filter(|name| name.starts_with('c')).collect()
}

/// Nodes of all groups together.
pub fn size(groups: &[Group]) -> u32 {
    groups.iter().map(|group| group.desired).sum()
}
