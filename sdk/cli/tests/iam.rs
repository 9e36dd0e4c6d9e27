//! `plimsoll iam`: what it writes is what `deploy/iam` holds, and grants what the daemon's rooms call.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use model::discovery::{Owner, Says, Way, ways};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Named by no room: what `ec2:CreateFleet` needs besides (tags, instances, the nodes' role).
const AHEAD: [&str; 3] = ["ec2:CreateTags", "ec2:RunInstances", "iam:PassRole"];

/// Everything that can be granted.
const ALL: &str = "--mode act --fleet --node-role nodes --bounds";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn iam(args: &str) -> Run {
    let all = format!("iam {args} -o json");
    let args: Vec<&str> = all.split_whitespace().collect();
    plimsoll(&folder(&[]), &args)
}

/// For a cluster named `c`.
fn of_c(args: &str) -> Value {
    let run = iam(&format!("--cluster c --region r1 --account 123456789012 {args}"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()
}

fn granted(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// `INSTA_UPDATE=always` writes them anew.
#[test]
fn the_policies_of_the_repository_are_what_is_written() {
    for mode in ["read", "act"] {
        let run = iam(&format!(
            "--cluster ${{CLUSTER}} --region ${{REGION}} --account ${{ACCOUNT}} --mode {mode}"
        ));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let path = root().join(format!("deploy/iam/{mode}.json"));
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&path, &run.stdout).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), run.stdout, "{mode}");
    }
}

/// Every action that eyes and hands name in their errors is in the table, and hardly any beside them.
#[test]
fn what_is_called_can_be_granted_and_little_else() {
    let mut called = BTreeSet::new();
    for room in ["daemon/observe/src", "daemon/act/src"] {
        quoted(&root().join(room), &mut called);
    }
    // It needs no permission.
    called.remove("sts:GetCallerIdentity");
    // What the policy of a queue lets others do is read, and done by nobody here.
    for others in ["sqs:SendMessage", "sqs:DeleteQueue"] {
        called.remove(others);
    }
    assert!(called.len() >= 8, "{called:?}");
    let mut all = granted(&of_c("--mode read --queue --ecs"));
    all.extend(granted(&of_c(ALL)));
    let missing: Vec<_> = called.difference(&all).collect();
    assert!(missing.is_empty(), "not in model::permission: {missing:?}");
    let surplus: Vec<_> = all
        .difference(&called)
        .filter(|action| !AHEAD.contains(&action.as_str()))
        .collect();
    assert!(surplus.is_empty(), "granted, and called by nobody: {surplus:?}");
}

/// `"service:VerbNoun"` wherever it is quoted in the sources below this folder.
fn quoted(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            quoted(&path, into);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let is_action = |text: &&str| {
            let Some((service, action)) = text.split_once(':') else {
                return false;
            };
            let services = [
                "autoscaling",
                "cloudwatch",
                "ec2",
                "ecs",
                "eks",
                "iam",
                "pricing",
                "sqs",
                "ssm",
                "sts",
            ];
            let capitals = action.bytes().filter(u8::is_ascii_uppercase).count();
            services.contains(&service) && action.bytes().all(|b| b.is_ascii_alphanumeric()) && capitals > 1
        };
        into.extend(text.split('"').filter(is_action).map(str::to_owned));
    }
}

/// What reads never changes anything, and what changes names whom it may.
#[test]
fn reading_changes_nothing_and_acting_is_confined() {
    let verbs = ["Describe", "Get", "List", "Receive"];
    for action in granted(&of_c("--mode read --queue q")) {
        let (_, name) = action.split_once(':').unwrap();
        let reads = verbs.iter().any(|verb| name.starts_with(verb));
        assert!(reads || action == "sqs:DeleteMessage", "{action}");
    }
    for statement in of_c(ALL)["Statement"].as_array().unwrap() {
        let sid = statement["Sid"].as_str().unwrap();
        let conditions = statement["Condition"]["StringEquals"].as_object();
        let values: Vec<&Value> = conditions.iter().flat_map(|keys| keys.values()).collect();
        let expected = match sid {
            "Publish" => "Plimsoll",
            "FleetRole" => "ec2.amazonaws.com",
            // What instances are made of belongs to no cluster; the managed group's ARN names it.
            "FleetParts" | "BoundsOfManaged" => continue,
            _ => "c",
        };
        assert!(
            values.iter().any(|value| value[0] == expected),
            "{sid}: {values:?}"
        );
    }
}

