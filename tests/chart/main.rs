//! The chart with real Helm: it lints, renders and installs onto a real API server, its roles allow what a mode
//! needs and no more, and the configuration it renders is one that the daemon takes.
//!
//! What the daemon then does is told in `e2e`.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use plimsoll_tests::cluster::Cluster;
use plimsoll_tests::daemon::plimsolld;
use plimsoll_tests::{Result, process, root, skip, tools};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SYSTEM: &str = "plimsoll-system";
const DAEMON: &str = "system:serviceaccount:plimsoll-system:plimsoll";

/// What observing needs: verb, resource, subresource.
const READS: [(&str, &str, &str); 8] = [
    ("list", "pods", ""),
    ("watch", "nodes", ""),
    ("list", "deployments.apps", ""),
    ("list", "jobs.batch", ""),
    ("list", "poddisruptionbudgets.policy", ""),
    ("list", "horizontalpodautoscalers.autoscaling", ""),
    ("create", "tokenreviews.authentication.k8s.io", ""),
    ("create", "subjectaccessreviews.authorization.k8s.io", ""),
];
/// What tells of other autoscalers, by name where there is one, and nothing beside it.
const OTHERS: [(&str, &str, &str); 3] = [
    (
        "get",
        "leases.coordination.k8s.io/cluster-autoscaler",
        "kube-system",
    ),
    (
        "get",
        "leases.coordination.k8s.io/karpenter-leader-election",
        "karpenter",
    ),
    ("get", "configmaps/cluster-autoscaler-status", "kube-system"),
];
const NOT_OTHERS: [(&str, &str, &str); 4] = [
    ("get", "leases.coordination.k8s.io/kube-scheduler", "kube-system"),
    ("list", "leases.coordination.k8s.io", "kube-system"),
    (
        "update",
        "leases.coordination.k8s.io/cluster-autoscaler",
        "kube-system",
    ),
    ("get", "configmaps/coredns", "kube-system"),
];
/// What acting needs on top.
const ACTS: [(&str, &str, &str); 5] = [
    ("patch", "nodes", ""),
    ("create", "pods", "eviction"),
    ("patch", "deployments.apps", "scale"),
    ("patch", "pods", "status"),
    ("create", "events", ""),
];
/// What letting pods into nodes that are starting needs, and nothing else.
const STARTING: [(&str, &str, &str); 1] = [("patch", "pods", "")];
/// What the load of kubelets needs, and nothing else.
const KUBELETS: [(&str, &str, &str); 1] = [("get", "nodes", "proxy")];
/// What the webhook needs, and nothing else: verb, resource, name, namespace.
const WEBHOOK: [(&str, &str, &str); 3] = [
    ("update", "secrets/plimsoll-admission", SYSTEM),
    ("create", "secrets", SYSTEM),
    (
        "patch",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io/0400-plimsoll-placement.plimsoll.io",
        SYSTEM,
    ),
];
/// What the API server's own policy needs.
const POLICY: [(&str, &str, &str); 1] = [("patch", "configmaps/plimsoll-placements", SYSTEM)];
/// What it never may, however pods are placed.
const NEVER_NAMED: [(&str, &str, &str); 5] = [
    ("get", "secrets/plimsoll-grpc", SYSTEM),
    ("update", "secrets/plimsoll-admission", "default"),
    (
        "patch",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io/other",
        SYSTEM,
    ),
    (
        "create",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        SYSTEM,
    ),
    (
        "patch",
        "mutatingadmissionpolicies.admissionregistration.k8s.io/plimsoll-placement.plimsoll.io",
        SYSTEM,
    ),
];
/// What it never may.
const NEVER: [(&str, &str, &str); 9] = [
    ("delete", "pods", ""),
    ("delete", "nodes", ""),
    ("create", "nodes", ""),
    ("get", "secrets", ""),
    ("patch", "deployments.apps", ""),
    ("create", "pods", ""),
    ("create", "nodes", "proxy"),
    ("list", "namespaces", ""),
    ("update", "leases.coordination.k8s.io", ""),
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
    cluster.run("helm", &["lint", "--strict", &chart, "--set", "cluster=blue"])?;
    // A node, so that the daemon's pod is scheduled and, by the fakelet, runs.
    cluster
        .api
        .create("/api/v1/nodes", json!({"metadata": {"name": "a"}}))
        .await?;
    let verb = ["-n", SYSTEM, "--wait", "--timeout", "60s"];
    let first = ["install", "plimsoll", &chart, "--create-namespace"];
    cluster.run(
        "helm",
        &[&first[..], &["--set", "cluster=blue"], &verb[..]].concat(),
    )?;
    for path in [
        "/apis/apps/v1/namespaces/plimsoll-system/deployments/plimsoll",
        "/api/v1/namespaces/plimsoll-system/serviceaccounts/plimsoll",
        "/api/v1/namespaces/plimsoll-system/services/plimsoll",
        "/api/v1/namespaces/plimsoll-system/configmaps/plimsoll",
        "/api/v1/namespaces/plimsoll-system/configmaps/plimsoll-aims",
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
    may_of_others(cluster).await?;
    may(cluster, &ACTS, false);
    may(cluster, &KUBELETS, false);
    may(cluster, &NEVER, false);
    may_in_own_namespace(cluster);

    // The way that deploy/README.md shows: one value changes, the others stay.
    let upgrade = ["upgrade", "plimsoll", &chart, "--reuse-values"];
    let set = |values: &'static str| [&upgrade[..], &["--set", values], &verb[..]].concat();
    let (certificate, pod) = (secret(cluster).await?, template(cluster).await?);
    cluster.run("helm", &set("config.aims.limits.max_nodes=7"))?;
    assert_eq!(
        template(cluster).await?,
        pod,
        "aims take effect in place, without a new pod"
    );
    let aims = "/api/v1/namespaces/plimsoll-system/configmaps/plimsoll-aims";
    let aims = cluster.api.get(aims).await?["data"]["aims.yaml"].take();
    assert!(
        aims.as_str().is_some_and(|aims| aims.contains("max_nodes: 7")),
        "{aims}"
    );
    cluster.run("helm", &set("mode=act,load=kubelet"))?;
    assert_ne!(template(cluster).await?, pod, "a mode is read at the start only");
    assert_eq!(
        secret(cluster).await?,
        certificate,
        "an upgrade keeps the certificate that clients trust"
    );
    check_config(cluster, "act").await?;
    may(cluster, &READS, true);
    may(cluster, &ACTS, true);
    may(cluster, &KUBELETS, true);
    may(cluster, &STARTING, false);
    may(cluster, &NEVER, false);
    cluster.run("helm", &set("startupTaint=true"))?;
    may(cluster, &STARTING, true);
    may(cluster, &NEVER, false);
    admission(cluster, &set).await?;
    an_old_certificate_is_renewed(cluster, &set("mode=act")).await?;

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

/// Objects come and go with the way in which pods are placed, and so do permissions.
async fn admission<'s>(cluster: &Cluster, set: &impl Fn(&'static str) -> Vec<&'s str>) -> Result<()> {
    const KINDS: &str = "/apis/admissionregistration.k8s.io/v1";
    let webhook = format!("{KINDS}/mutatingwebhookconfigurations/0400-plimsoll-placement.plimsoll.io");
    let policy = format!("{KINDS}/mutatingadmissionpolicies/plimsoll-placement.plimsoll.io");
    let binding = format!("{KINDS}/mutatingadmissionpolicybindings/plimsoll-placement.plimsoll.io");
    for (values, asks, decides) in [
        ("admission.mode=webhook", true, false),
        ("admission.mode=policy", false, true),
        ("admission.mode=off", false, false),
    ] {
        cluster.run("helm", &set(values))?;
        for (path, expected) in [(&webhook, asks), (&policy, decides), (&binding, decides)] {
            let there = cluster.api.find(path).await?.is_some();
            assert_eq!(there, expected, "{values}: {path}");
        }
        may_by_name(cluster, &WEBHOOK, asks);
        may_by_name(cluster, &POLICY, decides);
        may_by_name(cluster, &NEVER_NAMED, false);
        may(cluster, &NEVER, false);
        check_config(cluster, "act").await?;
    }
    Ok(())
}

