//! A dozen well-known instance types with their public on-demand prices (us-east-1, Linux), for plans without
//! an offers file, in that region alone.

use crate::allocatable::usual_allocatable;
use crate::offers::{PriceList, Skipped, TypeRow};
use model::money::UsdPerHour;
use model::prices::{BUILT_IN_EC2_DATE, BUILT_IN_REGION, PriceOrigin, PriceSource};

/// Type, vCPU, memory in MiB, architecture, most pods, nano-dollars per hour.
const TYPES: [(&str, i64, i64, &str, i64, i64); 18] = [
    ("c6a.large", 2, 4096, "amd64", 29, 76_500_000),
    ("c6a.xlarge", 4, 8192, "amd64", 58, 153_000_000),
    ("c6a.2xlarge", 8, 16384, "amd64", 58, 306_000_000),
    ("c6g.large", 2, 4096, "arm64", 29, 68_000_000),
    ("c7i.xlarge", 4, 8192, "amd64", 58, 178_500_000),
    ("m6a.large", 2, 8192, "amd64", 29, 86_400_000),
    ("m6a.xlarge", 4, 16384, "amd64", 58, 172_800_000),
    ("m6a.2xlarge", 8, 32768, "amd64", 58, 345_600_000),
    ("m6a.4xlarge", 16, 65536, "amd64", 234, 691_200_000),
    ("m6a.8xlarge", 32, 131_072, "amd64", 234, 1_382_400_000),
    ("m6g.large", 2, 8192, "arm64", 29, 77_000_000),
    ("m6g.2xlarge", 8, 32768, "arm64", 58, 308_000_000),
    ("m7i.xlarge", 4, 16384, "amd64", 58, 201_600_000),
    ("r6a.large", 2, 16384, "amd64", 29, 113_400_000),
    ("r6a.2xlarge", 8, 65536, "amd64", 58, 453_600_000),
    ("r6a.4xlarge", 16, 131_072, "amd64", 234, 907_200_000),
    ("r6g.xlarge", 4, 32768, "arm64", 58, 201_600_000),
    ("r7i.xlarge", 4, 32768, "amd64", 58, 264_600_000),
];

/// The built-in price list.
pub fn built_in() -> PriceList {
    let rows = TYPES
        .iter()
        .map(|&(name, vcpu, memory_mib, arch, pods, nanos)| TypeRow {
            instance_type: name.to_owned(),
            vcpu,
            arch: arch.to_owned(),
            on_demand: UsdPerHour(nanos),
            spot: None,
            interruptions: None,
            allocatable: usual_allocatable(vcpu, memory_mib, arch, pods),
            max_pods: u32::try_from(pods).unwrap_or(u32::MAX),
            zones: Vec::new(),
            bare_metal: false,
            burstable: false,
        });
    PriceList {
        rows: rows.collect(),
        skipped: Skipped::default(),
        built_in: true,
        region: Some(BUILT_IN_REGION.to_owned()),
        source: Some(PriceSource {
            origin: PriceOrigin::BuiltIn,
            date: Some(BUILT_IN_EC2_DATE.to_owned()),
        }),
        ..PriceList::default()
    }
}
