//! `plimsoll fargate` as its users run it: sizes and reasons from manifests, profiles that a plan understands.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use serde_json::Value;

/// Runs `fargate size` on these manifests.
fn sized(manifests: &str) -> Run {
    let room = folder(&[("c.yaml", manifests)]);
    plimsoll(&room, &["fargate", "size", "--cluster", "c.yaml", "-o", "json"])
}

/// The only workload of the answer.
fn only(run: &Run) -> Value {
    let answer = run.json();
    let [one] = answer["workloads"].as_array().unwrap().as_slice() else {
        panic!("{}", run.stdout)
    };
    one.clone()
}

fn reasons(of: &Value) -> Vec<&str> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["reason"].as_str().unwrap())
        .collect()
}

/// A pod with these lines in its spec, and what else is in the cluster.
const PODS: [(&str, &str, &[&str]); 27] = [
    ("", "", &[]),
    ("hostNetwork: true", "", &["HostNetwork"]),
    ("hostPID: true", "", &["HostPid"]),
    ("hostIPC: true", "", &["HostIpc"]),
    ("volumes: [{name: v, hostPath: {path: /}}]", "", &["HostPath"]),
    (
        "volumes: [{name: v, csi: {driver: secrets-store.csi.k8s.io}}]",
        "",
        &["InlineVolume"],
    ),
    (
        "volumes: [{name: v, awsElasticBlockStore: {volumeID: vol-1}}]",
        "",
        &["InlineVolume"],
    ),
    ("volumes: [{name: v, emptyDir: {}}]", "", &[]),
    (
        "containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}]}]",
        "",
        &["HostPort"],
    ),
    (
        "containers: [{name: c, securityContext: {privileged: true}}]",
        "",
        &["Privileged"],
    ),
    (
        "initContainers: [{name: i, securityContext: {privileged: true}}]",
        "",
        &["Privileged"],
    ),
    ("runtimeClassName: gvisor", "", &["RuntimeClass"]),
    ("schedulerName: volcano", "", &["OtherScheduler"]),
    ("schedulerName: default-scheduler", "", &[]),
    ("nodeSelector: {kubernetes.io/arch: arm64}", "", &["Architecture"]),
    (
        "nodeSelector: {kubernetes.io/os: windows}",
        "",
        &["OperatingSystem"],
    ),
    (
        "nodeSelector: {node.kubernetes.io/instance-type: m5.large}",
        "",
        &["InstanceType"],
    ),
    ("nodeSelector: {disk: ssd}", "", &["NodeLabels"]),
    (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: \
         [{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}]}}}",
        "",
        &["Architecture"],
    ),
    (
        "containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]",
        "",
        &["ExtendedResources"],
    ),
    (
        "containers: [{name: c, resources: {requests: {ephemeral-storage: 176Gi}}}]",
        "",
        &["TooMuchEphemeral"],
    ),
    (
        "containers: [{name: c, resources: {requests: {cpu: 17}}}]",
        "",
        &["TooMuchCpu"],
    ),
    (
        "containers: [{name: c, resources: {requests: {memory: 120Gi}}}]",
        "",
        &["TooMuchMemory"],
    ),
    (
        "volumes: [{name: v, persistentVolumeClaim: {claimName: d}}]",
        EBS,
        &["Volume"],
    ),
    (
        "volumes: [{name: v, persistentVolumeClaim: {claimName: d}}]",
        EFS_DYNAMIC,
        &["Volume"],
    ),
    (
        "volumes: [{name: v, persistentVolumeClaim: {claimName: d}}]",
        EFS_BOUND,
        &["Volume"],
    ),
    (
        "volumes: [{name: v, persistentVolumeClaim: {claimName: d}}]",
        EFS_STATIC,
        &[],
    ),
];

const EBS: &str = "
kind: PersistentVolumeClaim
metadata: {name: d, namespace: n}
spec: {volumeName: pv}
---
kind: PersistentVolume
metadata: {name: pv}
spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}}";

const EFS_DYNAMIC: &str = "
kind: PersistentVolumeClaim
metadata: {name: d, namespace: n}
spec: {storageClassName: efs}
---
kind: StorageClass
metadata: {name: efs}
provisioner: efs.csi.aws.com";

const EFS_BOUND: &str = "
kind: PersistentVolumeClaim
metadata: {name: d, namespace: n}
spec: {volumeName: pv}
---
kind: PersistentVolume
metadata: {name: pv, annotations: {pv.kubernetes.io/provisioned-by: efs.csi.aws.com}}
spec: {csi: {driver: efs.csi.aws.com, volumeHandle: 'fs-1::fsap-1'}}";

