//! Offers and pods without sense: told in one line or refused with a reason, never a panic, in bounded time.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{Run, folder, plimsoll};
use std::time::{Duration, Instant};

const HEAD: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h\n";
const GOOD: &str = "m6a.xlarge,4,16384,x86_64,0.1728\n";
const PATIENCE: Duration = Duration::from_mins(2);

/// A small pod, so that there is something to plan.
const POD: &str = "kind: Pod\nmetadata: {name: p, namespace: n}\nspec: {containers: [{resources: {requests: {cpu: 1, memory: 1Gi}}}]}\n";

/// Runs a plan; whatever it says, it says in time and without a panic.
fn plan(pods: &str, offers: &str) -> Run {
    let room = folder(&[("c.yaml", pods), ("o.csv", offers)]);
    let begun = Instant::now();
    let args = ["plan", "--cluster", "c.yaml", "--offers", "o.csv", "--verify"];
    let run = plimsoll(&room, &args);
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{took:?}\n{pods}\n{offers}");
    assert!((0..=2).contains(&run.code), "{}: {}", run.code, run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(!run.stdout.contains("flaw:"), "{}", run.stdout);
    run
}

#[test]
fn offers_without_sense_are_told_or_left_out() {
    let row = |vcpu: &str, memory: &str, price: &str| format!("odd.type,{vcpu},{memory},x86_64,{price}\n");
    let refused: [(String, &str); 9] = [
        (row("4", "16384", "NaN"), "od_usd_h: \"NaN\": out of range"),
        (row("4", "16384", "inf"), "od_usd_h: \"inf\": out of range"),
        (row("4", "16384", "-0.1"), "od_usd_h: \"-0.1\": out of range"),
        (row("4", "16384", "1e300"), "od_usd_h: \"1e300\": out of range"),
        (row("4", "16384", "2e9"), "od_usd_h: 2000000000: out of range"),
        (row("4", "16384", "0x10"), "od_usd_h: \"0x10\": not a number"),
        (row("NaN", "16384", "1"), "vcpu: \"NaN\": out of range"),
        (row("4", "-1", "1"), "memory_mib: \"-1\": out of range"),
        (
            GOOD.to_owned(),
            "instance_type: \"m6a.xlarge\" stands there twice",
        ),
    ];
    for (odd, wanted) in refused {
        let run = plan(POD, &format!("{HEAD}{GOOD}{odd}"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{odd}: {}", run.stderr);
        assert!(
            run.stderr.contains(&format!("o.csv:3: {wanted}")),
            "{odd}: {}",
            run.stderr
        );
    }
    let left_out = [
        (row("4", "16384", "0"), "1 rows without a price left out"),
        (row("4", "16384", ""), "1 rows without a price left out"),
        (row("0", "16384", "1"), "1 rows without a shape left out"),
        (row("4", "0", "1"), "1 rows without a shape left out"),
    ];
    for (odd, wanted) in left_out {
        let run = plan(POD, &format!("{HEAD}{GOOD}{odd}"));
        assert_eq!(run.code, 0, "{odd}: {}", run.stderr);
        assert!(run.stderr.contains(wanted), "{odd}: {}", run.stderr);
        assert!(
            run.stdout.contains("m6a.xlarge") && !run.stdout.contains("odd.type"),
            "{}",
            run.stdout
        );
    }
    // A million times the price, and room for nothing: there, and never chosen.
    for odd in [
        row("4", "16384", "172800"),
        row("1", "1", "0.0001"),
        row("1", "300", "1e-12"),
    ] {
        let run = plan(POD, &format!("{HEAD}{GOOD}{odd}"));
        assert_eq!(run.code, 0, "{odd}: {}", run.stderr);
        assert!(!run.stdout.contains("odd.type"), "{odd}: {}", run.stdout);
    }
    // The only offer there is, at a million times the price: it is bought, and the bill says so.
    let run = plan(POD, &format!("{HEAD}{}", row("4", "16384", "172800")));
    assert!(
        run.code == 0 && run.stdout.contains("$172800.0000/h"),
        "{}",
        run.stdout
    );
}

#[test]
fn requests_without_sense_are_told_or_refused() {
    let pod = |requests: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: p, namespace: n}}\nspec: {{containers: [{{resources: {{requests: {{{requests}}}}}}}]}}\n"
        )
    };
    for (requests, code, wanted) in [
        ("cpu: 9223372036854775807", 1, "InsufficientCpu"),
        ("cpu: 1E", 1, "InsufficientCpu"),
        ("memory: 9223372036854775807", 1, "InsufficientMemory"),
        ("memory: 8Ei", 1, "InsufficientMemory"),
        ("memory: 99999999999999999999999999", 1, "InsufficientMemory"),
        ("ephemeral-storage: 1E", 1, "InsufficientEphemeralStorage"),
        (
            "nvidia.com/gpu: 1000000000000000000",
            1,
            "InsufficientExtendedResource",
        ),
        ("cpu: -1", 2, "must not be negative"),
        ("memory: -9223372036854775808", 2, "must not be negative"),
        ("cpu: NaN", 2, "requests.cpu"),
        ("cpu: ''", 2, "requests.cpu"),
        ("cpu: 1e1000000000", 2, "requests.cpu"),
        ("cpu: 0", 0, ""),
    ] {
        let run = plan(&pod(requests), &format!("{HEAD}{GOOD}"));
        let said = format!("{}{}", run.stdout, run.stderr);
        println!("{requests}: {} {}", run.code, run.stderr.trim_end());
        assert_eq!(run.code, code, "{requests}: {said}");
        assert!(said.contains(wanted), "{requests}: {said}");
    }
}

