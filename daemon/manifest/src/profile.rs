//! Fargate profiles as manifests tell them: the AWS controllers' `FargateProfile`, eksctl's `ClusterConfig`.

use crate::meta;
use crate::sheet::At;
use model::group::FargateSelector;
use model::selector::LabelSelector;

/// A Fargate profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileObject {
    /// Name.
    pub name: String,
    /// Which pods it selects.
    pub selectors: Vec<FargateSelector>,
    /// It is ECS' Fargate, whose tasks have their size to themselves.
    pub of_ecs: bool,
}

/// Reads a `FargateProfile` of eks.services.k8s.aws.
pub(crate) fn fargate_profile(top: At<'_, '_>) -> ProfileObject {
    let spec = top.get("spec");
    let name = spec
        .get("name")
        .text()
        .map_or_else(|| meta::meta(top).name, str::to_owned);
    ProfileObject {
        name,
        selectors: selectors(spec),
        of_ecs: false,
    }
}

/// Reads the `fargateProfiles` of an eksctl `ClusterConfig`.
pub(crate) fn cluster_config(top: At<'_, '_>) -> Vec<ProfileObject> {
    let profiles = top.get("fargateProfiles").items();
    let profile = |at: At<'_, '_>| {
        Some(ProfileObject {
            name: at.get("name").name()?.to_owned(),
            selectors: selectors(at),
            of_ecs: false,
        })
    };
    profiles.filter_map(profile).collect()
}

/// The region of an eksctl `ClusterConfig`.
pub(crate) fn region(top: At<'_, '_>) -> Option<String> {
    let region = top.at(["metadata", "region"]);
    Some(region.text().filter(|name| !name.is_empty())?.to_owned())
}

fn selectors(at: At<'_, '_>) -> Vec<FargateSelector> {
    let selector = |at: At<'_, '_>| {
        Some(FargateSelector {
            namespace: at.get("namespace").name()?.to_owned(),
            labels: LabelSelector::equal(&at.get("labels").labels()),
        })
    };
    at.get("selectors").items().filter_map(selector).collect()
}
