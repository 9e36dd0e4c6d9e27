//! Regions of AWS, as zones, zone ids and ARNs tell them.
//!
//! Names of zones are read in one place (`model::registration`); here is what else tells a region. Names follow one
//! pattern (`eu-central-1`, zone `eu-central-1a`, zone id `euc1-az1`); what does not follow it tells no region. A region
//! that a node's own label names is taken at its word, and not here.

use model::registration::region_of;
use model::selector::Labels;

/// Labels of a node that name its region.
const REGION: [&str; 2] = [
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
];
/// Labels of a node that name its zone.
const ZONES: [&str; 3] = [
    crate::node::ZONE,
    "failure-domain.beta.kubernetes.io/zone",
    crate::node::ZONE_ID,
];

/// Directions in the names of regions, and as zone ids shorten them.
const DIRECTIONS: [(&str, &str); 9] = [
    ("central", "c"),
    ("north", "n"),
    ("south", "s"),
    ("east", "e"),
    ("west", "w"),
    ("northeast", "ne"),
    ("northwest", "nw"),
    ("southeast", "se"),
    ("southwest", "sw"),
];

/// Region of a node: its label, else the zone of its provider id, else the label of its zone.
pub(crate) fn of_node(labels: &Labels, provider_id: Option<&str>) -> Option<String> {
    let named = REGION.iter().find_map(|key| labels.get(*key));
    let named = named.filter(|name| !name.is_empty()).cloned();
    let by_id = || {
        let path = provider_id?.strip_prefix("aws:///")?;
        of_zone(path.split('/').next()?)
    };
    let by_zone = || ZONES.iter().find_map(|key| of_zone(labels.get(*key)?));
    named.or_else(by_id).or_else(by_zone)
}

/// `eu-central-1a` and `euc1-az1` are in `eu-central-1`, `us-east-1-bos-1a` is in `us-east-1`, which tells itself.
pub(crate) fn of_zone(zone: &str) -> Option<String> {
    let named = || region_of(zone).or_else(|| is_region(zone).then_some(zone));
    of_zone_id(zone).or_else(|| named().map(str::to_owned))
}

/// Whether it is a region's own name: a letter more would make it that of a zone.
fn is_region(name: &str) -> bool {
    let direction = name.rsplit('-').nth(1);
    let known = direction.is_some_and(|direction| DIRECTIONS.iter().any(|(long, _)| *long == direction));
    known && region_of(&format!("{name}a")) == Some(name)
}

/// `euc1-az1`, `usgw1-az1`; local zones (`use1-bos1-az1`) count as their region's.
fn of_zone_id(id: &str) -> Option<String> {
    let (region, rest) = id.split_once('-')?;
    let named = rest.rsplit('-').next()?.strip_prefix("az")?;
    let (country, short) = region.split_at_checked(2)?;
    let (gov, short) = match short.strip_prefix('g') {
        Some(short) => ("gov-", short),
        None => ("", short),
    };
    let letters = short.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &short[letters.len()..];
    let (long, _) = DIRECTIONS.iter().find(|(_, short)| *short == letters)?;
    let is_id = is_country(country) && !number.is_empty() && named.parse::<u8>().is_ok();
    is_id.then(|| format!("{country}-{gov}{long}-{number}"))
}

/// The region within `arn:aws:ecs:eu-central-1:…`.
pub(crate) fn of_arn(arn: &str) -> Option<String> {
    arn.strip_prefix("arn:")?.split(':').nth(2).and_then(of_zone)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_ids_and_arns_tell_their_region_and_other_names_none() {
        for (zone, region) in [
            ("us-east-1a", Some("us-east-1")),
            ("us-east-1", Some("us-east-1")),
            ("us-east-1-bos-1a", Some("us-east-1")),
            ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
            ("us-gov-west-1b", Some("us-gov-west-1")),
            ("ap-southeast-2c", Some("ap-southeast-2")),
            ("use1-az4", Some("us-east-1")),
            ("euc1-az1", Some("eu-central-1")),
            ("apse2-az3", Some("ap-southeast-2")),
            ("usgw1-az1", Some("us-gov-west-1")),
            ("use1-bos1-az1", Some("us-east-1")),
            ("europe-west4-a", None),
            ("test-zone-1", None),
            ("zone-1", None),
            ("eastus-1", None),
            ("a", None),
            ("any", None),
            ("", None),
            ("-", None),
            ("us-east-", None),
            ("use1-azé", None),
            ("ü1-az1", None),
        ] {
            assert_eq!(of_zone(zone).as_deref(), region, "{zone}");
        }
        let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1";
        assert_eq!(of_arn(arn).as_deref(), Some("eu-central-1"));
        for none in ["arn:web:1", "arn:aws:ecs:r:1:cluster/shop", "web:1", ""] {
            assert_eq!(of_arn(none), None, "{none}");
        }
    }

    #[test]
    fn a_node_is_where_its_label_says_else_its_provider_id_else_its_zone() {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let all = [
            label("topology.kubernetes.io/region", "europe-west4"),
            label("topology.kubernetes.io/zone", "us-west-2b"),
        ];
        let labels = |from: usize| all.iter().skip(from).cloned().collect::<Labels>();
        let id = Some("aws:///eu-west-1c/i-0123456789abcdef0");
        assert_eq!(of_node(&labels(0), id).as_deref(), Some("europe-west4"));
        assert_eq!(of_node(&labels(1), id).as_deref(), Some("eu-west-1"));
        assert_eq!(of_node(&labels(1), None).as_deref(), Some("us-west-2"));
        assert_eq!(of_node(&labels(2), Some("kind://docker/kind/kind-worker")), None);
    }
}
