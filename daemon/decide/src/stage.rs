//! The stage "place": headroom, the placement policies, free room, the purchase, and what it costs beside its
//! bounds.

use crate::adjust::Adjust;
use crate::asking::Asking;
use crate::bought::Purchase;
use crate::class::Class;
use crate::constraints::{Chance, Deals, Settled, Tried};
use crate::demand;
use crate::headroom;
use crate::market::Market;
use crate::namespace_quotas;
use crate::number::{count, narrow};
use crate::one_by_one::{self, Left, Leftover, On, Refused, Seated};
use crate::placement;
use crate::policy::{ClassRow, Prepared, View};
use crate::queue::{Queue, Taken};
use crate::rooms::{self, Demand, Housed, Room};
use crate::rounds::{self, Found, Rounds};
use crate::shrink::Shrinking;
use crate::spot;
use crate::table::Table;
use crate::undealt::{self, Undealt};
use model::advice::Hook;
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::memory::{LastNodes, Memory};
use model::money::UsdPerHour;
use model::notes::{ClassNote, Notes, SetNote};
use model::plan::{Cost, StepKind};
use model::provisioned::{Billed, FargateBills};
use model::snapshot::Snapshot;
use packing::Work;
use packing::duals::{self, Duals, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// What came of the stage.
pub(crate) struct Placed {
    /// What policies make of prices, where they make anything of them.
    pub(crate) adjust: Option<Adjust>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) housed: Housed,
    pub(crate) purchase: Purchase,
    pub(crate) cost: Cost,
    /// How zones were dealt.
    pub(crate) deals: Deals,
    /// Without policies.
    plain: (Table, Duals),
    /// Without policies and without what scarcity is worth: what the notes explain the bill by.
    explains: Duals,
    /// With policies, where there are any.
    priced: Option<(Table, Duals)>,
}

/// Adds the virtual pods that headroom policies ask for.
pub(crate) fn with_headroom(
    seen: &Snapshot,
    memory: &mut Memory,
    aims: &Aims,
    asking: &mut Asking<'_>,
    mut classes: Vec<Class>,
) -> Vec<Class> {
    if !asking.anybody(Hook::Headroom) {
        return classes;
    }
    let market = Market::new(seen, memory, aims, &classes);
    let table = Table::new(&market, &classes, None);
    let duals = duals::search(&table.problem, &table.counts(&all(&classes)));
    let rows = class_rows(&market, &classes, &table, &duals);
    let view = View {
        hook: Hook::Headroom,
        seen,
        memory: &memory.clone(),
        aims,
        workloads: &[],
        classes: &rows,
        sets: &market.sets,
        candidates: &[],
        movers: &[],
        steps: &[],
        prepared: Prepared::default(),
    };
    let answers = asking.ask(&view, memory);
    classes.extend(headroom::classes(&answers.counted, aims.compose.headroom));
    classes
}

/// Times that domains are dealt anew.
const DEALS: u32 = 3;
/// Times that what does not come out even is cut down after that; from then on it is refused whole.
const TRIMS: u32 = 3;

const fn chance(deal: u32) -> Chance {
    if deal < DEALS {
        Chance::Again
    } else if deal < DEALS + TRIMS {
        Chance::Trim
    } else {
        Chance::Last
    }
}

