//! Eyes on ECS: clusters, services, tasks, container instances and capacity providers of the account, read beside the
//! Kubernetes cluster and never mixed with it: nothing is decided by them, and nothing is ever done to them.
//!
//! Listed cheaply, described where something changed: one call a minute tells the counts of up to 100 clusters; a
//! cluster whose counts are the same is read whole every ten minutes only, a task that runs is described once, a task
//! definition, which never changes, once. The API takes 10 services, 100 tasks or instances at a time (Amazon ECS API
//! reference). What was read is written as `aws ecs describe-…` prints it, which `manifest` reads. A cluster that could
//! not be read keeps its last rows. Not here: what it comes to as workloads and nodes (`manifest`), prices.

mod documents;

use super::sdk::{self, AwsError};
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Cluster;
use model::beside::{EcsClusters, EcsPicture};
use model::time::{Instant, Span};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// From one reading to the next.
pub const EVERY: Span = Span::from_secs(60);
/// A cluster whose counts have not changed is read whole after this; clusters are listed, and capacity providers
/// described, this often.
const WHOLE: Span = Span::from_secs(600);
/// Clusters, tasks and container instances described at once.
const MANY: usize = 100;
/// Services described at once.
const FEW: usize = 10;
/// Task definitions asked for in one reading; the others wait for the next.
const DEFINITIONS: usize = 25;

/// Rows of one document.
const ROWS: usize = 500;

/// Reads ECS in one account and region.
pub struct Ecs {
    client: Client,
    wanted: EcsClusters,
    names: Vec<String>,
    listed: Option<Instant>,
    clusters: BTreeMap<String, Known>,
    providers: Vec<Value>,
    /// Names that were asked about, and when.
    asked: (BTreeSet<String>, Option<Instant>),
    /// By ARN.
    definitions: BTreeMap<String, Value>,
}

/// A cluster as it was last read.
#[derive(Debug, Default)]
struct Known {
    told: Value,
    counts: Option<[i32; 4]>,
    whole: Option<Instant>,
    services: Vec<Value>,
    /// By ARN.
    tasks: BTreeMap<String, Value>,
    instances: Vec<Value>,
}

impl Ecs {
    /// Eyes over an SDK configuration; no call is made yet.
    pub fn new(sdk: &aws_config::SdkConfig, wanted: EcsClusters) -> Self {
        Self {
            client: sdk::ecs(sdk),
            wanted,
            names: Vec::new(),
            listed: None,
            clusters: BTreeMap::new(),
            providers: Vec::new(),
            asked: (BTreeSet::new(), None),
            definitions: BTreeMap::new(),
        }
    }

    /// Reads what is due. Never fails: what could not be read is told in the picture, and keeps its last rows.
    pub async fn read(&mut self, at: Instant) -> EcsPicture {
        let mut trouble = Vec::new();
        if self.listed.is_none_or(|last| at.since(last) >= WHOLE) {
            match self.list(at).await {
                Ok(()) => {}
                Err(error) => trouble.push(error.to_string()),
            }
        }
        let names = self.names.clone();
        for names in names.chunks(MANY) {
            if let Err(error) = self.look(names, at, &mut trouble).await {
                trouble.push(error.to_string());
            }
        }
        if let Err(error) = self.learn_providers(at).await {
            trouble.push(error.to_string());
        }
        if let Err(error) = self.learn_definitions().await {
            trouble.push(error.to_string());
        }
        for why in &trouble {
            tracing::warn!(%why, "ECS could not be read whole; the last rows stay");
        }
        self.picture(at, trouble)
    }

    async fn list(&mut self, at: Instant) -> Result<(), AwsError> {
        self.names = match &self.wanted {
            EcsClusters::Named(names) => names.clone(),
            EcsClusters::All => {
                let mut pages = self.client.list_clusters().into_paginator().send();
                let mut arns = Vec::new();
                while let Some(page) = pages.next().await {
                    let page = page.map_err(|error| AwsError::of("ecs:ListClusters", &error))?;
                    arns.extend(page.cluster_arns().iter().cloned());
                }
                self.clusters.retain(|arn, _| arns.contains(arn));
                arns
            }
        };
        self.listed = Some(at);
        Ok(())
    }

