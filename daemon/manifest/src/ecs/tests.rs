//! What a small cluster comes to, as `aws ecs describe-…` prints it.

use crate::{ClusterBuilder, built_in};
use model::Snapshot;
use model::aims::Aims;
use model::pod::PodPhase;
use model::resources::{GIB, MIB};

const CLUSTER: &str = r#"{"clusters": [{"clusterArn": "arn:aws:ecs:r:1:cluster/shop", "clusterName": "shop",
  "capacityProviders": ["asg", "FARGATE"]}], "failures": []}"#;

const SERVICES: &str = r#"{"services": [
  {"serviceName": "web", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "taskDefinition": "arn:web:1", "desiredCount": 4,
   "runningCount": 2, "schedulingStrategy": "REPLICA", "placementConstraints": [{"type": "distinctInstance"}]},
  {"serviceName": "agent", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "taskDefinition": "arn:agent:1",
   "desiredCount": 1, "schedulingStrategy": "DAEMON", "placementConstraints": []}]}"#;

const DEFINITIONS: &str = r#"{"taskDefinition": {"taskDefinitionArn": "arn:web:1", "networkMode": "awsvpc", "cpu": "512",
  "memory": "1024", "containerDefinitions": [{"name": "c", "cpu": 0, "portMappings": [{"containerPort": 80,
  "hostPort": 80}]}]}}
{"taskDefinition": {"taskDefinitionArn": "arn:agent:1", "networkMode": "host", "containerDefinitions":
  [{"name": "a", "cpu": 100, "memoryReservation": 128, "memory": 256, "privileged": true}, {"name": "b", "memory": 64}],
  "volumes": [{"name": "v", "host": {"sourcePath": "/"}}], "pidMode": "host"}}
{"taskDefinition": {"taskDefinitionArn": "arn:ml:1", "containerDefinitions": [{"name": "a", "cpu": 1024, "memory": 2048,
  "resourceRequirements": [{"type": "GPU", "value": "2"}], "portMappings": [{"hostPort": 8080}]}],
  "runtimePlatform": {"cpuArchitecture": "ARM64"}}}"#;

const TASKS: &str = r#"{"tasks": [
  {"taskArn": "arn:aws:ecs:r:1:task/shop/t1", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "group": "service:web",
   "taskDefinitionArn": "arn:web:1", "lastStatus": "RUNNING", "launchType": "EC2",
   "containerInstanceArn": "arn:aws:ecs:r:1:container-instance/shop/ci1"},
  {"taskArn": "arn:aws:ecs:r:1:task/shop/t2", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "group": "service:web",
   "taskDefinitionArn": "arn:web:1", "lastStatus": "RUNNING", "capacityProviderName": "FARGATE"},
  {"taskArn": "arn:aws:ecs:r:1:task/shop/t3", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "group": "family:ml",
   "taskDefinitionArn": "arn:ml:1", "lastStatus": "PROVISIONING", "launchType": "EC2"}]}"#;

const INSTANCES: &str = r#"{"containerInstances": [{
  "containerInstanceArn": "arn:aws:ecs:r:1:container-instance/shop/ci1", "ec2InstanceId": "i-1",
  "capacityProviderName": "asg", "status": "ACTIVE", "agentConnected": true,
  "registeredResources": [{"name": "CPU", "integerValue": 2048}, {"name": "MEMORY", "integerValue": 7680}],
  "remainingResources": [{"name": "CPU", "integerValue": 1024}, {"name": "MEMORY", "integerValue": 6000}],
  "attributes": [{"name": "ecs.instance-type", "value": "m5.large"}, {"name": "ecs.cpu-architecture", "value": "x86_64"},
  {"name": "ecs.availability-zone", "value": "r1a"}, {"name": "ecs.os-type", "value": "linux"}, {"name": "other"}]}]}"#;

const PROVIDERS: &str = r#"{"capacityProviders": [{"name": "asg", "autoScalingGroupProvider": {"managedScaling":
  {"status": "ENABLED"}}}]}"#;

fn builder(documents: &[&str]) -> ClusterBuilder {
    let mut builder = ClusterBuilder::new();
    for (ix, document) in documents.iter().enumerate() {
        let file = format!("{ix}.json");
        let read = builder.read(&file, document.as_bytes());
        read.unwrap_or_else(|problems| panic!("{problems}"));
    }
    builder
}

/// Storage that a definition asks Fargate for is billed there, and in the way of no instance.
#[test]
fn storage_beyond_what_is_free_is_in_the_price_of_fargate() {
    let large = DEFINITIONS.replacen(
        r#""memory": "1024","#,
        r#""memory": "1024", "ephemeralStorage": {"sizeInGiB": 120},"#,
        1,
    );
    assert_ne!(large, DEFINITIONS);
    let all = [CLUSTER, SERVICES, large.as_str(), TASKS, INSTANCES, PROVIDERS];
    let seen = builder(&all).finish(&built_in(), &Aims::default());
    let task = seen.pods.iter().find(|pod| &*pod.key.name == "t2").unwrap();
    let requests = &seen.spec(task.spec).requests;
    assert_eq!(requests.ephemeral_bytes, 120 * GIB);
    let rates = model::fargate::FargateRates::US_EAST_1;
    assert_eq!(rates.of_storage(requests.ephemeral_bytes).0, 100 * 111_000);
    let on_ec2 = seen.nodes.iter().find(|node| !node.fargate).unwrap();
    assert!(on_ec2.allocatable.ephemeral_bytes >= 200 * GIB);
}

fn seen() -> Snapshot {
    let all = [CLUSTER, SERVICES, DEFINITIONS, TASKS, INSTANCES, PROVIDERS];
    builder(&all).finish(&built_in(), &Aims::default())
}

