//! Token buckets per account and Region, as AWS throttles.
//!
//! Sizes of EC2: its developer guide, "API throttling". Auto Scaling publishes none: one bucket for all its calls
//! is taken to hold 50 and refill 10 a second. Not here: what a throttled call is answered with.

use super::call::{Call, Service};
use model::Instant;
use std::collections::BTreeMap;

/// Buckets that calls draw from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    levels: BTreeMap<&'static str, Level>,
}

#[derive(Clone, Debug)]
struct Level {
    /// Thousandths of a token.
    milli: i64,
    at: Instant,
}

impl Buckets {
    /// Takes what a call costs; whether there was enough.
    pub(crate) fn take(&mut self, call: &Call, now: Instant) -> bool {
        let mut drawn = vec![(bucket(call), 1)];
        let instances = instances(call);
        if instances > 0 {
            let resource = if call.action == "TerminateInstances" {
                ("ec2 terminated", 1000, 20)
            } else {
                ("ec2 launched", 1000, 2)
            };
            drawn.push((resource, instances));
        }
        for ((name, most, refill), count) in drawn {
            let level = self.levels.entry(name).or_insert(Level {
                milli: most * 1000,
                at: now,
            });
            let passed = now.since(level.at).millis();
            level.milli = (level.milli.saturating_add(passed.saturating_mul(refill))).min(most * 1000);
            level.at = now;
            if level.milli < count * 1000 {
                return false;
            }
            level.milli -= count * 1000;
        }
        true
    }
}

/// Name, size, refill a second.
fn bucket(call: &Call) -> (&'static str, i64, i64) {
    match (call.service, call.action.as_str()) {
        (Service::AutoScaling, _) => ("autoscaling", 50, 10),
        (Service::Ec2, "DescribeInstances") if unfiltered(call) => ("ec2 unfiltered", 50, 10),
        (Service::Ec2, "RunInstances" | "CreateFleet") => ("ec2 RunInstances", 5, 2),
        (Service::Ec2, "TerminateInstances") => ("ec2 TerminateInstances", 100, 5),
        (Service::Ec2, "CreateTags") => ("ec2 CreateTags", 100, 10),
        (Service::Ec2, _) if call.reads() => ("ec2 read", 100, 20),
        (Service::Ec2, _) => ("ec2 write", 50, 5),
        (Service::Eks, _) => ("eks", 30, 10),
        (Service::Pricing, _) => ("pricing", 20, 10),
        (Service::Sqs, _) => ("sqs", 3000, 3000),
        (Service::CloudWatch, _) => ("cloudwatch", 50, 50),
        (Service::Sts, _) => ("sts", 100, 100),
    }
}

fn unfiltered(call: &Call) -> bool {
    call.form.values("InstanceId").is_empty()
        && call.form.items("Filter").is_empty()
        && call.form.text("MaxResults").is_none()
}

fn instances(call: &Call) -> i64 {
    let count = match call.action.as_str() {
        "CreateFleet" => call
            .form
            .number("TargetCapacitySpecification.TotalTargetCapacity"),
        "TerminateInstances" => u32::try_from(call.form.values("InstanceId").len()).ok(),
        _ => None,
    };
    count.map_or(0, i64::from)
}