/// Whether the daemon may do each of these to this object in this namespace.
fn may_by_name(cluster: &Cluster, what: &[(&str, &str, &str)], expected: bool) {
    for (verb, object, namespace) in what {
        let mut kubectl = cluster.command("kubectl");
        kubectl.args([
            "auth", "can-i", verb, object, "-q", "--as", DAEMON, "-n", namespace,
        ]);
        let answer = kubectl.status().unwrap().success();
        assert_eq!(answer, expected, "may the daemon {verb} {object} in {namespace}?");
    }
}

/// Other autoscalers are looked at, and nothing beside.
async fn may_of_others(cluster: &Cluster) -> Result<()> {
    may_by_name(cluster, &OTHERS, true);
    may_by_name(cluster, &NOT_OTHERS, false);
    for (verb, expected) in [("list", true), ("patch", false)] {
        assert_eq!(
            may_of_karpenter(cluster, verb).await?,
            expected,
            "{verb} nodepools"
        );
    }
    Ok(())
}

/// Whether the daemon may do this to Karpenter's node pools. The API server is asked itself: kubectl finds no resource
/// whose kind is not served, and asks for another.
async fn may_of_karpenter(cluster: &Cluster, verb: &str) -> Result<bool> {
    let attributes = json!({"verb": verb, "group": "karpenter.sh", "resource": "nodepools"});
    let review = json!({"spec": {"user": DAEMON, "resourceAttributes": attributes}});
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = cluster.api.create(path, review).await?;
    Ok(answer["status"]["allowed"] == true)
}