const EFS_STATIC: &str = "
kind: PersistentVolumeClaim
metadata: {name: d, namespace: n}
spec: {volumeName: pv}
---
kind: PersistentVolume
metadata: {name: pv}
spec: {csi: {driver: efs.csi.aws.com, volumeHandle: fs-1}}";

#[test]
fn every_rule_is_told_by_its_own_reason() {
    for (lines, others, expected) in PODS {
        let containers = if lines.starts_with("containers") {
            ""
        } else {
            "\n  containers: [{name: c}]"
        };
        let pod = format!(
            "kind: Pod\nmetadata: {{name: p, namespace: n}}\nspec:\n  {lines}{containers}\n---{others}\n"
        );
        let run = sized(&pod);
        assert_eq!(run.code, 0, "{pod}\n{}", run.stderr);
        let own = only(&run);
        assert_eq!(reasons(&own["excluded"]), expected, "{pod}");
        assert_eq!(own.get("billed").is_some(), expected.is_empty(), "{pod}");
    }
}

#[test]
fn owners_that_fargate_does_not_run() {
    let daemons = "kind: Pod\nmetadata: {name: p, namespace: n, ownerReferences: [{kind: DaemonSet, name: d, \
                   controller: true, apiVersion: apps/v1, uid: u}]}\nspec: {containers: [{name: c}]}";
    assert_eq!(reasons(&only(&sized(daemons))["excluded"]), ["DaemonSet"]);
    let stateful = "kind: StatefulSet\nmetadata: {name: db, namespace: n}\nspec:\n  replicas: 1\n  selector: {matchLabels: \
                    {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}\n  \
                    volumeClaimTemplates: [{metadata: {name: d}, spec: {}}]";
    assert_eq!(reasons(&only(&sized(stateful))["excluded"]), ["StatefulVolume"]);
}

const WEB: &str = "
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: \
{matchLabels: {app: web}}}
      containers: [{name: c, resources: {requests: {cpu: 1, memory: 2Gi}}}]
";

#[test]
fn a_workload_is_told_its_size_its_waste_and_a_tier_to_save() {
    let run = sized(WEB);
    let own = only(&run);
    assert_eq!(own["workload"], "Deployment shop/web");
    assert_eq!(own["pods"], 3);
    let billed = &own["billed"];
    assert_eq!(
        (&billed["cpu_milli"], &billed["memory_mib"]),
        (&1000.into(), &3072.into())
    );
    assert_eq!(billed["usd_per_hour"], 0.053_815);
    assert_eq!(billed["waste_usd_per_hour"], 0.004_445);
    assert_eq!(billed["advice"]["trim_memory_bytes"], 256 << 20);
    assert_eq!(reasons(&own["cautions"]), ["SpreadIgnored"]);
    let cost = &run.json()["cost"];
    assert_eq!(cost["usd_per_hour"], 0.161_445);
    assert_eq!(cost["advice_saves_usd_per_hour"], 0.013_335);
    let room = folder(&[("c.yaml", WEB)]);
    let table = plimsoll(&room, &["fargate", "size", "--cluster", "c.yaml"]).stdout;
    for part in [
        "1 vCPU 3 GB",
        "0.1614",
        "trim 256Mi of memory and save a tier: 1 vCPU 2 GB, $0.0044/h less",
        "Fargate ignores its topology spread",
        "3 pods for $0.1614/h",
    ] {
        assert!(table.contains(part), "{part}\n{table}");
    }
}

/// Runs `fargate profiles` with these arguments.
fn profiles(args: &str) -> Run {
    let all = format!("fargate profiles --cluster c {args}");
    let args: Vec<&str> = all.split_whitespace().collect();
    plimsoll(&folder(&[]), &args)
}

const ROLE: &str = "--role arn:aws:iam::123456789012:role/pods";

#[test]
fn a_plan_understands_the_profiles_that_are_written() {
    let run = profiles("--region us-east-1");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let one = "kind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: c, resources: {requests: \
               {cpu: 1, memory: 2Gi}}}]}";
    let room = folder(&[("profiles.yaml", &run.stdout), ("c.yaml", one)]);
    let args = ["plan", "--cluster", "c.yaml", "profiles.yaml", "-o", "json"];
    let plan = plimsoll(&room, &args).json();
    assert_eq!(plan["nodes"][0]["offer"]["kind"], "fargate", "{plan}");
    assert_eq!(plan["nodes"][0]["group"], "plimsoll");
    let step = &plan["steps"][0];
    assert_eq!(step["kind"], "PlaceOnFargate");
    let args = ["plan", "--cluster", "c.yaml", "profiles.yaml", "--why", "shop/p"];
    let why = plimsoll(&room, &args).stdout;
    assert!(why.contains("; trim 256Mi of memory and save a tier"), "{why}");
}