/// Finds a place for every class: free room first, then Fargate or EC2 by money. Domains are dealt anew where one
/// could not take its share. Returns the classes as they were dealt last, on their market.
pub(crate) fn place<'a>(
    seen: &'a Snapshot,
    settled: Settled,
    memory: &mut Memory,
    (aims, shrinking): (&Aims, &Shrinking<'_>),
    asking: &mut Asking<'_>,
) -> (Placed, Market<'a>, Vec<Class>) {
    let Settled {
        mut classes,
        crowds,
        mut deals,
    } = settled;
    let open = |memory: &Memory, classes: &[Class]| {
        let mut market = Market::new(seen, memory, aims, classes);
        market.crowds.clone_from(&crowds);
        market
    };
    let mut market = open(memory, &classes);
    let mut adjust = ask_placement(&market, &classes, (memory, aims), asking);
    if market.is_risky() {
        // What spot counts on top is no bill: it is packed at prices of its own, as with policies.
        adjust = Some(adjust.unwrap_or_default());
    }
    let last = &memory.last_purchase;
    let mut placed = attempt(&market, (&classes, last), (aims, shrinking), adjust.clone());
    // It ends: every round of the last chance refuses somebody for good.
    for deal in 1_u32.. {
        let bought = placed.purchase.bought.iter();
        let tried = Tried {
            unplaced: unplaced(&classes, &placed.purchase),
            bought: deals.domains_of(bought.map(|bought| &seen.offers[bought.offer].labels)),
        };
        let Some(siblings) = deals.redeal(&mut classes, &tried, chance(deal)) else {
            break;
        };
        if let Some(adjust) = &mut adjust {
            let first = classes.len() - siblings.len();
            for (at, sibling) in siblings.iter().enumerate() {
                adjust.copy(*sibling, first + at);
            }
        }
        market = open(memory, &classes);
        placed = attempt(&market, (&classes, last), (aims, shrinking), adjust.clone());
    }
    if let Some(undealt) = undealt::classes(&deals, &classes) {
        take_back(&mut placed, (&market, &classes), (aims, shrinking));
        let market = open(memory, &undealt);
        bind(&mut placed, (&market, &undealt), (aims, shrinking));
    }
    seat_left_over(&mut placed, (&market, &classes), (aims, shrinking));
    hold_to_quotas(&mut placed, (&market, &classes), (aims, shrinking));
    placed.deals = deals;
    (placed, market, classes)
}

