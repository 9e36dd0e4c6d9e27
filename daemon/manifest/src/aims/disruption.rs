//! Aims about what may be disrupted of one's own accord: budgets with schedules, expiry and drift.

use super::{span, texts};
use crate::problem::quoted;
use crate::sheet::At;
use crate::tree::Tree;
use model::disruption::{Cause, DisruptionAims, DriftMode, GroupDisruption, LocalStorage, NodeBudget, Share};
use model::ids::GroupName;
use model::repair::RepairAims;
use model::schedule::{Ends, Schedule, Unreadable};
use model::time::Span;

pub(super) fn disruption(at: At<'_, '_>) -> DisruptionAims {
    at.only(&[
        "budgets",
        "expire_after",
        "expire_spread",
        "drift",
        "settle",
        "parallel",
        "groups",
        "local_storage",
        "system_pods",
        "repair",
    ]);
    let usual = DisruptionAims::default();
    let budgets = at.get("budgets").items().enumerate();
    let spread = at.get("expire_spread");
    let expire_spread_permille = super::share(spread, usual.expire_spread_permille);
    if expire_spread_permille > 500 {
        spread.problem("must be 50% at most");
    }
    let groups = at.get("groups").entries().map(|(name, at)| {
        at.only(&["expire_after", "drift"]);
        let own = GroupDisruption {
            expire_after: expire_after(at.get("expire_after")),
            drift: drift(at.get("drift")),
        };
        (GroupName::new(name), own)
    });
    DisruptionAims {
        budgets: budgets.filter_map(|(ix, at)| budget(ix, at)).collect(),
        expire_after: expire_after(at.get("expire_after")).filter(|after| *after > Span::ZERO),
        expire_spread_permille,
        drift: drift(at.get("drift")).unwrap_or(usual.drift),
        settle: span(at.get("settle"), usual.settle),
        parallel: at.get("parallel").count().unwrap_or(usual.parallel),
        groups: groups.collect(),
        local_storage: local_storage(at.get("local_storage")).unwrap_or_default(),
        keep_system_pods: keeps_system_pods(at.get("system_pods")),
        repair: repair(at.get("repair")),
    }
}

/// `0` is never. Nodes that are as old as this when they have just booted would be replaced for ever.
fn expire_after(at: At<'_, '_>) -> Option<Span> {
    const LEAST: Span = Span::from_secs(3600);
    if matches!(at.tree(), Some(Tree::Int(0))) {
        return Some(Span::ZERO);
    }
    let after = at.is_there().then(|| span(at, Span::ZERO))?;
    if after > Span::ZERO && after < LEAST {
        at.problem("must be 1h or more, or 0 for never");
    }
    Some(after)
}

fn repair(at: At<'_, '_>) -> RepairAims {
    /// A kubelet that restarts, or a node that reboots, is back sooner.
    const LEAST: Span = Span::from_secs(300);
    at.only(&["after", "most", "grace"]);
    let usual = RepairAims::default();
    let (after, most) = (at.get("after"), at.get("most"));
    let never = matches!(after.tree(), Some(Tree::Text(text)) if text == "never");
    let waits = || span(after, usual.after.unwrap_or(LEAST));
    let repair = RepairAims {
        after: (!never).then(waits),
        most_permille: super::share(most, usual.most_permille),
        grace: span(at.get("grace"), usual.grace),
    };
    if repair.after.is_some_and(|waits| waits < LEAST) {
        after.problem("must be 5m or more, or never");
    }
    if repair.most_permille > 500 {
        most.problem("must be 50% at most");
    }
    repair
}

fn local_storage(at: At<'_, '_>) -> Option<LocalStorage> {
    match at.text()? {
        "empty-dir" => Some(LocalStorage::EmptyDir),
        "block" => Some(LocalStorage::Block),
        "allow" => Some(LocalStorage::Allow),
        other => {
            at.problem(format_args!(
                "{}: must be empty-dir, block or allow",
                quoted(other)
            ));
            None
        }
    }
}

fn keeps_system_pods(at: At<'_, '_>) -> bool {
    match at.text() {
        None | Some("allow") => false,
        Some("block") => true,
        Some(other) => {
            at.problem(format_args!("{}: must be allow or block", quoted(other)));
            false
        }
    }
}

