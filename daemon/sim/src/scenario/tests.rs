//! Reading scenarios: what is said is what is meant, and every mistake is named with its path.

use super::*;
use model::GroupKind;

fn nothing(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("{path}: no such file"))
}

fn problems(text: &str) -> Vec<String> {
    let read = Scenario::read("s.yaml", text.as_bytes(), &nothing);
    let problems = read.expect_err("must be refused");
    problems.to_string().lines().map(str::to_owned).collect()
}

const SMALL: &str = "
name: small
duration: 1h
cluster: {zones: [a, b], scoring: most-allocated}
groups:
  - {name: general, types: [m6a.large, c6a.large], min: 1, max: 5, labels: {team: shop}}
  - {name: cheap, types: [m6a.large], purchase: spot, zones: [b]}
  - {name: less, kind: fargate-profile, selects: [{namespace: 'b*'}]}
daemon_sets:
  - {name: agent, cpu: 100m, memory: 64Mi}
deployments:
  - name: web
    cpu: 0.5
    memory: 1Gi
    replicas: 4
    sizes: [{at: 5m, replicas: 6}, {at: 10m, replicas: 3}]
    load: {low: 1, high: 4, peak: '14:00', noise: 5%, burst: 1500m}
    budget: {max_unavailable: 25%}
    metrics: [{name: burn, points: [{at: 1m, value: 0.5}, {at: 5m, value: 12}]}]
jobs:
  - {name: work, namespace: batch, cpu: 1, memory: 512Mi, extended: {nvidia.com/gpu: 2}, pods: {min: 2, max: 3}, runs: 5m, first: 90s, every: 1h}
traces:
  - {name: replayed, namespace: batch, file: trace.csv}
faults:
  - {kind: no-capacity, at: 10m, for: 5m, groups: [general], types: [m6a.large]}
  - {kind: frozen, at: 30m, for: 40s}
aims:
  scale:
    - {workload: Deployment default/web, min: 2, max: 9, metric: cpu, target: 50%}
";

#[test]
fn a_scenario_is_read() {
    let trace = |path: &str| {
        assert_eq!(path, "trace.csv");
        Ok(b"at_s,pods,cpu_milli,memory_mib,runs_s\n60,2,250,128,30\n5,1,100,64,10\n".to_vec())
    };
    let read = Scenario::read("s.yaml", SMALL.as_bytes(), &trace).unwrap();
    assert_eq!(read.cycles(), 120);
    assert_eq!(read.scoring, Scoring::MostAllocated);
    let sizes = [(Span::from_secs(300), 6), (Span::from_secs(600), 3)];
    assert_eq!(read.workloads[0].sizes, sizes);
    assert_eq!(read.instant_of(2), read.start + Span::from_secs(60));
    let names: Vec<&str> = read.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["cheap", "general", "less"], "sorted");
    assert_eq!(read.groups[2].kind, GroupKind::FargateProfile);
    let general: Vec<&str> = read
        .offers
        .iter()
        .filter(|o| o.group == 1)
        .map(|o| o.id.as_str())
        .collect();
    assert_eq!(
        general,
        [
            "general/c6a.large/a/on-demand",
            "general/c6a.large/b/on-demand",
            "general/m6a.large/a/on-demand",
            "general/m6a.large/b/on-demand",
        ]
    );
    let price = |group: u32| {
        read.offers
            .iter()
            .filter(move |o| o.group == group)
            .map(|o| o.price.0)
            .max()
    };
    assert_eq!(
        (price(1), price(0)),
        (Some(86_400_000), Some(34_560_000)),
        "spot is 40 % where nobody says"
    );
    assert!(
        read.offers
            .iter()
            .filter(|o| o.group == 1)
            .all(|o| o.labels["team"] == "shop")
    );
    assert!(read.offers.iter().any(|o| o.group == 2 && o.is_fargate()));
    let web = &read.workloads[0];
    assert_eq!(web.pod.spec.requests.cpu_milli, 500);
    assert_eq!(web.budget, Some(Budget::MaxUnavailable(Amount::Percent(25))));
    let burn = [(Span::from_secs(60), 500), (Span::from_secs(300), 12_000)];
    assert_eq!(web.metrics[0].name, "burn");
    assert_eq!(web.metrics[0].curve, Curve::Points(burn.to_vec()));
    let Arrivals::Burst { job, .. } = &read.arrivals[0] else {
        panic!("{:?}", read.arrivals)
    };
    assert_eq!(job.pod.spec.requests.amount("nvidia.com/gpu"), 2);
    let load = web.load.as_ref().unwrap();
    assert_eq!((load.noise_permille, load.burst_permille), (50, 1500));
    assert_eq!(
        load.curve,
        Curve::Diurnal {
            low: 1000,
            high: 4000,
            peak: Span::from_secs(14 * 3600)
        }
    );
    let Arrivals::Trace { rows, .. } = &read.arrivals[1] else {
        panic!("{:?}", read.arrivals)
    };
    assert_eq!(
        (rows.len(), rows[0].at, rows[1].memory_bytes),
        (2, Span::from_secs(5), 128 << 20)
    );
    assert_eq!(read.faults.len(), 2);
    assert_eq!(read.aims.scale[0].target_milli, 500);
    assert_eq!(
        read.aims.modes.of_cluster(),
        model::aims::Mode::Act,
        "a world is there to be acted on"
    );
}

