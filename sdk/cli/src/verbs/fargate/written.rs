//! Fargate profiles as those who make them want to read them.
//!
//! Sources: eksctl's `ClusterConfig` schema, `aws eks create-fargate-profile --generate-cli-skeleton`, Terraform's
//! `aws_eks_fargate_profile` in JSON syntax.

use super::profiles::{Profile, Set};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterConfig<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    fargate_profiles: Vec<Own<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    region: &'a str,
}

#[derive(Serialize)]
struct Own<'a> {
    name: &'a str,
    #[serde(rename = "podExecutionRoleARN", skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    selectors: Vec<Selector<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    subnets: &'a [String],
}

#[derive(Serialize)]
struct Selector<'a> {
    namespace: &'a str,
    labels: &'a BTreeMap<String, String>,
}

impl Profile {
    fn selectors(&self) -> Vec<Selector<'_>> {
        let selector = |namespace| Selector {
            namespace,
            labels: &self.labels,
        };
        self.namespaces.iter().map(String::as_str).map(selector).collect()
    }
}

/// A `ClusterConfig`, in YAML.
pub(super) fn eksctl(set: &Set) -> anyhow::Result<String> {
    let config = ClusterConfig {
        api_version: "eksctl.io/v1alpha5",
        kind: "ClusterConfig",
        metadata: Metadata {
            name: &set.cluster,
            region: set.region.as_deref().unwrap_or_default(),
        },
        fargate_profiles: set.profiles.iter().map(|profile| own(set, profile)).collect(),
    };
    Ok(serde_saphyr::to_string(&config)?)
}

fn own<'a>(set: &'a Set, profile: &'a Profile) -> Own<'a> {
    Own {
        name: &profile.name,
        role: set.role.as_deref(),
        selectors: profile.selectors(),
        subnets: &profile.subnets,
    }
}

/// The input of one `aws eks create-fargate-profile --cli-input-json` per line.
pub(super) fn aws(set: &Set) -> anyhow::Result<String> {
    let mut text = String::new();
    for profile in &set.profiles {
        let input = json!({
            "fargateProfileName": profile.name,
            "clusterName": set.cluster,
            "podExecutionRoleArn": set.role,
            "subnets": profile.subnets,
            "selectors": profile.selectors(),
        });
        text.push_str(&serde_json::to_string(&input)?);
        text.push('\n');
    }
    Ok(text)
}

/// Resources one after another, as EKS makes one at a time.
pub(super) fn terraform(set: &Set) -> anyhow::Result<String> {
    let mut resources = Map::new();
    let mut before: Option<&str> = None;
    for profile in &set.profiles {
        let mut resource = json!({
            "cluster_name": set.cluster,
            "fargate_profile_name": profile.name,
            "pod_execution_role_arn": set.role,
            "subnet_ids": profile.subnets,
            "selector": profile.selectors(),
        });
        if let (Some(before), Some(own)) = (before, resource.as_object_mut()) {
            let on = format!("aws_eks_fargate_profile.{before}");
            own.insert("depends_on".to_owned(), json!([on]));
        }
        before = Some(&profile.name);
        resources.insert(profile.name.clone(), resource);
    }
    let document: Value = json!({"resource": {"aws_eks_fargate_profile": resources}});
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
