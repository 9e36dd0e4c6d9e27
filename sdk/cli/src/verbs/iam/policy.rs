//! Statements of IAM from the table of permissions: resources, and the tags without which nothing is changed.
//!
//! Source: the service authorization reference of Auto Scaling, EC2 (`CreateFleet` acts as its caller, so that it
//! takes `RunInstances`, `CreateTags` and `PassRole` besides), EKS, SQS and CloudWatch.

use model::discovery::{Says, Way};
use model::fleet::CLUSTER_TAG;
use model::permission::{PERMISSIONS, Statement};
use serde::Serialize;
use std::collections::BTreeMap;

/// Stands for every value of a tag.
const ANY_VALUE: &str = "*";

/// What the policy is to grant.
pub(super) struct Wanted<'a> {
    pub(super) cluster: &'a str,
    /// Partition, region, account.
    pub(super) place: (&'a str, &'a str, &'a str),
    /// What acting needs, instead of what reading needs.
    pub(super) act: bool,
    /// By which tags groups are the cluster's.
    pub(super) ways: Vec<Way>,
    /// The nodes' role, where there is a fleet.
    pub(super) fleet: Option<&'a str>,
    /// Paths of parameters of the account's own that name images.
    pub(super) image_parameters: &'a [String],
    pub(super) queue: Option<String>,
    pub(super) bounds: bool,
    pub(super) ecs: bool,
}

/// A policy document.
#[derive(Serialize)]
pub(super) struct Policy {
    #[serde(rename = "Version")]
    version: &'static str,
    #[serde(rename = "Statement")]
    pub(super) statements: Vec<Granted>,
}

/// A statement that allows.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Granted {
    pub(super) sid: String,
    effect: &'static str,
    #[serde(rename = "Action")]
    pub(super) actions: Vec<&'static str>,
    #[serde(rename = "Resource")]
    resources: Vec<String>,
    #[serde(rename = "Condition", skip_serializing_if = "BTreeMap::is_empty")]
    conditions: Conditions,
}

/// Operator, then key, then values, one of which must be there.
type Conditions = BTreeMap<&'static str, BTreeMap<String, Vec<String>>>;

impl Policy {
    pub(super) fn new(wanted: &Wanted<'_>) -> Self {
        let statements = if wanted.act {
            wanted.acting()
        } else {
            wanted.reading()
        };
        Self {
            version: "2012-10-17",
            statements,
        }
    }

    /// As IAM counts a policy's size: without white space.
    pub(super) fn characters(&self) -> anyhow::Result<usize> {
        Ok(serde_json::to_string(self)?.len())
    }
}

impl Granted {
    fn new(sid: &str, actions: Vec<&'static str>, resources: Vec<String>) -> Self {
        Self {
            sid: sid.to_owned(),
            effect: "Allow",
            actions,
            resources,
            conditions: Conditions::new(),
        }
    }

    /// Where the tag is there, whatever its value.
    fn only_with(mut self, key: &str) -> Self {
        let like = self.conditions.entry("StringLike").or_default();
        like.insert(key.to_owned(), vec![ANY_VALUE.to_owned()]);
        self
    }

    fn only_if(mut self, key: &str, values: &[&str]) -> Self {
        let equals = self.conditions.entry("StringEquals").or_default();
        let values = values.iter().map(|value| (*value).to_owned());
        equals.insert(key.to_owned(), values.collect());
        self
    }
}

fn actions(of: Statement) -> Vec<&'static str> {
    let own = PERMISSIONS.iter().filter(|own| own.statement == of);
    own.map(|own| own.action).collect()
}

fn tagged(key: &str) -> String {
    format!("aws:ResourceTag/{key}")
}

fn requested(key: &str) -> String {
    format!("aws:RequestTag/{key}")
}

