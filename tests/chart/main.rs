//! The chart with real Helm: it lints, renders and installs onto a real API server, its roles allow what a mode
//! needs and no more, and the configuration it renders is one that the daemon takes.
//!
//! What the daemon then does is told in `e2e`.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use plimsoll_tests::cluster::Cluster;
use plimsoll_tests::daemon::plimsolld;
use plimsoll_tests::{Result, process, root, skip, tools};
use serde_json::{Value, json};
use std::process::Command;

const SYSTEM: &str = "plimsoll-system";
const DAEMON: &str = "system:serviceaccount:plimsoll-system:plimsoll";

/// What observing needs: verb, resource, subresource.
const READS: [(&str, &str, &str); 8] = [
    ("list", "pods", ""),
    ("watch", "nodes", ""),
    ("get", "nodes", "proxy"),
    ("list", "deployments.apps", ""),
    ("list", "poddisruptionbudgets.policy", ""),
    ("list", "horizontalpodautoscalers.autoscaling", ""),
    ("create", "tokenreviews.authentication.k8s.io", ""),
    ("create", "subjectaccessreviews.authorization.k8s.io", ""),
];
/// What acting needs on top.
const ACTS: [(&str, &str, &str); 5] = [
    ("patch", "nodes", ""),
    ("create", "pods", "eviction"),
    ("patch", "deployments.apps", "scale"),
    ("patch", "pods", "status"),
    ("create", "events", ""),
];
/// What it never may.
const NEVER: [(&str, &str, &str); 6] = [
    ("delete", "pods", ""),
    ("delete", "nodes", ""),
    ("create", "nodes", ""),
    ("get", "secrets", ""),
    ("patch", "deployments.apps", ""),
    ("create", "pods", ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chart_installs_and_upgrades() {
    for tool in [tools::testcluster(), tools::kubectl_helm()] {
        if let Err(why) = tool {
            return skip::skip("the chart", &why);
        }
    }
    let cluster = Cluster::up(&[]).await.unwrap();
    install(&cluster).await.unwrap();
}

async fn install(cluster: &Cluster) -> Result<()> {
    let chart = root().join("deploy/chart");
    let chart = chart.to_string_lossy();
    cluster.run("helm", &["lint", "--strict", &chart])?;
    // A node, so that the daemon's pod is scheduled and, by the fakelet, runs.
    cluster
        .api
        .create("/api/v1/nodes", json!({"metadata": {"name": "a"}}))
        .await?;
    let verb = ["-n", SYSTEM, "--create-namespace", "--wait", "--timeout", "60s"];
    cluster.run("helm", &[&["install", "plimsoll", &chart], &verb[..]].concat())?;
    for path in [
        "/apis/apps/v1/namespaces/plimsoll-system/deployments/plimsoll",
        "/api/v1/namespaces/plimsoll-system/serviceaccounts/plimsoll",
        "/api/v1/namespaces/plimsoll-system/services/plimsoll",
        "/api/v1/namespaces/plimsoll-system/configmaps/plimsoll",
        "/api/v1/namespaces/plimsoll-system/configmaps/plimsoll-policies",
        "/api/v1/namespaces/plimsoll-system/secrets/plimsoll-grpc",
        "/apis/networking.k8s.io/v1/namespaces/plimsoll-system/networkpolicies/plimsoll",
        "/apis/policy/v1/namespaces/plimsoll-system/poddisruptionbudgets/plimsoll",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/plimsoll-read",
    ] {
        assert!(cluster.api.find(path).await?.is_some(), "{path} is missing");
    }
    assert_eq!(
        cluster
            .api
            .running(SYSTEM, "app.kubernetes.io/name=plimsoll")
            .await?,
        1
    );
    check_config(cluster, "observe").await?;
    may(cluster, &READS, true);
    may(cluster, &ACTS, false);
    may(cluster, &NEVER, false);
    may_in_own_namespace(cluster);

    let certificate = secret(cluster).await?;
    cluster.run(
        "helm",
        &[&["upgrade", "plimsoll", &chart, "--set", "mode=act"], &verb[..]].concat(),
    )?;
    assert_eq!(
        secret(cluster).await?,
        certificate,
        "an upgrade keeps the certificate that clients trust"
    );
    check_config(cluster, "act").await?;
    may(cluster, &READS, true);
    may(cluster, &ACTS, true);
    may(cluster, &NEVER, false);

    cluster.run(
        "helm",
        &[
            "uninstall",
            "plimsoll",
            "-n",
            SYSTEM,
            "--wait",
            "--timeout",
            "60s",
        ],
    )?;
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/plimsoll-act";
    assert!(cluster.api.find(role).await?.is_none(), "nothing is left");
    Ok(())
}

/// Whether the daemon may do each of these in the whole cluster.
fn may(cluster: &Cluster, what: &[(&str, &str, &str)], expected: bool) {
    for (verb, resource, subresource) in what {
        let subresource = format!("--subresource={subresource}");
        let mut kubectl = cluster.command("kubectl");
        kubectl.args([
            "auth",
            "can-i",
            verb,
            resource,
            "-A",
            "-q",
            "--as",
            DAEMON,
            &subresource,
        ]);
        let answer = kubectl.status().unwrap().success();
        assert_eq!(
            answer, expected,
            "may the daemon {verb} {resource} {subresource}?"
        );
    }
}

fn may_in_own_namespace(cluster: &Cluster) {
    for (namespace, expected) in [(SYSTEM, true), ("default", false)] {
        let mut kubectl = cluster.command("kubectl");
        kubectl.args([
            "auth",
            "can-i",
            "update",
            "configmaps",
            "-q",
            "--as",
            DAEMON,
            "-n",
            namespace,
        ]);
        assert_eq!(
            kubectl.status().unwrap().success(),
            expected,
            "the Ledger in {namespace}"
        );
    }
}

/// The configuration in the cluster is one that the daemon takes, with this mode in it.
async fn check_config(cluster: &Cluster, mode: &str) -> Result<()> {
    let map = cluster
        .api
        .get("/api/v1/namespaces/plimsoll-system/configmaps/plimsoll")
        .await?;
    let text = map["data"]["plimsolld.yaml"]
        .as_str()
        .ok_or("no plimsolld.yaml")?;
    assert!(text.contains(&format!("mode: {mode}")), "{text}");
    let file = cluster.dir().join("plimsolld.yaml");
    std::fs::write(&file, text)?;
    let said = process::run(
        Command::new(plimsolld()?)
            .arg("--check-config")
            .arg("--config")
            .arg(&file),
    )?;
    assert!(said.contains("good"), "{said}");
    Ok(())
}

async fn secret(cluster: &Cluster) -> Result<Value> {
    let mut secret = cluster
        .api
        .get("/api/v1/namespaces/plimsoll-system/secrets/plimsoll-grpc")
        .await?;
    assert!(secret["data"]["tls.crt"].is_string() && secret["data"]["ca.crt"].is_string());
    Ok(secret["data"].take())
}

/// Values that contradict each other are refused when the chart is rendered, with a word that helps.
#[test]
fn contradicting_values_are_refused() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's values", &why),
    };
    for (set, word) in [
        ("mode=dry-run", "must be observe or act"),
        ("config.mode=act", "config.mode is set by the chart"),
        ("provider.kwok.groups[0].name=a", "exactly one of aws, kwok, none"),
    ] {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "p"])
            .arg(root().join("deploy/chart"))
            .args(["--set", set]);
        let refused = process::run(&mut helm).unwrap_err().to_string();
        assert!(refused.contains(word), "{set}: {refused}");
    }
}