#[test]
fn tags_of_what_ran_before_have_statements_of_their_own() {
    let policy = of_c("--mode act --drop-in cluster-autoscaler --drop-in kops --drop-in eks");
    let scale = policy["Statement"].as_array().unwrap().iter();
    let scale = scale.filter(|statement| statement["Sid"].as_str().unwrap().starts_with("Scale"));
    let tags: Vec<String> = scale
        .map(|statement| statement["Condition"].to_string())
        .collect();
    let expected = [
        r#"{"StringEquals":{"aws:ResourceTag/plimsoll.io/cluster":["c"]}}"#,
        // Groups are found by this tag with any value (Cluster Autoscaler's AWS README, auto-discovery).
        r#"{"StringLike":{"aws:ResourceTag/k8s.io/cluster-autoscaler/c":["*"]}}"#,
        r#"{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/c":["owned"]}}"#,
        r#"{"StringEquals":{"aws:ResourceTag/eks:cluster-name":["c"]}}"#,
        r#"{"StringEquals":{"aws:ResourceTag/KubernetesCluster":["c"]},"StringLike":{"aws:ResourceTag/kops.k8s.io/instancegroup":["*"]}}"#,
    ];
    assert_eq!(tags, expected);
    assert!(
        !granted(&policy).iter().any(|action| action.starts_with("ec2:")),
        "the fleet is asked for by name"
    );
}

/// Regression: groups of EKS and kops were found by tags that no policy named, so that they were seen and could not be
/// scaled. Whatever makes a group the cluster's is a condition under which it may be changed, for the drop-in of whoever
/// writes it, and no other.
#[test]
fn every_tag_that_finds_a_group_lets_it_be_scaled() {
    let scale = |drop_in: &str| {
        let policy = of_c(&format!("--mode act {drop_in}"));
        let scale = policy["Statement"].as_array().unwrap().clone().into_iter();
        let scale = scale.filter(|statement| statement["Sid"].as_str().unwrap().starts_with("Scale"));
        scale
            .map(|statement| statement["Condition"].clone())
            .collect::<Vec<_>>()
    };
    let condition = |way: &Way| {
        let mut condition = serde_json::json!({});
        for (key, says) in &way.tags {
            let (operator, value) = match says {
                Says::Anything => ("StringLike", "*"),
                Says::This(value) => ("StringEquals", value.as_str()),
            };
            condition[operator][format!("aws:ResourceTag/{key}")] = serde_json::json!([value]);
        }
        condition
    };
    let owners = [
        ("--drop-in cluster-autoscaler", Owner::ClusterAutoscaler),
        ("--drop-in eks", Owner::Eks),
        ("--drop-in kops", Owner::Kops),
        ("", Owner::Plimsoll),
    ];
    for (drop_in, owner) in owners {
        let granted = scale(drop_in);
        for way in ways("c") {
            let wanted = way.whose.contains(&owner) || way.whose.contains(&Owner::Plimsoll);
            assert_eq!(granted.contains(&condition(&way)), wanted, "{drop_in}: {way:?}");
        }
    }
}

/// Parameters may be secrets: only those that name images are read.
#[test]
fn parameters_are_read_where_images_are_named() {
    let policy = of_c("--image-parameter /golden/* --image-parameter ami");
    let statements = policy["Statement"].as_array().unwrap().iter();
    let images: Vec<&Value> = statements
        .filter(|statement| statement["Sid"] == "Images")
        .collect();
    let [images] = images.as_slice() else {
        panic!("{policy}")
    };
    let paths = [
        "arn:aws:ssm:r1::parameter/aws/service/*",
        "arn:aws:ssm:r1:123456789012:parameter/golden/*",
        "arn:aws:ssm:r1:123456789012:parameter/ami",
    ];
    assert_eq!(images["Resource"], serde_json::json!(paths));
}

#[test]
fn the_table_tells_what_is_switched_off() {
    let args = "iam --cluster c --region r1 --account 123456789012";
    let args: Vec<&str> = args.split(' ').collect();
    let run = plimsoll(&folder(&[]), &args);
    let line = run
        .stdout
        .lines()
        .find(|line| line.contains("ec2:DescribeInstances "))
        .unwrap();
    assert!(line.contains("no instance counts as gone"), "{line}");
}

#[test]
fn nonsense_is_refused_by_its_flag() {
    let table = [
        (
            "--cluster c --region r1 --account 12",
            "--account 12: twelve digits are wanted",
        ),
        (
            "--cluster * --region r1 --account 123456789012",
            "--cluster *: a name is wanted",
        ),
        (
            "--cluster c --region r1 --account 123456789012 --bounds",
            "they go with --mode act",
        ),
        (
            "--cluster c --region r1 --account 123456789012 --mode act --fleet --node-role arn:aws:iam::1:role/r",
            "the name of a role is wanted, not its ARN",
        ),
        (
            "--cluster c --region r1 --account 123456789012 --queue a:b",
            "--queue a:b: a name is wanted",
        ),
        (
            "--cluster c --region r1 --account 123456789012 --image-parameter /*",
            "--image-parameter /*: the path of parameters is wanted",
        ),
    ];
    for (args, expected) in table {
        let run = iam(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}");
        assert!(run.stderr.contains(expected), "{args}: {}", run.stderr);
    }
}