fn drift(at: At<'_, '_>) -> Option<DriftMode> {
    // To older YAML a bare `off` is false.
    if matches!(at.tree(), Some(Tree::Bool(false))) {
        return Some(DriftMode::Off);
    }
    match at.text()? {
        "off" => Some(DriftMode::Off),
        "report" => Some(DriftMode::Report),
        "replace" => Some(DriftMode::Replace),
        other => {
            at.problem(format_args!("{}: must be off, report or replace", quoted(other)));
            None
        }
    }
}

fn budget(ix: usize, at: At<'_, '_>) -> Option<NodeBudget> {
    at.only(&[
        "name", "nodes", "groups", "reasons", "schedule", "duration", "days", "from", "to", "zone",
    ]);
    let name = at.get("name");
    let name = if name.is_there() {
        name.name().unwrap_or_default().to_owned()
    } else {
        format!("#{}", ix + 1)
    };
    Some(NodeBudget {
        name,
        groups: texts(at.get("groups")).into_iter().map(GroupName::new).collect(),
        causes: at.get("reasons").items().filter_map(cause).collect(),
        nodes: nodes(at.get("nodes"))?,
        schedule: schedule(at),
    })
}

/// `2`, or `10%` of the nodes there are.
fn nodes(at: At<'_, '_>) -> Option<Share> {
    match at.tree() {
        None | Some(Tree::Null) => {
            at.problem("is missing: how many may be on their way out at once, such as 2, 10% or 0");
            None
        }
        Some(Tree::Text(_)) => {
            let permille = super::share(at, 0);
            if permille > 1000 {
                at.problem("must be 100% at most");
            }
            Some(Share::Permille(permille))
        }
        Some(_) => at.count().map(Share::Count),
    }
}

fn cause(at: At<'_, '_>) -> Option<Cause> {
    let name = at.name()?;
    let cause = Cause::ALL.into_iter().find(|cause| cause.as_str() == name);
    if cause.is_none() {
        let known = Cause::ALL.map(Cause::as_str).join(", ");
        at.problem(format_args!("{}: known are {known}", quoted(name)));
    }
    cause
}

/// Cron and how long, or days of the week and two times of the day.
fn schedule(at: At<'_, '_>) -> Option<Schedule> {
    let there = |keys: &[&'static str]| keys.iter().copied().find(|key| at.get(key).is_there());
    let weekly = there(&["days", "from", "to"]);
    let schedule = match (at.get("schedule").is_there(), weekly) {
        (true, Some(key)) => {
            at.get(key)
                .problem("stands beside schedule: one of both tells when");
            return None;
        }
        (true, None) => by_cron(at)?,
        (false, Some(_)) => by_days(at)?,
        (false, None) => {
            if let Some(key) = there(&["duration", "zone"]) {
                at.get(key)
                    .problem("nothing tells when: neither schedule nor days, from and to");
            }
            return None;
        }
    };
    let zone = at.get("zone").text().unwrap_or("UTC").to_owned();
    let schedule = Schedule { zone, ..schedule };
    let place = match schedule.check() {
        Ok(()) => return Some(schedule),
        Err(Unreadable::Zone) => {
            at.get("zone")
                .problem(format_args!("{}: {}", quoted(&schedule.zone), Unreadable::Zone));
            return None;
        }
        Err(why @ Unreadable::Ends) => (at.get("duration"), why),
        Err(why) => (at.get("schedule"), why),
    };
    let text = place.0.text().unwrap_or_default();
    place.0.problem(format_args!("{}: {}", quoted(text), place.1));
    None
}

fn by_cron(at: At<'_, '_>) -> Option<Schedule> {
    let starts = at.get("schedule").name()?.to_owned();
    let duration = at.get("duration");
    if !duration.is_there() {
        duration.problem("is missing: how long each window lasts, such as 8h");
        return None;
    }
    Some(Schedule {
        starts,
        ends: Ends::After(span(duration, Span::from_secs(1))),
        zone: String::new(),
    })
}

fn by_days(at: At<'_, '_>) -> Option<Schedule> {
    if at.get("duration").is_there() {
        at.get("duration")
            .problem("stands beside from and to: `to` tells when it ends");
        return None;
    }
    let days: Vec<&str> = at.get("days").items().filter_map(day).collect();
    let days = if days.is_empty() {
        "*".to_owned()
    } else {
        days.join(",")
    };
    let (from, to) = (time(at.get("from")), time(at.get("to")));
    let ((from_hour, from_minute), (hour, minute)) = (from?, to?);
    Some(Schedule {
        starts: format!("{from_minute} {from_hour} * * {days}"),
        ends: Ends::At { hour, minute },
        zone: String::new(),
    })
}

fn day<'t>(at: At<'_, 't>) -> Option<&'t str> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let name = at.name()?;
    if !DAYS.contains(&name) {
        at.problem(format_args!("{}: known are {}", quoted(name), DAYS.join(", ")));
        return None;
    }
    Some(name)
}

