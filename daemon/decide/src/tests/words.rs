//! What a person reads where a pod has no place or a node stays: every kind of rule over several keys in several
//! clusters, one line a refusal, kept in `words.txt` and read by people. `BLESS=1` writes it anew.
//!
//! Checked of every line: the rule is one that somebody wrote, with its key and the pods that it means, and nothing is
//! called by a name of ours.

use crate::fixture::{Cluster, asks};
use crate::{PolicySet, deliberate, deliberate_and_explain};
use model::aims::Aims;
use model::ids::WorkloadKey;
use model::memory::Memory;
use model::node::Node;
use model::pod::{Near, NearRule, PodSpec, Taint, TaintEffect, Unmodelled};
use model::reason::{Misfit, Refusal};
use model::resources::Resources;
use model::selector::{LabelSelector, Labels, NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const KEYS: [&str; 5] = [
    "topology.kubernetes.io/zone",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/rack",
    "karpenter.sh/capacity-type",
    "topology.kubernetes.io/region",
];

fn near(key: &str, app: &str, rule: NearRule) -> Near {
    let labels = Labels::from([("app".to_owned(), app.to_owned())]);
    let namespaces = Some(vec!["default".to_owned()]);
    Near::new(key.to_owned(), LabelSelector::equal(&labels), namespaces, rule)
}

fn app(name: &str, rules: &[Near]) -> PodSpec {
    PodSpec {
        labels: Labels::from([("app".to_owned(), name.to_owned())]),
        near: rules.to_vec(),
        ..asks(500, 500)
    }
}

fn wanting(key: &str, value: &str) -> PodSpec {
    PodSpec {
        node_affinity: Some(vec![NodeTerm {
            labels: vec![Requirement {
                key: key.to_owned(),
                operator: Operator::In(vec![value.to_owned()]),
            }],
            fields: Vec::new(),
        }]),
        ..app("web", &[])
    }
}

/// Pods that have a rule, and what it is called.
fn ruled() -> Vec<(String, PodSpec)> {
    let spread = |skew, domains| NearRule::Spread { skew, domains };
    let mut all = Vec::new();
    for key in KEYS {
        let short = key.rsplit('/').next().unwrap();
        for (name, rule) in [
            ("spread", near(key, "web", spread(1, 1))),
            ("spread over 5 domains", near(key, "web", spread(1, 5))),
            ("affinity to nobody", near(key, "cache", NearRule::Together)),
            ("affinity to db", near(key, "db", NearRule::Together)),
            ("apart from its like", near(key, "web", NearRule::Apart)),
            ("apart from db", near(key, "db", NearRule::Apart)),
        ] {
            all.push((format!("{name} by {short}"), app("web", &[rule])));
        }
        let own = near(key, "web", NearRule::Together);
        let both = [own, near(key, "db", NearRule::Together)];
        all.push((format!("affinity to itself and db by {short}"), app("web", &both)));
    }
    for (called, rule, what) in [
        ("affinity", NearRule::Together, Unmodelled::PodAffinity),
        ("anti-affinity", NearRule::Apart, Unmodelled::PodAntiAffinity),
    ] {
        let labels = Labels::from([("team".to_owned(), "a".to_owned())]);
        let mut of = near(KEYS[0], "db", rule);
        of.namespace_selector = Some(LabelSelector::equal(&labels));
        let mut spec = app("web", &[of]);
        spec.unmodelled.push(what);
        all.push((format!("{called} to namespaces that are not listed"), spec));
    }
    all
}

fn more(spec: &mut PodSpec, resource: &str, amount: i64) {
    spec.requests.extended.insert(resource.to_owned(), amount);
}

/// Pods with rules about nodes, amounts, volumes and such.
fn plain_ones() -> Vec<(String, PodSpec)> {
    let with = |change: &dyn Fn(&mut PodSpec)| {
        let mut spec = app("web", &[]);
        change(&mut spec);
        spec
    };
    let mut all = vec![
        ("much CPU", with(&|s| s.requests.cpu_milli = 9000)),
        ("much memory", with(&|s| s.requests.memory_bytes = 40 << 30)),
        ("odd memory", with(&|s| s.requests.memory_bytes = (40 << 30) + 1)),
        ("much disk", with(&|s| s.requests.ephemeral_bytes = 200 << 30)),
        ("a GPU", with(&|s| more(s, "nvidia.com/gpu", 1))),
        ("huge pages", with(&|s| more(s, "hugepages-2Mi", 64 << 20))),
        (
            "volumes",
            with(&|s| more(s, "attachable-volumes-csi-ebs.csi.aws.com", 40)),
        ),
        (
            "node selector",
            with(&|s| drop(s.node_selector.insert("disk".into(), "ssd".into()))),
        ),
        ("node affinity", wanting("karpenter.sh/capacity-type", "spot")),
        ("zone affinity", wanting("topology.kubernetes.io/zone", "c")),
        ("hostname affinity", wanting("kubernetes.io/hostname", "n9")),
        (
            "a volume in c",
            with(&|s| s.reach = vec![wanting("topology.kubernetes.io/zone", "c").node_affinity.unwrap()]),
        ),
        ("a volume nowhere", with(&|s| s.reach = vec![Vec::new()])),
        ("privileged", with(&|s| s.traits.privileged = true)),
        ("of the host's network", with(&|s| s.traits.host_network = true)),
        ("a hostPath", with(&|s| s.traits.host_path = true)),
        ("a claim", with(&|s| s.traits.claims_volume = true)),
        ("a runtime class", with(&|s| s.traits.runtime_class = true)),
        ("another scheduler", with(&|s| s.scheduler = "volcano".into())),
        (
            "of a DaemonSet",
            with(&|s| s.owner = Some(WorkloadKey::new("DaemonSet", "default", "agent"))),
        ),
    ]
    .into_iter()
    .map(|(name, spec)| (name.to_owned(), spec))
    .collect::<Vec<_>>();
    for (name, what) in [
        ("claims unseen", Unmodelled::VolumeClaim),
        ("a device claim", Unmodelled::ResourceClaim),
        ("unreadable", Unmodelled::Unreadable),
        ("too large", Unmodelled::TooLarge),
        ("a claim that is missing", Unmodelled::ClaimMissing),
        ("a claim unbound", Unmodelled::ClaimUnbound),
        ("a claim lost", Unmodelled::ClaimLost),
        ("a claim in use", Unmodelled::ClaimInUse),
        ("a volume missing", Unmodelled::VolumeMissing),
        ("a storage class missing", Unmodelled::StorageClass),
        ("storage capacity", Unmodelled::StorageCapacity),
        ("a disk by id", Unmodelled::InlineDisk),
        ("a host port", Unmodelled::HostPort),
    ] {
        all.push((name.to_owned(), with(&|s| s.unmodelled = vec![what])));
    }
    all
}

type Situation = (&'static str, fn() -> Cluster, fn(&mut Snapshot, &mut Aims));

fn offers() -> Cluster {
    super::shop()
        .node("n1", "g", "small")
        .last_node(no_room)
        .running("db", "n1", app("db", &[]))
}

/// Nothing more runs on it.
fn no_room(node: &mut Node) {
    node.allocatable = Resources::new(500, 500 << 20);
}

const SITUATIONS: [Situation; 8] = [
    ("offers", offers, |_, _| ()),
    ("nothing on offer", Cluster::new, |_, _| ()),
    ("at its maximum", offers, |seen, _| seen.groups[0].max = 1),
    ("not in the aims", offers, |_, aims| {
        aims.groups.push("other".into());
    }),
    ("Karpenter's group", offers, |seen, _| {
        seen.groups[0].foreign = Some("Karpenter".into());
    }),
    ("tainted", offers, |seen, _| {
        seen.groups[0].taints.push(Taint {
            key: "team".into(),
            value: "ml".into(),
            effect: TaintEffect::NoSchedule,
        });
    }),
    (
        "Fargate alone",
        || Cluster::new().profile("fp", "default"),
        |_, _| (),
    ),
    (
        "Fargate beside EC2",
        || offers().profile("fp", "default"),
        |_, _| (),
    ),
];

/// Anti-affinity of pods that run against those that wait.
fn unwanted(key: &str) -> Cluster {
    let against = near(key, "web", NearRule::Apart);
    ["a", "b"].into_iter().fold(super::shop(), |cluster, zone| {
        let node = format!("n-{zone}");
        cluster
            .node(&node, "g", "small")
            .last_node(|node| {
                no_room(node);
                node.labels
                    .insert("topology.kubernetes.io/zone".into(), zone.into());
                node.labels.insert(
                    key.into(),
                    format!("{key}-{zone}").replace("topology.kubernetes.io/zone-", ""),
                );
            })
            .running(
                &format!("guard-{zone}"),
                &node,
                app("guard", std::slice::from_ref(&against)),
            )
    })
}

/// One pod that is refused, or several of which some are.
struct Case {
    name: String,
    spec: PodSpec,
    seen: Snapshot,
    aims: Aims,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, spec) in ruled().into_iter().chain(plain_ones()) {
        for (situation, cluster, change) in SITUATIONS {
            let mut seen = cluster().pending("web", 3, spec.clone()).seen();
            let mut aims = Aims::default();
            change(&mut seen, &mut aims);
            let name = format!("{name}, {situation}");
            cases.push(Case {
                name,
                spec: spec.clone(),
                seen,
                aims,
            });
        }
    }
    for key in KEYS {
        let spec = app("web", &[]);
        cases.push(Case {
            name: format!("unwanted by {}", key.rsplit('/').next().unwrap()),
            seen: unwanted(key).pending("web", 1, spec.clone()).seen(),
            spec,
            aims: Aims::default(),
        });
    }
    cases
}

/// What a person is told of a case, each text once.
fn told(case: &Case) -> Vec<(Option<Misfit>, String)> {
    let pod = &case.seen.pods.iter().find(|pod| pod.node.is_none()).unwrap().key;
    let policies = PolicySet::default();
    let explained = deliberate_and_explain(&case.seen, &Memory::default(), (&policies, &case.aims), pod);
    let done = deliberate(&case.seen, &Memory::default(), &policies, &case.aims);
    let mut lines = Vec::new();
    for refusal in &done.plan.refusals {
        match refusal {
            Refusal::Pod { why, closest, .. } => {
                lines.push((Some(why.clone()), format!("no place: {why}")));
                for (offer, why) in closest {
                    lines.push((Some(why.clone()), format!("{offer}: {why}")));
                }
            }
            other => lines.push((None, other.to_string())),
        }
    }
    if let Some(why) = explained.1.and_then(|why| why.not_on_fargate) {
        lines.push((Some(why.clone()), format!("not on Fargate: {why}")));
    }
    let mut known = BTreeSet::new();
    lines.retain(|(_, text)| known.insert(text.clone()));
    lines
}

#[test]
fn every_refusal_names_a_rule_that_somebody_wrote() {
    let mut all = String::new();
    let mut texts = BTreeSet::new();
    let mut lines = Vec::new();
    for case in cases() {
        for (why, text) in told(&case) {
            let line = format!("{}: {text}", case.name);
            // The first case that has a text stands for all of them.
            if texts.insert(text.clone()) {
                let _ = writeln!(all, "{line}");
            }
            lines.push((case.spec.clone(), why, text, line));
        }
    }
    assert!(texts.len() >= 100, "{} texts", texts.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/words.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differ = kept.lines().zip(all.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == all,
        "{differ:?}, {} lines and {} before (BLESS=1 writes them anew)",
        all.lines().count(),
        kept.lines().count()
    );
    for (spec, why, text, line) in &lines {
        sane(spec, why.as_ref(), text, line);
    }
}

/// Names that Kubernetes and AWS write so themselves.
const PROPER: [&str; 4] = ["NoSchedule", "DaemonSet", "StatefulSet", "GiB"];

fn sane(spec: &PodSpec, why: Option<&Misfit>, text: &str, line: &str) {
    assert!(
        spec.node_affinity.is_some() || !text.contains("node affinity"),
        "{line}: the pod has no node affinity"
    );
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let mut letters = word.chars();
        let camel = letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_uppercase);
        let short = word.trim_end_matches('s');
        let shouted = short.chars().all(|c| c.is_uppercase() || c.is_numeric());
        assert!(!camel || shouted || PROPER.contains(&word), "{line}: {word}");
    }
    let Some(why) = why else { return };
    let about_rules = matches!(
        why,
        Misfit::Tied { .. }
            | Misfit::NobodyToJoin { .. }
            | Misfit::DealtElsewhere { .. }
            | Misfit::NoDomainLeft { .. }
            | Misfit::NotModelled { .. }
            | Misfit::NamespacesUnknown { .. }
            | Misfit::FargateIgnores { .. }
    );
    let unnamed = matches!(
        why,
        Misfit::NoZoneLeft
            | Misfit::NodeAffinity
            | Misfit::Unmodelled(
                Unmodelled::PodAffinity | Unmodelled::PodAntiAffinity | Unmodelled::TopologySpread
            )
    );
    assert!(!unnamed, "{line}: names no rule");
    if about_rules {
        assert!(KEYS.iter().any(|key| text.contains(key)), "{line}: names no key");
        assert!(text.contains("app="), "{line}: names no pods");
    }
}