/// Near its end an upgrade makes a new certificate, by the authority that clients trust, which the daemon takes in place.
async fn an_old_certificate_is_renewed(cluster: &Cluster, upgrade: &[&str]) -> Result<()> {
    let path = "/api/v1/namespaces/plimsoll-system/secrets/plimsoll-grpc";
    let old = |name: &str| json!({"metadata": {"annotations": {name: "2001-01-01"}}});
    cluster.api.merge(path, old("plimsoll.io/issued")).await?;
    let (before, pod) = (secret(cluster).await?, template(cluster).await?);
    // Helm asks before it takes back what somebody else has set.
    cluster.run("helm", &[upgrade, &["--force-conflicts"]].concat())?;
    let after = secret(cluster).await?;
    assert_eq!(after["ca.crt"], before["ca.crt"], "the authority stays");
    assert_ne!(after["tls.crt"], before["tls.crt"], "the certificate is new");
    assert_eq!(
        template(cluster).await?,
        pod,
        "the daemon takes it without a new pod"
    );
    check_config(cluster, "act").await
}

/// The pod that the Deployment makes: where it changes, a new one comes.
async fn template(cluster: &Cluster) -> Result<Value> {
    let path = "/apis/apps/v1/namespaces/plimsoll-system/deployments/plimsoll";
    Ok(cluster.api.get(path).await?["spec"]["template"].take())
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
    for (map, namespace, expected) in [
        ("configmaps/plimsoll-ledger", SYSTEM, true),
        ("configmaps/plimsoll-memory", SYSTEM, true),
        ("configmaps/plimsoll-installation", SYSTEM, true),
        // Its own configuration, for one.
        ("configmaps/plimsoll", SYSTEM, false),
        ("configmaps/plimsoll-ledger", "default", false),
    ] {
        let mut kubectl = cluster.command("kubectl");
        kubectl.args([
            "auth", "can-i", "update", map, "-q", "--as", DAEMON, "-n", namespace,
        ]);
        assert_eq!(
            kubectl.status().unwrap().success(),
            expected,
            "{map} in {namespace}"
        );
    }
}

/// The configuration in the cluster is one that the daemon takes with everything it names, with this mode in it.
async fn check_config(cluster: &Cluster, mode: &str) -> Result<()> {
    let in_map = async |map: &str, key: &str| -> Result<String> {
        let path = format!("/api/v1/namespaces/plimsoll-system/configmaps/{map}");
        let map = cluster.api.get(&path).await?;
        let text = map["data"][key].as_str().ok_or_else(|| format!("no {key}"))?;
        Ok(text.to_owned())
    };
    let config = in_map("plimsoll", "plimsolld.yaml").await?;
    assert!(config.contains(&format!("mode: {mode}")), "{config}");
    let secret = secret(cluster).await?;
    let pem = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
    let said = taken(
        cluster.dir(),
        &Mounted {
            config,
            aims: in_map("plimsoll-aims", "aims.yaml").await?,
            certificate: pem("tls.crt"),
            key: pem("tls.key"),
        },
    )?;
    assert!(said.contains("good"), "{said}");
    Ok(())
}

