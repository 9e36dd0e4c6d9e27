//! What is learned, forgotten and asked again, and what the smallest of several types is.

use super::*;
use aws_sdk_autoscaling::types::{Instance, MixedInstancesPolicy};
use aws_sdk_autoscaling::types::{InstanceRequirements, LaunchTemplateOverrides};
use aws_sdk_ec2::types::{GpuInfo, MemoryInfo, VCpuInfo};
use model::resources::MIB;

fn at(secs: i64) -> Instant {
    Instant(0) + Span::from_secs(secs)
}

fn error(answered: bool) -> AwsError {
    AwsError {
        call: "ec2:Describe",
        why: "InvalidLaunchTemplateId.NotFound".to_owned(),
        answered,
        held: None,
    }
}

fn starts(instance_type: &str) -> Starts {
    Starts {
        instance_type: Some(instance_type.to_owned()),
        id: None,
        version: Some(1),
        parameter: false,
    }
}

fn group(template: &str, version: &str) -> AutoScalingGroup {
    let template = LaunchTemplateSpecification::builder()
        .launch_template_name(template)
        .version(version);
    AutoScalingGroup::builder()
        .launch_template(template.build())
        .build()
}

fn shape_of(cpu: i64, memory: i64, gpus: i64) -> Shape {
    let mut allocatable = Resources::new(cpu, memory);
    allocatable.ephemeral_bytes = memory;
    if gpus > 0 {
        allocatable.extended.insert("nvidia.com/gpu".to_owned(), gpus);
    }
    Shape {
        arch: "amd64",
        allocatable,
        max_pods: 10,
    }
}

