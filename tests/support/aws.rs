//! An AWS account on an emulator, as its owner sees it: launch templates and Auto Scaling groups are made here,
//! and read again past whatever stands between the emulator and the daemon.

use crate::Result;
use crate::wire::{self, Request};

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplateSpecification, Tag};

/// Region of everything here.
pub const REGION: &str = "us-east-1";
/// An image that moto knows.
const IMAGE: &str = "ami-12c6146b";

/// The account's owner.
pub struct Account {
    url: String,
    client: Client,
}

/// A group to make.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its name; the launch template bears it too.
    pub name: String,
    /// Instance type of the launch template.
    pub instance_type: String,
    /// Zones.
    pub zones: Vec<String>,
    /// Fewest instances.
    pub min: i32,
    /// Most instances.
    pub max: i32,
    /// Instances to begin with.
    pub desired: i32,
    /// Tags, key and value.
    pub tags: Vec<(String, String)>,
}

impl NewGroup {
    /// A group of `m5.large` in one zone, tagged for the cluster.
    pub fn of(cluster: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            instance_type: "m5.large".to_owned(),
            zones: vec!["us-east-1a".to_owned()],
            min: 0,
            max: 10,
            desired: 0,
            tags: vec![("plimsoll.io/cluster".to_owned(), cluster.to_owned())],
        }
    }

    /// With these bounds and this many instances to begin with.
    #[must_use]
    pub const fn sized(mut self, min: i32, max: i32, desired: i32) -> Self {
        (self.min, self.max, self.desired) = (min, max, desired);
        self
    }
}

/// An SDK configuration as the daemon makes it, for this endpoint and with credentials that nobody checks.
pub async fn sdk(url: &str) -> SdkConfig {
    sdk_in(url, REGION).await
}

/// The same for another region.
pub async fn sdk_in(url: &str, region: &str) -> SdkConfig {
    let keys = Credentials::new("test", "test", None, None, "tests");
    let config = observe::aws::config(Some(region.to_owned())).await;
    config
        .into_builder()
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}

impl Account {
    /// The account behind an emulator's URL.
    pub async fn at(url: &str) -> Self {
        let client = Client::new(&sdk(url).await);
        let url = url.to_owned();
        Self { url, client }
    }

    /// Makes a launch template and a group.
    pub async fn create(&self, group: &NewGroup) -> Result<()> {
        self.ec2(&[
            ("Action", "CreateLaunchTemplate"),
            ("LaunchTemplateName", &group.name),
            ("LaunchTemplateData.InstanceType", &group.instance_type),
            ("LaunchTemplateData.ImageId", IMAGE),
        ])
        .await?;
        let template = LaunchTemplateSpecification::builder()
            .launch_template_name(&group.name)
            .version("$Latest");
        let tags = group.tags.iter().map(|(key, value)| {
            let tag = Tag::builder().key(key).value(value).resource_id(&group.name);
            tag.resource_type("auto-scaling-group")
                .propagate_at_launch(false)
                .build()
        });
        self.client
            .create_auto_scaling_group()
            .auto_scaling_group_name(&group.name)
            .launch_template(template.build())
            .set_availability_zones(Some(group.zones.clone()))
            .min_size(group.min)
            .max_size(group.max)
            .desired_capacity(group.desired)
            .set_tags(Some(tags.collect()))
            .send()
            .await?;
        Ok(())
    }

    /// The group as it stands.
    pub async fn group(&self, name: &str) -> Result<AutoScalingGroup> {
        let answer = self
            .client
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(name)
            .send()
            .await?;
        let first = answer.auto_scaling_groups().first().cloned();
        first.ok_or_else(|| format!("group {name} is not there").into())
    }

    /// Its desired size.
    pub async fn desired(&self, name: &str) -> Result<i32> {
        Ok(self.group(name).await?.desired_capacity().unwrap_or(-1))
    }

    /// Its instances that are not on their way out: id and zone.
    pub async fn instances(&self, name: &str) -> Result<Vec<(String, String)>> {
        let group = self.group(name).await?;
        let row = |i: &aws_sdk_autoscaling::types::Instance| {
            Some((i.instance_id()?.to_owned(), i.availability_zone()?.to_owned()))
        };
        let stays = |i: &&aws_sdk_autoscaling::types::Instance| {
            let state = i
                .lifecycle_state()
                .map(aws_sdk_autoscaling::types::LifecycleState::as_str);
            !state.is_some_and(|state| state.starts_with("Terminat"))
        };
        Ok(group.instances().iter().filter(stays).filter_map(row).collect())
    }

    /// Sets the desired size, as a person would.
    pub async fn set_desired(&self, name: &str, desired: i32) -> Result<()> {
        let call = self.client.set_desired_capacity().auto_scaling_group_name(name);
        call.desired_capacity(desired).send().await?;
        Ok(())
    }

    /// Takes an instance out of its group, which becomes one smaller; the instance lives on.
    pub async fn detach(&self, name: &str, id: &str) -> Result<()> {
        let call = self.client.detach_instances().auto_scaling_group_name(name);
        let call = call.instance_ids(id).should_decrement_desired_capacity(true);
        call.send().await?;
        Ok(())
    }

    /// State of an EC2 instance (`running`, `terminated`, …).
    pub async fn instance_state(&self, id: &str) -> Result<String> {
        let told = self
            .ec2(&[("Action", "DescribeInstances"), ("InstanceId.1", id)])
            .await?;
        let state = told.split("<instanceState>").nth(1).and_then(|rest| {
            let name = rest.split("<name>").nth(1)?;
            name.split('<').next()
        });
        state
            .map(str::to_owned)
            .ok_or_else(|| format!("no state of {id} in {told}").into())
    }

    /// A call of EC2's query protocol; `aws-sdk-ec2` is a dependency of the daemon's ends only.
    async fn ec2(&self, form: &[(&str, &str)]) -> Result<String> {
        let pairs = form
            .iter()
            .map(|(key, value)| format!("{key}={}", escaped(value)));
        let body = format!("{}&Version=2016-11-15", pairs.collect::<Vec<_>>().join("&")).into_bytes();
        let form = "Content-Type: application/x-www-form-urlencoded";
        self.post("ec2", form, body).await
    }

    /// A call of ECS' JSON protocol, as its owner would make it.
    pub async fn ecs(&self, call: &str, body: &serde_json::Value) -> Result<String> {
        let target = format!(
            "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.{call}"
        );
        self.post("ecs", &target, body.to_string().into_bytes()).await
    }

    /// Where a task may be placed that has a network of its own: a subnet and a security group of the account.
    pub async fn network(&self) -> Result<serde_json::Value> {
        let subnets = self.ec2(&[("Action", "DescribeSubnets")]).await?;
        let groups = self.ec2(&[("Action", "DescribeSecurityGroups")]).await?;
        let first = |text: &str, tag: &str| {
            let rest = text.split(&format!("<{tag}>")).nth(1).unwrap_or_default();
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        Ok(serde_json::json!({
            "subnets": [first(&subnets, "subnetId")],
            "securityGroups": [first(&groups, "groupId")],
        }))
    }

    async fn post(&self, service: &str, headers: &str, body: Vec<u8>) -> Result<String> {
        let (address, _) = wire::split(&self.url)?;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n{headers}\r\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=none",
            body.len()
        );
        let answer = wire::send(address, &Request { head, body }).await?;
        if answer.status == 200 {
            return Ok(answer.text);
        }
        Err(format!("{service} answered {}: {}", answer.status, answer.text).into())
    }
}

fn escaped(value: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(one).collect()
}
