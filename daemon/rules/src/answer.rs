//! What the rules of a hook answer to a View.
//!
//! Rules stand in an order: of `replicas`, of `deny` and `allow`, of `hold` and `allow`, the first that holds for a row
//! decides; of bans and codes the first that speaks; factors multiply, addends add, reserves are kept side by side.
//! Where a condition is absent, neither true nor false, the daemon does less: a node stays, a step waits, replicas and
//! prices are left alone. Nothing is remembered.

use crate::compile::{Column, Expression};
use crate::expression::{Broken, Place};
use crate::number::{NoNumber, Number};
use crate::rule::{Action, Rule, Size, Target};
use crate::value::Value;
use crate::words::{Row, Scene, rows_of};
use decide::View;
use decide::policy::Advised;
use model::advice::{
    Advice, Denial, DisruptionAdvice, HeadroomAdvice, Hook, PlacementAdvice, PolicyFault, ReviewAdvice,
    ScaleAdvice,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Operations of one evaluation, before rows, and for each row on top.
const OPERATIONS: u64 = 5_000_000;
const OPERATIONS_PER_ROW: u64 = 2_000;
/// Most bans, and most addends, of an answer.
const PAIRS: usize = 1_000_000;
/// What the contract allows of replicas, kinds of virtual pods, virtual pods, dollars per hour.
const REPLICAS: u64 = 1_000_000;
const KINDS: usize = 256;
const VIRTUAL_PODS: u64 = 10_000;
const DOLLARS: i64 = 1_000_000;
/// Lines of a log.
const LINES: usize = 64;

/// Operations that rules may spend on a View.
pub(crate) fn budget(view: &View<'_>) -> u64 {
    let rows: usize = Row::ALL.iter().map(|row| row.count(view)).sum();
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    OPERATIONS.saturating_add(OPERATIONS_PER_ROW.saturating_mul(rows))
}

/// Asks the rules of the View's hook.
pub(crate) fn advised<'v>(rules: &'v [Rule], columns: &'v [Column], view: &'v View<'v>) -> Advised {
    let limit = budget(view);
    let mut asked = Asked {
        place: Place {
            scene: Scene::of(view),
            columns: Vec::new(),
            left: limit,
        },
        limit,
        log: Vec::new(),
    };
    let own: Vec<&Rule> = rules.iter().filter(|rule| rule.hook == view.hook).collect();
    let answer = asked.build(columns).and_then(|()| match view.hook {
        Hook::Scaler => asked.scale(&own),
        Hook::Placement => asked.price(&own),
        Hook::Headroom => asked.reserve(&own),
        Hook::Disruption => asked.judge(&own),
        Hook::Review => asked.review(&own),
    });
    Advised {
        answer,
        fuel: limit.saturating_sub(asked.place.left),
        log: asked.log,
        kept: None,
    }
}

struct Asked<'v> {
    place: Place<'v>,
    limit: u64,
    log: Vec<String>,
}

impl<'v> Asked<'v> {
    /// Looks up what rules ask of this hook's rows by a key, each key once for each row.
    fn build(&mut self, columns: &'v [Column]) -> Result<(), PolicyFault> {
        let view = self.place.scene.view;
        for column in columns {
            let shown = rows_of(view.hook).contains(&column.row)
                || (column.row == Row::Mover && view.hook == Hook::Disruption);
            let rows = if shown { column.row.count(view) } else { 0 };
            self.spend(rows)?;
            let mut values = Vec::with_capacity(rows);
            for at in 0..rows {
                self.place.scene.turn(column.row, at);
                values.push(self.place.scene.keyed(column.row, column.what, &column.key));
            }
            self.place.columns.push(values);
        }
        Ok(())
    }

    fn spend(&mut self, operations: usize) -> Result<(), PolicyFault> {
        let left = self.place.left.checked_sub(operations as u64);
        self.place.left = left.ok_or(PolicyFault::Fuel { limit: self.limit })?;
        Ok(())
    }