/// What the chart mounts into the daemon's pod; PEM in base64, as Secrets have it.
struct Mounted {
    config: String,
    aims: String,
    certificate: String,
    key: String,
}

/// What the daemon says to it.
fn taken(dir: &Path, mounted: &Mounted) -> Result<String> {
    for (path, text) in [
        ("aims/aims.yaml", mounted.aims.clone()),
        ("tls/tls.crt", decoded(dir, &mounted.certificate)?),
        ("tls/tls.key", decoded(dir, &mounted.key)?),
    ] {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        std::fs::write(path, text)?;
    }
    let file = dir.join("plimsolld.yaml");
    let here = mounted
        .config
        .replace("/etc/plimsoll/", &format!("{}/", dir.display()));
    std::fs::write(&file, here)?;
    process::run(
        Command::new(plimsolld()?)
            .arg("--check-config")
            .arg("--config")
            .arg(&file),
    )
}

fn decoded(dir: &Path, base64: &str) -> Result<String> {
    let file = dir.join("base64");
    std::fs::write(&file, base64)?;
    process::run(Command::new("base64").arg("-d").arg(&file))
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
        ("cluster=", "the name of the cluster is wanted"),
        ("replicas=2", "two daemons would both act"),
        ("load=cadvisor", "must be kubelet, metrics-server or none"),
        (
            "config.kubernetes.load=kubelet",
            "config.kubernetes.load is set by the chart",
        ),
        ("config.aims_file=a.yaml", "config.aims_file is set by the chart"),
        ("mode=dry-run", "must be observe or act"),
        ("config.mode=act", "config.mode is set by the chart"),
        ("admission.mode=yes", "must be off, webhook or policy"),
        (
            "config.admission.mode=webhook",
            "config.admission.mode is set by the chart",
        ),
        ("provider.kwok.groups[0].name=a", "exactly one of aws, kwok, none"),
    ] {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "p"])
            .arg(root().join("deploy/chart"))
            .args(["--set", "cluster=blue", "--set", set]);
        let refused = process::run(&mut helm).unwrap_err().to_string();
        assert!(refused.contains(word), "{set}: {refused}");
    }
}

/// By default the daemon's pod lets in what it serves, by name of its ports, and nothing else; what it calls is open.
#[test]
fn the_network_policy_lets_in_what_is_served() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's network policy", &why),
    };
    let render = |set: &str, template: &str| {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "p"]).arg(root().join("deploy/chart"));
        process::run(helm.args(["--set", "cluster=blue", "--set", set, "--show-only", template])).unwrap()
    };
    let policy = "templates/networkpolicy.yaml";
    let ports = |text: &str| -> Vec<String> {
        let of = |line: &str| line.trim().strip_prefix("- port: ").map(str::to_owned);
        text.lines().filter_map(of).collect()
    };
    for (set, expected) in [
        ("mode=observe", &["grpc", "http"][..]),
        ("admission.mode=webhook", &["admission", "grpc", "http"]),
        ("admission.mode=policy", &["grpc", "http"]),
        (
            "networkPolicy.from[0].matchLabels.team=platform",
            &["grpc", "http"],
        ),
    ] {
        let text = render(set, policy);
        assert_eq!(ports(&text), expected, "{set}: {text}");
        assert!(text.contains("policyTypes: [Ingress]"), "{set}: {text}");
        assert!(!text.contains("egress"), "{set}: {text}");
        // Each port is one of the container's, and each of the container's is in it.
        let pod = render(set, "templates/deployment.yaml");
        for port in expected {
            assert!(
                pod.contains(&format!("- {{name: {port}, containerPort: ")),
                "{port}: {pod}"
            );
        }
        assert_eq!(pod.matches("containerPort: ").count(), expected.len(), "{pod}");
    }
    assert!(render("networkPolicy.from[0].matchLabels.team=platform", policy).contains("team: platform"));
}

