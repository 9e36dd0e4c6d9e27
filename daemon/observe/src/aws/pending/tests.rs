//! Claims by what AWS makes of them, in every order; floods of them.

use super::*;

const AT: Instant = Instant(1_000_000_000);

fn claim(id: &str, why: Leaves) -> Claim {
    Claim {
        instance: InstanceId::new(id),
        leaving: Leaving { why, told: AT },
        account: Some("1".to_owned()),
        region: Some("r".to_owned()),
    }
}

fn ids(names: impl IntoIterator<Item = String>) -> BTreeSet<InstanceId> {
    names.into_iter().map(InstanceId::new).collect()
}

fn ours() -> Ours {
    let all = ids(["i-1", "i-2"].map(str::to_owned));
    Ours {
        listed: all.clone(),
        all,
        spot: 2,
        account: Some("1".to_owned()),
        region: "r".to_owned(),
    }
}

fn after(seconds: i64) -> Instant {
    AT + Span::from_secs(seconds)
}

const RUNS: Said = Said {
    ends: Some(false),
    spot: Some(false),
    taken_back: None,
    scheduled: Some(false),
};
const SPOT: Said = Said {
    spot: Some(true),
    taken_back: Some(false),
    ..RUNS
};

impl Pending {
    /// One look in which AWS says this of every instance that is asked about, or nothing at all.
    fn look(&mut self, said: Option<Said>, ours: &Ours, at: Instant) -> Asked {
        let asked = self.to_ask(ours);
        let said = said
            .map(|said| asked.keys().map(|id| (id.clone(), said)).collect())
            .unwrap_or_default();
        self.hear((&asked, &said), &BTreeSet::new(), ours, at);
        let trouble = said.is_empty().then(|| "throttled".to_owned());
        self.settle(trouble, ours, at);
        asked
    }

    fn why(&self, id: &str) -> Option<Leaves> {
        self.leaving.get(&InstanceId::new(id)).map(|one| one.why)
    }
}

/// Every kind of notice by what AWS makes of it: only a confirmed one is told, whatever else came before or after.
#[test]
fn only_what_aws_confirms_is_told() {
    let marked = Said {
        taken_back: Some(true),
        ..SPOT
    };
    let scheduled = Said {
        scheduled: Some(true),
        ..RUNS
    };
    let ending = Said {
        ends: Some(true),
        ..RUNS
    };
    let kinds = [
        (Leaves::Ending, ending, RUNS),
        (Leaves::Interrupted, marked, RUNS),
        (Leaves::Interrupted, marked, SPOT),
        (Leaves::Retired, scheduled, RUNS),
        (Leaves::AtRisk, SPOT, RUNS),
    ];
    // What AWS says look by look, and whether that confirms: true, otherwise, nothing.
    let orders: [(&[u8], bool); 8] = [
        (b"t", true),
        (b"o", false),
        (b"n", false),
        (b"ont", true),
        (b"nnt", true),
        (b"oot", true),
        (b"nonoo", false),
        (b"non", false),
    ];
    for (why, truth, otherwise) in kinds {
        for (order, confirmed) in orders {
            for before in [None, Some(Leaves::Ending), Some(Leaves::Retired)] {
                let mut pending = Pending::default();
                let first = before
                    .filter(|other| *other != why)
                    .map(|other| claim("i-1", other));
                let claims = first.into_iter().chain([claim("i-1", why)]);
                pending.take(claims.collect(), &ours(), AT);
                for (look, said) in (0..).zip(order) {
                    let said = match said {
                        b't' => Some(truth),
                        b'o' => Some(otherwise),
                        _ => None,
                    };
                    pending.look(said, &ours(), after(look * 10));
                }
                let case = format!("{why} {before:?} {}", String::from_utf8_lossy(order));
                assert_eq!(pending.why("i-1"), confirmed.then_some(why), "{case}");
                pending.look(None, &ours(), after(5000));
                let told = pending.told();
                let claims = if before.is_none_or(|other| other == why) {
                    1
                } else {
                    2
                };
                assert_eq!(told.confirmed + told.unconfirmed, claims, "{case}: {told:?}");
                assert_eq!(told.waiting, 0, "{case}");
            }
        }
    }
}

