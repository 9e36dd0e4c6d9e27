//! The offers file: columns, what is left out, what is a mistake.

use super::{Skipped, offers, price_list};
use model::aims::{Aims, Catalogue};
use model::money::UsdPerHour;
use model::offer::{Confidence, OfferKind, Purchase};
use model::resources::MIB;

const HEAD: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h";

fn ids(csv: &str, aims: &Aims) -> Vec<String> {
    let (offers, ..) = offers("o.csv", csv.as_bytes(), aims).unwrap_or_else(|problems| panic!("{problems}"));
    offers.iter().map(|offer| offer.id.to_string()).collect()
}

#[test]
fn one_offer_per_type_zone_and_purchase() {
    let csv = format!(
        "{HEAD},azs,spot_usd_h_est,spot_interrupt_band,gpu_count,alloc_cpu_milli,alloc_mem_mib,max_pods_eni\n\
        g.large,4.0,16384.0,x86_64,0.5,use1-az1 use1-az2,0.2,15-20%,1.0,3900,15000,58.0\n"
    );
    let mut aims = Aims::default();
    assert_eq!(
        ids(&csv, &aims),
        ["g.large/use1-az1/on-demand", "g.large/use1-az2/on-demand"]
    );
    aims.catalogue.spot = true;
    aims.zones.insert("use1-az1".into(), "us-east-1a".into());
    let (offers, group, _) = offers("o.csv", csv.as_bytes(), &aims).unwrap();
    assert_eq!((offers.len(), group.name.as_str()), (4, "fleet"));
    let spot = &offers[1];
    assert_eq!(spot.id.as_str(), "g.large/us-east-1a/spot");
    assert_eq!(
        (spot.price, spot.confidence),
        (UsdPerHour(200_000_000), Confidence::Estimated)
    );
    assert!(
        matches!(&spot.kind, OfferKind::Ec2 { zone, purchase: Purchase::Spot, .. } if zone == "us-east-1a")
    );
    assert_eq!((offers[0].interruptions, spot.interruptions), (None, Some(175)));
    let label = |key: &str| spot.labels.get(key).map(String::as_str);
    assert_eq!(label("topology.kubernetes.io/zone"), Some("us-east-1a"));
    assert_eq!(label("topology.k8s.aws/zone-id"), Some("use1-az1"));
    assert_eq!(
        (
            label("kubernetes.io/arch"),
            label("node.kubernetes.io/instance-type")
        ),
        (Some("amd64"), Some("g.large"))
    );
    let there = &spot.allocatable;
    assert_eq!(
        (
            there.cpu_milli,
            there.memory_bytes,
            there.amount("nvidia.com/gpu")
        ),
        (3900, 15000 * MIB, 1)
    );
    assert_eq!(spot.max_pods, 58);
}

#[test]
fn allocatable_is_computed_where_it_is_not_told() {
    // The worked example of the EKS reference: m5.large has 1930m and 6903 MiB.
    let csv = format!("{HEAD},eni,ipv4_per_eni\nm5.large,2,8192,amd64,0.096,3,10\n");
    let list = price_list("o.csv", csv.as_bytes()).unwrap();
    let row = &list.rows[0];
    assert_eq!(
        (
            row.max_pods,
            row.allocatable.cpu_milli,
            row.allocatable.memory_bytes
        ),
        (29, 1930, 6903 * MIB)
    );
}

#[test]
fn what_cannot_be_bought_is_left_out_and_counted() {
    let csv = format!(
        "{HEAD}\na,2,1024,amd64,\nb,,1024,amd64,1\nc,2,1024,i386,1\nd.metal,2,1024,amd64,1\n\
        t3.small,2,1024,amd64,1\nmac1.x,2,1024,amd64,1\ne,2,1024,amd64,0\nok,2,1024,amd64,1\n"
    );
    let (offers, _, skipped) = offers("o.csv", csv.as_bytes(), &Aims::default()).unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(
        skipped,
        Skipped {
            no_price: 2,
            no_shape: 1,
            arch: 1,
            unwanted: 3
        }
    );
    let all = Catalogue {
        bare_metal: true,
        burstable: true,
        mac: true,
        ..Catalogue::default()
    };
    assert_eq!(
        ids(
            &csv,
            &Aims {
                catalogue: all,
                ..Aims::default()
            }
        )
        .len(),
        4
    );
    let few = Catalogue {
        types: vec!["t3".into(), "ok".into()],
        burstable: true,
        ..Catalogue::default()
    };
    assert_eq!(
        ids(
            &csv,
            &Aims {
                catalogue: few,
                ..Aims::default()
            }
        ),
        ["t3.small/any/on-demand", "ok/any/on-demand"]
    );
}

#[test]
fn mistakes_name_line_and_column() {
    let table = [
        (String::new(), "o.csv:1: column instance_type is missing"),
        (format!("{HEAD}\n"), "o.csv: holds no offers"),
        (
            format!("{HEAD}\na,2,1024,amd64,cheap\n"),
            "o.csv:2: od_usd_h: \"cheap\": not a number",
        ),
        (
            format!("{HEAD}\na,-2,1024,amd64,1\n"),
            "o.csv:2: vcpu: \"-2\": out of range",
        ),
        (
            format!("{HEAD}\na,2,1e300,amd64,1\n"),
            "o.csv:2: memory_mib: \"1e300\": out of range",
        ),
        (
            format!("{HEAD}\na,2,1024,amd64,1\na,2,1024,amd64,1\n"),
            "o.csv:3: instance_type: \"a\" stands there twice",
        ),
        (
            format!("{HEAD}\na,nan,1024,amd64,1\n"),
            "o.csv:2: vcpu: \"nan\": out of range",
        ),
    ];
    for (csv, wanted) in table {
        let got = price_list("o.csv", csv.as_bytes()).expect_err(&csv).to_string();
        assert!(got.starts_with(wanted), "wanted {wanted}\ngot {got}");
    }
    assert!(
        price_list("o.csv", b"\xff\xfe,\n")
            .unwrap_err()
            .to_string()
            .starts_with("o.csv")
    );
}

#[test]
fn the_built_in_list_agrees_with_itself() {
    let list = crate::built_in();
    let site = super::Site {
        zones: &model::registration::Zones::default(),
        os: &model::registration::OperatingSystem::Linux,
        bootstrap: model::registration::Bootstrap::Karpenter,
        labels: &model::selector::Labels::new(),
    };
    let (offers, skipped) = list.fleet(&Aims::default(), &["us-east-1a".to_owned()], 0, &site);
    assert_eq!((offers.len(), skipped.unwanted), (18, 0));
    assert!(
        offers
            .iter()
            .all(|o| o.zone() == Some("us-east-1a") && o.confidence == Confidence::BuiltIn)
    );
    assert!(
        offers
            .iter()
            .all(|o| o.allocatable.cpu_milli > 0 && o.allocatable.memory_bytes > 0)
    );
}
