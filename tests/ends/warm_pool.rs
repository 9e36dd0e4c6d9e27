//! Groups with a warm pool: what waits there is no capacity and nobody's to give up; the group grows from it by its
//! size, for `LaunchInstances` is refused.

use crate::facade::{with, workers};
use crate::{eyes, facade, grow, hands, is_done, now, remove, settings};
use act::aws::Launch;
use model::group::LaunchMode;
use plimsoll_tests::aws;
use plimsoll_tests::wait::eventually;
use sim_aws::{Facade, NewGroup, WarmPool};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// One instance in service, two that wait stopped.
async fn prepared() -> (Facade, Vec<String>) {
    let group = NewGroup {
        warm_pool: Some(WarmPool {
            min: 0,
            prepared: Some(3),
            running: false,
        }),
        ..workers(1)
    };
    let cloud = facade(with(vec![group])).await;
    let warm = async || {
        let waits = cloud.account(|account| {
            let machines = account.machines.values();
            let waits = machines.filter(|machine| machine.state.wire().1 == "stopped");
            waits.map(|machine| machine.id.clone()).collect::<Vec<_>>()
        });
        Ok((waits.len() == 2).then_some(waits))
    };
    let waits = eventually("two instances wait in the pool", PATIENCE, warm)
        .await
        .unwrap();
    (cloud, waits)
}

#[tokio::test]
async fn what_waits_in_a_warm_pool_is_not_seen_as_capacity_and_cannot_be_given_up() {
    let (cloud, waits) = prepared().await;
    let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
    let group = &seen.groups[0];
    assert_eq!((group.desired, group.instances.len()), (1, 1));
    assert_eq!(group.launch, LaunchMode::Desired);
    assert!(
        group
            .instances
            .iter()
            .all(|i| !waits.contains(&i.id.as_str().to_owned()))
    );

    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let outcome = hands.remove(&remove("workers", "1-0", &waits[0])).await;
    let (desired, there) =
        cloud.account(|a| (a.groups["workers"].desired, a.machines.contains_key(&waits[0])));
    assert!(!outcome.is_done() && desired == 1 && there, "{outcome:?}");
}

#[tokio::test]
async fn a_group_grows_from_its_warm_pool_by_its_size() {
    let (cloud, waits) = prepared().await;
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let step = grow("workers", "1-0", 1, 3);
    is_done(&hands.grow(&step).await);
    is_done(&hands.grow(&step).await);
    let came = async || {
        let joined = |id: &String, account: &sim_aws::Account| account.machines[id].joined;
        Ok(cloud
            .account(|a| waits.iter().all(|id| joined(id, a)))
            .then_some(()))
    };
    eventually("both come out of the pool", PATIENCE, came)
        .await
        .unwrap();
    let (desired, calls) = (cloud.account(|a| a.groups["workers"].desired), cloud.calls());
    assert_eq!((desired, calls.get("autoscaling:LaunchInstances")), (3, None));
    let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
    assert_eq!(seen.groups[0].instances.len(), 3);
}

/// As somebody else's tools ask for it.
#[tokio::test]
async fn the_wire_of_warm_pools_is_that_of_the_sdk() {
    let cloud = facade(with(vec![workers(1)])).await;
    let client = aws_sdk_autoscaling::Client::new(&aws::sdk(&cloud.url).await);
    let put = client.put_warm_pool().auto_scaling_group_name("workers");
    put.max_group_prepared_capacity(2).send().await.unwrap();
    let told = async || {
        let asked = client.describe_warm_pool().auto_scaling_group_name("workers");
        let told = asked.send().await.map_err(|error| format!("{error:?}"))?;
        let states = told.instances().iter().filter_map(|i| i.lifecycle_state());
        let states: Vec<String> = states.map(|state| state.as_str().to_owned()).collect();
        let most = told
            .warm_pool_configuration()
            .and_then(aws_sdk_autoscaling::types::WarmPoolConfiguration::max_group_prepared_capacity);
        Ok((states == ["Warmed:Stopped"] && most == Some(2)).then_some(()))
    };
    eventually("one waits", PATIENCE, told).await.unwrap();
    let delete = client.delete_warm_pool().auto_scaling_group_name("workers");
    delete.force_delete(true).send().await.unwrap();
    let left = cloud.account(|a| {
        a.machines
            .values()
            .filter(|m| m.lives() || m.ended.is_none())
            .count()
    });
    assert_eq!(left, 1);
}
