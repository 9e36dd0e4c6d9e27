//! What is for sale: 59 types in three zones at their real on-demand prices, a group for each of both.
//!
//! Types for all purposes of the sixth and seventh generation, Intel and AMD, up to 32 vCPUs. Not here: what is bought.

use model::ids::GroupName;
use model::kwok::KwokGroup;
use model::selector::Labels;
use plimsoll_tests::Result;

/// The outside data with the prices.
pub(super) const FILE: &str = "ec2_us-east-1.csv.gz";

/// Zones.
pub(super) const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

const FAMILIES: [&str; 12] = [
    "c6a", "c6i", "c7a", "c7i", "m6a", "m6i", "m7a", "m7i", "r6a", "r6i", "r7a", "r7i",
];
const SIZES: [&str; 5] = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];
/// The race kept this one for pods that ask for it by name.
const LEFT_OUT: &str = "m7i.xlarge";
/// Most nodes of a group.
const MOST: u32 = 1000;

/// One group per type and zone.
pub(super) fn groups() -> Result<Vec<KwokGroup>> {
    let mut groups = Vec::new();
    for row in perf::catalogue::prices()?.rows {
        let sold = row.instance_type.split_once('.').is_some_and(|(family, size)| {
            FAMILIES.contains(&family) && SIZES.contains(&size) && row.instance_type != LEFT_OUT
        });
        if !sold {
            continue;
        }
        groups.extend(ZONES.map(|zone| KwokGroup {
            name: GroupName::new(format!("{}-{zone}", row.instance_type.replace('.', "-"))),
            min: 0,
            max: MOST,
            instance_type: row.instance_type.clone(),
            arch: row.arch.clone(),
            zone: zone.to_owned(),
            allocatable: row.allocatable.clone(),
            max_pods: row.max_pods,
            labels: Labels::new(),
            taints: Vec::new(),
            price: row.on_demand,
        }));
    }
    Ok(groups)
}
