//! Hands of Plimsoll's own fleets: `CreateFleet` of one pool, `TerminateInstances` of one instance that bears the tags.
//!
//! The client token comes from the intent, so that a repeated call is the same call; tags say whose an instance is,
//! and one that does not bear them is never ended. Not here: which pool is bought, which instance goes.

use super::{Hands, MOST_PER_CALL, launched, sdk, token};
use aws_sdk_ec2::types::{
    CreateFleetInstance, DefaultTargetCapacityType, FleetLaunchTemplateConfigRequest,
    FleetLaunchTemplateOverridesRequest, FleetLaunchTemplateSpecificationRequest, FleetType, Instance,
    InstanceType, ResourceType, Tag, TagSpecification, TargetCapacitySpecificationRequest,
};
use model::fleet::{CLUSTER_TAG, FLEET_TAG, Fleet, INTENT_TAG};
use model::ids::{InstanceId, OfferId};
use model::outcome::Outcome;
use model::plan::Step;
use std::sync::atomic::Ordering;

const CREATE: &str = "ec2:CreateFleet";

/// A pool to buy from, as an offer's id names it: `fleet/type/zone/purchase`.
struct Pool<'a> {
    instance_type: &'a str,
    zone: &'a str,
    spot: bool,
}

impl<'a> Pool<'a> {
    fn of(offer: &'a OfferId) -> Option<Self> {
        let mut parts = offer.as_str().rsplit('/');
        let (purchase, zone, instance_type) = (parts.next()?, parts.next()?, parts.next()?);
        let spot = purchase == "spot";
        Some(Self {
            instance_type,
            zone,
            spot,
        })
    }
}

impl Hands {
    /// The fleet of this name, where there is one.
    pub(super) fn fleet(&self, group: &model::ids::GroupName) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.name == *group)
    }

    /// Buys `count` of one pool.
    pub(super) async fn buy(&self, step: &Step, fleet: &Fleet, (offer, count): (&OfferId, u32)) -> Outcome {
        let Some(pool) = Pool::of(offer) else {
            return Outcome::Failed {
                why: format!("{offer} names no pool"),
            };
        };
        let Some(subnet) = fleet.subnets.get(pool.zone) else {
            return Outcome::Failed {
                why: format!("fleet {} has no subnet in {}", fleet.name, pool.zone),
            };
        };
        let overrides = FleetLaunchTemplateOverridesRequest::builder()
            .instance_type(InstanceType::from(pool.instance_type))
            .subnet_id(subnet)
            .build();
        let named = FleetLaunchTemplateSpecificationRequest::builder().version("$Latest");
        let named = if fleet.by_id() {
            named.launch_template_id(&fleet.template)
        } else {
            named.launch_template_name(&fleet.template)
        };
        let config = FleetLaunchTemplateConfigRequest::builder()
            .launch_template_specification(named.build())
            .overrides(overrides)
            .build();
        let kind = if pool.spot {
            DefaultTargetCapacityType::Spot
        } else {
            DefaultTargetCapacityType::OnDemand
        };
        let target = TargetCapacitySpecificationRequest::builder()
            .total_target_capacity(i32::try_from(count.min(MOST_PER_CALL)).unwrap_or(100))
            .default_target_capacity_type(kind)
            .build();
        self.stirs.store(true, Ordering::SeqCst);
        let sent = self
            .ec2
            .create_fleet()
            .r#type(FleetType::Instant)
            .client_token(token(&self.cluster, step))
            .launch_template_configs(config)
            .target_capacity_specification(target)
            .set_tag_specifications(Some(self.tags(step, fleet)))
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return sdk::outcome(CREATE, &error),
        };
        let instances = answer
            .instances()
            .iter()
            .flat_map(CreateFleetInstance::instance_ids)
            .map(InstanceId::new);
        let errors = answer.errors().iter().map(|error| {
            let code = error.error_code().unwrap_or("no code").to_owned();
            (code, error.error_message().unwrap_or_default().to_owned())
        });
        launched(CREATE, instances.collect(), &errors.collect::<Vec<_>>(), count)
    }

    /// The same tags for all that the call makes and can tag: the policy for acting lets it make nothing else. Network
    /// interfaces and spot requests are tagged by the launch template (deploy/README.md).
    fn tags(&self, step: &Step, fleet: &Fleet) -> Vec<TagSpecification> {
        let intent = step
            .intent
            .as_ref()
            .map_or_else(|| step.id.to_string(), ToString::to_string);
        let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
        let tags = [
            (CLUSTER_TAG, self.cluster.as_str()),
            (FLEET_TAG, fleet.name.as_str()),
            (INTENT_TAG, intent.as_str()),
        ]
        .map(tag)
        .to_vec();
        let of = |kind| {
            TagSpecification::builder()
                .resource_type(kind)
                .set_tags(Some(tags.clone()))
                .build()
        };
        [ResourceType::Instance, ResourceType::Volume, ResourceType::Fleet]
            .map(of)
            .to_vec()
    }

    /// Why an instance is not one of the fleet, where its tags do not say that it is.
    pub(super) fn not_of(&self, fleet: &Fleet, id: &InstanceId, found: &Instance) -> Option<Outcome> {
        let bears = |key: &str, value: &str| {
            found
                .tags()
                .iter()
                .any(|tag| tag.key() == Some(key) && tag.value() == Some(value))
        };
        if bears(CLUSTER_TAG, &self.cluster) && bears(FLEET_TAG, fleet.name.as_str()) {
            return None;
        }
        Some(Outcome::Stale {
            why: format!("{id} does not bear the tags of fleet {}", fleet.name),
        })
    }

    /// Ends one instance of the fleet, if its tags say that it is one.
    pub(super) async fn end(&self, fleet: &Fleet, instance: &InstanceId) -> Outcome {
        let found = match self.living(instance).await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::done(),
            Err(outcome) => return outcome,
        };
        if let Some(outcome) = self.not_of(fleet, instance, &found) {
            return outcome;
        }
        self.stirs.store(true, Ordering::SeqCst);
        match self
            .ec2
            .terminate_instances()
            .instance_ids(instance.as_str())
            .send()
            .await
        {
            Ok(_) => Outcome::Done {
                instances: vec![instance.clone()],
            },
            Err(error) => sdk::outcome("ec2:TerminateInstances", &error),
        }
    }
}
