//! Good configurations, and bad ones with everything that is said about them.

use super::ends::{Aws, AwsLaunch};
use super::*;
use model::aims::Mode;
use model::beside::EcsClusters;

const DEMO: &str = "
cluster: demo
mode: act
interval: 5s
provider:
  simulated: {scenario: day.yaml, pace: 2m, report: report.html}
policies:
  - {name: hours, file: hours.wasm, mode: enforce, config: {env: prod, hours: [8, 18]}}
log: {format: json, level: 'info,kube=warn'}
";

fn read(text: &str) -> Result<Config, String> {
    Config::parse("f.yaml", text.as_bytes()).map_err(|problems| problems.to_string())
}

/// Everything that is said about a document.
fn said(text: &str) -> Vec<String> {
    let problems = read(text).err().unwrap_or_default();
    problems.lines().map(str::to_owned).collect()
}

#[test]
fn a_good_one_is_read() {
    let config = read(DEMO).unwrap();
    assert_eq!((config.cluster.as_str(), config.mode), ("demo", Mode::Act));
    assert_eq!(config.interval, Span::from_secs(5));
    assert_eq!(config.ledger, LedgerAt::Memory);
    assert_eq!(config.serve.grpc.to_string(), "127.0.0.1:7480");
    assert_eq!(config.log.format, LogFormat::Json);
    let policy = config.policies.first().unwrap();
    // Nothing of a policy's own configuration is left out or renamed.
    assert_eq!(policy.config, r#"{"env":"prod","hours":[8,18]}"#);
    assert!(matches!(&config.provider, Provider::Simulated(world) if world.pace == Span::from_secs(120)));
}

#[test]
fn defaults_are_the_careful_ones() {
    let config = read("{cluster: c, provider: {aws: {}}}").unwrap();
    assert_eq!(config.mode, Mode::Observe);
    assert_eq!(config.interval, Span::from_secs(10));
    assert!(config.aims.is_none() && config.policies.is_empty() && config.logbook.is_none());
    assert_eq!(config.ledger, LedgerAt::ConfigMap { namespace: None });
    assert!(config.serve.grpc.ip().is_loopback());
    let usual = |aws: &Aws| !aws.publish && aws.launch == AwsLaunch::Auto && aws.queue.is_none();
    assert!(matches!(&config.provider, Provider::Aws(aws) if usual(aws)));
    let told = read("{cluster: c, provider: {aws: {queue: notices}}}").unwrap();
    assert!(matches!(&told.provider, Provider::Aws(aws) if aws.queue.as_deref() == Some("notices")));
    assert!(matches!(&told.provider, Provider::Aws(aws) if aws.complete_hooks.is_empty()));
    let told = read("{cluster: c, provider: {aws: {complete_hooks: [drain]}}}").unwrap();
    assert!(matches!(&told.provider, Provider::Aws(aws) if aws.complete_hooks == ["drain"]));
    let wrong = said("{cluster: c, provider: {aws: {complete_hooks: [drain, 3]}}}").join("\n");
    assert!(wrong.contains("complete_hooks[1]"), "{wrong}");
}

#[test]
fn ecs_is_read_only_where_it_is_asked_for() {
    let told = |ecs: &str| {
        let config = read(&format!("{{cluster: c, provider: {{aws: {{{ecs}}}}}}}")).unwrap();
        let Provider::Aws(aws) = config.provider else {
            panic!("{:?}", config.provider)
        };
        aws.ecs
    };
    assert_eq!(told(""), None);
    assert_eq!(told("ecs: {clusters: all}"), Some(EcsClusters::All));
    let named = EcsClusters::Named(vec!["shop".to_owned()]);
    assert_eq!(told("ecs: {clusters: [shop]}"), Some(named));
    for (ecs, wanted) in [
        ("{}", "ecs.clusters"),
        ("{clusters: []}", "ecs.clusters"),
        ("{clusters: some}", "ecs.clusters"),
        ("{cluster: all}", "ecs.cluster"),
    ] {
        let said = said(&format!("{{cluster: c, provider: {{aws: {{ecs: {ecs}}}}}}}")).join("\n");
        assert!(said.contains(wanted), "{ecs}: {said}");
    }
}

#[test]
fn a_fleet_is_read_and_its_mistakes_are_named() {
    let config = read(
        "{cluster: c, provider: {aws: {fleets: [{name: f, launch_template: t, types: [m6a], subnets: {z: subnet-1}}]}}}",
    )
    .unwrap();
    let Provider::Aws(aws) = &config.provider else {
        panic!("{:?}", config.provider)
    };
    let fleet = &aws.fleets[0];
    assert_eq!((fleet.name.as_str(), fleet.max, fleet.spot), ("f", 10, false));
    assert!(fleet.buys("m6a.large") && !fleet.buys("m5.large"));
    let said = said("{cluster: c, provider: {aws: {fleets: [{name: f, colour: red}]}}}").join("\n");
    for wanted in [
        "fleets[0].colour",
        "fleets[0].launch_template",
        "fleets[0].subnets",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

/// Whoever may write a file, or move a tag, decides nothing by that.
#[test]
fn a_mode_is_meant_for_the_first_component_unless_the_configuration_changes_with_it() {
    let read = read(
        "{cluster: c, provider: {none: {}}, registry: {dir: /r}, policies: [
            {name: file, file: a.wasm, mode: enforce},
            {name: told, file: b.wasm, mode: enforce, trust: always},
            {name: said, file: b.wasm, mode: enforce, trust: first-digest},
            {name: rule, rule: 'placement: forbid spot', mode: enforce},
            {name: tag, image: 'r.example/p:v1', unsigned: true, mode: enforce},
            {name: digest, image: 'r.example/p@sha256:0000000000000000000000000000000000000000000000000000000000000000', unsigned: true, mode: enforce}]}",
    )
    .unwrap();
    let first_only = |name: &str| read.rules.get(&name.into()).is_some_and(|rules| rules.first_only);
    let names = ["file", "told", "said", "rule", "tag", "digest"];
    assert_eq!(names.map(first_only), [true, false, true, false, true, false]);
}

#[test]
fn a_policy_that_moves_says_how_far_and_by_what() {
    let good = read(
        "{cluster: c, provider: {none: {}}, policies: [
            {name: a, file: a.wasm, mode: canary, canary: {groups: [g], namespaces: ['shop-*']}},
            {name: b, file: b.wasm, mode: enforce, promote: {after_cycles: 5, max_added_usd_per_hour: 0.5}},
            {name: c, file: c.wasm, guards: [{workload: Deployment shop/cart, metric: errors, above: 0.05}]}]}",
    )
    .unwrap();
    let scope = &good.policies[0].scope;
    assert!(scope.has_group("g") && scope.has_namespace("shop-eu") && !scope.has_namespace("other"));
    let promotion = good.rules[&"b".into()].promotion.clone().unwrap();
    assert_eq!(
        (promotion.to.as_str(), promotion.cycles, promotion.most.0),
        ("enforce", 5, 500_000_000)
    );
    assert_eq!(good.rules[&"c".into()].guards[0].above_milli, 50);
    assert_eq!(
        (good.rules[&"a".into()].promotion.as_ref(), good.rules.len()),
        (None, 3)
    );
    let bad = said(
        "{cluster: c, provider: {none: {}}, policies: [
            {name: a, file: a.wasm, mode: canary},
            {name: b, file: b.wasm, canary: {}, promote: {after_cycles: 0}},
            {name: c, file: c.wasm, guards: [{workload: cart, metric: m, above: 1}, {workload: D a/b, above: 0.1234, metric: m}]}]}",
    );
    for wanted in [
        "f.yaml: policies[0].mode: a canary needs groups or namespaces under `canary`",
        "f.yaml: policies[1].canary: groups or namespaces are wanted",
        "f.yaml: policies[1].mode: promote leads nowhere: mode says how far, canary or enforce",
        "f.yaml: policies[1].promote.after_cycles: must be between 1 and 1000000, is 0",
        "f.yaml: policies[2].guards[0].workload: \"cart\": must be `Kind namespace/name`",
        "f.yaml: policies[2].guards[1].above: must be a number with at most three digits",
    ] {
        assert!(
            bad.iter().any(|line| line.starts_with(wanted)),
            "{wanted}\nis not in\n{}",
            bad.join("\n")
        );
    }
}

