//! The size that Fargate bills for a pod, from its manifest, against the rule of the EKS user guide in other words:
//! the guide's table is searched through, and a pod is played from its first init container to its last container.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests stop the test")]

use manifest::{ClusterBuilder, PriceList, fargate_offers};
use model::Offer;
use model::aims::Aims;
use model::fargate::{FargateBill, FargateBlock, FargateRates, FargateSize};
use model::offer::OfferKind;
use model::prices::FargatePrices;
use model::resources::{MIB, Resources};
use std::fmt::Write;

/// The guide's table: quarters of a vCPU, then halves of a GB.
const TABLE: [(i64, &[i64]); 7] = [
    (1, &[1, 2, 4]),
    (2, &[2, 4, 6, 8]),
    (4, &[4, 6, 8, 10, 12, 14, 16]),
    (8, &[8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32]),
    (
        16,
        &[
            16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60,
        ],
    ),
    (32, &[32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120]),
    (64, &[64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240]),
];

const HALF_GB: i64 = 512 * MIB;

/// Every combination as quarters of a vCPU and halves of a GB.
fn combinations() -> impl Iterator<Item = (i64, i64)> {
    TABLE
        .iter()
        .flat_map(|(cpu, memories)| memories.iter().map(|memory| (*cpu, *memory)))
}

/// $0.04048 a vCPU and $0.004445 a GB, in nano-dollars.
fn price((quarters, halves): (i64, i64)) -> i64 {
    (quarters * 40_480_000 / 4) + (halves * 4_445_000 / 2)
}

/// A container: millicores and bytes.
type Asks = (i64, i64);

/// A pod as the test made it up.
#[derive(Default)]
struct Shape {
    /// With `true` it is a sidecar.
    inits: Vec<(bool, Asks)>,
    containers: Vec<Asks>,
}

impl Shape {
    /// The most that runs at any one time, CPU and memory each for itself.
    fn peak(&self) -> Asks {
        let mut running: Vec<Asks> = Vec::new();
        let mut peak = (0, 0);
        let mut look = |running: &[Asks]| {
            peak.0 = running.iter().map(|asks| asks.0).sum::<i64>().max(peak.0);
            peak.1 = running.iter().map(|asks| asks.1).sum::<i64>().max(peak.1);
        };
        for (stays, asks) in &self.inits {
            running.push(*asks);
            look(&running);
            if !stays {
                running.pop();
            }
        }
        running.extend(&self.containers);
        look(&running);
        peak
    }

    /// The guide's rule: 256 MB more, and the nearest combination that is not less.
    fn billed(&self) -> Option<(i64, i64)> {
        let (cpu, memory) = self.peak();
        if (cpu, memory) == (0, 0) {
            return Some((1, 1));
        }
        let memory = memory + 256 * MIB;
        combinations()
            .filter(|(quarters, halves)| quarters * 250 >= cpu && halves * HALF_GB >= memory)
            .min_by_key(|size| price(*size))
    }

    fn yaml(&self, name: &str, draw: &mut Draw) -> String {
        let mut text = format!("---\nkind: Pod\nmetadata: {{name: {name}, namespace: n}}\nspec:\n");
        if !self.inits.is_empty() {
            text.push_str("  initContainers:\n");
        }
        for (ix, (stays, asks)) in self.inits.iter().enumerate() {
            let policy = if *stays { ", restartPolicy: Always" } else { "" };
            let _ = writeln!(text, "  - {{name: i{ix}{policy}{}}}", resources(*asks, draw));
        }
        text.push_str("  containers:\n");
        for (ix, asks) in self.containers.iter().enumerate() {
            let _ = writeln!(text, "  - {{name: c{ix}{}}}", resources(*asks, draw));
        }
        text
    }
}