impl Wanted<'_> {
    fn reading(&self) -> Vec<Granted> {
        let everything = vec!["*".to_owned()];
        let own = self.cluster;
        let of_cluster = [
            format!("cluster/{own}"),
            format!("nodegroup/{own}/*/*"),
            format!("fargateprofile/{own}/*/*"),
        ];
        let of_cluster = of_cluster.map(|name| self.arn("eks", &name)).to_vec();
        let mut granted = vec![
            Granted::new("Read", actions(Statement::Read), everything),
            Granted::new("ReadCluster", actions(Statement::ReadCluster), of_cluster),
            Granted::new("Images", actions(Statement::Images), self.parameters()),
        ];
        if let Some(queue) = &self.queue {
            let queue = vec![self.arn("sqs", queue)];
            granted.push(Granted::new("Queue", actions(Statement::Queue), queue));
        }
        if self.ecs {
            // Lists and task definitions cannot be confined.
            granted.push(Granted::new("Ecs", actions(Statement::Ecs), vec!["*".to_owned()]));
        }
        granted
    }

    /// Parameters that name images: those that AWS publishes, which belong to no account, and what is named. Others
    /// may be secrets.
    fn parameters(&self) -> Vec<String> {
        let (partition, region, _) = self.place;
        let public = format!("arn:{partition}:ssm:{region}::parameter/aws/service/*");
        let own = self.image_parameters.iter().map(|path| {
            let path = path.strip_prefix('/').unwrap_or(path);
            self.arn("ssm", &format!("parameter/{path}"))
        });
        std::iter::once(public).chain(own).collect()
    }

    fn acting(&self) -> Vec<Granted> {
        let mut granted = self.by_tags("Scale", &actions(Statement::Scale));
        let publish = Granted::new("Publish", actions(Statement::Publish), vec!["*".to_owned()]);
        granted.push(publish.only_if("cloudwatch:namespace", &["Plimsoll"]));
        if self.bounds {
            let of_asg = |action: &&'static str| action.starts_with("autoscaling:");
            let (groups, clusters): (Vec<_>, Vec<_>) =
                actions(Statement::Bounds).into_iter().partition(of_asg);
            granted.extend(self.by_tags("Bounds", &groups));
            let managed = self.arn("eks", &format!("nodegroup/{}/*/*", self.cluster));
            granted.push(Granted::new("BoundsOfManaged", clusters, vec![managed]));
        }
        if let Some(role) = self.fleet {
            granted.extend(self.fleet(role));
        }
        granted
    }

    /// Statements about Auto Scaling groups, one per way: conditions of one statement must all hold.
    fn by_tags(&self, sid: &str, actions: &[&'static str]) -> Vec<Granted> {
        let groups = self.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*");
        let ways = self.ways.iter().enumerate();
        let of_way = |(at, way): (usize, &Way)| {
            let sid = if at == 0 {
                sid.to_owned()
            } else {
                format!("{sid}{}", at + 1)
            };
            let granted = Granted::new(&sid, actions.to_vec(), vec![groups.clone()]);
            way.tags.iter().fold(granted, |granted, (key, says)| match says {
                Says::Anything => granted.only_with(&tagged(key)),
                Says::This(value) => granted.only_if(&tagged(key), &[value.as_str()]),
            })
        };
        ways.map(of_way).collect()
    }

    /// The fleet starts only what it tags in the same call, from launch templates with the tag, and ends only that.
    fn fleet(&self, role: &str) -> Vec<Granted> {
        const LAUNCH: [&str; 2] = ["ec2:CreateFleet", "ec2:RunInstances"];
        let (partition, region, account) = self.place;
        let own = |kinds: &[&str]| -> Vec<String> {
            kinds
                .iter()
                .map(|kind| self.arn("ec2", &format!("{kind}/*")))
                .collect()
        };
        // Images and snapshots belong to nobody in particular.
        let public = ["image", "snapshot"].map(|kind| format!("arn:{partition}:ec2:{region}::{kind}/*"));
        let mut parts = own(&["security-group", "subnet", "capacity-reservation"]);
        parts.extend(public);
        let made = own(&[
            "fleet",
            "instance",
            "network-interface",
            "spot-instances-request",
            "volume",
        ]);
        let templates = own(&["launch-template"]);
        let role = vec![format!("arn:{partition}:iam::{account}:role/{role}")];
        let instances = own(&["instance"]);
        let launch = |sid: &str, resources| Granted::new(sid, LAUNCH.to_vec(), resources);
        let tags = Granted::new("FleetTags", vec!["ec2:CreateTags"], made.clone());
        vec![
            launch("FleetParts", parts),
            launch("FleetTemplates", templates).only_if(&tagged(CLUSTER_TAG), &[self.cluster]),
            launch("FleetLaunches", made).only_if(&requested(CLUSTER_TAG), &[self.cluster]),
            tags.only_if(&requested(CLUSTER_TAG), &[self.cluster])
                .only_if("ec2:CreateAction", &["CreateFleet", "RunInstances"]),
            Granted::new("FleetTerminates", vec!["ec2:TerminateInstances"], instances)
                .only_if(&tagged(CLUSTER_TAG), &[self.cluster]),
            Granted::new("FleetRole", vec!["iam:PassRole"], role)
                .only_if("iam:PassedToService", &["ec2.amazonaws.com"]),
        ]
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let (partition, region, account) = self.place;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}