#[test]
fn more_replicas_than_there_can_be_do_not_fill_the_memory() {
    let deployment = |replicas: &str| {
        format!(
            "kind: Deployment\nmetadata: {{name: web, namespace: n}}\nspec: {{replicas: {replicas}, selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{resources: {{requests: {{cpu: 100m}}}}}}]}}}}}}\n"
        )
    };
    for replicas in ["1000000000000000000", "4294967295", "-1", "1.5", "many"] {
        let room = folder(&[
            ("c.yaml", &deployment(replicas)),
            ("o.csv", &format!("{HEAD}{GOOD}")),
        ]);
        let begun = Instant::now();
        let run = command::measured(&room, &["plan", "--cluster", "c.yaml", "--offers", "o.csv"]);
        println!(
            "{replicas}: exit {}, {} MiB, {:?}",
            run.run.code,
            run.peak_mib,
            begun.elapsed()
        );
        assert_eq!(run.run.code, 2, "{replicas}: {}", run.run.stderr);
        let told = run
            .run
            .stderr
            .contains("c.yaml: Deployment n/web: spec.replicas: ");
        assert!(told, "{replicas}: {}", run.run.stderr);
        assert!(run.peak_mib < 1024, "{replicas}: {} MiB", run.peak_mib);
    }
}

/// Pods whose rules contradict each other or point at nothing, as manifests.
#[test]
fn contradictory_affinity_is_placed_by_the_rules_or_refused_by_name() {
    let term = |app: &str, key: &str, more: &str| {
        format!("{{labelSelector: {{matchLabels: {{app: {app}}}}}, topologyKey: {key}{more}}}")
    };
    let zone = "topology.kubernetes.io/zone";
    let affinity = |kind: &str, term: &str| {
        format!("{kind}: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}")
    };
    let with = |app: &str| affinity("podAffinity", &term(app, zone, ""));
    let without = |app: &str| affinity("podAntiAffinity", &term(app, zone, ""));
    let nowhere = affinity("podAffinity", &term("a", zone, ", namespaces: [nowhere]"));
    let spread = |domains: &str| {
        format!(
            "topologySpreadConstraints: [{{maxSkew: 1, minDomains: {domains}, topologyKey: {zone}, whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: a}}}}}}]"
        )
    };
    let pod = |name: &str, app: &str, rules: &str| {
        format!(
            "---\nkind: Pod\nmetadata: {{name: {name}, namespace: n, labels: {{app: {app}}}}}\nspec: {{{rules}, containers: [{{resources: {{requests: {{cpu: 100m}}}}}}]}}\n"
        )
    };
    let near = |rules: &[String]| format!("affinity: {{{}}}", rules.join(", "));
    let table = [
        (
            "a with b, b without a",
            pod("p", "a", &near(&[with("b")])) + &pod("q", "b", &near(&[without("a")])),
        ),
        (
            "a with b, b with a",
            pod("p", "a", &near(&[with("b")])) + &pod("q", "b", &near(&[with("a")])),
        ),
        (
            "with and without itself",
            pod("p", "a", &near(&[with("a"), without("a")])),
        ),
        (
            "with pods of a namespace that is not there",
            pod("p", "a", &near(&[nowhere])),
        ),
        ("with nobody", pod("p", "a", &near(&[with("nobody")]))),
        ("over more zones than there are", pod("p", "a", &spread("99"))),
        ("over billions of zones", pod("p", "a", &spread("4294967296"))),
        ("over less than no zones", pod("p", "a", &spread("-1"))),
    ];
    for (name, pods) in table {
        let run = plan(&pods, &format!("{HEAD}{GOOD}"));
        let said = format!("{}{}", run.stdout, run.stderr);
        println!("{name}: exit {}\n{said}", run.code);
        if run.code == 1 {
            assert!(run.stdout.contains("REFUSED FOR"), "{name}: {said}");
        }
    }
}
