//! The row "bad input": whatever AWS answers, the last picture stays in force, nothing else ends, nothing crashes or
//! hangs.

use crate::facade::{buy, during, own_fleet, with, workers};
use crate::{PATIENCE, eyes, facade, grow, hands, is_done, now, remove, settings};
use act::aws::Launch;
use model::offer::Confidence;
use model::snapshot::{Freshness, Source};
use model::time::Span;
use sim_aws::faults::ErrorKind;
use sim_aws::{FaultKind, Gone, NewGroup, NewNodeGroup, Settings};
use std::collections::{BTreeMap, BTreeSet};

/// The row "bad input": whatever AWS answers, the last picture stays in force with its age, and nothing crashes or
/// hangs.
#[tokio::test]
async fn bad_answers_leave_the_last_picture_with_its_age() {
    for error in [
        ErrorKind::Torn,
        ErrorKind::Bloated,
        ErrorKind::Internal,
        ErrorKind::Throttled,
        ErrorKind::Denied,
        ErrorKind::Expired,
        ErrorKind::Hang,
    ] {
        let cloud = facade(with(vec![workers(3)])).await;
        let mut eyes = eyes(&cloud.url, settings()).await;
        let began = now();
        let good = eyes.capacity(began, &[]).await;
        assert_eq!(good.groups.len(), 1);
        cloud.account(|a| {
            let calls = Vec::new();
            a.strike(during(FaultKind::Errors {
                calls,
                permille: 1000,
                error,
            }));
        });
        let asked = std::time::Instant::now();
        let seen = eyes.capacity(began + Span::from_secs(100), &[]).await;
        assert!(asked.elapsed() < PATIENCE, "{error:?}: {:?}", asked.elapsed());
        assert_eq!(
            (&seen.groups, &seen.offers),
            (&good.groups, &good.offers),
            "{error:?}"
        );
        let age = Span::from_secs(100);
        assert_eq!(
            seen.sources[&Source::Groups],
            Freshness::Stale { age },
            "{error:?}"
        );

        // The hands see the same: nothing is removed, nothing is bought.
        let id = cloud.account(|a| a.machines.keys().next().cloned()).unwrap();
        let mut hands = hands(&cloud.url, Launch::Auto).await;
        let step = remove("workers", "1-1", &id);
        let ten = std::time::Duration::from_secs(10);
        let outcome = tokio::time::timeout(ten, hands.remove(&step)).await;
        assert!(
            !matches!(&outcome, Ok(done) if done.is_done()),
            "{error:?}: {outcome:?}"
        );
        assert_eq!(
            cloud.account(|a| (a.ended.len(), a.machines.len())),
            (0, 3),
            "{error:?}"
        );
    }
}