fn types(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn one_bad_template_is_the_trouble_of_its_own_groups() {
    let mut all = Catalogue::default();
    let key = |name: &str| (name.to_owned(), "1".to_owned());
    assert!(all.take_template(key("bad"), Err(error(true)), at(0)));
    assert!(all.take_template(key("good"), Ok(starts("m5.large")), at(0)));
    assert_eq!(all.types_of(&group("bad", "1")), None);
    assert_eq!(all.types_of(&group("good", "1")), Some(types(&["m5.large"])));
    assert!(all.templates[&key("bad")].is_due(at(60)), "asked again");
    assert!(
        !all.templates[&key("good")].is_due(at(1_000_000)),
        "a number never changes"
    );
    let unheard = all.take_template(key("bad"), Err(error(false)), at(60));
    assert!(!unheard, "where nobody answers, the others are not asked in turn");
}

#[test]
fn symbolic_versions_expire_and_keep_their_last_answer_meanwhile() {
    let mut all = Catalogue::default();
    let key = ("lt".to_owned(), "$Latest".to_owned());
    all.take_template(key.clone(), Ok(starts("m5.large")), at(0));
    assert!(!all.templates[&key].is_due(at(299)));
    assert!(all.templates[&key].is_due(at(300)));
    all.take_template(key.clone(), Err(error(true)), at(300));
    assert_eq!(all.types_of(&group("lt", "$Latest")), Some(types(&["m5.large"])));
    all.take_template(key, Ok(starts("m5.xlarge")), at(400));
    assert_eq!(all.types_of(&group("lt", "$Latest")), Some(types(&["m5.xlarge"])));
}

#[test]
fn one_unknown_type_is_the_trouble_of_its_own_groups() {
    let mut all = Catalogue::default();
    let asked = ["good".to_owned(), "odd".to_owned()];
    let found = BTreeMap::from([("good".to_owned(), shape_of(1, 1, 0))]);
    all.take_types(&asked, Ok(found), at(0));
    assert!(all.smallest(&types(&["good"])).is_some());
    assert_eq!(all.smallest(&types(&["odd"])), None);
    assert_eq!(
        all.smallest(&types(&["good", "odd"])),
        None,
        "nobody knows what is to be had on the other"
    );
    assert!(!all.shapes["odd"].is_due(at(299)) && all.shapes["odd"].is_due(at(300)));
}

#[test]
fn several_types_are_sold_as_the_smallest() {
    let mut all = Catalogue::default();
    let shapes = [
        ("a", shape_of(4000, 100, 8)),
        ("b", shape_of(2000, 200, 1)),
        ("c", shape_of(3000, 300, 0)),
    ];
    let found: BTreeMap<String, Shape> = shapes.map(|(name, shape)| (name.to_owned(), shape)).into();
    let asked: Vec<String> = found.keys().cloned().collect();
    all.take_types(&asked, Ok(found), at(0));
    let (name, least) = all.smallest(&types(&["a", "b"])).unwrap();
    assert_eq!((name.as_str(), &least), ("b", &shape_of(2000, 100, 1)));
    let (_, least) = all.smallest(&types(&["a", "b", "c"])).unwrap();
    assert_eq!(
        least.allocatable.extended,
        BTreeMap::new(),
        "one of them has no GPU"
    );
    assert_eq!(all.smallest(&BTreeSet::new()), None);
}

#[test]
fn requirements_are_answered_by_what_has_been_launched() {
    let needs =
        LaunchTemplateOverrides::builder().instance_requirements(InstanceRequirements::builder().build());
    let template = LaunchTemplateSpecification::builder().launch_template_name("lt");
    let mixed = LaunchTemplate::builder()
        .launch_template_specification(template.build())
        .overrides(needs.build());
    let group = AutoScalingGroup::builder()
        .mixed_instances_policy(
            MixedInstancesPolicy::builder()
                .launch_template(mixed.build())
                .build(),
        )
        .instances(Instance::builder().instance_type("c5.large").build());
    let all = Catalogue::default();
    assert_eq!(all.types_of(&group.build()), Some(types(&["c5.large"])));
}

fn info(name: &str, vcpus: i32, mib: i64) -> aws_sdk_ec2::types::builders::InstanceTypeInfoBuilder {
    InstanceTypeInfo::builder()
        .instance_type(name.into())
        .v_cpu_info(VCpuInfo::builder().default_v_cpus(vcpus).build())
        .memory_info(MemoryInfo::builder().size_in_mib(mib).build())
}

#[test]
fn m5_large_as_the_user_guide_has_it() {
    let network = NetworkInfo::builder()
        .maximum_network_interfaces(3)
        .ipv4_addresses_per_interface(10);
    let (_, shape) = shape(&info("m5.large", 2, 8192).network_info(network.build()).build()).unwrap();
    let there = &shape.allocatable;
    assert_eq!(
        (there.cpu_milli, there.memory_mib_down(), shape.max_pods),
        (1930, 6903, 29)
    );
    assert!(there.ephemeral_bytes > 10 << 30, "{there:?}");
}

#[test]
fn arm64_leaves_more_to_the_machine() {
    let of = |arch: ArchitectureType| {
        let processor = ProcessorInfo::builder().supported_architectures(arch).build();
        shape(&info("t", 2, 8192).processor_info(processor).build())
            .unwrap()
            .1
    };
    let (amd, arm) = (of(ArchitectureType::X8664), of(ArchitectureType::Arm64));
    assert_eq!((amd.arch, arm.arch), ("amd64", "arm64"));
    let less = amd.allocatable.memory_bytes - arm.allocatable.memory_bytes;
    assert!((58 * MIB..=64 * MIB).contains(&less), "{less}");
}

#[test]
fn pods_are_counted_by_the_default_network_card() {
    let card = |ix: i32, interfaces: i32| {
        NetworkCardInfo::builder()
            .network_card_index(ix)
            .maximum_network_interfaces(interfaces)
            .build()
    };
    // p5.48xlarge: 64 interfaces on 32 cards, two of them on the default one.
    let network = NetworkInfo::builder()
        .maximum_network_interfaces(64)
        .default_network_card_index(0)
        .network_cards(card(1, 2))
        .network_cards(card(0, 2))
        .ipv4_addresses_per_interface(50);
    assert_eq!(max_pods(Some(&network.build())), 2 * 49 + 2);
}

#[test]
fn only_nvidia_gpus_are_nvidia_gpus() {
    let of = |maker: &str| {
        let gpu = GpuDeviceInfo::builder().manufacturer(maker).count(4).build();
        let gpus = GpuInfo::builder().gpus(gpu).build();
        shape(&info("t", 2, 8192).gpu_info(gpus).build())
            .unwrap()
            .1
            .allocatable
            .amount("nvidia.com/gpu")
    };
    assert_eq!((of("NVIDIA"), of("AMD")), (4, 0));
}
