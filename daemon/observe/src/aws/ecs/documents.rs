//! What the SDK tells of ECS, written as `aws ecs describe-…` prints it: the words that `manifest` reads.
//!
//! Only what a plan reads is written down: environments, secrets, commands, images and tags stay out. Source: the
//! Amazon ECS API reference.

use aws_sdk_ecs::types::{
    AutoScalingGroupProvider, CapacityProvider, Cluster, ContainerDefinition, ContainerInstance,
    CpuArchitecture, HostVolumeProperties, IpcMode, LaunchType, ManagedScaling, ManagedScalingStatus,
    NetworkMode, OsFamily, PidMode, PlacementConstraintType, Resource, SchedulingStrategy, Service, Task,
    TaskDefinition, TaskDefinitionPlacementConstraintType, Volume,
};
use serde_json::{Map, Value, json};

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let there = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        there
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

pub(super) fn cluster(told: &Cluster) -> Value {
    object([
        ("clusterArn", json!(told.cluster_arn())),
        ("clusterName", json!(told.cluster_name())),
        ("capacityProviders", json!(told.capacity_providers())),
    ])
}

pub(super) fn service(told: &Service) -> Value {
    let constraints = told.placement_constraints().iter();
    let constraints =
        constraints.map(|own| json!({"type": own.r#type().map(PlacementConstraintType::as_str)}));
    let strategy = told.scheduling_strategy().map(SchedulingStrategy::as_str);
    object([
        ("clusterArn", json!(told.cluster_arn())),
        ("serviceName", json!(told.service_name())),
        ("taskDefinition", json!(told.task_definition())),
        ("desiredCount", json!(told.desired_count())),
        ("runningCount", json!(told.running_count())),
        ("schedulingStrategy", json!(strategy)),
        ("placementConstraints", constraints.collect()),
    ])
}

pub(super) fn task(told: &Task) -> Value {
    object([
        ("clusterArn", json!(told.cluster_arn())),
        ("taskArn", json!(told.task_arn())),
        ("taskDefinitionArn", json!(told.task_definition_arn())),
        ("group", json!(told.group())),
        ("launchType", json!(told.launch_type().map(LaunchType::as_str))),
        ("capacityProviderName", json!(told.capacity_provider_name())),
        ("lastStatus", json!(told.last_status())),
        ("containerInstanceArn", json!(told.container_instance_arn())),
    ])
}

pub(super) fn instance(told: &ContainerInstance) -> Value {
    let attributes = told
        .attributes()
        .iter()
        .filter(|own| own.name().starts_with("ecs."));
    let attributes = attributes.map(|own| json!({"name": own.name(), "value": own.value()}));
    object([
        ("containerInstanceArn", json!(told.container_instance_arn())),
        ("ec2InstanceId", json!(told.ec2_instance_id())),
        ("capacityProviderName", json!(told.capacity_provider_name())),
        ("status", json!(told.status())),
        ("agentConnected", json!(told.agent_connected())),
        ("attributes", attributes.collect()),
        ("registeredResources", resources(told.registered_resources())),
        ("remainingResources", resources(told.remaining_resources())),
    ])
}

fn resources(told: &[Resource]) -> Value {
    let amount = |own: &Resource| {
        object([
            ("name", json!(own.name())),
            ("integerValue", json!(own.integer_value())),
            ("stringSetValue", json!(own.string_set_value())),
        ])
    };
    told.iter().map(amount).collect()
}

pub(super) fn provider(told: &CapacityProvider) -> Value {
    let scaling = told
        .auto_scaling_group_provider()
        .and_then(AutoScalingGroupProvider::managed_scaling);
    let status = scaling
        .and_then(ManagedScaling::status)
        .map(ManagedScalingStatus::as_str);
    let group = told
        .auto_scaling_group_provider()
        .map(|_| json!({"managedScaling": {"status": status}}));
    object([
        ("name", json!(told.name())),
        ("autoScalingGroupProvider", json!(group)),
        (
            "managedInstancesProvider",
            told.managed_instances_provider()
                .map_or(Value::Null, |_| json!({})),
        ),
    ])
}

pub(super) fn definition(told: &TaskDefinition) -> Value {
    let platform = told.runtime_platform().map(|own| {
        object([
            (
                "cpuArchitecture",
                json!(own.cpu_architecture().map(CpuArchitecture::as_str)),
            ),
            (
                "operatingSystemFamily",
                json!(own.operating_system_family().map(OsFamily::as_str)),
            ),
        ])
    });
    let constraints = told.placement_constraints().iter();
    let constraints = constraints
        .map(|own| json!({"type": own.r#type().map(TaskDefinitionPlacementConstraintType::as_str)}));
    object([
        ("taskDefinitionArn", json!(told.task_definition_arn())),
        ("networkMode", json!(told.network_mode().map(NetworkMode::as_str))),
        ("pidMode", json!(told.pid_mode().map(PidMode::as_str))),
        ("ipcMode", json!(told.ipc_mode().map(IpcMode::as_str))),
        ("cpu", json!(told.cpu())),
        ("memory", json!(told.memory())),
        (
            "ephemeralStorage",
            told.ephemeral_storage()
                .map_or(Value::Null, |own| json!({"sizeInGiB": own.size_in_gib()})),
        ),
        ("runtimePlatform", json!(platform)),
        ("placementConstraints", constraints.collect()),
        ("volumes", told.volumes().iter().map(volume).collect()),
        (
            "containerDefinitions",
            told.container_definitions().iter().map(container).collect(),
        ),
    ])
}

fn container(told: &ContainerDefinition) -> Value {
    let needs = told.resource_requirements().iter();
    let needs = needs.map(|own| json!({"type": own.r#type().as_str(), "value": own.value()}));
    let ports = told.port_mappings().iter();
    let ports = ports.map(|own| object([("hostPort", json!(own.host_port()))]));
    object([
        ("cpu", json!(told.cpu())),
        ("memory", json!(told.memory())),
        ("memoryReservation", json!(told.memory_reservation())),
        ("privileged", json!(told.privileged())),
        ("resourceRequirements", needs.collect()),
        ("portMappings", ports.collect()),
    ])
}

/// Which kind it is, and nothing of where it leads: that the host has a path for it is all a plan asks.
fn volume(told: &Volume) -> Value {
    let host = told.host().and_then(HostVolumeProperties::source_path);
    let there = |is_there: bool| if is_there { json!({}) } else { Value::Null };
    let windows = told.fsx_windows_file_server_volume_configuration().is_some();
    object([
        ("host", host.map_or(Value::Null, |_| json!({"sourcePath": "/"}))),
        (
            "dockerVolumeConfiguration",
            there(told.docker_volume_configuration().is_some()),
        ),
        ("fsxWindowsFileServerVolumeConfiguration", there(windows)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::{
        Attribute, CapacityProviderStrategyItem, Compatibility, EnvironmentFile, EphemeralStorage,
        KeyValuePair, Secret,
    };
    use manifest::{EcsObject, Object};
    use model::resources::{GIB, MIB};

    fn read(key: &str, told: &Value) -> EcsObject {
        let document = if key == "taskDefinition" {
            json!({ key: told })
        } else {
            json!({ key: [told] })
        };
        let mut objects = manifest::objects("ecs.json", document.to_string().as_bytes()).unwrap();
        assert_eq!(objects.len(), 1, "{document}");
        match objects.remove(0) {
            Object::Ecs(object) => *object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_definition_is_read_as_it_would_be_from_a_file_and_tells_no_secrets() {
        let container = ContainerDefinition::builder()
            .name("app")
            .image("private/image")
            .cpu(256)
            .memory_reservation(300)
            .privileged(true)
            .command("--password=hunter2")
            .environment(KeyValuePair::builder().name("TOKEN").value("hunter2").build())
            .secrets(Secret::builder().name("s").value_from("hunter2").build().unwrap())
            .environment_files(
                EnvironmentFile::builder()
                    .value("hunter2")
                    .r#type(aws_sdk_ecs::types::EnvironmentFileType::S3)
                    .build()
                    .unwrap(),
            )
            .build();
        let path = HostVolumeProperties::builder().source_path("/hunter2").build();
        let told = TaskDefinition::builder()
            .task_definition_arn("arn:aws:ecs:r:1:task-definition/app:3")
            .network_mode(NetworkMode::Host)
            .requires_compatibilities(Compatibility::Ec2)
            .volumes(Volume::builder().name("v").host(path).build())
            .container_definitions(container)
            .ephemeral_storage(EphemeralStorage::builder().size_in_gib(120).build())
            .build();
        let written = definition(&told);
        assert!(!written.to_string().contains("hunter2"), "{written}");
        let EcsObject::Definition(own) = read("taskDefinition", &written) else {
            panic!("a definition");
        };
        assert_eq!(own.arn, "arn:aws:ecs:r:1:task-definition/app:3");
        assert_eq!(
            (own.spec.requests.cpu_milli, own.spec.requests.memory_bytes),
            (250, 300 * MIB)
        );
        assert_eq!(own.spec.requests.ephemeral_bytes, 120 * GIB);
        let traits = own.spec.traits;
        assert!(traits.privileged && traits.host_network && traits.host_path);
    }

    #[test]
    fn tasks_services_instances_and_providers_are_read_as_from_files() {
        let told = Task::builder()
            .cluster_arn("arn:aws:ecs:r:1:cluster/blue")
            .task_arn("arn:aws:ecs:r:1:task/blue/t1")
            .task_definition_arn("d:1")
            .group("service:web")
            .launch_type(LaunchType::Fargate)
            .last_status("RUNNING")
            .build();
        let EcsObject::Task(own) = read("tasks", &task(&told)) else {
            panic!("a task");
        };
        assert_eq!((own.cluster.as_str(), own.id.as_str()), ("blue", "t1"));
        assert_eq!(own.service.as_deref(), Some("web"));
        assert!(own.fargate);
        let strategy = CapacityProviderStrategyItem::builder().capacity_provider("FARGATE");
        let told = Service::builder()
            .cluster_arn("arn:aws:ecs:r:1:cluster/blue")
            .service_name("web")
            .task_definition("d:1")
            .desired_count(3)
            .capacity_provider_strategy(strategy.build().unwrap())
            .build();
        let EcsObject::Service(own) = read("services", &service(&told)) else {
            panic!("a service");
        };
        assert_eq!((own.name.as_str(), own.desired, own.running), ("web", 3, 0));
        let amount = |name: &str, value| Resource::builder().name(name).integer_value(value).build();
        let attribute =
            |name: &str, value: &str| Attribute::builder().name(name).value(value).build().unwrap();
        let told = ContainerInstance::builder()
            .container_instance_arn("arn:aws:ecs:r:1:container-instance/blue/c1")
            .ec2_instance_id("i-1")
            .status("ACTIVE")
            .agent_connected(true)
            .attributes(attribute("ecs.instance-type", "m5.large"))
            .attributes(attribute("com.example.owner", "somebody"))
            .registered_resources(amount("CPU", 2048))
            .remaining_resources(amount("MEMORY", 100))
            .build();
        let written = instance(&told);
        assert!(!written.to_string().contains("somebody"), "{written}");
        let EcsObject::Instance(own) = read("containerInstances", &written) else {
            panic!("an instance");
        };
        assert_eq!(own.registered.cpu_milli, 2000);
        assert_eq!(own.remaining.memory_bytes, 100 * MIB);
        assert!(own.active && own.connected && own.labels.len() == 1);
        let managed = ManagedScaling::builder()
            .status(ManagedScalingStatus::Enabled)
            .build();
        let group = AutoScalingGroupProvider::builder()
            .auto_scaling_group_arn("a")
            .managed_scaling(managed);
        let told = CapacityProvider::builder()
            .name("cp")
            .auto_scaling_group_provider(group.build().unwrap())
            .build();
        let EcsObject::Provider(own) = read("capacityProviders", &provider(&told)) else {
            panic!("a provider");
        };
        assert!(own.managed);
    }
}