/// Whoever reads the metrics needs a role where they are asked, and there is one; nobody has it by default.
#[test]
fn metrics_are_open_unless_they_are_to_ask() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's metrics", &why),
    };
    for (set, asks) in [("mode=observe", false), ("http.authorise=true", true)] {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "plimsoll"])
            .arg(root().join("deploy/chart"))
            .args(["--set", "cluster=blue", "--set", set]);
        let text = process::run(&mut helm).unwrap();
        assert!(text.contains(&format!("authorise: {asks}")), "{set}");
        assert_eq!(text.contains("nonResourceURLs: [/metrics]"), asks, "{set}");
        let named = text.matches("plimsoll-metrics-reader").count();
        assert_eq!(named, usize::from(asks), "{set}: a role, and nobody who has it");
    }
}

/// The authority of the API server's certificate is mounted where the daemon is told to look for it.
#[test]
fn the_webhook_asks_for_a_certificate_where_there_is_an_authority() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's webhook", &why),
    };
    for (secret, asks) in [("", false), ("api-server-ca", true)] {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "p"])
            .arg(root().join("deploy/chart"))
            .args(["--set", "cluster=blue,admission.mode=webhook", "--set"])
            .arg(format!("admission.clientCaSecret={secret}"));
        let text = process::run(&mut helm).unwrap();
        for line in [
            "client_ca: /etc/plimsoll/admission/ca.crt",
            "{name: admission-ca, mountPath: /etc/plimsoll/admission, readOnly: true}",
            "secret: {secretName: api-server-ca}",
        ] {
            assert_eq!(text.contains(line), asks, "{secret}: {line}");
        }
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
                .args(["--set", "cluster=blue,mode=act", "-f"]);
            process::run(helm.arg(&file).args(["--show-only", template])).unwrap()
        };
        let maps = render("templates/configmap.yaml");
        let pems = render("templates/tls.yaml");
        let checked = taken(
            dir.path(),
            &Mounted {
                config: block(&maps, "plimsolld.yaml: |"),
                aims: block(&maps, "aims.yaml: |"),
                certificate: line(&pems, "tls.crt: "),
                key: line(&pems, "tls.key: "),
            },
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

/// The kill switch works by the pod's own socket and file, and nobody is root by coming from loopback.
#[test]
fn the_levers_are_in_reach_by_default_and_loopback_is_nobody() {
    let tools = match tools::kubectl_helm() {
        Ok(tools) => tools,
        Err(why) => return skip::skip("the chart's levers", &why),
    };
    let render = |template: &str| {
        let mut helm = Command::new(tools.join("helm"));
        helm.args(["template", "p"])
            .arg(root().join("deploy/chart"))
            .args(["--set", "cluster=blue", "--show-only", template]);
        process::run(&mut helm).unwrap()
    };
    let config = render("templates/configmap.yaml");
    for line in [
        "socket: /run/plimsoll/grpc.sock",
        "pause_file: /run/plimsoll/pause",
        "trust_loopback: false",
    ] {
        assert!(config.contains(line), "{line} is not in\n{config}");
    }
    let pod = render("templates/deployment.yaml");
    for line in ["mountPath: /run/plimsoll", "unix:/run/plimsoll/grpc.sock"] {
        assert!(pod.contains(line), "{line} is not in\n{pod}");
    }
}

/// The text after `head`, up to the end of its document.
fn block(yaml: &str, head: &str) -> String {
    let after = yaml.split(head).nth(1).unwrap();
    after.split("\n---").next().unwrap().to_owned()
}

/// The rest of the last line with `head`: the chart's last Secret is the one that is mounted.
fn line(yaml: &str, head: &str) -> String {
    yaml.rsplit(head)
        .next()
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned()
}

/// The slim base image knows no certificate authority: without this line every call to AWS fails.
#[test]
fn the_image_knows_certificate_authorities() {
    let dockerfile = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
    let image = dockerfile.rsplit("\nFROM ").next().unwrap();
    assert!(image.contains("ca-certificates"), "{image}");
}
