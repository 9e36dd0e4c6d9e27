//! Groups asked by their desired size that find no capacity, through the real SDK.

use crate::facade::{during, with, workers};
use crate::{eyes, facade, grow, hands, is_done, now, settings};
use act::aws::Launch;
use model::ids::GroupName;
use model::time::Span;
use sim_aws::FaultKind;

const CALL: &str = "autoscaling:DescribeScalingActivities";

#[tokio::test]
async fn a_group_that_finds_no_capacity_is_told_while_it_lacks_instances() {
    let cloud = facade(with(vec![workers(1)])).await;
    let own = observe::aws::Settings {
        launch: Launch::Desired,
        ..settings()
    };
    let mut eyes = eyes(&cloud.url, own).await;
    let group = GroupName::new("workers");
    let begun = now();
    assert!(eyes.capacity(begun, &[]).await.short.is_empty());
    assert!(!cloud.calls().contains_key(CALL), "it has what it was asked for");

    cloud.account(|a| {
        a.strike(during(FaultKind::NoCapacity {
            zones: Vec::new(),
            types: Vec::new(),
            spot: None,
            but: 0,
        }));
    });
    let mut hands = hands(&cloud.url, Launch::Desired).await;
    is_done(&hands.grow(&grow("workers", "1-0", 1, 3)).await);
    let later = begun + Span::from_secs(61);
    let seen = eyes.capacity(later, &[]).await;
    let told = seen.short.get(&group).copied();
    assert!(
        told.is_some_and(|told| told + Span::from_secs(2) >= begun),
        "{told:?}"
    );
    let asked = cloud.calls()[CALL];
    eyes.capacity(later + Span::from_secs(5), &[]).await;
    assert_eq!(
        cloud.calls()[CALL],
        asked,
        "not more often than every fifteen seconds"
    );

    // It comes after all, and nobody is asked any more.
    cloud.account(|a| a.groups.get_mut("workers").unwrap().desired = 1);
    let seen = eyes.capacity(later + Span::from_secs(61), &[]).await;
    assert!(seen.short.is_empty());
    assert_eq!(cloud.calls()[CALL], asked);
}
