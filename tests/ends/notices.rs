//! Notices: anybody who may send to the queue can claim anything; what AWS itself does not say moves nothing.

use crate::facade::{during, with, workers};
use crate::{PATIENCE, eyes, facade, now, settings};
use model::ids::InstanceId;
use model::node::Leaves;
use model::notices::Notices;
use model::time::{Instant, Span};
use observe::aws::Groups;
use sim_aws::faults::ErrorKind;
use sim_aws::{Facade, FaultKind, Hook, NewGroup, Notice};
use std::time::Duration;

/// A cluster of three in one group, and eyes that read its queue.
async fn cluster(spot: bool) -> (Facade, Groups, Vec<String>) {
    let cloud = facade(with(vec![NewGroup { spot, ..workers(3) }])).await;
    let mut own = settings();
    own.queue = Some("notices".to_owned());
    let mut eyes = eyes(&cloud.url, own).await;
    eyes.capacity(now(), &[]).await;
    let ids = cloud.account(|a| a.machines.keys().cloned().collect());
    (cloud, eyes, ids)
}

/// What is told of the instances, in their order, and of all notices.
async fn told(eyes: &mut Groups, ids: &[String], at: Instant) -> (Vec<Option<Leaves>>, Notices) {
    let seen = eyes.capacity(at, &[]).await;
    let of = |id: &String| seen.leaving.get(&InstanceId::new(id)).map(|one| one.why);
    (ids.iter().map(of).collect(), seen.notices.unwrap())
}