    /// Looks at the counts of some clusters, and reads those whole that are due.
    async fn look(
        &mut self,
        names: &[String],
        at: Instant,
        trouble: &mut Vec<String>,
    ) -> Result<(), AwsError> {
        let sent = self.client.describe_clusters().set_clusters(Some(names.to_vec()));
        let answer = sent.send().await;
        let answer = answer.map_err(|error| AwsError::of("ecs:DescribeClusters", &error))?;
        for failure in answer.failures() {
            let arn = failure.arn().unwrap_or_default();
            let reason = failure.reason().unwrap_or("no reason");
            if reason == "MISSING" {
                self.clusters.remove(arn);
            }
            trouble.push(format!("ecs:DescribeClusters: {arn}: {reason}"));
        }
        for told in answer.clusters() {
            let Some(arn) = told.cluster_arn() else { continue };
            if told.status() == Some("INACTIVE") {
                self.clusters.remove(arn);
                continue;
            }
            let known = self.clusters.entry(arn.to_owned()).or_default();
            known.told = documents::cluster(told);
            let due = known.whole.is_none_or(|last| at.since(last) >= WHOLE);
            if due || known.counts != Some(counts(told)) {
                match known.read(&self.client, arn).await {
                    Ok(()) => (known.counts, known.whole) = (Some(counts(told)), Some(at)),
                    Err(error) => trouble.push(format!("{arn}: {error}")),
                }
            }
        }
        Ok(())
    }

    /// Describes the capacity providers that clusters name; ECS' own of Fargate have nothing to tell.
    async fn learn_providers(&mut self, at: Instant) -> Result<(), AwsError> {
        let told = self
            .clusters
            .values()
            .filter_map(|known| known.told.get("capacityProviders")?.as_array());
        let names = told.flatten().filter_map(Value::as_str);
        let names = names.filter(|name| !name.starts_with("FARGATE"));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let fresh = self.asked.1.is_some_and(|last| at.since(last) < WHOLE);
        if fresh && self.asked.0 == names {
            return Ok(());
        }
        let all: Vec<String> = names.iter().cloned().collect();
        let mut providers = Vec::new();
        for names in all.chunks(MANY) {
            let sent = self.client.describe_capacity_providers();
            let answer = sent.set_capacity_providers(Some(names.to_vec())).send().await;
            let answer = answer.map_err(|error| AwsError::of("ecs:DescribeCapacityProviders", &error))?;
            providers.extend(answer.capacity_providers().iter().map(documents::provider));
        }
        (self.providers, self.asked) = (providers, (names, Some(at)));
        Ok(())
    }

    /// Describes task definitions that nobody has described yet, and forgets those that nobody names.
    async fn learn_definitions(&mut self) -> Result<(), AwsError> {
        let named = self.named();
        self.definitions.retain(|arn, _| named.contains(arn));
        let missing: Vec<&String> = named
            .iter()
            .filter(|arn| !self.definitions.contains_key(*arn))
            .collect();
        for arn in missing.into_iter().take(DEFINITIONS) {
            let sent = self.client.describe_task_definition().task_definition(arn).send();
            let answer = sent
                .await
                .map_err(|error| AwsError::of("ecs:DescribeTaskDefinition", &error))?;
            if let Some(told) = answer.task_definition() {
                let mut definition = documents::definition(told);
                // By the name that it is called by, so that it is found again.
                if let Some(fields) = definition.as_object_mut() {
                    fields.insert("taskDefinitionArn".to_owned(), json!(arn));
                }
                self.definitions.insert(arn.clone(), definition);
            }
        }
        Ok(())
    }

    /// Task definitions that services and tasks name.
    fn named(&self) -> BTreeSet<String> {
        let of = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let clusters = self.clusters.values();
        let named = clusters.flat_map(|known| {
            let services = known.services.iter().map(move |row| of(row, "taskDefinition"));
            let tasks = known.tasks.values().map(move |row| of(row, "taskDefinitionArn"));
            services.chain(tasks)
        });
        named.flatten().collect()
    }