#[test]
fn every_mistake_is_named_with_its_path() {
    let found = problems(
        "
name: ''
duration: 0s
cycle: soon
colour: red
groups:
  - {name: a, types: [m6a.large, z9.huge], min: 3, max: 2}
  - {name: a, kind: cloud, types: [m6a.large], zones: [mars]}
  - {name: f, kind: fargate-profile, types: [m6a.large]}
deployments:
  - {name: web, cpu: -1, memory: lots, replicas: -3, load: {low: 1}, budget: {min_available: 1, max_unavailable: 1}}
jobs:
  - {name: j, cpu: 1, memory: 1Gi, pods: {min: 3, max: 2}, runs: {min: 5m, max: 1m}}
traces:
  - {name: t, file: gone.csv}
faults:
  - {kind: earthquake, at: 1m}
  - {kind: throttled, at: 1m, api: moon, share: 200%}
  - {kind: node-failure, at: 1m, groups: [nobody], for: 3m}
aims: {mode: dance, scale: [{workload: web, max: 2}]}
",
    );
    let expected = [
        "s.yaml: colour: unknown field",
        "s.yaml: groups[0].max: must not be below min",
        "s.yaml: groups[0].types[1]: the price list has no such type",
        "s.yaml: groups[1].name: is there twice",
        "s.yaml: groups[1].kind: must be asg",
        "s.yaml: groups[1].zones[0]: the cluster has no such zone",
        "s.yaml: groups[2].types: does not belong to a group of this kind",
        "s.yaml: groups[2].selects: a profile must select something",
        "s.yaml: name: must not be empty",
        "s.yaml: duration: must be above zero",
        "s.yaml: cycle: must be a span",
        "s.yaml: deployments[0].cpu: must not be negative",
        "s.yaml: deployments[0].memory: ",
        "s.yaml: deployments[0].replicas: must be between 0 and",
        "s.yaml: deployments[0].load.high: is missing",
        "s.yaml: deployments[0].load.peak: is missing",
        "s.yaml: deployments[0].budget: must have either",
        "s.yaml: jobs[0].pods.max: must not be below min",
        "s.yaml: jobs[0].runs.max: must not be below min",
        "s.yaml: traces[0].file: gone.csv: no such file",
        "s.yaml: faults[0].kind: must be one of",
        "s.yaml: faults[1].api: must be all, cloud or cluster",
        "s.yaml: faults[1].share: must be a share",
        "s.yaml: faults[1].for: is missing",
        "s.yaml: faults[2].groups[0]: no group has this name",
        "s.yaml: faults[2].for: unknown field",
        "s.yaml: aims.mode: ",
        "s.yaml: aims.scale[0].workload: ",
    ];
    for wanted in expected {
        assert!(
            found.iter().any(|line| line.starts_with(wanted)),
            "{wanted} in\n{}",
            found.join("\n")
        );
    }
    assert_eq!(
        found.len(),
        expected.len(),
        "and nothing else:\n{}",
        found.join("\n")
    );
}

