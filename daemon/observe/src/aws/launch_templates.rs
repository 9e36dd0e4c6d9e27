//! Calls about launch templates: what a version starts, which version is the newest, and which image a parameter names.
//!
//! Not here: when to ask (`catalogue`, `images`).

use super::catalogue::TemplateKey;
use super::sdk::AwsError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_launch_template_versions::builders::DescribeLaunchTemplateVersionsFluentBuilder as Versions;
use std::collections::BTreeMap;

/// Templates of one call (Amazon EC2 API reference, `DescribeLaunchTemplates`).
pub(super) const AT_ONCE: usize = 200;

/// What a version of a template says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Starts {
    /// The type it names, if it names one.
    pub(super) instance_type: Option<String>,
    /// Id of the template, where it is told.
    pub(super) id: Option<String>,
    /// Its number.
    pub(super) version: Option<i64>,
    /// It names a parameter of Systems Manager instead of an image.
    pub(super) parameter: bool,
}

/// What the symbolic versions of a template stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    latest: i64,
    default: i64,
}

impl Numbers {
    /// The number of a symbolic version.
    pub(super) fn of(self, version: &str) -> Option<i64> {
        match version {
            "$Latest" => Some(self.latest),
            "$Default" => Some(self.default),
            _ => None,
        }
    }
}

/// What a version starts.
pub(super) async fn describe(client: &Client, key: &TemplateKey) -> Result<Starts, AwsError> {
    let answer = asked(client, key)
        .send()
        .await
        .map_err(|error| AwsError::of("ec2:DescribeLaunchTemplateVersions", &error))?;
    let first = answer.launch_template_versions().first();
    let data = first.and_then(|version| version.launch_template_data());
    Ok(Starts {
        id: first
            .and_then(|version| version.launch_template_id())
            .map(str::to_owned),
        instance_type: data
            .and_then(|data| data.instance_type())
            .map(|t| t.as_str().to_owned()),
        version: first.and_then(aws_sdk_ec2::types::LaunchTemplateVersion::version_number),
        parameter: data
            .and_then(|data| data.image_id())
            .is_some_and(|image| image.starts_with("resolve:ssm:")),
    })
}

/// The image that a version starts which names a parameter. Who may describe the template may still not read that.
pub(super) async fn image(client: &Client, key: &TemplateKey) -> Result<Option<String>, AwsError> {
    let answer = asked(client, key)
        .resolve_alias(true)
        .send()
        .await
        .map_err(|error| AwsError::of("ssm:GetParameters", &error))?;
    let first = answer.launch_template_versions().first();
    let image = first.and_then(|version| version.launch_template_data()?.image_id());
    Ok(image.filter(|image| image.starts_with("ami-")).map(str::to_owned))
}

/// The numbers of templates, by id; at most [`AT_ONCE`].
pub(super) async fn numbers(client: &Client, ids: &[String]) -> Result<BTreeMap<String, Numbers>, AwsError> {
    let answer = client
        .describe_launch_templates()
        .set_launch_template_ids(Some(ids.to_vec()))
        .send()
        .await
        .map_err(|error| AwsError::of("ec2:DescribeLaunchTemplates", &error))?;
    let told = answer.launch_templates().iter();
    let numbers = told.filter_map(|template| {
        let numbers = Numbers {
            latest: template.latest_version_number()?,
            default: template.default_version_number()?,
        };
        Some((template.launch_template_id()?.to_owned(), numbers))
    });
    Ok(numbers.collect())
}

fn asked(client: &Client, (template, version): &TemplateKey) -> Versions {
    let call = client.describe_launch_template_versions().versions(version);
    if template.starts_with("lt-") {
        call.launch_template_id(template)
    } else {
        call.launch_template_name(template)
    }
}