#[test]
fn the_example_has_every_field() {
    let example = include_str!("../../../deploy/plimsolld.yaml");
    assert_eq!(said(example), [""; 0]);
    let nested = [
        "offers",
        "fargate_rates",
        "metrics",
        "config",
        "trust",
        "canary",
        "promote",
        "guards",
        "limits",
        "client_ca",
        "authorise",
        "trust_loopback",
        "socket",
        "audiences",
        "authority",
        "leaf",
        "service",
    ];
    for field in FIELDS.iter().chain(&nested) {
        let there = example.lines().any(|line| {
            let line = line.trim_start_matches([' ', '#', '-']);
            line.starts_with(&format!("{field}:"))
        });
        assert!(
            there || example.contains(&format!(" {field}: ")),
            "{field} is missing"
        );
    }
}

#[test]
fn a_policy_begins_in_shadow() {
    let config = read("{cluster: c, provider: {none: {}}, policies: [{name: p, file: p.wasm}]}").unwrap();
    assert_eq!(
        config.policies.first().map(|p| p.mode),
        Some(model::PolicyMode::Shadow)
    );
}

#[test]
fn every_mistake_is_said_at_once_with_its_path() {
    let said = said(
        "
mode: maybe
interval: soon
colour: blue
provider:
  kwok:
    groups:
      - {name: a, min: 5, max: 2, cpu: 4, memory: 16Gi, usd_per_hour: 0.1}
      - {name: a, cpu: -1, memory: lots, usd_per_hour: -2}
policies:
  - {name: p, file: p.wasm, mode: loud}
  - {name: p, mode: shadow, extra: 1}
aims: {limits: {max_nodes: many}}
grpc: {bind: '0.0.0.0:7480'}
http: {bind: nowhere}
log: {level: '=='}
logbook: {max_mib: 1}
",
    );
    for wanted in [
        "f.yaml: cluster: is missing",
        "f.yaml: mode: \"maybe\": must be one of observe, act",
        "f.yaml: interval: \"soon\": must be a length of time, as in 10s, 5m or 1h",
        "f.yaml: colour: unknown field",
        "f.yaml: provider.kwok.groups[0].min: is 5, above max, which is 2",
        "f.yaml: provider.kwok.groups[1].name: \"a\" is the name of another group already",
        "f.yaml: provider.kwok.groups[1].cpu: \"-1\": must not be negative",
        "f.yaml: provider.kwok.groups[1].memory: ",
        "f.yaml: provider.kwok.groups[1].usd_per_hour: must be dollars per hour",
        "f.yaml: policies[0].mode: \"loud\": must be one of shadow, canary, enforce",
        "f.yaml: policies[1].name: \"p\" is the name of another policy already",
        "f.yaml: policies[1].file: is missing",
        "f.yaml: policies[1].extra: unknown field",
        "f.yaml: aims.limits.max_nodes: ",
        "f.yaml: grpc.bind: 0.0.0.0:7480 is not a loopback address, and there is no TLS",
        "f.yaml: http.bind: \"nowhere\": must be an address and a port",
        "f.yaml: log.level: ",
        "f.yaml: logbook.dir: is missing",
        "f.yaml: logbook.max_mib: must be between 16 and 1048576, is 1",
    ] {
        assert!(
            said.iter().any(|line| line.starts_with(wanted)),
            "{wanted}\nis not in\n{}",
            said.join("\n")
        );
    }
    assert_eq!(said.len(), 19, "{}", said.join("\n"));
}