/// Requests, or limits that are requests as well; what is zero is most often not written at all.
fn resources((cpu, memory): Asks, draw: &mut Draw) -> String {
    let mut amounts = Vec::new();
    if cpu > 0 || draw.below(4) == 0 {
        amounts.push(match cpu % 1000 {
            0 if draw.below(2) == 0 => format!("cpu: {}", cpu / 1000),
            rest if draw.below(2) == 0 => format!("cpu: '{}.{rest:03}'", cpu / 1000),
            _ => format!("cpu: {cpu}m"),
        });
    }
    if memory > 0 || draw.below(4) == 0 {
        amounts.push(match draw.below(3) {
            0 if memory % (1 << 30) == 0 => format!("memory: {}Gi", memory >> 30),
            1 if memory % MIB == 0 => format!("memory: {}Mi", memory / MIB),
            _ => format!("memory: {memory}"),
        });
    }
    if amounts.is_empty() {
        return String::new();
    }
    // Limits above requests bill nothing.
    let large = amounts.iter().map(|amount| {
        if amount.starts_with("cpu") {
            "cpu: 64"
        } else {
            "memory: 1Ti"
        }
    });
    let large = large.collect::<Vec<_>>().join(", ");
    let amounts = amounts.join(", ");
    match draw.below(3) {
        0 => format!(", resources: {{limits: {{{amounts}}}}}"),
        1 => format!(", resources: {{limits: {{{large}}}, requests: {{{amounts}}}}}"),
        _ => format!(", resources: {{requests: {{{amounts}}}}}"),
    }
}

/// Draws that are the same on every machine (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn number(&mut self, end: i64) -> i64 {
        i64::try_from(self.below(end.unsigned_abs())).unwrap()
    }

    /// Most often small, at times on an edge of the table, at times more than there is.
    fn asks(&mut self) -> Asks {
        let cpu = match self.below(6) {
            0 => 0,
            1 => 250 << self.number(7),
            2 => self.number(17_000),
            _ => self.number(1500),
        };
        let memory = match self.below(6) {
            0 => 0,
            1 => (self.number(240) + 1) * HALF_GB - 256 * MIB + self.number(3) - 1,
            2 => self.number(130 << 30),
            3 => self.number(8) << 30,
            _ => self.number(4096) * MIB,
        };
        (cpu, memory)
    }

    fn shape(&mut self) -> Shape {
        let inits = self.below(4);
        let containers = self.below(3) + 1;
        if self.below(20) == 0 {
            return Shape {
                inits: Vec::new(),
                containers: vec![(0, 0); usize::try_from(containers).unwrap()],
            };
        }
        Shape {
            inits: (0..inits).map(|_| (self.below(3) == 0, self.asks())).collect(),
            containers: (0..containers).map(|_| self.asks()).collect(),
        }
    }
}

/// The requests that the manifests come to, in the order of the pods' names.
fn read(yaml: &str) -> Vec<Resources> {
    let mut builder = ClusterBuilder::new();
    builder
        .read("pods.yaml", yaml.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let seen = builder.finish(&PriceList::default(), &Aims::default());
    let pods = seen.pods.iter();
    pods.map(|pod| seen.spec(pod.spec).requests.clone()).collect()
}

fn size((quarters, halves): (i64, i64)) -> FargateSize {
    FargateSize {
        cpu_milli: quarters * 250,
        memory_mib: halves * 512,
    }
}

/// The cheapest offer that a pod fits as the engine sees it.
fn cheapest<'o>(requests: &Resources, offers: &'o [Offer]) -> Option<&'o Offer> {
    let fits = offers.iter().filter(|offer| requests.fits(&offer.allocatable));
    fits.min_by_key(|offer| offer.price)
}

fn check(name: &str, requests: &Resources, expected: Option<(i64, i64)>, offers: &[Offer]) {
    let bill = FargateBill::of(requests, FargateRates::US_EAST_1);
    let offer = cheapest(requests, offers);
    let Some(expected) = expected else {
        let blocks = [Err(FargateBlock::TooMuchCpu), Err(FargateBlock::TooMuchMemory)];
        assert!(blocks.contains(&bill), "{name}: {bill:?}");
        assert_eq!(offer, None, "{name}");
        return;
    };
    let bill = bill.unwrap_or_else(|block| panic!("{name}: {block}"));
    assert_eq!(
        (bill.size, bill.price.0),
        (size(expected), price(expected)),
        "{name}"
    );
    let sold = offer.map(|offer| (offer.kind.clone(), offer.price.0));
    let FargateSize {
        cpu_milli,
        memory_mib,
    } = size(expected);
    let kind = OfferKind::Fargate {
        cpu_milli,
        memory_mib,
    };
    assert_eq!(sold, Some((kind, price(expected))), "{name}");
}