    /// One document a line. Who lacks a task definition is left out, and told.
    fn picture(&self, at: Instant, mut trouble: Vec<String>) -> EcsPicture {
        let known = |row: &&Value, key: &str| {
            let name = row.get(key).and_then(Value::as_str);
            name.is_some_and(|name| self.definitions.contains_key(name))
        };
        let missing = self
            .named()
            .iter()
            .filter(|arn| !self.definitions.contains_key(*arn))
            .count();
        if missing > 0 {
            trouble.push(format!("{missing} task definitions are still to be read"));
        }
        let clusters = || self.clusters.values();
        let services =
            clusters().flat_map(|own| own.services.iter().filter(|row| known(row, "taskDefinition")));
        let services: Vec<&Value> = services.collect();
        let tasks =
            clusters().flat_map(|own| own.tasks.values().filter(|row| known(row, "taskDefinitionArn")));
        let tasks: Vec<&Value> = tasks.collect();
        let instances: Vec<&Value> = clusters().flat_map(|own| &own.instances).collect();
        let told: Vec<&Value> = clusters().map(|own| &own.told).collect();
        let counts = [told.len(), services.len(), tasks.len(), instances.len()];
        let providers: Vec<&Value> = self.providers.iter().collect();
        let lists = [
            ("clusters", told),
            ("capacityProviders", providers),
            ("services", services),
            ("tasks", tasks),
            ("containerInstances", instances),
        ];
        let mut documents = Vec::new();
        for (key, rows) in &lists {
            documents.extend(rows.chunks(ROWS).map(|rows| json!({ *key: rows }).to_string()));
        }
        let definitions = self.definitions.values();
        documents.extend(definitions.map(|definition| json!({"taskDefinition": definition}).to_string()));
        let [clusters, services, tasks, instances] =
            counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        EcsPicture {
            at,
            clusters,
            services,
            tasks,
            instances,
            documents,
            trouble,
        }
    }
}

/// What tells whether anything moved.
fn counts(told: &Cluster) -> [i32; 4] {
    [
        told.active_services_count(),
        told.running_tasks_count(),
        told.pending_tasks_count(),
        told.registered_container_instances_count(),
    ]
}

impl Known {
    /// Reads the cluster whole; what was there before stays unless all of it could be read.
    async fn read(&mut self, client: &Client, cluster: &str) -> Result<(), AwsError> {
        let services = services(client, cluster).await?;
        let tasks = self.tasks(client, cluster).await?;
        let instances = instances(client, cluster).await?;
        (self.services, self.tasks, self.instances) = (services, tasks, instances);
        Ok(())
    }

    /// Tasks that are to run; those that run and were described already are not described again.
    async fn tasks(&self, client: &Client, cluster: &str) -> Result<BTreeMap<String, Value>, AwsError> {
        let mut pages = client
            .list_tasks()
            .cluster(cluster)
            .into_paginator()
            .items()
            .send();
        let (mut tasks, mut unknown) = (BTreeMap::new(), Vec::new());
        while let Some(arn) = pages.next().await {
            let arn = arn.map_err(|error| AwsError::of("ecs:ListTasks", &error))?;
            let runs = |row: &&Value| row.get("lastStatus").and_then(Value::as_str) == Some("RUNNING");
            match self.tasks.get(&arn).filter(runs) {
                Some(row) => drop(tasks.insert(arn, row.clone())),
                None => unknown.push(arn),
            }
        }
        for arns in unknown.chunks(MANY) {
            let sent = client
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns.to_vec()));
            let answer = sent.send().await;
            let answer = answer.map_err(|error| AwsError::of("ecs:DescribeTasks", &error))?;
            for told in answer.tasks() {
                tasks.insert(
                    told.task_arn().unwrap_or_default().to_owned(),
                    documents::task(told),
                );
            }
        }
        Ok(tasks)
    }
}

async fn services(client: &Client, cluster: &str) -> Result<Vec<Value>, AwsError> {
    let mut pages = client
        .list_services()
        .cluster(cluster)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| AwsError::of("ecs:ListServices", &error))?);
    }
    let mut services = Vec::with_capacity(arns.len());
    for arns in arns.chunks(FEW) {
        let sent = client
            .describe_services()
            .cluster(cluster)
            .set_services(Some(arns.to_vec()));
        let answer = sent.send().await;
        let answer = answer.map_err(|error| AwsError::of("ecs:DescribeServices", &error))?;
        services.extend(answer.services().iter().map(documents::service));
    }
    Ok(services)
}

async fn instances(client: &Client, cluster: &str) -> Result<Vec<Value>, AwsError> {
    let pages = client
        .list_container_instances()
        .cluster(cluster)
        .into_paginator();
    let mut pages = pages.items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| AwsError::of("ecs:ListContainerInstances", &error))?);
    }
    let mut instances = Vec::with_capacity(arns.len());
    for arns in arns.chunks(MANY) {
        let sent = client
            .describe_container_instances()
            .cluster(cluster)
            .set_container_instances(Some(arns.to_vec()));
        let answer = sent.send().await;
        let answer = answer.map_err(|error| AwsError::of("ecs:DescribeContainerInstances", &error))?;
        instances.extend(answer.container_instances().iter().map(documents::instance));
    }
    Ok(instances)
}
