//! Images that launch templates name by a parameter, through the real SDK.

use crate::facade::{with, workers};
use crate::{eyes, facade, grow, hands, is_done, now, settings};
use act::aws::Launch;
use model::ids::InstanceId;
use model::time::Span;
use sim_aws::Facade;

/// A launch template that names a parameter starts another image under the same version: who was started from the old
/// one is told, a node that has just come with the new one is not.
#[tokio::test]
async fn nodes_of_an_image_that_a_parameter_no_longer_names_are_told() {
    let parameter = "/aws/service/eks/optimized-ami/1.36/recommended/image_id";
    let mut group = workers(2);
    group.image_parameter = Some(parameter.to_owned());
    let mut plain = workers(1);
    "plain".clone_into(&mut plain.name);
    let cloud = facade(with(vec![group, plain])).await;
    let ids = |cloud: &Facade| -> Vec<String> { cloud.account(|a| a.machines.keys().cloned().collect()) };
    let old = ids(&cloud);
    let mut eyes = eyes(&cloud.url, settings()).await;
    let drifted = |capacity: &observe::Capacity| {
        let told = capacity.templates.values();
        let drifted = told.clone().filter(|template| template.made != template.wanted);
        (told.count(), drifted.count())
    };
    let mut at = now();
    let seen = eyes.capacity(at, &[]).await;
    assert_eq!(drifted(&seen), (3, 0));
    let texts: Vec<String> = seen
        .templates
        .values()
        .map(|template| template.made.clone())
        .collect();
    let named = texts
        .iter()
        .filter(|text| text.ends_with(":1 (ami-0123456789abcdef0)"));
    assert_eq!(named.count(), 2, "{texts:?}");

    // The parameter names another image. That is known within the hour, and costs nothing until then.
    cloud.account(|a| a.images.insert(parameter.to_owned(), "ami-new".to_owned()));

    let before = resolves(&cloud);
    at = at + Span::from_secs(61);
    assert_eq!(drifted(&eyes.capacity(at, &[]).await), (3, 0));
    assert_eq!(resolves(&cloud), before);

    // A node that comes from it first is not held against the old answer, but makes it be asked for anew.
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    is_done(&hands.grow(&grow("workers", "1-0", 2, 3)).await);
    at = at + Span::from_secs(61);
    let seen = eyes.capacity(at, &[]).await;
    assert_eq!(drifted(&seen), (4, 2));
    let third = ids(&cloud).into_iter().find(|id| !old.contains(id)).unwrap();
    let newest = &seen.templates[&InstanceId::new(third.as_str())];
    assert!(
        newest.made == newest.wanted && newest.made.ends_with(":1 (ami-new)"),
        "{newest}"
    );
    assert_eq!(resolves(&cloud), before + 1);

    // Back to what it was: the newest is the one that drifted, once the hour is over.
    cloud.account(|a| a.images.remove(parameter));
    at = at + Span::from_secs(3000);
    assert_eq!(drifted(&eyes.capacity(at, &[]).await), (4, 2));
    at = at + Span::from_secs(601);
    assert_eq!(drifted(&eyes.capacity(at, &[]).await), (4, 1));
}

fn resolves(cloud: &Facade) -> u64 {
    let calls = cloud.calls();
    calls
        .get("ec2:DescribeLaunchTemplateVersions")
        .copied()
        .unwrap_or(0)
}