/// Looks until this holds.
async fn until(
    eyes: &mut Groups,
    ids: &[String],
    what: &str,
    holds: impl Fn(&[Option<Leaves>], &Notices) -> bool,
) -> Notices {
    let began = std::time::Instant::now();
    loop {
        let (leaving, notices) = told(eyes, ids, now()).await;
        if holds(&leaving, &notices) {
            return notices;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: {leaving:?} {notices:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn every_kind(id: &str) -> [Notice; 5] {
    let instance = || id.to_owned();
    [
        Notice::Interruption { instance: instance() },
        Notice::Rebalance { instance: instance() },
        Notice::Health {
            instance: instance(),
            code: "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED".to_owned(),
        },
        Notice::StateChange {
            instance: instance(),
            state: "shutting-down".to_owned(),
        },
        Notice::Lifecycle {
            instance: instance(),
            group: "workers".to_owned(),
            hook: "drain".to_owned(),
            launching: false,
        },
    ]
}

/// One message drained any node, past windows, minima and annotations.
#[tokio::test]
async fn forged_notices_of_a_healthy_on_demand_node_move_nothing() {
    let (cloud, mut eyes, ids) = cluster(false).await;
    cloud.account(|a| every_kind(&ids[0]).iter().for_each(|notice| a.notify(notice)));
    // A change of state and a hook claim the same.
    let waiting = until(&mut eyes, &ids, "they are read", |leaving, notices| {
        assert_eq!(leaving, [None; 3]);
        notices.waiting == 4
    });
    assert_eq!(waiting.await.confirmed, 0);
    let (leaving, notices) = told(&mut eyes, &ids, now() + Span::from_secs(700)).await;
    assert_eq!(leaving, [None; 3]);
    assert_eq!((notices.unconfirmed, notices.lately, notices.waiting), (4, 4, 0));
    assert!(notices.alarms()[0].contains("4 of the notices"), "{notices:?}");
}

#[tokio::test]
async fn forged_notices_of_a_healthy_spot_node_drain_nothing() {
    let (cloud, mut eyes, ids) = cluster(true).await;
    cloud.account(|a| {
        for id in &ids {
            for notice in every_kind(id) {
                a.notify(&notice);
            }
        }
    });
    let notices = until(&mut eyes, &ids, "they are read", |leaving, notices| {
        assert!(
            leaving
                .iter()
                .all(|why| why.is_none_or(|why| why == Leaves::AtRisk))
        );
        notices.waiting == 9
    });
    let notices = notices.await;
    assert_eq!(
        (notices.confirmed, notices.limited),
        (1, 2),
        "of three spot nodes one may be at risk"
    );
}

#[tokio::test]
async fn notices_of_instances_elsewhere_cost_no_call_and_raise_no_alarm() {
    let (cloud, mut eyes, ids) = cluster(false).await;
    cloud.forget_calls();
    cloud.account(|a| {
        for ix in 0..20 {
            for notice in every_kind(&format!("i-elsewhere-{ix}")) {
                a.notify(&notice);
            }
        }
        let other = r#"{"detail-type": "EC2 Spot Instance Interruption Warning", "time": "2026-11-22T10:00:00Z",
            "account": "999999999999", "region": "us-east-1", "detail": {"instance-id": "ID"}}"#;
        a.notify(&Notice::Raw(other.replace("ID", &ids[0])));
        a.notify(&Notice::Raw(other.replace("999999999999", "123456789012").replace("us-east-1", "eu-west-1")));
    });
    until(
        &mut eyes,
        &ids,
        "those of others are passed over",
        |_, notices| notices.elsewhere == 2,
    )
    .await;
    let began = std::time::Instant::now();
    while cloud.account(|a| a.queued()) > 0 && began.elapsed() < PATIENCE {
        let (leaving, notices) = told(&mut eyes, &ids, now()).await;
        assert_eq!((leaving, notices.waiting), (vec![None; 3], 0));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!cloud.calls().contains_key("ec2:DescribeSpotInstanceRequests"));
    assert!(
        !cloud.calls().contains_key("ec2:DescribeInstances"),
        "{:?}",
        cloud.calls()
    );
    let (_, notices) = told(&mut eyes, &ids, now() + Span::from_secs(700)).await;
    assert_eq!((notices.elsewhere, notices.unconfirmed), (82, 0));
    assert_eq!(notices.alarms(), Vec::<String>::new());
}

/// Kinds by how the witness fails: while it does, nothing is told; once it answers, what is true is.
#[tokio::test]
async fn where_aws_cannot_be_asked_a_notice_waits_until_it_can() {
    let kinds = [
        (Leaves::Interrupted, "ec2:DescribeSpotInstanceRequests"),
        (Leaves::Interrupted, "ec2:DescribeInstances"),
        (Leaves::AtRisk, "ec2:DescribeInstances"),
        (Leaves::Retired, "ec2:DescribeInstanceStatus"),
    ];
    let faults = [
        ErrorKind::Denied,
        ErrorKind::Internal,
        ErrorKind::Throttled,
        ErrorKind::Hang,
    ];
    for (why, call) in kinds {
        // A look waits for eight seconds: once is enough.
        let once = call == "ec2:DescribeSpotInstanceRequests";
        for error in faults
            .into_iter()
            .filter(|error| once || *error != ErrorKind::Hang)
        {
            let (cloud, mut eyes, ids) = cluster(true).await;
            let case = format!("{why}: {call} {error:?}");
            let failing = FaultKind::Errors {
                calls: vec![call.to_owned()],
                permille: 1000,
                error,
            };
            cloud.account(|a| {
                a.strike(during(failing));
                match why {
                    Leaves::Interrupted => a.interrupt(&ids[0]),
                    Leaves::Retired => a.schedule(&ids[0], "instance-retirement"),
                    _ => a.notify(&Notice::Rebalance {
                        instance: ids[0].clone(),
                    }),
                }
            });
            let doubted = until(&mut eyes, &ids, &case, |_, notices| {
                notices.trouble.is_some() || notices.confirmed > 0
            });
            let doubted = doubted.await;
            assert_eq!(
                (doubted.confirmed, doubted.unconfirmed),
                (0, 0),
                "{case}: {doubted:?}"
            );
            let said = doubted.alarms().join(" ");
            assert!(
                said.contains(call) || said.contains("no answer"),
                "{case}: {said}"
            );
            cloud.account(sim_aws::Account::calm);
            let sure = until(&mut eyes, &ids, &case, |leaving, _| leaving[0] == Some(why)).await;
            assert_eq!((sure.confirmed, sure.waiting), (1, 0), "{case}: {sure:?}");
        }
    }
}

/// The group is not due to be read for a minute: the notice makes it so.
#[tokio::test]
async fn what_waits_at_a_termination_hook_is_confirmed_by_its_group_at_once() {
    let (cloud, mut eyes, ids) = cluster(false).await;
    cloud.account(|a| {
        let hook = Hook {
            launching: false,
            timeout: Span::from_secs(3600),
            abandons: false,
        };
        let group = a.groups.get_mut("workers").unwrap();
        group.hooks.insert("drain".to_owned(), hook);
    });
    eyes.capacity(now(), &[]).await;
    cloud.account(|a| a.set_unhealthy(&ids[0]));
    let what = "it waits at its hook";
    let sure = until(&mut eyes, &ids, what, |leaving, notices| {
        leaving[0] == Some(Leaves::Ending) && notices.confirmed > 0
    });
    assert_eq!(sure.await.unconfirmed, 0);
}

#[tokio::test]
async fn a_queue_that_anybody_may_send_to_is_told() {
    let open = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}]}"#;
    let closed = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/x"}}}]}"#;
    let denied = FaultKind::Errors {
        calls: vec!["sqs:GetQueueAttributes".to_owned()],
        permille: 1000,
        error: ErrorKind::Denied,
    };
    for (policy, fault, told) in [
        (open, None, true),
        (closed, None, false),
        (open, Some(denied), false),
    ] {
        let cloud = facade(with(vec![NewGroup {
            spot: true,
            ..workers(1)
        }]))
        .await;
        cloud.account(|a| {
            a.set_queue_policy("notices", policy);
            fault.clone().into_iter().for_each(|kind| a.strike(during(kind)));
        });
        let mut own = settings();
        own.queue = Some("notices".to_owned());
        let mut eyes = eyes(&cloud.url, own).await;
        eyes.capacity(now(), &[]).await;
        let ids: Vec<String> = cloud.account(|a| a.machines.keys().cloned().collect());
        cloud.account(|a| a.interrupt(&ids[0]));
        // The policy is read before the first message is.
        let what = format!("{policy} {fault:?}");
        let notices = until(&mut eyes, &ids, &what, |leaving, _| {
            leaving[0] == Some(Leaves::Interrupted)
        });
        assert_eq!(!notices.await.alarms().is_empty(), told, "{what}");
    }
}