#[test]
fn a_profile_for_each_subnet_sends_pods_to_its_zone() {
    let subnets = "--subnet use1-az1=subnet-1a --subnet use1-az2=subnet-2b --per-subnet";
    let run = profiles(&format!("{ROLE} {subnets} -o aws"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&str, &str, usize)> = lines
        .iter()
        .map(|line| {
            let label = &line["selectors"][0]["labels"]["plimsoll.io/placement"];
            let subnets = line["subnets"].as_array().unwrap();
            (
                line["fargateProfileName"].as_str().unwrap(),
                label.as_str().unwrap(),
                subnets.len(),
            )
        })
        .collect();
    let expected = [
        ("plimsoll", "fargate", 2),
        ("plimsoll-use1-az1", "fargate-use1-az1", 1),
        ("plimsoll-use1-az2", "fargate-use1-az2", 1),
    ];
    assert_eq!(told, expected);
    let run = profiles(&format!("{ROLE} {subnets} -o terraform"));
    let document = run.json();
    let resources = &document["resource"]["aws_eks_fargate_profile"];
    assert_eq!(resources.as_object().unwrap().len(), 3);
    let after = &resources["plimsoll-use1-az2"]["depends_on"][0];
    assert_eq!(after, "aws_eks_fargate_profile.plimsoll-use1-az1");
}

#[test]
fn namespaces_are_listed_five_per_profile_within_the_limits() {
    let names = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("--namespace team-{n:02}")).collect();
        all.join(" ")
    };
    let run = profiles(&format!("--region r1 {}", names(12)));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let counts = run.stdout.matches("namespace: team-").count();
    assert_eq!(
        (
            run.stdout.matches("plimsoll.io/placement: fargate").count(),
            counts
        ),
        (12, 12),
        "{}",
        run.stdout
    );
    for name in ["plimsoll", "plimsoll-2", "plimsoll-3"] {
        assert!(run.stdout.contains(&format!("name: {name}\n")), "{}", run.stdout);
    }
    let refused: [(String, &str); 9] = [
        (
            format!("--region r1 {}", names(51)),
            "11 profiles beside 0 are more than the 10",
        ),
        (
            format!("--region r1 --existing 8 {}", names(12)),
            "3 profiles beside 8 are more",
        ),
        (
            "--region r1 --label a=b --label c=d --label e=f --label g=h --label i=j".to_owned(),
            "five labels",
        ),
        (
            "--region r1 --label plimsoll.io/placement=x".to_owned(),
            "Plimsoll sets this one itself",
        ),
        ("--region r1 --label nonsense".to_owned(), "KEY=VALUE is wanted"),
        (
            "--region r1 --namespace Team".to_owned(),
            "--namespace Team: small letters",
        ),
        (
            "--region r1 --subnet vpc-1".to_owned(),
            "--subnet vpc-1: [ZONE=]subnet-… is wanted",
        ),
        (
            "--region r1 --subnet subnet-1 --per-subnet".to_owned(),
            "ZONE=SUBNET is wanted",
        ),
        ("-o aws --subnet subnet-1".to_owned(), "--role"),
    ];
    for (args, expected) in refused {
        let run = profiles(&args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}");
        assert!(run.stderr.contains(expected), "{args}: {}", run.stderr);
    }
}

const OFFERS: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m6a.large,2,8192,x86_64,0.0864,use1-az1
m6a.xlarge,4,16384,x86_64,0.1728,use1-az1
";

