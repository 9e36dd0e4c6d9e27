//! Whole deliberations.

use crate::checker::check;
use crate::fixture::{Cluster, asks};
use model::aims::Aims;

#[test]
fn pods_that_wait_get_the_cheapest_nodes() {
    let (seen, done) = Cluster::new()
        .group("g", 0, 50)
        .offer("g", "small", 2000, 4096, 50_000_000)
        .offer("g", "large", 8000, 16384, 180_000_000)
        .pending("web", 16, asks(500, 1024))
        .deliberate();
    check(&seen, &Aims::default(), &done);
    assert_eq!(done.plan.cost.rate.0, 180_000_000, "{:?}", done.plan);
    assert_eq!(done.plan.cost.bound.0 / 1000, 180_000 - 1);
}