#[test]
fn services_are_workloads_and_tasks_are_pods() {
    let seen = seen();
    let told: Vec<(String, u32)> = seen
        .workloads
        .iter()
        .map(|own| (own.key.to_string(), own.replicas))
        .collect();
    let expected = [
        ("DaemonSet shop/agent".to_owned(), 1),
        ("EcsService shop/web".to_owned(), 4),
    ];
    assert_eq!(told, expected);
    let of = |name: &str| seen.pods.iter().find(|pod| &*pod.key.name == name).unwrap();
    let node = |name: &str| of(name).node.as_ref().map(ToString::to_string);
    assert_eq!(node("t1").as_deref(), Some("i-1"));
    assert_eq!(node("t2").as_deref(), Some("fargate-t2"));
    assert_eq!((of("t3").phase, node("t3")), (PodPhase::Pending, None));
    let waiting = seen.pods.iter().filter(|pod| pod.phase == PodPhase::Pending);
    let waiting: Vec<&str> = waiting.map(|pod| &*pod.key.name).collect();
    assert_eq!(waiting, ["t3", "web-0", "web-1"], "two tasks are missing to four");
    let spec = seen.spec(of("t1").spec);
    assert_eq!(
        (spec.requests.cpu_milli, spec.requests.memory_bytes),
        (500, 1024 * MIB)
    );
    assert!(!spec.traits.host_port, "the task has a network of its own");
    assert_eq!(spec.near.len(), 1, "one task per instance");
    let spec = seen.spec(of("t3").spec);
    assert_eq!(spec.requests.amount("nvidia.com/gpu"), 2);
    assert!(spec.traits.host_port);
    assert_eq!(spec.node_selector.get("kubernetes.io/arch").unwrap(), "arm64");
}

#[test]
fn instances_are_nodes_with_room_for_known_tasks() {
    let seen = seen();
    let node = seen
        .nodes
        .iter()
        .find(|node| node.name.as_str() == "i-1")
        .unwrap();
    // 1,024 units and 6,000 MiB free, and a task of 512 and 1,024: 512 units belong to a task that is not told.
    assert_eq!(
        (node.allocatable.cpu_milli, node.allocatable.memory_mib_down()),
        (1500, 7024)
    );
    assert_eq!(node.labels.get("kubernetes.io/arch").unwrap(), "amd64");
    assert_eq!(
        node.labels.get("node.kubernetes.io/instance-type").unwrap(),
        "m5.large"
    );
    let asg = seen
        .groups
        .iter()
        .find(|group| group.name.as_str() == "asg")
        .unwrap();
    assert_eq!(asg.foreign.as_deref(), Some("ECS managed scaling"));
    assert!(
        seen.nodes
            .iter()
            .any(|node| node.fargate && node.name.as_str() == "fargate-t2")
    );
}

#[test]
fn what_the_daemon_service_asks_of_the_host_is_told() {
    let seen = seen();
    let agent = seen.workloads.iter().find(|own| own.is_daemon_set()).unwrap();
    let spec = seen.spec(agent.template.unwrap());
    let traits = spec.traits;
    assert!(traits.host_network && traits.host_pid && traits.host_path && traits.privileged);
    assert_eq!(
        (spec.requests.cpu_milli, spec.requests.memory_bytes),
        (98, 192 * MIB)
    );
}

#[test]
fn fargate_sells_its_sizes_whole_and_arm_for_less() {
    let seen = seen();
    let sizes: Vec<_> = seen.offers.iter().filter(|offer| offer.is_fargate()).collect();
    assert_eq!(sizes.len(), 148);
    let of = |id: &str| sizes.iter().find(|offer| offer.id.as_str() == id).unwrap();
    let x86 = of("FARGATE/fargate/250m/512Mi/amd64");
    assert_eq!(
        (x86.price.0, x86.allocatable.memory_bytes),
        (12_342_500, 512 * MIB)
    );
    assert_eq!(of("FARGATE/fargate/250m/512Mi/arm64").price.0, 9_875_000);
}

#[test]
fn bad_input_is_told_by_its_field() {
    let missing = builder(&[SERVICES]).missing();
    let expected = "service shop/agent: its task definition arn:agent:1 is not in the input";
    assert_eq!((missing.len(), missing[0].as_str()), (2, expected));
    let table = [
        (
            r#"{"services": [{"clusterArn": "c", "taskDefinition": "t"}]}"#,
            "serviceName: is missing",
        ),
        (
            r#"{"taskDefinition": {"taskDefinitionArn": "a", "cpu": "much"}}"#,
            "cpu: \"much\": must be a whole number",
        ),
        (
            r#"{"taskDefinition": {"taskDefinitionArn": "a", "memory": -1}}"#,
            "memory: -1: must not be negative",
        ),
        (r#"{"tasks": [7]}"#, "tasks[0]"),
        (
            r#"{"services": [{"serviceName": "w", "clusterArn": "c", "taskDefinition": "t", "desiredCount": 4000000000}]}"#,
            "service c/w: desiredCount: 4000000000: with those before it more than 1000000 in all",
        ),
        (
            r#"{"containerInstances": {}}"#,
            "containerInstances: must be a list",
        ),
    ];
    for (document, expected) in table {
        let problems = ClusterBuilder::new()
            .read("x.json", document.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            problems.contains(expected) && problems.contains("x.json"),
            "{document}: {problems}"
        );
    }
    let huge = r#"{"taskDefinition": {"taskDefinitionArn": "a", "cpu": "9223372036854775807", "memory": 9223372036854775807}}"#;
    assert!(
        ClusterBuilder::new().read("x.json", huge.as_bytes()).is_ok(),
        "and fits nowhere"
    );
}