#[test]
fn what_is_of_another_account_region_or_cluster_is_not_asked_about_and_is_no_doubt() {
    let other = |change: fn(&mut Claim)| {
        let mut other = claim("i-1", Leaves::Interrupted);
        change(&mut other);
        other
    };
    let claims = vec![
        other(|claim| claim.account = Some("2".to_owned())),
        other(|claim| claim.region = Some("s".to_owned())),
        other(|claim| claim.instance = InstanceId::new("i-9")),
    ];
    let mut pending = Pending::default();
    pending.take(claims, &ours(), AT);
    let marked = Said {
        taken_back: Some(true),
        ..SPOT
    };
    assert_eq!(pending.look(Some(marked), &ours(), AT), Asked::new());
    pending.look(Some(marked), &ours(), after(200));
    let told = pending.told();
    assert_eq!((told.elsewhere, told.unconfirmed, told.lately), (3, 0, 0));
    assert_eq!(pending.leaving(), BTreeMap::new());
}

#[test]
fn what_its_group_ends_is_confirmed_by_its_group() {
    let mut pending = Pending::default();
    pending.take(vec![claim("i-1", Leaves::Ending)], &ours(), AT);
    assert!(pending.asks_groups(&ours()));
    let asked = pending.to_ask(&ours());
    let going = ids(["i-1".to_owned()]);
    pending.hear((&asked, &BTreeMap::new()), &going, &ours(), AT);
    assert_eq!(pending.why("i-1"), Some(Leaves::Ending));
    assert!(!pending.asks_groups(&ours()));
}

/// A claim with a time in the future was never over.
#[test]
fn no_notice_is_from_the_future_or_long_ago() {
    let mut pending = Pending::default();
    let mut late = claim("i-1", Leaves::AtRisk);
    late.leaving.told = after(1_000_000);
    let mut old = claim("i-2", Leaves::Interrupted);
    old.leaving.told = AT - Span::from_secs(601);
    pending.take(vec![late, old], &ours(), AT);
    let asked = pending.look(Some(SPOT), &ours(), AT);
    assert_eq!(asked.len(), 1);
    assert_eq!(pending.leaving()[&InstanceId::new("i-1")].told, AT);
    pending.look(None, &ours(), after(3601));
    assert_eq!(pending.leaving(), BTreeMap::new());
}

#[test]
fn few_recommendations_count_within_an_hour() {
    let all = ids((0..100).map(|ix| format!("i-{ix}")));
    let many = Ours {
        listed: all.clone(),
        spot: all.len(),
        all,
        ..ours()
    };
    let mut pending = Pending::default();
    for again in 0..6 {
        let claims = many.all.iter().map(|id| claim(id.as_str(), Leaves::AtRisk));
        pending.take(claims.collect(), &many, after(again * 500));
        pending.look(Some(SPOT), &many, after(again * 500));
        assert_eq!(pending.leaving().len(), 10, "{again}");
    }
    assert!(pending.told().limited >= 90);
    let one = pending.leaving();
    let (id, told) = one.first_key_value().unwrap();
    assert_eq!(told.told, AT, "{id}: a repeated notice renews nothing");
}

/// Claims of every instance, and of a hundred times as many that are not there, neither take memory without end nor keep
/// a true notice from being asked about at once.
#[test]
fn a_flood_is_bounded_and_delays_nothing_true() {
    let all = ids((0..5000).map(|ix| format!("i-{ix}")));
    let many = Ours {
        listed: all.clone(),
        spot: all.len(),
        all,
        ..ours()
    };
    let mut pending = Pending::default();
    for wave in 0..5 {
        let strange = (0..20_000).map(|ix| claim(&format!("x-{wave}-{ix}"), Leaves::Interrupted));
        let known = (0..4999).map(|ix| claim(&format!("i-{ix}"), Leaves::Interrupted));
        pending.take(strange.chain(known).collect(), &many, after(wave * 10));
        let asked = pending.look(Some(SPOT), &many, after(wave * 10));
        assert!(asked.len() <= MOST_ASKED && !asked.is_empty());
        assert!(pending.waiting.len() <= KEPT + 4999, "{}", pending.waiting.len());
    }
    pending.take(vec![claim("i-4999", Leaves::Interrupted)], &many, after(60));
    let asked = pending.to_ask(&many);
    assert!(asked.contains_key(&InstanceId::new("i-4999")));
    assert_eq!(pending.leaving(), BTreeMap::new());
    assert!(pending.told().dropped > 0 && pending.told().lately > 0);
}
