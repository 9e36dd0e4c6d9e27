//! Aims about how much there may be and what goes first: quotas, weights of groups, the priority of pods.

use crate::quantity;
use crate::sheet::At;
use crate::tree::Tree;
use model::aims::PriorityAims;
use model::ids::GroupName;
use model::money::UsdPerHour;
use model::quota::{NamespaceQuota, Quota, Quotas};
use std::collections::BTreeMap;

pub(super) fn quotas(at: At<'_, '_>) -> Quotas {
    at.only(&["total", "groups", "namespaces"]);
    let groups = at.get("groups").entries();
    let namespaces = at.get("namespaces").entries();
    Quotas {
        total: quota(at.get("total")),
        groups: groups
            .map(|(name, at)| {
                let quota = quota(at);
                if quota.is_none() {
                    at.problem("cpu, memory or nodes is wanted");
                }
                (GroupName::new(name), quota)
            })
            .collect(),
        namespaces: namespaces
            .map(|(name, at)| (name.to_owned(), of_namespace(at)))
            .collect(),
    }
}

fn of_namespace(at: At<'_, '_>) -> NamespaceQuota {
    at.only(&["nodes", "rate"]);
    let rate = at.get("rate");
    if !at.get("nodes").is_there() && !rate.is_there() {
        at.problem("nodes or rate is wanted");
    }
    NamespaceQuota {
        nodes: at.get("nodes").count(),
        rate: rate.is_there().then(|| super::rate(rate, UsdPerHour::ZERO)),
    }
}

fn quota(at: At<'_, '_>) -> Quota {
    at.only(&["cpu", "memory", "nodes"]);
    Quota {
        cpu_milli: amount(at.get("cpu"), quantity::milli, 1000),
        memory_bytes: amount(at.get("memory"), quantity::whole, 1),
        nodes: at.get("nodes").count(),
    }
}

/// A quantity as Kubernetes writes it, in units of which one has so many.
fn amount(at: At<'_, '_>, read: fn(&str) -> Result<i64, String>, units: i64) -> Option<i64> {
    let read = match at.tree()? {
        Tree::Null => return None,
        Tree::Int(whole) => whole.checked_mul(units).ok_or_else(|| "is too large".to_owned()),
        Tree::Float(part) => read(&part.to_string()),
        Tree::Text(text) => read(text),
        other => Err(format!("must be a quantity, is {}", other.kind())),
    };
    let amount = read.and_then(|amount| {
        let right = (amount >= 0).then_some(amount);
        right.ok_or_else(|| "must not be negative".to_owned())
    });
    amount.map_err(|what| at.problem(what)).ok()
}

pub(super) fn weights(at: At<'_, '_>) -> BTreeMap<GroupName, u32> {
    let weighs = |(name, at): (&str, At<'_, '_>)| {
        let weight = at.int();
        let right = weight.and_then(|weight| u32::try_from(weight).ok().filter(|weight| *weight <= HEAVIEST));
        if right.is_none() && (weight.is_some() || !at.is_there()) {
            at.problem(format_args!("must be a whole number from 0 to {HEAVIEST}"));
        }
        (GroupName::new(name), right.unwrap_or(0))
    };
    at.entries().map(weighs).collect()
}

/// As Karpenter's NodePools.
const HEAVIEST: u32 = 100;

pub(super) fn priority(at: At<'_, '_>) -> PriorityAims {
    at.only(&["expendable_below"]);
    let usual = PriorityAims::default();
    let below = at.get("expendable_below");
    let expendable_below = below.int().map(|priority| {
        i32::try_from(priority).unwrap_or_else(|_| {
            below.problem(format_args!("must be between {} and {}", i32::MIN, i32::MAX));
            usual.expendable_below
        })
    });
    PriorityAims {
        expendable_below: expendable_below.unwrap_or(usual.expendable_below),
    }
}