#[test]
fn what_is_no_configuration_gets_one_line() {
    for (text, wanted) in [
        ("", "a configuration is a mapping of fields"),
        ("- a\n- b\n", "a configuration is a mapping of fields"),
        ("just text", "a configuration is a mapping of fields"),
        ("a: [1, 2", ""),
        ("cluster: c\ncluster: d\nprovider: {none: {}}", ""),
        ("\u{0}\u{1}", ""),
    ] {
        let said = said(text);
        assert_eq!(said.len(), 1, "{text:?}: {said:?}");
        assert!(said.iter().all(|line| line.starts_with("f.yaml")), "{said:?}");
        assert!(
            said.iter().any(|line| line.contains(wanted)),
            "{text:?}: {said:?}"
        );
    }
}

#[test]
fn rules_may_stand_in_place_of_a_file() {
    let config = read(
        "
cluster: c
provider: {none: {}}
policies:
  - name: big
    mode: enforce
    rule: |
      # ours
      placement: forbid fargate when class.memory_mib > config.most
    config: {most: 16384}
",
    )
    .unwrap();
    let policy = config.policies.first().unwrap();
    assert!(
        policy
            .text
            .as_ref()
            .is_some_and(|text| text.contains("forbid fargate"))
    );
    assert_eq!(policy.path, Path::new("big.rules"));
    let said = said(
        "
cluster: c
provider: {none: {}}
policies:
  - {name: a, rule: 'placement: forbid fargat'}
  - {name: b, rule: 'review: hold', file: b.wasm}
  - {name: c, rule: 'review: hold', config: {most: 1}}
  - {name: d, rule: ''}
",
    );
    for (wanted, line) in [
        "f.yaml: policies[0].rule: line 1, column 19: a place was expected: ",
        "f.yaml: policies[1].rule: stands here, and file names one: one of the two",
        "f.yaml: policies[2].rule: line 1, column 1: no rule asks for config.most",
        "f.yaml: policies[3].rule: ",
    ]
    .iter()
    .zip(&said)
    {
        assert!(line.starts_with(wanted), "{wanted}\n{line}");
    }
    assert_eq!(said.len(), 4, "{said:?}");
}