#[test]
fn ways_to_run_the_same_pods_are_compared() {
    let gpu = "---\nkind: Pod\nmetadata: {name: agent, namespace: ops}\nspec: {hostNetwork: true, containers: [{name: c, \
               resources: {requests: {cpu: 100m, memory: 64Mi}}}]}\n";
    let room = folder(&[("c.yaml", &format!("{WEB}{gpu}")), ("o.csv", OFFERS)]);
    let args = ["fargate", "compare", "--cluster", "c.yaml", "--offers", "o.csv"];
    let run = plimsoll(&room, &[&args[..], &["-o", "json"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answer = run.json();
    assert_eq!(answer["pods"], 4);
    assert_eq!(
        (&answer["ec2"]["refused"], &answer["fargate"]["refused"]),
        (&0.into(), &1.into())
    );
    assert_eq!(answer["fargate"]["usd_per_hour"], 0.161_445);
    let of = |way: &str| answer[way]["usd_per_hour"].as_f64().unwrap();
    assert!(of("both") <= of("ec2") && of("ec2") > 0.0, "{answer}");
    let same = &answer["same_pods"];
    assert_eq!(
        (&same["pods"], &same["fargate_usd_per_hour"]),
        (&3.into(), &0.161_445.into())
    );
    let even = same["ec2_usd_per_hour"].as_f64().unwrap() / 0.161_445 * 100.0;
    assert!(
        (same["break_even_percent"].as_f64().unwrap() - even).abs() < 1e-9,
        "{same}"
    );
    let agent = &answer["workloads"][1];
    assert_eq!(agent["workload"], "Pod ops/agent");
    assert!(
        agent["not_on_fargate"]
            .as_str()
            .unwrap()
            .contains("host's network"),
        "{agent}"
    );
    let text = plimsoll(&room, &args).stdout;
    assert!(text.contains("3 pods run on either"), "{text}");
}

const ECS: &str = r#"{"clusters": [{"clusterName": "shop", "capacityProviders": ["FARGATE"]}]}
{"services": [{"serviceName": "web", "clusterArn": "arn:aws:ecs:r:1:cluster/shop", "taskDefinition": "arn:web:1",
  "desiredCount": 6, "runningCount": 0}]}
{"taskDefinition": {"taskDefinitionArn": "arn:web:1", "networkMode": "awsvpc", "cpu": "1024", "memory": "2048"}}"#;

#[test]
fn services_of_ecs_are_compared_by_their_own_sizes() {
    let room = folder(&[("ecs.json", ECS), ("o.csv", OFFERS)]);
    let args = [
        "fargate",
        "compare",
        "--cluster",
        "ecs.json",
        "--offers",
        "o.csv",
        "-o",
        "json",
    ];
    let run = plimsoll(&room, &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answer = run.json();
    let web = &answer["workloads"][0];
    assert_eq!(
        (&web["workload"], &web["pods"]),
        (&"EcsService shop/web".into(), &6.into())
    );
    // 1 vCPU and 2 GB are a size: nothing is added to them.
    assert_eq!(web["fargate_usd_per_hour"], 0.296_22);
    assert_eq!(answer["ec2"]["refused"], 0);
    let args = ["plan", "--cluster", "ecs.json", "--offers", "o.csv", "-o", "json"];
    let plan = plimsoll(&room, &args);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert_eq!(plan.json()["pods"]["pending"], 6);
    let size = plimsoll(&room, &["fargate", "size", "--cluster", "ecs.json"]);
    assert_eq!(size.code, 2);
    assert!(size.stderr.contains("fargate compare"), "{}", size.stderr);
    let alone = r#"{"services": [{"serviceName": "w", "clusterArn": "c", "taskDefinition": "arn:w:7", "desiredCount": 1}]}"#;
    let run = plimsoll(
        &folder(&[("ecs.json", alone)]),
        &["plan", "--cluster", "ecs.json"],
    );
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("service c/w: its task definition arn:w:7 is not in the input"),
        "{}",
        run.stderr
    );
}

const MISSED: &str = "kind: FargateProfile
apiVersion: eks.services.k8s.aws/v1alpha1
metadata: {name: fp}
spec: {name: fp, selectors: [{namespace: shop}]}
---
kind: Pod
metadata: {name: wide, namespace: shop}
spec: {containers: [{name: c, resources: {requests: {cpu: 250m, memory: 200Mi, ephemeral-storage: 120Gi}}}]}
";

/// A pod that a profile selects and that waits all the same is named, with its storage in the price.
#[test]
fn a_pod_that_eks_missed_is_named_in_a_plan() {
    let room = folder(&[("c.yaml", MISSED), ("o.csv", OFFERS)]);
    let args = ["plan", "--cluster", "c.yaml", "--offers", "o.csv", "--verify"];
    let json = [&args[..], &["-o", "json"]].concat();
    let run = plimsoll(&room, &json);
    assert_eq!(run.code, 0, "{}{}", run.stderr, run.stdout);
    let plan = run.json();
    let [moved] = plan["could_move"].as_array().unwrap().as_slice() else {
        panic!("{plan}")
    };
    assert_eq!(moved["pod"], "shop/wide");
    assert_eq!(
        (&moved["profile"], &moved["reason"]),
        (&"fp".into(), &"Selected".into())
    );
    // 0.25 vCPU and 0.5 GB, and 100 GB of storage beyond what is free.
    assert_eq!(moved["usd_per_hour"], 0.023_442_5);
    assert_eq!(moved["remade"], false, "nobody owns it");
    let text = plimsoll(&room, &args).stdout;
    assert!(
        text.contains("COULD BE THERE") && text.contains("shop/wide  0.0234"),
        "{text}"
    );
}