#[test]
fn the_table_has_the_74_combinations_of_the_guide() {
    let own: Vec<FargateSize> = FargateSize::all().collect();
    let expected: Vec<FargateSize> = combinations().map(size).collect();
    assert_eq!((own.len(), own), (74, expected));
}

#[test]
fn each_combination_is_billed_for_what_just_fills_it() {
    let offers = fargate_offers("p", 0, Some(&FargatePrices::built_in()));
    for (quarters, halves) in combinations() {
        let fills = |more_cpu, more_memory| {
            let memory = halves * HALF_GB - 256 * MIB + more_memory;
            let shape = Shape {
                inits: Vec::new(),
                containers: vec![(quarters * 250 + more_cpu, memory)],
            };
            let requests = read(&shape.yaml("p", &mut Draw(1)));
            check(
                &format!("{quarters} {halves}"),
                &requests[0],
                shape.billed(),
                &offers,
            );
            shape.billed()
        };
        assert_eq!(fills(0, 0), Some((quarters, halves)));
        assert_ne!(fills(1, 0), Some((quarters, halves)));
        assert_ne!(fills(0, 1), Some((quarters, halves)));
    }
}

#[test]
fn ten_thousand_pods_are_billed_by_the_rule() {
    const PODS: usize = 10_000;
    let offers = fargate_offers("p", 0, Some(&FargatePrices::built_in()));
    let mut draw = Draw(20_261_122);
    let mut yaml = String::new();
    let shapes: Vec<Shape> = (0..PODS).map(|_| draw.shape()).collect();
    for (ix, shape) in shapes.iter().enumerate() {
        yaml.push_str(&shape.yaml(&format!("p{ix:05}"), &mut draw));
    }
    let requests = read(&yaml);
    assert_eq!(requests.len(), PODS);
    let mut counts = [0; 5];
    let (mut sizes, mut refused) = (std::collections::BTreeSet::new(), 0);
    for (ix, (shape, requests)) in shapes.iter().zip(&requests).enumerate() {
        check(&format!("p{ix:05}"), requests, shape.billed(), &offers);
        let kinds = [
            shape.inits.iter().any(|(stays, _)| !stays),
            shape.inits.iter().any(|(stays, _)| *stays),
            shape.peak() == (0, 0),
            shape.billed().is_none(),
            shape.inits.is_empty(),
        ];
        for (count, holds) in counts.iter_mut().zip(kinds) {
            *count += usize::from(holds);
        }
        match shape.billed() {
            Some(size) => drop(sizes.insert(size)),
            None => refused += 1,
        }
    }
    let [inits, sidecars, nothing, too_large, plain] = counts;
    println!(
        "{PODS} pods exact: {inits} with init containers, {sidecars} with sidecars, {plain} with neither, {nothing} \
         ask for nothing, {too_large} too large; {} of 74 sizes met",
        sizes.len()
    );
    // Otherwise the draws would say little.
    assert!(inits > 3000 && sidecars > 3000 && nothing > 100 && sizes.len() > 60);
    assert!((100..3000).contains(&refused), "{refused}");
}

/// Vectors that were worked out by hand from the guide.
#[test]
fn known_pods() {
    let offers = fargate_offers("p", 0, Some(&FargatePrices::built_in()));
    let table: [(i64, i64, &str); 8] = [
        (0, 0, "0.25 vCPU 0.5 GB"),
        (250, 256, "0.25 vCPU 0.5 GB"),
        (250, 512, "0.25 vCPU 1 GB"),
        (1000, 2048, "1 vCPU 3 GB"),
        (500, 3840, "0.5 vCPU 4 GB"),
        (1000, 8192, "2 vCPU 9 GB"),
        (4000, 16_384, "4 vCPU 17 GB"),
        (16_000, 122_624, "16 vCPU 120 GB"),
    ];
    for (cpu, mib, expected) in table {
        let shape = Shape {
            inits: Vec::new(),
            containers: vec![(cpu, mib * MIB)],
        };
        let requests = &read(&shape.yaml("p", &mut Draw(2)))[0];
        assert_eq!(FargateSize::billed(requests).unwrap().to_string(), expected);
        check(expected, requests, shape.billed(), &offers);
    }
}