#[test]
fn a_policy_is_told_what_stands_there() {
    let config = read(
        "
cluster: c
provider: {none: {}}
policies:
  - {name: a, file: a.wasm, config: {answer: no, env: [{name: A}], most: .inf, last: 1.5}}
  - {name: b, file: b.wasm, config: {on: true}}
",
    )
    .unwrap();
    let configs: Vec<&str> = config.policies.iter().map(|p| p.config.as_str()).collect();
    // `no` is a word, lists under keys of Kubernetes stay, and infinity takes nobody else's configuration away.
    assert_eq!(
        configs,
        [
            r#"{"answer":"no","env":[{"name":"A"}],"last":1.5,"most":".inf"}"#,
            r#"{"on":true}"#
        ]
    );
}

#[test]
fn a_simulated_world_lets_in_loopback_or_nobody() {
    let text = "{cluster: c, provider: {simulated: {scenario: s.yaml}}, grpc: {trust_loopback: false}}";
    assert!(
        said(text)
            .iter()
            .all(|line| line.starts_with("f.yaml: grpc.trust_loopback: "))
    );
    assert_eq!(said(text).len(), 1);
    let text = "{cluster: c, provider: {simulated: {scenario: s.yaml}}, http: {authorise: true}}";
    assert!(matches!(&said(text)[..], [one] if one.starts_with("f.yaml: http.authorise: ")));
}

#[test]
fn placement_at_admission_wants_an_api_server_and_lives_that_fit() {
    let simulated = "{cluster: c, provider: {simulated: {scenario: s.yaml}}, admission: {mode: webhook}}";
    let lives = "{cluster: c, provider: {none: {}}, admission: {mode: maybe, bind: here, certificates: {authority: 1h, leaf: 2h}}}";
    for (text, wanted) in [
        (
            simulated,
            &["f.yaml: admission.mode: a simulated world has no API server"][..],
        ),
        (
            lives,
            &[
                "f.yaml: admission.mode: \"maybe\": must be one of off, webhook, policy",
                "f.yaml: admission.certificates.leaf: ",
                "f.yaml: admission.bind: ",
            ],
        ),
    ] {
        let said = said(text);
        assert_eq!(said.len(), wanted.len(), "{said:?}");
        for wanted in wanted {
            assert!(
                said.iter().any(|line| line.starts_with(wanted)),
                "{wanted}: {said:?}"
            );
        }
    }
}