    /// Whether a rule holds where the scene stands; `None`: nobody knows.
    fn holds(&mut self, rule: &'v Rule) -> Result<Option<bool>, PolicyFault> {
        let Some(when) = &rule.when else {
            return Ok(Some(true));
        };
        match self.place.value(&when.node) {
            Ok(Value::Truth(truth)) => Ok(Some(truth)),
            Ok(_) => Ok(None),
            Err(why) => Err(self.fault(rule, why)),
        }
    }

    /// A number where the scene stands; `None`: nobody knows.
    fn number(&mut self, rule: &'v Rule, of: &'v Expression) -> Result<Option<Number>, PolicyFault> {
        match self.place.value(&of.node) {
            Ok(Value::Number(number)) => Ok(Some(number)),
            Ok(_) => Ok(None),
            Err(why) => Err(self.fault(rule, why)),
        }
    }

    fn fault(&self, rule: &Rule, why: Broken) -> PolicyFault {
        let said =
            |what: &str| PolicyFault::Trap(format!("{}: {what}; test for it in its condition", rule.label));
        match why {
            Broken::Budget => PolicyFault::Fuel { limit: self.limit },
            Broken::Number(NoNumber::ByZero) => said("divided by zero"),
            Broken::Number(NoNumber::TooLarge) => said("a number larger than can be counted"),
        }
    }

    /// A line for the record, where the rule has words.
    fn say(&mut self, rule: &Rule, count: usize, what: &str) {
        if count > 0 && !rule.words.is_empty() && self.log.len() < LINES {
            self.log
                .push(format!("{}: {count} {what}: {}", rule.label, rule.words));
        }
    }

