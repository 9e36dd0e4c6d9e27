//! Some hundred pods, nominated: what was planned for them is enough. `cargo run -p plimsoll-binding` makes the same
//! trial with two thousand, and those without nominations.

use binding::slack::WANTED;
use binding::trial::{Setup, Way, run};
use plimsoll_tests::{skip, tools};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nominated_pods_run_on_the_planned_nodes() {
    for tool in [tools::testcluster(), tools::kubectl_helm()] {
        if let Err(why) = tool {
            skip::skip("nominated pods run on the planned nodes", &why);
            return;
        }
    }
    let setup = Setup {
        pods: 300,
        seed: 1,
        slack: 0,
        way: Way::Nominated,
    };
    let told = run(&setup).await.unwrap_or_else(|error| panic!("{error}"));
    println!("{} of {} run on {} nodes", told.running, told.pods, told.nodes);
    assert!(told.nodes >= 10, "a plan of some size: {told:?}");
    assert!(told.nominations >= told.pods, "everybody was nominated: {told:?}");
    assert!(told.permille() >= WANTED, "{told:?}");
    assert!(
        told.as_nominated * 1000 >= told.pods * WANTED,
        "the plan came true: {told:?}"
    );
}