#[test]
fn what_is_no_scenario_is_refused() {
    let cases = [
        ("", "a scenario is a mapping"),
        ("- a\n- b\n", "a scenario is a mapping"),
        ("name: [", "s.yaml:"),
        ("name: x\nduration: 1h\n", "groups: is missing"),
        ("name: x\nduration: 400d\ngroups: []\n", "must be below a year"),
        (
            "name: x\nduration: 300d\ncycle: 1s\ngroups: []\n",
            "a scenario has at most",
        ),
        (
            "name: x\nduration: 9999999999999999d\ngroups: []\n",
            "duration: must be a span",
        ),
    ];
    for (text, wanted) in cases {
        let found = problems(text);
        assert!(
            found.iter().any(|line| line.contains(wanted)),
            "{text:?}: {found:?}"
        );
    }
}

#[test]
fn what_no_machine_could_play_is_refused_at_its_place() {
    let found = problems(
        "
name: hostile
duration: 1h
cluster: {boot: 9999999999s}
groups:
  - {name: a, types: [m6a.large], min: 4000000000, max: 4000000000, initial: 4000000000}
deployments:
  - {name: b, cpu: 1, memory: 1Gi, load: {even: 9000000000000}, starts: {min: 1s, max: 900000d}}
  - {name: c, cpu: 1, memory: 1Gi, load: {low: 1, high: 9e12, peak: '14:00', burst: 9e12}}
  - {name: d, cpu: 1, memory: 1Gi, load: {points: [{at: 1s, cpu: 9000000000000}]}}
jobs:
  - {name: e, cpu: 1, memory: 1Gi, pods: 100000, every: 1ms}
faults:
  - {kind: slow-boot, at: 1m, for: 1m, boot: 9999999999s}
",
    );
    let expected = [
        "s.yaml: cluster.boot: must be at most a year",
        "s.yaml: groups[0].min: must be at most 20000",
        "s.yaml: groups[0].max: must be at most 20000",
        "s.yaml: groups[0].initial: must be at most 20000",
        "s.yaml: deployments[0].load.even: must be at most 1000000000",
        "s.yaml: deployments[0].starts.max: must be at most a year",
        "s.yaml: deployments[1].load.high: must be at most 1000000000",
        "s.yaml: deployments[1].load.burst: must be at most 1000000",
        "s.yaml: deployments[2].load.points[0].cpu: must be at most 1000000000",
        "s.yaml: faults[0].boot: must be at most a year",
    ];
    for wanted in expected {
        assert!(
            found.iter().any(|line| line == wanted),
            "{wanted} in\n{}",
            found.join("\n")
        );
    }
    let jobs = |line: &&String| line.starts_with("s.yaml: jobs: 360000100000 pods arrive");
    assert_eq!(found.iter().filter(jobs).count(), 1, "{found:?}");
    let fetch = |_: &str| {
        Ok(b"at_s,pods,cpu_milli,memory_mib,runs_s\n1,1,1000000000000,1,1\n1,1,1,99999999,1\n".to_vec())
    };
    let read = Scenario::read("s.yaml", SMALL.as_bytes(), &fetch);
    let found = read.expect_err("must be refused").to_string();
    assert!(
        found.contains("line 2: ") && found.contains("line 3: "),
        "{found}"
    );
}

#[test]
fn traces_are_checked_line_by_line() {
    let fetch = |_: &str| Ok(b"at_s,pods,cpu_milli,memory_mib,runs_s\n1,1,1,1,1\n1,1,-1,1,1\n1,1\n".to_vec());
    let read = Scenario::read("s.yaml", SMALL.as_bytes(), &fetch);
    let found = read.expect_err("must be refused").to_string();
    assert!(
        found.contains("traces[0].file: line 3: ") && found.contains("line 4: "),
        "{found}"
    );
    assert!(!found.contains("line 2:"), "{found}");
}

#[test]
fn the_shipped_scenarios_are_read() {
    let shipped: [(&[u8], u64); 2] = [
        (include_bytes!("../../scenarios/day.yaml"), 2880),
        (include_bytes!("../../scenarios/storm.yaml"), 720),
    ];
    for (text, cycles) in shipped {
        let read = Scenario::read("shipped.yaml", text, &nothing).map_err(|p| p.to_string());
        assert_eq!(read.map(|scenario| scenario.cycles()), Ok(cycles));
    }
}

#[test]
fn the_example_of_the_readme_is_a_scenario() {
    let readme = include_str!("../../README.md");
    let example = readme
        .split("```yaml")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let read = Scenario::read("README.md", example.unwrap().as_bytes(), &nothing).map_err(|p| p.to_string());
    assert_eq!(
        read.map(|scenario| (scenario.cycles(), scenario.faults.len())),
        Ok((240, 1))
    );
}