/// Each provider's values render a configuration that the daemon takes; only kwok may create and delete nodes.
#[test]
fn every_provider_renders() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's providers", &why),
    };
    let dir = tempfile::tempdir().unwrap();
    let kwok = json!({"provider": {"aws": null, "kwok": {"groups": [
        {"name": "small", "cpu": "2", "memory": "8Gi", "usd_per_hour": 0.1},
    ]}}});
    let nobody = json!({"provider": {"aws": null, "none": {}}});
    let aws = json!({
        "provider": {"aws": {"region": "us-east-1", "launch": "desired"}},
        "config": {"interval": "5s", "aims": {"scale": [
            {"workload": "Deployment shop/web", "min": 2, "max": 20, "target": "60%"},
        ]}},
    });
    for (values, creates) in [(kwok, true), (nobody, false), (aws, false)] {
        let file = dir.path().join("values.json");
        std::fs::write(&file, values.to_string()).unwrap();
        let render = |template: &str| {
            let mut helm = Command::new(tools.join("helm"));
            helm.args(["template", "p"])
                .arg(root().join("deploy/chart"))
                .args(["--set", "mode=act", "-f"]);
            process::run(helm.arg(&file).args(["--show-only", template])).unwrap()
        };
        let maps = render("templates/configmap.yaml");
        let config = maps
            .split("plimsolld.yaml: |")
            .nth(1)
            .unwrap()
            .split("\n---")
            .next()
            .unwrap();
        let path = dir.path().join("plimsolld.yaml");
        std::fs::write(&path, config).unwrap();
        let checked = process::run(
            Command::new(plimsolld().unwrap())
                .arg("--check-config")
                .arg("--config")
                .arg(&path),
        );
        assert!(checked.is_ok(), "{values}: {checked:?}");
        let roles = render("templates/rbac-act.yaml");
        assert_eq!(
            roles.contains("[patch, update, create, delete]"),
            creates,
            "{values}: {roles}"
        );
    }
}