    fn scale(&mut self, rules: &[&'v Rule]) -> Result<Advice, PolicyFault> {
        let words = rules
            .iter()
            .map(|rule| (!rule.words.is_empty()).then(|| Arc::from(&*rule.words)));
        let words: Vec<Option<Arc<str>>> = words.collect();
        let mut advice = ScaleAdvice::default();
        for (at, workload) in self.place.scene.view.workloads.iter().enumerate() {
            self.place.scene.turn(Row::Workload, at);
            for (rule, words) in rules.iter().zip(&words) {
                let Action::Replicas(wanted) = &rule.action else {
                    continue;
                };
                if self.holds(rule)? != Some(true) {
                    continue;
                }
                let Some(number) = self.number(rule, wanted)? else {
                    continue;
                };
                let replicas = number.count().filter(|replicas| *replicas <= REPLICAS);
                let replicas = replicas.and_then(|replicas| u32::try_from(replicas).ok());
                let replicas = replicas.ok_or_else(|| {
                    nonsense(
                        rule,
                        format_args!(
                            "{number} replicas for {}; 0 to {REPLICAS} can be meant",
                            workload.key
                        ),
                    )
                })?;
                advice.push_shared(row(at), replicas, rule.code, words.clone());
                break;
            }
        }
        Ok(Advice::Scale(advice))
    }

    fn price(&mut self, rules: &[&'v Rule]) -> Result<Advice, PolicyFault> {
        let mut factors = BTreeMap::new();
        let mut forbids = BTreeMap::new();
        let mut addends: BTreeMap<(u32, u32), (i64, u16)> = BTreeMap::new();
        for rule in rules {
            match &rule.action {
                Action::Factor(factor, target) => self.factors(rule, factor, target, &mut factors)?,
                Action::Forbid(target) => {
                    let before = forbids.len();
                    for pair in self.pairs(rule, target)? {
                        forbids.entry(pair).or_insert(rule.code);
                    }
                    self.say(rule, forbids.len() - before, "bans");
                }
                Action::Charge(dollars, target) => {
                    let mut charged = 0;
                    for (class, set) in self.pairs(rule, target)? {
                        self.place.scene.turn(Row::Class, class as usize);
                        self.place.scene.turn(Row::Set, set as usize);
                        let Some(number) = self.number(rule, dollars)? else {
                            continue;
                        };
                        let addend = nanos(rule, number)?;
                        let entry = addends.entry((class, set)).or_insert((0, rule.code));
                        *entry = (entry.0.saturating_add(addend), rule.code);
                        charged += 1;
                    }
                    self.say(rule, charged, "addends");
                }
                _ => {}
            }
            if forbids.len() > PAIRS || addends.len() > PAIRS {
                let what = format!("bans or addends ({PAIRS} in one answer)");
                return Err(PolicyFault::Resource { what });
            }
        }
        Ok(Advice::Placement(PlacementAdvice {
            factors: factors.into_iter().collect(),
            forbids: forbids
                .into_iter()
                .map(|((class, set), code)| (class, set, code))
                .collect(),
            addends: addends
                .into_iter()
                .map(|((class, set), (nanos, code))| (class, set, nanos, code))
                .collect(),
        }))
    }

    fn factors(
        &mut self,
        rule: &'v Rule,
        factor: &'v Expression,
        target: &Target,
        factors: &mut BTreeMap<u32, u32>,
    ) -> Result<(), PolicyFault> {
        let mut changed = 0;
        for set in self.sets(target) {
            self.place.scene.turn(Row::Set, set);
            if self.holds(rule)? != Some(true) {
                continue;
            }
            let Some(number) = self.number(rule, factor)? else {
                continue;
            };
            let range = |milli: &i64| (1..=1_000_000).contains(milli);
            let milli = number.milli().filter(range);
            let milli = milli.ok_or_else(|| {
                nonsense(
                    rule,
                    format_args!("a factor of {number}; 0.001 to 1000 can be meant"),
                )
            })?;
            let before = factors.get(&row(set)).copied().unwrap_or(1000);
            let product = i64::from(before).saturating_mul(milli) / 1000;
            factors.insert(
                row(set),
                u32::try_from(product.clamp(1, 1_000_000)).unwrap_or(1_000_000),
            );
            changed += 1;
        }
        self.say(rule, changed, "factors");
        Ok(())
    }

    fn sets(&self, target: &Target) -> Vec<usize> {
        let view = self.place.scene.view;
        let meant = view.sets.iter().enumerate().filter(|(_, set)| {
            let group = usize::try_from(set.group)
                .ok()
                .and_then(|at| view.seen.groups.get(at));
            target.means(set, group.map(|group| group.name.as_str()))
        });
        meant.map(|(at, _)| at).collect()
    }

    /// Class and set rows for which a rule holds. Its condition is asked as seldom as what it speaks of allows.
    fn pairs(&mut self, rule: &'v Rule, target: &Target) -> Result<Vec<(u32, u32)>, PolicyFault> {
        let classes = self.place.scene.view.classes.len();
        let uses = |row| rule.when.as_ref().is_some_and(|when| when.uses(row));
        let (by_class, by_set) = (uses(Row::Class), uses(Row::Set));
        let mut known: Option<Vec<u32>> = None;
        let mut pairs = Vec::new();
        for set in self.sets(target) {
            self.place.scene.turn(Row::Set, set);
            let meant = match known.take().filter(|_| !by_set) {
                Some(meant) => meant,
                None if by_class => self.classes(rule)?,
                None if self.holds(rule)? == Some(true) => (0..row(classes)).collect(),
                None => Vec::new(),
            };
            self.spend(meant.len())?;
            if pairs.len() + meant.len() > PAIRS {
                let what = format!("bans or addends ({PAIRS} in one answer)");
                return Err(PolicyFault::Resource { what });
            }
            pairs.extend(meant.iter().map(|class| (*class, row(set))));
            known = Some(meant);
        }
        Ok(pairs)
    }

    fn classes(&mut self, rule: &'v Rule) -> Result<Vec<u32>, PolicyFault> {
        let mut meant = Vec::new();
        for class in 0..self.place.scene.view.classes.len() {
            self.place.scene.turn(Row::Class, class);
            if self.holds(rule)? == Some(true) {
                meant.push(row(class));
            }
        }
        Ok(meant)
    }

    fn reserve(&mut self, rules: &[&'v Rule]) -> Result<Advice, PolicyFault> {
        let mut kinds: Vec<HeadroomAdvice> = Vec::new();
        let mut left = VIRTUAL_PODS;
        let (mut cut, classes) = (0_u64, self.place.scene.view.classes);
        for rule in rules {
            let Action::Reserve(count, size) = &rule.action else {
                continue;
            };
            let rows = if *size == Size::OfClass { classes.len() } else { 1 };
            let before = kinds.len();
            for at in 0..rows {
                self.place.scene.turn(Row::Class, at);
                if self.holds(rule)? != Some(true) {
                    continue;
                }
                let Some(number) = self.number(rule, count)? else {
                    continue;
                };
                let pods = number
                    .count()
                    .ok_or_else(|| nonsense(rule, format_args!("{number} virtual pods")))?;
                let requests = match size {
                    Size::Of(requests) => Some(requests),
                    Size::OfClass => classes.get(at).map(|class| &class.requests),
                };
                let asks = requests.filter(|asked| asked.cpu_milli > 0 || asked.memory_bytes > 0);
                let Some(requests) = asks.filter(|_| pods > 0) else {
                    continue;
                };
                let kept = if kinds.len() < KINDS { pods.min(left) } else { 0 };
                cut = cut.saturating_add(pods - kept);
                left -= kept;
                if kept > 0 {
                    kinds.push(HeadroomAdvice {
                        count: u32::try_from(kept).unwrap_or(u32::MAX),
                        requests: requests.clone(),
                        code: rule.code,
                    });
                }
            }
            self.say(rule, kinds.len() - before, "kinds of virtual pods");
        }
        if cut > 0 {
            let line = format!(
                "warning: {cut} virtual pods are cut: {KINDS} kinds and {VIRTUAL_PODS} pods are the most"
            );
            self.log.push(line);
        }
        Ok(Advice::Headroom(kinds))
    }

    fn judge(&mut self, rules: &[&'v Rule]) -> Result<Advice, PolicyFault> {
        let mut advice = DisruptionAdvice::default();
        for at in 0..self.place.scene.view.candidates.len() {
            self.place.scene.turn(Row::Candidate, at);
            let mut decided = false;
            let mut addend: Option<(i64, u16)> = None;
            for rule in rules {
                match &rule.action {
                    Action::Deny if !decided && self.holds(rule)? != Some(false) => {
                        decided = true;
                        advice.denials.push(Denial {
                            row: row(at),
                            code: rule.code,
                            text: rule.words.clone(),
                        });
                    }
                    Action::Allow if !decided => decided = self.holds(rule)? == Some(true),
                    Action::Add(dollars) => {
                        let holds = self.holds(rule)?;
                        let number = if holds == Some(false) {
                            None
                        } else {
                            self.number(rule, dollars)?
                        };
                        let nanos = number.map(|number| nanos(rule, number)).transpose()?;
                        // What nobody knows makes nothing easier.
                        if let Some(nanos) = nanos.filter(|nanos| holds.is_some() || *nanos > 0) {
                            let before = addend.map_or(0, |(sum, _)| sum);
                            addend = Some((before.saturating_add(nanos), rule.code));
                        }
                    }
                    _ => {}
                }
            }
            advice
                .addends
                .extend(addend.map(|(nanos, code)| (row(at), nanos, code)));
        }
        Ok(Advice::Disruption(advice))
    }

    fn review(&mut self, rules: &[&'v Rule]) -> Result<Advice, PolicyFault> {
        let mut holds = Vec::new();
        for (at, step) in self.place.scene.view.steps.iter().enumerate() {
            self.place.scene.turn(Row::Step, at);
            for rule in rules {
                let held = self.holds(rule)?;
                match rule.action {
                    Action::Hold if held != Some(false) => {
                        holds.push(ReviewAdvice {
                            step: step.id,
                            code: rule.code,
                            text: rule.words.clone(),
                        });
                        break;
                    }
                    Action::Allow if held == Some(true) => break,
                    _ => {}
                }
            }
        }
        Ok(Advice::Review(holds))
    }
}

/// Nano-dollars per hour of an addend.
fn nanos(rule: &Rule, number: Number) -> Result<i64, PolicyFault> {
    let most = Number::of(DOLLARS);
    let nano = number.nano().filter(|_| number.magnitude() <= most);
    nano.ok_or_else(|| {
        nonsense(
            rule,
            format_args!("an addend of {number} dollars per hour; {DOLLARS} are the most"),
        )
    })
}

fn nonsense(rule: &Rule, what: std::fmt::Arguments<'_>) -> PolicyFault {
    PolicyFault::Nonsense(format!("{}: {what}", rule.label))
}

fn row(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
