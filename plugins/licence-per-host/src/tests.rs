//! On made-up pictures of marked hosts with room for four licensed pods each.

use super::*;
use plimsoll_sdk::testing::{Candidate, Class, Group, Labels, Mover, Node, Picture, Pod, Set, Step};

const JSON: &str = r#"{"licences": [{"pods": "db=ora", "hosts": "licence=ora", "most_hosts": 3, "usd_per_host_hour": 1.5, "keep_others_off": true}]}"#;

fn labels(key: &str, value: &str) -> Labels {
    [(key.to_owned(), value.to_owned())].into()
}

/// Hosts with so many licensed pods each, every one a candidate.
fn hosts(loads: &[usize]) -> Picture {
    let mut picture = Picture::new().group(Group {
        desired: 2,
        labels: labels("licence", "ora"),
        ..Group::default()
    });
    for (row, load) in (0..).zip(loads) {
        let name = format!("n{row}");
        picture = picture.node(Node {
            name: name.clone(),
            cpu_milli: 4000,
            memory_mib: 8192,
            labels: labels("licence", "ora"),
            ..Node::default()
        });
        let mover = Mover {
            cpu_milli: 1000,
            memory_mib: 1024,
            labels: labels("db", "ora"),
            ..Mover::default()
        };
        picture = picture.candidate(Candidate {
            name,
            movers: vec![mover; *load],
            ..Candidate::default()
        });
        for n in 0..*load {
            picture = picture.pod(Pod {
                name: format!("db-{row}-{n}"),
                node: Some(row),
                cpu_milli: 1000,
                memory_mib: 1024,
                labels: labels("db", "ora"),
                ..Pod::default()
            });
        }
    }
    picture
}

#[test]
fn licensed_pods_and_hosts_keep_to_themselves() {
    let set = |name: &str, marked: bool| Set {
        name: name.to_owned(),
        labels: if marked {
            labels("licence", "ora")
        } else {
            Labels::new()
        },
        ..Set::default()
    };
    let picture = Picture::new()
        .set(set("marked", true))
        .set(set("plain", false))
        .class(Class {
            labels: labels("db", "ora"),
            ..Class::default()
        })
        .class(Class::default());
    let view = picture.view();
    let bans = |json: &str| {
        let prices = LicencePerHost::read(json).unwrap().place(&view).unwrap();
        prices.check(&view).unwrap();
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(class, set)| prices.ban(class, set))
    };
    assert_eq!(bans(JSON), [None, Some(NOT_LICENSED), Some(KEPT_FREE), None]);
    let open = JSON.replace("true", "false");
    assert_eq!(bans(&open), [None, Some(NOT_LICENSED), None, None]);
}

#[test]
fn a_host_goes_only_where_the_others_hold_its_licensed_pods() {
    for (loads, denied) in [
        (&[2_usize, 2][..], [false, false].as_slice()),
        (&[3, 2], &[true, true]),
        (&[0, 4], &[false, false]),
        (&[1, 4], &[true, true]),
        (&[4], &[true]),
        (&[0], &[false]),
    ] {
        let picture = hosts(loads);
        let view = picture.view();
        let verdicts = LicencePerHost::read(JSON).unwrap().judge(&view).unwrap();
        verdicts.check(&view).unwrap();
        for (row, denied) in (0..).zip(denied) {
            let expected = (!denied).then_some((-1.5, SAVES_LICENCE));
            assert_eq!(verdicts.denial(row).is_some(), *denied, "{loads:?} {row}");
            assert_eq!(verdicts.addend(row), expected, "{loads:?} {row}");
        }
    }
}

#[test]
fn growth_beyond_what_is_licensed_is_held() {
    let step = |from, to| Step {
        from,
        to,
        ..Step::default()
    };
    // Two are asked for already, though one is there.
    let picture = hosts(&[4]).step(step(2, 4)).step(step(2, 3)).step(Step {
        group: "other".to_owned(),
        ..Step::default()
    });
    let view = picture.view();
    let holds = LicencePerHost::read(JSON).unwrap().review(&view).unwrap();
    holds.check(&view).unwrap();
    let held = [0, 1, 2].map(|step| holds.held(step));
    assert_eq!(held, [Some(ALL_USED), None, None]);
    let unlimited = JSON.replace(r#""most_hosts": 3"#, r#""most_hosts": 0"#);
    let holds = LicencePerHost::read(&unlimited).unwrap().review(&view).unwrap();
    assert_eq!(holds, Holds::default());
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        ("{}".to_owned(), "licences"),
        (r#"{"licences": []}"#.to_owned(), "licences: names none"),
        (JSON.replace("db=ora", "db"), "licences[0].pods"),
        (JSON.replace("licence=ora", "=ora"), "licences[0].hosts"),
        (JSON.replace("1.5", "-1"), "licences[0].usd_per_host_hour"),
        (JSON.replace("most_hosts", "hosts_most"), "hosts_most"),
    ] {
        let refused = LicencePerHost::read(&json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