/// `09:30`; `24:00` is midnight.
fn time(at: At<'_, '_>) -> Option<(u8, u8)> {
    let Some(text) = at.text() else {
        if !at.is_there() {
            at.problem("is missing: a time of the day such as 09:30");
        }
        return None;
    };
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    let told = text.split_once(':').and_then(|(h, m)| Some((two(h)?, two(m)?)));
    match told {
        Some((24, 0)) => Some((0, 0)),
        Some((hour, minute)) if hour < 24 && minute < 60 => Some((hour, minute)),
        _ => {
            at.problem(format_args!(
                "{}: not a time of the day such as 09:30",
                quoted(text)
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aims::aims;
    use model::disruption::{Cause, DriftMode, LocalStorage, NodeBudget, Share};
    use model::repair::RepairAims;
    use model::schedule::{Ends, Schedule};
    use model::time::Span;
    use rstest::rstest;

    fn budgets(text: &str) -> Result<Vec<NodeBudget>, String> {
        let read = aims("aims.yaml", text.as_bytes());
        read.map(|aims| aims.disruption.budgets)
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn budgets_as_they_are_written() {
        let text = "
disruption:
  budgets:
  - {nodes: 10%}
  - {name: trading, nodes: 0, schedule: 0 9 * * mon-fri, duration: 8h, zone: Europe/Berlin}
  - {nodes: 2, groups: [a, b], reasons: [drifted, expired], days: [sat, sun], from: '22:00', to: '24:00'}
";
        let usual = NodeBudget {
            name: "#1".to_owned(),
            groups: Vec::new(),
            causes: Vec::new(),
            nodes: Share::Permille(100),
            schedule: None,
        };
        let trading = NodeBudget {
            name: "trading".to_owned(),
            nodes: Share::Count(0),
            schedule: Some(Schedule {
                starts: "0 9 * * mon-fri".to_owned(),
                ends: Ends::After(Span::from_secs(8 * 3600)),
                zone: "Europe/Berlin".to_owned(),
            }),
            ..usual.clone()
        };
        let weekend = NodeBudget {
            name: "#3".to_owned(),
            groups: vec!["a".into(), "b".into()],
            causes: vec![Cause::Drifted, Cause::Expired],
            nodes: Share::Count(2),
            schedule: Some(Schedule {
                starts: "0 22 * * sat,sun".to_owned(),
                ends: Ends::At { hour: 0, minute: 0 },
                zone: "UTC".to_owned(),
            }),
        };
        assert_eq!(budgets(text), Ok(vec![usual, trading, weekend]));
    }

    #[test]
    fn expiry_and_drift_as_they_are_written() {
        let text = "
disruption:
  expire_after: 30d
  expire_spread: 20%
  drift: replace
  settle: 15m
  parallel: 2
  local_storage: block
  system_pods: block
  groups: {db: {expire_after: 0, drift: off}, web: {expire_after: 7d}}
";
        let read = aims("aims.yaml", text.as_bytes()).unwrap().disruption;
        let days = |days: i64| Some(Span::from_secs(days * 86_400));
        assert_eq!((read.expire_after, read.expire_spread_permille), (days(30), 200));
        assert_eq!((read.settle, read.parallel), (Span::from_secs(900), 2));
        assert_eq!(
            (read.local_storage, read.keep_system_pods),
            (LocalStorage::Block, true)
        );
        let of = |name: &str| {
            (
                read.groups.get(&name.into()).unwrap().expire_after,
                read.drift_of(&name.into()),
            )
        };
        assert_eq!(of("db"), (Some(Span::ZERO), DriftMode::Off));
        assert_eq!(of("web"), (days(7), DriftMode::Replace));
        let none = aims("aims.yaml", b"disruption: {expire_after: 0}")
            .unwrap()
            .disruption;
        assert_eq!((none.expire_after, none.drift), (None, DriftMode::Report));
    }

    #[test]
    fn repair_as_it_is_written() {
        let read = |text: &str| aims("aims.yaml", text.as_bytes()).unwrap().disruption.repair;
        let usual = RepairAims::default();
        assert_eq!(read("{}"), usual);
        assert_eq!(
            read("disruption: {repair: {after: 30m, most: 20%, grace: 5m}}"),
            usual
        );
        let own = RepairAims {
            after: Some(Span::from_secs(1200)),
            most_permille: 100,
            grace: Span::ZERO,
        };
        assert_eq!(
            read("disruption: {repair: {after: 20m, most: 10%, grace: 0s}}"),
            own
        );
        let never = RepairAims { after: None, ..usual };
        assert_eq!(read("disruption: {repair: {after: never}}"), never);
    }

    #[rstest]
    #[case("{repair: {after: 1m}}", "repair.after: must be 5m or more, or never")]
    #[case("{repair: {most: 60%}}", "repair.most: must be 50% at most")]
    #[case("{repair: {wait: 1m}}", "repair.wait: unknown field")]
    #[case("{expire_after: 10m}", "expire_after: must be 1h or more, or 0 for never")]
    #[case("{expire_after: 9 days}", "expire_after: \"9 days\": not a duration")]
    #[case("{expire_spread: 60%}", "expire_spread: must be 50% at most")]
    #[case("{drift: always}", "drift: \"always\": must be off, report or replace")]
    #[case("{local_storage: True}", "local_storage: must be text, is a boolean")]
    #[case(
        "{local_storage: yes}",
        "local_storage: \"yes\": must be empty-dir, block or allow"
    )]
    #[case("{system_pods: never}", "system_pods: \"never\": must be allow or block")]
    #[case("{groups: {db: {expires: 1d}}}", "groups.db.expires: unknown field")]
    fn mistakes_about_expiry_and_drift_name_the_field(#[case] text: &str, #[case] line: &str) {
        let told = aims("aims.yaml", format!("disruption: {text}").as_bytes())
            .unwrap_err()
            .to_string();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.starts_with(&format!("aims.yaml: disruption.{line}")),
            "{told}"
        );
    }

    #[rstest]
    #[case("{schedule: 0 9 * * *, duration: 8h}", "nodes: is missing: how many")]
    #[case("{nodes: 110%}", "nodes: must be 100% at most")]
    #[case("{nodes: -1}", "nodes: must be between 0 and")]
    #[case(
        "{nodes: 0, reasons: [cheap]}",
        "reasons[0]: \"cheap\": known are empty, underused, drifted, expired"
    )]
    #[case("{nodes: 0, schedule: 0 9 * * *}", "duration: is missing")]
    #[case("{nodes: 0, duration: 8h}", "duration: nothing tells when")]
    #[case("{nodes: 0, zone: UTC}", "zone: nothing tells when")]
    #[case(
        "{nodes: 0, schedule: 0 9 * * *, duration: 0s}",
        "duration: \"0s\": must be longer than nothing"
    )]
    #[case(
        "{nodes: 0, schedule: 0 9 * * *, duration: 8h, zone: Europe/Berlni}",
        "zone: \"Europe/Berlni\": not a time zone of the IANA database such as Europe/Berlin"
    )]
    #[case(
        "{nodes: 0, schedule: 0 25 * * *, duration: 8h}",
        "schedule: \"0 25 * * *\": not a cron expression of five fields such as 0 9 * * mon-fri ("
    )]
    #[case(
        "{nodes: 0, schedule: 0 0 30 2 *, duration: 8h}",
        "schedule: \"0 0 30 2 *\": no such day ever comes"
    )]
    #[case(
        "{nodes: 0, schedule: 0 9 * * *, duration: 8h, days: [mon]}",
        "days: stands beside schedule"
    )]
    #[case("{nodes: 0, days: [mon], from: '09:00'}", "to: is missing: a time of the day")]
    #[case(
        "{nodes: 0, days: [mon], from: '9:00', to: '10:00'}",
        "from: \"9:00\": not a time of the day"
    )]
    #[case(
        "{nodes: 0, days: [mo], from: '09:00', to: '10:00'}",
        "days[0]: \"mo\": known are mon"
    )]
    fn mistakes_are_one_line_that_names_the_field(#[case] budget: &str, #[case] line: &str) {
        let told = budgets(&format!("disruption: {{budgets: [{budget}]}}")).unwrap_err();
        assert_eq!(told.lines().count(), 1, "{told}");
        let line = format!("aims.yaml: disruption.budgets[0].{line}");
        assert!(told.starts_with(&line), "{told}\nis not\n{line}");
    }
}
