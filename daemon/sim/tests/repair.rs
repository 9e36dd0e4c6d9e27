//! Kubelets that fall silent while their instances live on: one node is replaced, and half of a fleet is left alone. In the
//! time of the simulated world, never of the machine.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use cycle::InForce;
use logbook::CycleRecord;
use model::reason::{Reason, Stays};
use model::repair::Doubt;
use model::{Instant, NodeName, Refusal, Span, StepKind, Verdict};
use sim::{Options, Played, Scenario};
use std::collections::BTreeSet;

/// Twenty nodes of which a share falls silent after ten minutes.
fn world(share: &str, lasts: &str) -> Scenario {
    let text = format!(
        "
name: silence
duration: 100m
cycle: 20s
cluster: {{zones: [a, b, c], boot: {{min: 30s, max: 60s}}}}
groups:
  - {{name: general, types: [m6a.large], initial: 20, min: 1, max: 60}}
daemon_sets:
  - {{name: agent, cpu: 100m, memory: 64Mi}}
deployments:
  - {{name: web, cpu: 700m, memory: 1Gi, replicas: 40, budget: {{max_unavailable: 1}}}}
  - {{name: pinned, cpu: 100m, memory: 64Mi, replicas: 20, do_not_disrupt: true}}
faults:
  - {{kind: node-silence, at: 10m, share: {share}{lasts}}}
"
    );
    let fetch = |name: &str| Err(format!("{name}: the scenario names no other file"));
    Scenario::read("silence.yaml", text.as_bytes(), &fetch).unwrap()
}

struct Told {
    played: Played,
    /// Steps that gave nodes up for having stopped working: when, what, which node.
    steps: Vec<(Instant, &'static str, NodeName)>,
    /// Nodes that were named as not Ready, first in this cycle.
    first: Option<Instant>,
    /// Nodes that were kept because too many are not Ready.
    too_many: BTreeSet<NodeName>,
    start: Instant,
}

async fn play(scenario: Scenario) -> Told {
    let start = scenario.start;
    let (mut steps, mut first, mut too_many) = (Vec::new(), None, BTreeSet::new());
    let mut each = |record: &CycleRecord| {
        for step in &record.plan.steps {
            let cleared = record.verdicts.contains(&(step.id, Verdict::Cleared));
            let (StepKind::Cordon { node, .. } | StepKind::RemoveNode { node, .. }) = &step.kind else {
                continue;
            };
            if cleared && matches!(step.reason, Reason::Broken { .. }) {
                steps.push((record.at, step.kind.name(), node.clone()));
            }
        }
        for refusal in &record.plan.refusals {
            match refusal {
                Refusal::NodeStays {
                    why: Stays::NotReady { .. },
                    ..
                } => {
                    first.get_or_insert(record.at);
                }
                Refusal::NodeStays {
                    node,
                    why:
                        Stays::NotGivenUp {
                            doubt: Doubt::TooMany { .. },
                            ..
                        },
                } => {
                    too_many.insert(node.clone());
                }
                _ => {}
            }
        }
    };
    let each = &mut |moment: sim::Moment<'_>| each(moment.record);
    let played = sim::play(scenario, InForce::default(), Options::default(), each);
    Told {
        played: played.await.unwrap(),
        steps,
        first,
        too_many,
        start,
    }
}

#[tokio::test]
async fn a_node_whose_kubelet_is_silent_is_told_at_once_and_replaced_after_half_an_hour() {
    let told = play(world("5%", "")).await;
    let card = &told.played.scorecard;
    assert_eq!((card.still_waiting, &card.violations[..]), (0, &[][..]), "{card}");
    let silent = told.start + Span::from_secs(600);
    assert!(
        told.first.unwrap() <= silent + Span::from_secs(20),
        "told in the next cycle"
    );
    let [(cordoned, "Cordon", node), (removed, "RemoveNode", gone)] = &told.steps[..] else {
        panic!("{:?}", told.steps);
    };
    assert_eq!(node, gone);
    let after = cordoned.since(silent);
    assert!(
        (Span::from_secs(1800)..=Span::from_secs(1820)).contains(&after),
        "{after}"
    );
    assert!(removed.since(*cordoned) <= Span::from_secs(360));
    assert!(told.too_many.is_empty());
    assert!(card.launches >= 1, "its pods got another node: {card}");
}

#[tokio::test]
async fn where_half_of_the_fleet_falls_silent_nothing_is_removed_and_it_is_told() {
    let told = play(world("50%", "")).await;
    let card = &told.played.scorecard;
    assert_eq!((card.removals, told.steps.len()), (0, 0), "{card}");
    assert_eq!(told.too_many.len(), 10, "{:?}", told.too_many);
    assert_eq!((card.still_waiting, &card.violations[..]), (0, &[][..]), "{card}");
}

#[tokio::test]
async fn a_kubelet_that_speaks_again_in_time_costs_no_node() {
    let told = play(world("5%", ", lasts: 25m")).await;
    assert_eq!(told.steps, []);
    assert_eq!(told.played.scorecard.violations, []);
}