/// Seats pods with a spread over hostnames as their nodes rise together: free room is filled in any order, by which none
/// may hold more than its share above the fewest that there were; one by one, the fewest rise.
pub(crate) fn rise(
    (leftover, aims): (&Leftover<'_>, &Aims),
    (rooms, queue): (&mut [Room], &mut Queue<'_>),
    housed: &mut Housed,
) {
    let classes = leftover.classes;
    let left: Left = (0..classes.len())
        .filter(|class| classes[*class].crowding.in_any_order().is_some())
        .map(|class| (class, queue.real_pods_of(class).cloned().collect::<Vec<_>>()))
        .filter(|(_, pods)| !pods.is_empty())
        .collect();
    if left.is_empty() {
        return;
    }
    for Seated { class, on, .. } in one_by_one::seat_there(leftover, aims, (left, &*housed)) {
        let On::There { node, now } = on else { continue };
        let mut taken = Taken::default();
        queue.take_of(class, 1, &mut taken);
        if let Some(room) = rooms.iter_mut().find(|room| room.name == node) {
            room.take(&leftover.market.asks[class], &classes[class]);
        }
        for (class, pod) in taken.pods {
            if !now {
                housed.after_others.insert(pod.clone());
            }
            housed.add(&node, (class, pod), classes);
        }
    }
}

/// Takes back what kube-scheduler would admit in no order: it is left over, and looked at once more as such. Tells whether
/// there was anything.
fn take_back(
    placed: &mut Placed,
    (market, classes): (&Market<'_>, &[Class]),
    (aims, shrinking): (&Aims, &Shrinking<'_>),
) -> bool {
    let (table, _) = placed.pricing();
    let leftover = Leftover {
        market,
        classes,
        tenants: shrinking.fleet.tenants,
        table,
        adjust: placed.adjust.as_ref(),
        rooms: &placed.rooms,
    };
    let plan = (&placed.housed, placed.purchase.bought.as_slice());
    let refused = one_by_one::refused(&leftover, aims, plan);
    if refused.is_empty() {
        return false;
    }
    let Placed { purchase, housed, .. } = &mut *placed;
    for Refused { class, pod, from } in refused {
        match from {
            Ok(node) => housed.remove(&node, &pod, classes),
            Err(at) => purchase.bought[at].remove(&pod, market.seen),
        }
        if classes[class].spec.is_some() {
            purchase.unplaced.push((class, pod));
        }
    }
    purchase.bought.retain(|bought| !bought.node.pods.is_empty());
    tell_cost(placed, market);
    true
}

/// Places what rules left over where kube-scheduler admits it after the others. Its pods pay nothing: what is bought for
/// them alone is waste, which the bound does not speak of.
fn seat_left_over(
    placed: &mut Placed,
    (market, classes): (&Market<'_>, &[Class]),
    (aims, shrinking): (&Aims, &Shrinking<'_>),
) {
    let (table, _) = placed.pricing();
    let leftover = Leftover {
        market,
        classes,
        tenants: shrinking.fleet.tenants,
        table,
        adjust: placed.adjust.as_ref(),
        rooms: &placed.rooms,
    };
    let seats = one_by_one::seat(&leftover, aims, (&placed.housed, &placed.purchase));
    if seats.seated.is_empty() {
        return;
    }
    let (Placed { purchase, housed, .. }, bought) = (&mut *placed, seats.bought);
    let prices = bought
        .iter()
        .map(|bought| bought.node.price(&market.seen.offers[bought.offer]));
    let more: UsdPerHour = prices.sum();
    purchase.bought.extend(bought);
    purchase.left = seats.left;
    let found: BTreeSet<PodKey> = seats.seated.iter().map(|seated| seated.pod.clone()).collect();
    purchase.unplaced.retain(|(_, pod)| !found.contains(pod));
    for Seated { class, pod, on } in seats.seated {
        match on {
            On::There { node, now } => {
                if !now {
                    housed.after_others.insert(pod.clone());
                }
                housed.add(&node, (class, pod), classes);
            }
            On::Bought(at) => {
                let bought = &mut purchase.bought[at];
                bought.waiting += u32::from(market.seen.pod(&pod).is_some());
                bought.after.push(class);
                bought.node.pods.push(pod);
            }
        }
    }
    placed.cost.rate += more;
    let (table, _) = placed.pricing();
    placed.cost.policy_rate = policy_rate(table, &placed.rooms, &placed.housed, &placed.purchase);
}

/// Takes back what namespaces would have above their quotas, and whom kube-scheduler does not admit without those (a spread
/// counts the fewest of any zone). The bound speaks of whom it is not kept from.
fn hold_to_quotas(
    placed: &mut Placed,
    of: (&Market<'_>, &[Class]),
    (aims, shrinking): (&Aims, &Shrinking<'_>),
) {
    let mut held = false;
    loop {
        let Placed { purchase, housed, .. } = &mut *placed;
        if !namespace_quotas::hold(of, shrinking.fleet.tenants, &aims.quotas, (housed, purchase)) {
            break;
        }
        held = true;
        let before = purchase.unplaced.len();
        if !take_back(placed, of, (aims, shrinking)) {
            break;
        }
        namespace_quotas::explain(&mut placed.purchase, before);
    }
    if held {
        tell_cost(placed, of.0);
        bind(placed, of, (aims, shrinking));
    }
}

/// What the plan costs, once something of it was taken back.
fn tell_cost(placed: &mut Placed, market: &Market<'_>) {
    let bought = placed.purchase.bought.iter();
    let prices = bought.map(|bought| bought.node.price(&market.seen.offers[bought.offer]));
    placed.cost.rate = prices.sum();
    let (table, _) = placed.pricing();
    placed.cost.policy_rate = policy_rate(table, &placed.rooms, &placed.housed, &placed.purchase);
}

/// Bounds that hold whatever is dealt.
fn bind(
    placed: &mut Placed,
    (market, undealt): (&Market<'_>, &[Class]),
    (aims, shrinking): (&Aims, &Shrinking<'_>),
) {
    let served = served(undealt, &placed.housed, &placed.purchase);
    let undealt = Undealt::new(market, undealt, &served);
    let reach = reach(work_of(aims), &placed.plain.0);
    let bound = |adjust: Option<&Adjust>| undealt.bound((aims, shrinking), adjust, reach);
    let cost = &mut placed.cost;
    cost.bound = cost.bound.min(bound(None));
    cost.policy_bound = match &placed.adjust {
        Some(adjust) => cost.policy_bound.min(bound(Some(adjust))),
        None => cost.bound,
    };
}

/// As much work as the aims allow.
pub(crate) fn work_of(aims: &Aims) -> Work {
    Work {
        percent: aims.search.work_percent.min(model::aims::SearchAims::MOST),
    }
}

/// How far to search for duals.
pub(crate) fn reach(work: Work, table: &Table) -> Reach {
    match work {
        _ if work.is_little() && !table.problem.shared_caps.is_empty() => Reach::Rough,
        Work::NONE => Reach::Near,
        _ => Reach::Full,
    }
}

/// By class: pods for which nothing was found.
fn unplaced(classes: &[Class], purchase: &Purchase) -> Vec<u32> {
    let mut unplaced = vec![0; classes.len()];
    for (class, _) in &purchase.unplaced {
        unplaced[*class] += 1;
    }
    unplaced
}

fn attempt(
    market: &Market<'_>,
    (classes, last): (&[Class], &[LastNodes]),
    (aims, shrinking): (&Aims, &Shrinking<'_>),
    adjust: Option<Adjust>,
) -> Placed {
    let demand = &Demand { market, classes };
    let everyone = bought_for(classes);
    let work = work_of(aims);
    let priced_at = |adjust: Option<&Adjust>| {
        let table = Table::new(market, classes, adjust);
        let duals = duals::search_to(reach(work, &table), &table.problem, &table.counts(&everyone));
        (table, duals)
    };
    let plain = priced_at(None);
    let priced = adjust.as_ref().map(|adjust| priced_at(Some(adjust)));
    let (table, duals) = priced.as_ref().unwrap_or(&plain);
    let most = table.counts(&everyone);
    let mut before = rooms::find((market, shrinking.fleet.tenants), aims, classes);
    shrinking
        .kept
        .take_from(&shrinking.fleet, (&market.space, classes), &mut before);
    let leftover = Leftover {
        market,
        classes,
        tenants: shrinking.fleet.tenants,
        table,
        adjust: adjust.as_ref(),
        rooms: &before,
    };
    let rounds = Rounds {
        rising: (&leftover, aims),
        demand,
        last: (last, work),
        whole: (table, duals),
        most: &most,
        by_weight: &rounds::by_weight(demand, adjust.as_ref(), table, (&most, work)),
    };
    let Found {
        rooms,
        housed,
        mut purchase,
    } = rounds.place(&before);
    spot::diversify((market, aims), (table, adjust.as_ref()), &mut purchase.bought);
    let served = served(classes, &housed, &purchase);
    let bound_of = |table: &Table, duals: &Duals| {
        let free = rooms::as_free(market, &before, table);
        UsdPerHour(duals.bound(&table.problem, &table.counts(&served), &free))
    };
    // What packing proved holds for the prices it packed at.
    let whole = || (!work.is_little()).then(|| duals.of_whole_items(&table.problem, &table.counts(&served)));
    let proof = purchase.proof.clone().or_else(|| whole().flatten());
    let own = proof.map(|proof| bound_of(table, &proof));
    let with_proof = |bound: UsdPerHour| own.map_or(bound, |own| own.max(bound));
    let bound = bound_of(&plain.0, &plain.1);
    let bound = if priced.is_none() {
        with_proof(bound)
    } else {
        bound
    };
    let cost = Cost {
        rate: purchase
            .bought
            .iter()
            .map(|b| b.node.price(&market.seen.offers[b.offer]))
            .sum(),
        bound,
        policy_rate: policy_rate(table, &rooms, &housed, &purchase),
        policy_bound: priced
            .as_ref()
            .map_or(bound, |(table, duals)| with_proof(bound_of(table, duals))),
    };
    Placed {
        adjust,
        rooms,
        housed,
        purchase,
        cost,
        deals: Deals::default(),
        explains: plain.1.without_scarcity(&plain.0.problem),
        plain,
        priced,
    }
}

fn ask_placement(
    market: &Market<'_>,
    classes: &[Class],
    (memory, aims): (&mut Memory, &Aims),
    asking: &mut Asking<'_>,
) -> Option<Adjust> {
    if classes.is_empty() || !asking.anybody(Hook::Placement) {
        return None;
    }
    let table = Table::new(market, classes, None);
    let duals = duals::search(&table.problem, &table.counts(&all(classes)));
    let rows = class_rows(market, classes, &table, &duals);
    let view = View {
        hook: Hook::Placement,
        seen: market.seen,
        memory: &memory.clone(),
        aims,
        workloads: &[],
        classes: &rows,
        sets: &market.sets,
        candidates: &[],
        movers: &[],
        steps: &[],
        prepared: Prepared::default(),
    };
    let answers = asking.ask(&view, memory);
    Some(Adjust::of(&answers.counted)).filter(|adjust| !adjust.is_neutral())
}

/// Classes as policies see them.
fn class_rows(market: &Market<'_>, classes: &[Class], table: &Table, duals: &Duals) -> Vec<ClassRow> {
    classes
        .iter()
        .enumerate()
        .map(|(ix, class)| {
            let row = table.row_of[ix];
            ClassRow {
                spec: class.spec,
                workload: class.body.owner.clone(),
                requests: class.body.requests.clone(),
                pending: class.pending,
                to_come: class.to_come,
                headroom: class.headroom,
                ec2_price: duals
                    .cheapest_column(&table.problem, row)
                    .map(|(_, price)| UsdPerHour(price)),
                fargate_price: market.fargate[ix].iter().map(|option| option.price).min(),
            }
        })
        .collect()
}

fn all(classes: &[Class]) -> Vec<u32> {
    classes.iter().map(Class::count).collect()
}

/// Pods that nodes may be bought for, by class.
fn bought_for(classes: &[Class]) -> Vec<u32> {
    let count = |class: &Class| if class.expendable { 0 } else { class.count() };
    classes.iter().map(count).collect()
}

/// Pods that have a place, by class: the demand the bound is about. Not those that nothing is bought for.
fn served(classes: &[Class], housed: &Housed, purchase: &Purchase) -> Vec<u32> {
    let mut served = vec![0; classes.len()];
    let bought = purchase.bought.iter().flat_map(|b| &b.classes);
    let there = housed.pods.values().flatten().map(|(class, _)| class);
    for class in there.chain(bought) {
        served[*class] += 1;
    }
    for (served, class) in served.iter_mut().zip(classes) {
        if class.expendable {
            *served = 0;
        }
    }
    served
}

/// The bill with factors and addends: of what is bought, and addends on free room, never below zero per node.
fn policy_rate(table: &Table, rooms: &[Room], housed: &Housed, purchase: &Purchase) -> UsdPerHour {
    let bought: i128 = purchase.bought.iter().map(|b| i128::from(b.policy_price)).sum();
    let on_free: i128 = rooms
        .iter()
        .filter_map(|room| Some((room, housed.pods.get(&room.name)?)))
        .map(|(room, pods)| {
            let addends = pods
                .iter()
                .map(|(class, _)| table.problem.addend(room.tariff, table.row_of[*class]));
            addends.map(i128::from).sum::<i128>().max(0)
        })
        .sum();
    UsdPerHour(narrow(bought + on_free))
}

/// Waiting pods and replicas to come.
pub(crate) fn pending(classes: &[Class]) -> u32 {
    classes.iter().map(|class| class.pending + class.to_come).sum()
}

/// Whether a step lowers replicas.
pub(crate) const fn scales_in(kind: &StepKind) -> bool {
    matches!(kind, StepKind::ScaleWorkload { from, to, .. } if *to < *from)
}

impl Placed {
    /// What the bill is explained by.
    pub(crate) const fn explaining(&self) -> (&Table, &Duals) {
        (&self.plain.0, &self.explains)
    }

    /// What was packed and chosen by: as policies price it, where they do.
    pub(crate) fn pricing(&self) -> (&Table, &Duals) {
        let (table, duals) = self.priced.as_ref().unwrap_or(&self.plain);
        (table, duals)
    }

    /// Pods on free room by node, headroom left out.
    pub(crate) fn existing(&self) -> Vec<(NodeName, Vec<PodKey>)> {
        self.housed
            .pods
            .iter()
            .map(|(node, pods)| {
                let real = pods
                    .iter()
                    .map(|(_, pod)| pod)
                    .filter(|pod| !demand::is_headroom(pod));
                (node.clone(), real.cloned().collect::<Vec<_>>())
            })
            .filter(|(_, pods)| !pods.is_empty())
            .collect()
    }

    /// Notes on classes, sets, waste and running cost. What the pods on new nodes pay and what the nodes waste
    /// add up to the bill exactly: waste is the price less what the pods pay, and never negative.
    pub(crate) fn notes(&self, demand: &Demand<'_>) -> Notes {
        let Demand { market, classes } = *demand;
        let seen = market.seen;
        let (table, duals) = self.explaining();
        let waste = self.purchase.bought.iter().map(|bought| {
            let paid: i64 = bought
                .classes
                .iter()
                .map(|class| duals.pays[table.row_of[*class]])
                .sum();
            (
                bought.node.name.clone(),
                bought.node.price(&seen.offers[bought.offer]) - UsdPerHour(paid),
            )
        });
        let nodes = seen.nodes.iter().filter(|node| !node.fargate);
        let on_fargate = FargateBills::new(seen);
        let billed = |(_, bill): (_, Billed)| bill.price;
        let prices = nodes.map(|node| seen.node_price(node));
        let prices = prices.chain(on_fargate.all().map(billed));
        let prices: Vec<(UsdPerHour, bool)> = prices
            .map(|price| (price.unwrap_or_default(), price.is_some()))
            .collect();
        let mut notes: Vec<ClassNote> = (0..classes.len()).map(|ix| self.class_note(demand, ix)).collect();
        for class in self.purchase.bought.iter().flat_map(|bought| &bought.classes) {
            notes[*class].bought += 1;
        }
        notes.extend(self.notes_after(&notes));
        Notes {
            classes: notes,
            sets: self.set_notes(market),
            waste: waste.collect(),
            clamped: self.clamped(market),
            running_rate: prices.iter().map(|(price, _)| *price).sum(),
            unpriced_nodes: count(prices.iter().filter(|(_, known)| !known).count()),
            ..Notes::default()
        }
    }

    /// Notes on those who came after the others, in the order of their classes.
    fn notes_after(&self, notes: &[ClassNote]) -> Vec<ClassNote> {
        let mut after: BTreeMap<usize, u32> = BTreeMap::new();
        for class in self.purchase.bought.iter().flat_map(|bought| &bought.after) {
            *after.entry(*class).or_insert(0) += 1;
        }
        let note = |(class, bought): (usize, u32)| {
            let of = notes.get(class)?;
            Some(ClassNote {
                pending: 0,
                to_come: 0,
                headroom: 0,
                pays: UsdPerHour::ZERO,
                bought,
                ..of.clone()
            })
        };
        after.into_iter().filter_map(note).collect()
    }

    fn class_note(&self, demand: &Demand<'_>, ix: usize) -> ClassNote {
        let Demand { market, classes } = *demand;
        let class = &classes[ix];
        let (table, duals) = self.explaining();
        let (own_table, own_duals) = self.pricing();
        let row = own_table.row_of[ix];
        let fargate = own_table.fargate[row]
            .as_ref()
            .map(|(_, price)| UsdPerHour(*price));
        let ec2 = fargate.and_then(|_| placement::ec2_price(market, own_table, own_duals, row));
        ClassNote {
            spec: class.spec,
            workload: class.body.owner.clone(),
            pending: class.pending,
            to_come: class.to_come,
            headroom: class.headroom,
            pays: UsdPerHour(duals.pays[table.row_of[ix]]),
            fargate,
            ec2: ec2.map(|ec2| ec2.price),
            sample: class.pods.first().cloned().unwrap_or_else(|| PodKey::new("", "")),
            late: class.late,
            bought: 0,
            provisioned: market.provisioned[ix],
        }
    }

    fn set_notes(&self, market: &Market<'_>) -> Vec<SetNote> {
        let factor = |set| self.adjust.as_ref().map_or(1000, |adjust| adjust.factor(set));
        market
            .sets
            .iter()
            .enumerate()
            .map(|(ix, set)| SetNote {
                name: set.name.clone(),
                group: market
                    .seen
                    .groups
                    .get(set.group as usize)
                    .map_or_else(|| set.name.as_str().into(), |g| g.name.clone()),
                offers: set.offers,
                factor: u32::try_from(factor(ix)).unwrap_or(u32::MAX),
            })
            .collect()
    }

    /// Offers and classes whose addends would have made a new node cheaper than free.
    fn clamped(&self, market: &Market<'_>) -> Vec<(model::OfferId, u32)> {
        let Some(adjust) = &self.adjust else {
            return Vec::new();
        };
        let mut clamped: Vec<(model::OfferId, u32)> = Vec::new();
        for bought in self.purchase.bought.iter().filter(|b| b.clamped) {
            let set = market.set_of[bought.offer];
            let pulling = |class: &usize| adjust.addends.get(&(*class, set)).is_some_and(|a| a.0 < 0);
            let classes = bought.classes.iter().copied().filter(pulling);
            clamped.extend(classes.map(|class| (bought.node.offer.clone(), count(class))));
        }
        clamped.sort();
        clamped.dedup();
        clamped
    }
}
