//! Aims about what may be bought: the catalogue, Fargate profiles, what spot counts, and what is paid for already.

use super::{rate, share, texts};
use crate::problem::quoted;
use crate::sheet::At;
use model::aims::{BoundsAim, Catalogue, FargateAim, ReservedAim, SpotAims};
use model::ids::GroupName;
use model::money::UsdPerHour;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn catalogue(at: At<'_, '_>) -> Catalogue {
    at.only(&[
        "bare_metal",
        "burstable",
        "mac",
        "spot",
        "max_vcpu",
        "types",
        "arch",
    ]);
    let arch = texts(at.get("arch"));
    for (ix, name) in arch.iter().enumerate() {
        if name != "amd64" && name != "arm64" {
            at.get("arch")
                .problem(format_args!("[{ix}] {}: must be amd64 or arm64", quoted(name)));
        }
    }
    Catalogue {
        bare_metal: at.get("bare_metal").flag(),
        burstable: at.get("burstable").flag(),
        mac: at.get("mac").flag(),
        spot: at.get("spot").flag(),
        max_vcpu: at.get("max_vcpu").count(),
        types: texts(at.get("types")),
        arch,
    }
}

pub(super) fn fargate(at: At<'_, '_>) -> Vec<FargateAim> {
    let profile = |at: At<'_, '_>| {
        at.only(&["profile", "namespaces", "labels"]);
        let namespaces = texts(at.get("namespaces"));
        if namespaces.is_empty() {
            at.get("namespaces")
                .problem("must name at least one namespace (`*` matches all)");
        }
        Some(FargateAim {
            profile: at.get("profile").name()?.to_owned(),
            namespaces,
            labels: at.get("labels").labels(),
        })
    };
    at.items().filter_map(profile).collect()
}

pub(super) fn bounds(at: At<'_, '_>) -> BTreeMap<GroupName, BoundsAim> {
    let of = |(name, at): (&str, At<'_, '_>)| {
        at.only(&["min", "max"]);
        let (min, max) = (at.get("min").count(), at.get("max").count());
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            at.problem("min must not be above max");
        }
        if min.or(max).is_none() {
            at.problem("min or max is wanted");
        }
        (GroupName::new(name), BoundsAim { min, max })
    };
    at.entries().map(of).collect()
}

pub(super) fn spot(at: At<'_, '_>) -> SpotAims {
    at.only(&["interruption_cost", "interruptions", "diversity"]);
    let usual = SpotAims::default();
    let of_all = |name: &'static str, usual: u32| {
        let permille = share(at.get(name), usual);
        if permille > 1000 {
            at.get(name).problem("must be 100% at most");
        }
        permille.min(1000)
    };
    SpotAims {
        interruption_cost_nanos: rate(
            at.get("interruption_cost"),
            UsdPerHour(usual.interruption_cost_nanos),
        )
        .0,
        interruptions_permille: of_all("interruptions", usual.interruptions_permille),
        diversity_permille: of_all("diversity", usual.diversity_permille),
    }
}

pub(super) fn reserved(at: At<'_, '_>) -> Vec<ReservedAim> {
    let mut seen = BTreeSet::new();
    let mut one = |at: At<'_, '_>| {
        at.only(&["name", "type", "zones", "nodes", "price"]);
        let name = at.get("name").name()?;
        if !seen.insert(name.to_owned()) {
            at.get("name").problem("is named twice");
        }
        let nodes = at.get("nodes");
        if !nodes.is_there() {
            nodes.problem("is missing");
        }
        Some(ReservedAim {
            name: GroupName::new(name),
            instance_type: at.get("type").text().map(str::to_owned),
            zones: texts(at.get("zones")),
            nodes: nodes.count()?,
            price: rate(at.get("price"), UsdPerHour::ZERO),
        })
    };
    at.items().filter_map(&mut one).collect()
}