#[test]
fn exactly_one_provider_and_one_place_for_aims() {
    assert_eq!(
        said("{cluster: c, provider: {}}"),
        ["f.yaml: provider: one of simulated, kwok, aws, none is wanted"]
    );
    assert_eq!(
        said("{cluster: c, provider: {aws: {}, none: {}}}"),
        ["f.yaml: provider: one of aws, none is wanted, not all"]
    );
    let both = said("{cluster: c, provider: {none: {}}, aims: {}, aims_file: x.yaml}");
    assert_eq!(
        both,
        ["f.yaml: aims: stands here, and aims_file names a file: one of the two"]
    );
}

#[test]
fn mistakes_in_the_aims_file_are_said_too() {
    let folder = std::env::temp_dir();
    let absent = folder.join("plimsoll-there-is-no-such-file.yaml");
    let said = said(&format!(
        "{{cluster: c, provider: {{none: {{}}}}, aims_file: {}}}",
        absent.display()
    ));
    assert_eq!(said.len(), 1);
    assert!(
        said.iter().any(|line| line.contains("cannot be read")),
        "{said:?}"
    );
}

#[cfg(feature = "registry")]
#[test]
fn a_policy_from_a_registry_names_who_is_trusted() {
    let good = "{cluster: c, provider: {none: {}}, registry: {dir: kept, every: 30s}, policies: [
        {name: a, image: 'ghcr.io/acme/a:v1', keys: [team.pub, keys], revoked: gone},
        {name: b, image: 'localhost:5000/b:v1', unsigned: true}]}";
    let config = read(good).unwrap();
    let paths: Vec<String> = config
        .policies
        .iter()
        .map(|p| p.path.display().to_string())
        .collect();
    assert_eq!(paths, ["kept/a.wasm", "kept/b.wasm"]);
    let [a, b] = &config.images.followed[..] else {
        panic!("{:?}", config.images)
    };
    assert_eq!(
        (a.reference.as_str(), a.keys.len(), b.keys.len()),
        ("ghcr.io/acme/a:v1", 2, 0)
    );
    assert_eq!(
        (config.images.every, config.images.plain_http),
        (Span::from_secs(30), false)
    );

    let bad = "{cluster: c, provider: {none: {}}, registry: {every: 1ms}, policies: [
        {name: a, image: 'acme/a', file: a.wasm, keys: []},
        {name: ../b, image: 'ghcr.io/acme/b:v1', unsigned: true, keys: [team.pub]},
        {name: c, file: c.wasm, keys: [team.pub]}]}";
    let problems = said(bad).join("\n");
    for wanted in [
        "registry.every: \"1ms\": must be at least",
        "policies[0].image: a policy is either a file or an image",
        "policies[0].image: registry.dir is missing",
        "policies[0].image: \"acme/a\": does not begin with the host of a registry",
        "policies[0].keys: is missing: files of the public keys",
        "policies[1].name: \"../b\": the name of a policy from a registry",
        "policies[1].unsigned: true, but keys are named, too",
        "policies[2].keys: is for policies with an image",
    ] {
        assert!(problems.contains(wanted), "{wanted}\n{problems}");
    }
}

#[cfg(not(feature = "registry"))]
#[test]
fn a_build_without_registries_says_so() {
    let text = "{cluster: c, provider: {none: {}}, registry: {dir: d}, policies: [{name: a, image: 'x.io/a:1', unsigned: true}]}";
    assert!(
        said(text)
            .join("\n")
            .contains("policies[0].image: this build reads files only")
    );
}
