//! Bounds of groups through the real SDK: Auto Scaling's own by its API, a managed node group's by EKS'.

use crate::facade::{with, workers};
use crate::{CLUSTER, On, eyes, facade, hands, is_done, now, settings, step};
use act::aws::Launch;
use model::group::{Bounds, Group};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::time::Span;
use plimsoll_tests::aws as account;
use sim_aws::{Lag, NewGroup, NewNodeGroup};
use std::collections::BTreeMap;

fn bound(group: &str, from: (u32, u32), to: (u32, u32)) -> Step {
    let of = |(min, max)| Bounds { min, max };
    let kind = StepKind::SetBounds {
        group: group.into(),
        from: of(from),
        to: of(to),
    };
    step("1-0", kind)
}

#[tokio::test]
async fn an_auto_scaling_group_keeps_its_size_when_its_bounds_are_set() {
    for on in [On::Moto, On::Facade] {
        let Some((ground, account)) = on.ground("bounds of a group").await else {
            continue;
        };
        let group = account::NewGroup {
            min: 0,
            max: 6,
            desired: 2,
            ..account::NewGroup::of(CLUSTER, "workers")
        };
        account.create(&group).await.unwrap();
        let now = async || {
            let row = account.group("workers").await.unwrap();
            (row.min_size(), row.max_size(), row.desired_capacity())
        };
        let mut hands = hands(&ground.url, Launch::Desired).await;
        is_done(&hands.set_bounds(&bound("workers", (0, 6), (2, 9))).await);
        is_done(&hands.set_bounds(&bound("workers", (0, 6), (2, 9))).await);
        assert_eq!(now().await, (Some(2), Some(9), Some(2)), "{on:?}");
        // Somebody else has set others; the size would not be within them.
        for (from, to) in [((0, 6), (1, 8)), ((2, 9), (3, 9)), ((2, 9), (0, 1))] {
            let outcome = hands.set_bounds(&bound("workers", from, to)).await;
            assert!(matches!(outcome, Outcome::Stale { .. }), "{on:?}: {outcome:?}");
        }
        assert_eq!(now().await, (Some(2), Some(9), Some(2)), "{on:?}");
    }
}

#[tokio::test]
async fn a_managed_node_group_is_bounded_by_eks_one_update_at_a_time() {
    let managed = NewNodeGroup {
        group: NewGroup::of("ng", "m5.large").sized(0, 4, 2),
        labels: BTreeMap::new(),
        taints: Vec::new(),
    };
    let mut kops = workers(1);
    kops.tags
        .insert("kops.k8s.io/instancegroup".to_owned(), "nodes".to_owned());
    let settings_of = sim_aws::Settings {
        node_groups: vec![managed],
        update: Lag::secs(3600, 3600),
        ..with(vec![kops])
    };
    let cloud = facade(settings_of).await;
    let mut eyes = eyes(&cloud.url, settings()).await;
    let told = |seen: &observe::Capacity| -> Group {
        let mut groups = seen.groups.iter();
        groups
            .find(|group| group.name.as_str().starts_with("eks-ng-"))
            .unwrap()
            .clone()
    };
    let group = told(&eyes.capacity(now(), &[]).await);
    assert_eq!(group.bounds(), Bounds { min: 0, max: 4 });
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let step = bound(group.name.as_str(), (0, 4), (1, 9));
    is_done(&hands.set_bounds(&step).await);
    assert_eq!(cloud.calls()["eks:UpdateNodegroupConfig"], 1);
    assert!(!cloud.calls().contains_key("autoscaling:UpdateAutoScalingGroup"));
    // It takes its time, and no other update is taken meanwhile: nobody is asked, by these hands at first and by any
    // once the picture tells.
    let outcome = hands.set_bounds(&step).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    assert_eq!(cloud.calls()["eks:UpdateNodegroupConfig"], 1);
    let mut others = crate::hands(&cloud.url, Launch::Auto).await;
    let outcome = others.set_bounds(&step).await;
    assert!(
        matches!(outcome, Outcome::Refused { .. }),
        "EKS says so: {outcome:?}"
    );
    let later = now() + Span::from_secs(901);
    assert!(told(&eyes.capacity(later, &[]).await).rolling.is_some());

    let outcome = hands.set_bounds(&bound("workers", (0, 10), (0, 20))).await;
    let Outcome::Failed { why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("kops'"), "{why}");
}