/// The row "bad input", field by field: whatever is missing or reads oddly in an answer, nothing crashes, nothing is
/// counted as empty that is not, and a removal ends the named instance or none.
#[tokio::test]
async fn answers_that_lack_a_field_or_say_odd_things_end_nothing_else() {
    let settings_of = || Settings {
        throttles: false,
        node_groups: vec![NewNodeGroup {
            group: NewGroup::of("ng", "m5.large").sized(0, 5, 1),
            labels: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
            taints: vec![("gpu".to_owned(), "yes".to_owned(), "NO_SCHEDULE".to_owned())],
        }],
        templates: vec![NewGroup::of("plimsoll", "m5.large")],
        ..with(vec![NewGroup {
            spot: true,
            ..workers(3)
        }])
    };
    let own = || observe::aws::Settings {
        fleets: vec![own_fleet()],
        ..settings()
    };
    let cloud = facade(settings_of()).await;
    let fleet = hands(&cloud.url, Launch::Auto)
        .await
        .with_fleets(vec![own_fleet()]);
    is_done(
        &{ fleet }
            .grow(&buy("fleet/m5.large/us-east-1a/spot", "1-0", 1))
            .await,
    );
    let mut first = eyes(&cloud.url, own()).await;
    let good = first.capacity(now(), &[]).await;
    assert_eq!(good.groups.len(), 3);
    let fields = cloud.fields();
    assert!(fields.len() > 60, "{fields:?}");
    let mut shrunk = BTreeSet::new();
    for field in &fields {
        for value in [
            None,
            Some(""),
            Some("Odd"),
            Some("-1"),
            Some("99999999999999999999"),
        ] {
            let cloud = facade(settings_of()).await;
            cloud.account(|a| {
                let kind = FaultKind::Mangled {
                    calls: Vec::new(),
                    field: field.clone(),
                    value: value.map(str::to_owned),
                };
                a.strike(during(kind));
            });
            let mut eyes = eyes(&cloud.url, own()).await;
            let seen = eyes.capacity(now(), &[]).await;
            let living: u32 = seen.groups.iter().map(model::group::Group::living).sum();
            if seen.sources[&Source::Groups] == Freshness::Live && living < 4 {
                shrunk.insert(field.as_str());
            }
            let named = cloud.account(|a| a.machines.keys().next().cloned()).unwrap();
            let mut hands = hands(&cloud.url, Launch::Auto).await;
            hands.remove(&remove("workers", "1-1", &named)).await;
            hands.grow(&grow("workers", "1-2", 3, 4)).await;
            let ended = cloud.account(|a| a.ended.clone());
            assert!(
                ended
                    .iter()
                    .all(|(ended, why)| *ended == named && *why == Gone::Named),
                "{field}={value:?}: {ended:?}"
            );
        }
    }
    // What cannot be told from tags that are not ours, groups that are empty, groups that are one and states nobody knows:
    // such a group is not seen, or its instances are not counted on; nodes without a group are never removed.
    let unknowable = [
        "AutoScalingGroupName",
        "AutoScalingGroups",
        "DescribeAutoScalingGroupsResult",
        "Instances",
        "Key",
        "LifecycleState",
        "Tags",
        "Value",
        "member",
    ];
    println!(
        "{} fields, five ways each; groups look smaller without {shrunk:?}",
        fields.len()
    );
    assert_eq!(shrunk, BTreeSet::from(unknowable));
}

#[tokio::test]
async fn another_region_is_told_as_such_and_changes_nothing() {
    let cloud = facade(Settings {
        region: "eu-west-1".to_owned(),
        ..with(vec![workers(2)])
    })
    .await;
    let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
    assert_eq!(seen.sources[&Source::Groups], Freshness::Missing);
    let id = cloud.account(|a| a.machines.keys().next().cloned()).unwrap();
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let outcome = hands.remove(&remove("workers", "1-1", &id)).await;
    assert!(
        !outcome.is_done() && outcome.to_string().contains("eu-west-1")
            || outcome.to_string().contains("valid Region"),
        "{outcome}"
    );
    assert_eq!(cloud.account(|a| a.ended.len()), 0);
}

/// Trouble of one source is that source's: groups stay readable where EKS, EC2 or the price list are not.
#[tokio::test]
async fn a_denied_source_is_its_own_trouble() {
    let managed = NewNodeGroup {
        group: NewGroup::of("ng", "m5.large"),
        labels: BTreeMap::new(),
        taints: Vec::new(),
    };
    for denied in ["eks:*", "pricing:*", "ec2:DescribeSpotPriceHistory"] {
        let spot = NewGroup {
            spot: true,
            ..workers(1)
        };
        let cloud = facade(Settings {
            node_groups: vec![managed.clone()],
            ..with(vec![spot])
        })
        .await;
        cloud.account(|a| {
            let calls = vec![denied.to_owned()];
            a.strike(during(FaultKind::Errors {
                calls,
                permille: 1000,
                error: ErrorKind::Denied,
            }));
        });
        let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
        assert_eq!(seen.groups.len(), 2, "{denied}");
        assert_eq!(seen.sources[&Source::Groups], Freshness::Live, "{denied}");
        assert!(seen.offers.iter().all(|offer| offer.price.0 > 0), "{denied}");
        let spot = seen.offers.iter().find(|o| o.group == 1).unwrap();
        let told = denied != "ec2:DescribeSpotPriceHistory";
        assert_eq!(spot.confidence == Confidence::Listed, told, "{denied}");
    }
}
