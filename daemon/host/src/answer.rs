//! Turns the lists of a guest into Advice, or says why they cannot be one.
//!
//! Nothing a guest answers is believed: lengths, rows, numbers and repetitions are checked here, once.

use crate::session::Said;
use decide::View;
use model::advice::{
    Advice, Denial, DisruptionAdvice, HeadroomAdvice, PlacementAdvice, ReviewAdvice, ScaleAdvice, ScaleRow,
};
use model::money::UsdPerHour;
use model::resources::{MIB, Resources};

/// Workload rows, replicas, codes.
pub(crate) type Scale = (Vec<u32>, Vec<u32>, Vec<u16>);
/// Factors (set, factor); bans (class, set, code); addends (class, set, dollars, code).
pub(crate) type Place = (
    Vec<u32>,
    Vec<f64>,
    Vec<u32>,
    Vec<u32>,
    Vec<u16>,
    Vec<u32>,
    Vec<u32>,
    Vec<f64>,
    Vec<u16>,
);
/// Counts, millicores, MiB, codes.
pub(crate) type Reserve = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<u16>);

/// Denials (candidate, code); addends (candidate, dollars, code).
pub(crate) type Judge = (Vec<u32>, Vec<u16>, Vec<u32>, Vec<f64>, Vec<u16>);

/// Step rows that wait, codes.
pub(crate) type Review = (Vec<u32>, Vec<u16>);

/// Most replicas that can be meant seriously.
pub(crate) const REPLICAS: u32 = 1_000_000;
/// Most kinds of virtual pods in an answer, and most pods of all kinds together: what the engine keeps room for.
const KINDS: usize = 256;
const VIRTUAL_PODS: u64 = 10_000;
/// Largest addend, dollars per hour (and pod).
const ADDEND: f64 = 1_000_000.0;

/// Checks an answer of `scaler.scale`. What the guest explained goes with its rows.
pub(crate) fn scale(view: &View<'_>, answer: Scale, said: &mut Said) -> Result<Advice, String> {
    let (rows, replicas, codes) = answer;
    let group = Group::of("scale", [rows.len(), replicas.len(), codes.len()]);
    let rows = group.rows(rows, view.workloads.len())?;
    let (replicas, codes) = (group.each(replicas)?, group.each(codes)?);
    once("workload row", rows.iter().copied())?;
    all_within(view.workloads, &rows, "workload")?;
    if let Some((row, replicas)) = rows
        .iter()
        .zip(&replicas)
        .find(|(_, replicas)| **replicas > REPLICAS)
    {
        return Err(format!("{replicas} replicas for workload row {row}"));
    }
    let mut advice = ScaleAdvice {
        texts: Vec::new(),
        rows,
        replicas,
        codes,
    };
    if !ascending(&advice.rows) {
        advice = in_order(&advice);
    }
    advice.texts = said.take_all(&advice.rows);
    Ok(Advice::Scale(advice))
}

/// The same rows as they rise. Nearly every policy answers in that order.
fn in_order(answer: &ScaleAdvice) -> ScaleAdvice {
    let mut rows: Vec<ScaleRow<'_>> = answer.iter().collect();
    rows.sort_unstable_by_key(|row| row.row);
    let mut rising = ScaleAdvice::default();
    for row in rows {
        rising.push(row);
    }
    rising
}

/// Checks an answer of `placement.place`.
pub(crate) fn place(view: &View<'_>, answer: Place) -> Result<Advice, String> {
    let (factor_sets, factors, ban_classes, ban_sets, ban_codes, add_classes, add_sets, dollars, add_codes) =
        answer;
    let (classes, sets) = (view.classes.len(), view.sets.len());
    let group = Group::of("factors", [factor_sets.len(), factors.len()]);
    let (factor_sets, factors) = (group.rows(factor_sets, sets)?, group.each(factors)?);
    let group = Group::of("bans", [ban_classes.len(), ban_sets.len(), ban_codes.len()]);
    let ban_classes = group.rows(ban_classes, classes)?;
    let (ban_sets, ban_codes) = (group.each(ban_sets)?, group.each(ban_codes)?);
    let lengths = [add_classes.len(), add_sets.len(), dollars.len(), add_codes.len()];
    let group = Group::of("addends", lengths);
    let (add_classes, add_sets) = (group.rows(add_classes, classes)?, group.each(add_sets)?);
    let (dollars, add_codes) = (group.each(dollars)?, group.each(add_codes)?);
    once("factor for set row", factor_sets.iter().copied())?;
    if !ascending(&ban_classes) {
        once("ban of (class, set)", pairs(&ban_classes, &ban_sets))?;
    }
    if !ascending(&add_classes) {
        once("addend for (class, set)", pairs(&add_classes, &add_sets))?;
    }

    let mut advice = PlacementAdvice::default();
    for (set, factor) in factor_sets.into_iter().zip(factors) {
        within(view.sets, set, "set")?;
        advice.factors.push((set, per_mille(factor)?));
    }
    all_within(view.classes, &ban_classes, "class")?;
    all_within(view.sets, &ban_sets, "set")?;
    let bans = ban_classes.into_iter().zip(ban_sets).zip(ban_codes);
    advice.forbids = bans.map(|((class, set), code)| (class, set, code)).collect();
    all_within(view.classes, &add_classes, "class")?;
    all_within(view.sets, &add_sets, "set")?;
    advice.addends.reserve(add_classes.len());
    for (((class, set), dollars), code) in add_classes.into_iter().zip(add_sets).zip(dollars).zip(add_codes) {
        advice.addends.push((class, set, nanos(dollars)?, code));
    }
    Ok(Advice::Placement(advice))
}

/// Checks an answer of `headroom.reserve`.
pub(crate) fn reserve(answer: Reserve) -> Result<Advice, String> {
    let (counts, cpus, memories, codes) = answer;
    let group = Group::of(
        "headroom",
        [counts.len(), cpus.len(), memories.len(), codes.len()],
    );
    if group.lengths.iter().any(|length| *length != group.length) {
        return Err(group.uneven());
    }
    if counts.len() > KINDS {
        return Err(format!(
            "{} kinds of virtual pods; {KINDS} are allowed",
            counts.len()
        ));
    }
    let pods: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if pods > VIRTUAL_PODS {
        return Err(format!("{pods} virtual pods; {VIRTUAL_PODS} are allowed"));
    }
    let mut advice = Vec::with_capacity(counts.len());
    for (((count, cpu), memory), code) in counts.into_iter().zip(cpus).zip(memories).zip(codes) {
        if cpu == 0 && memory == 0 {
            return Err("virtual pods that ask for nothing".to_owned());
        }
        if count > 0 {
            advice.push(HeadroomAdvice {
                count,
                requests: Resources::new(i64::from(cpu), i64::from(memory).saturating_mul(MIB)),
                code,
            });
        }
    }
    Ok(Advice::Headroom(advice))
}

/// Checks an answer of `disruption.judge`. What the guest explained goes with its denials.
pub(crate) fn judge(view: &View<'_>, answer: Judge, said: &mut Said) -> Result<Advice, String> {
    let (denied, denial_codes, add_rows, dollars, add_codes) = answer;
    let candidates = view.candidates.len();
    let group = Group::of("denials", [denied.len(), denial_codes.len()]);
    let (denied, denial_codes) = (group.rows(denied, candidates)?, group.each(denial_codes)?);
    let group = Group::of("addends", [add_rows.len(), dollars.len(), add_codes.len()]);
    let add_rows = group.rows(add_rows, candidates)?;
    let (dollars, add_codes) = (group.each(dollars)?, group.each(add_codes)?);
    once("denial of candidate row", denied.iter().copied())?;
    once("addend for candidate row", add_rows.iter().copied())?;
    all_within(view.candidates, &denied, "candidate")?;
    all_within(view.candidates, &add_rows, "candidate")?;
    let mut advice = DisruptionAdvice::default();
    for (row, code) in denied.into_iter().zip(denial_codes) {
        let text = said.take(row);
        advice.denials.push(Denial { row, code, text });
    }
    for ((row, dollars), code) in add_rows.into_iter().zip(dollars).zip(add_codes) {
        advice.addends.push((row, nanos(dollars)?, code));
    }
    Ok(Advice::Disruption(advice))
}

/// Checks an answer of `review.review`. What the guest explained goes with its holds.
pub(crate) fn review(view: &View<'_>, answer: Review, said: &mut Said) -> Result<Advice, String> {
    let (rows, codes) = answer;
    let group = Group::of("holds", [rows.len(), codes.len()]);
    let (rows, codes) = (group.rows(rows, view.steps.len())?, group.each(codes)?);
    once("hold of step row", rows.iter().copied())?;
    let mut holds = Vec::with_capacity(rows.len());
    for (row, code) in rows.into_iter().zip(codes) {
        let step = within(view.steps, row, "step")?.id;
        let text = said.take(row);
        holds.push(ReviewAdvice { step, code, text });
    }
    Ok(Advice::Review(holds))
}

/// An addend in nano-dollars.
fn nanos(dollars: f64) -> Result<i64, String> {
    let addend = Some(dollars).filter(|d| d.abs() <= ADDEND);
    let addend = addend.and_then(UsdPerHour::from_dollars).map(|addend| addend.0);
    addend.ok_or_else(|| format!("an addend of {dollars} dollars per hour"))
}

/// Parallel lists, and the short forms that the contract allows of them.
struct Group<const LISTS: usize> {
    what: &'static str,
    lengths: [usize; LISTS],
    length: usize,
}

impl<const LISTS: usize> Group<LISTS> {
    fn of(what: &'static str, lengths: [usize; LISTS]) -> Self {
        let length = lengths.into_iter().max().unwrap_or(0);
        Self {
            what,
            lengths,
            length,
        }
    }

    /// A list with an entry for each row, also where one entry stood for all.
    fn each<T: Copy>(&self, list: Vec<T>) -> Result<Vec<T>, String> {
        match list.as_slice() {
            all if all.len() == self.length => Ok(list),
            [one] => Ok(vec![*one; self.length]),
            _ => Err(self.uneven()),
        }
    }

    /// The rows, also where none stood for every row of the table.
    fn rows(&self, rows: Vec<u32>, table: usize) -> Result<Vec<u32>, String> {
        if rows.is_empty() && self.length == table {
            Ok((0..).take(table).collect())
        } else {
            self.each(rows)
        }
    }

    fn uneven(&self) -> String {
        let (what, lengths) = (self.what, self.lengths);
        format!("the lists of {what} have different lengths: {lengths:?}")
    }
}

fn once<T: Copy + Ord + std::fmt::Debug>(
    what: &str,
    items: impl Iterator<Item = T> + Clone,
) -> Result<(), String> {
    // Nearly every policy answers in the order of the rows.
    if items.clone().is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    let twice = items.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(*a),
        _ => None,
    });
    match twice {
        Some(item) => Err(format!("{what} {item:?} twice")),
        None => Ok(()),
    }
}

/// Whether no row comes twice, seen at a glance: by far the usual case for long answers about one set.
fn ascending(rows: &[u32]) -> bool {
    rows.is_sorted_by(|a, b| a < b)
}

fn pairs(classes: &[u32], sets: &[u32]) -> impl Iterator<Item = (u32, u32)> + Clone {
    classes.iter().copied().zip(sets.iter().copied())
}

fn within<'a, T>(table: &'a [T], row: u32, what: &str) -> Result<&'a T, String> {
    table
        .get(row as usize)
        .ok_or_else(|| format!("{what} row {row}; there are {}", table.len()))
}

fn all_within<T>(table: &[T], rows: &[u32], what: &str) -> Result<(), String> {
    match rows.iter().max() {
        Some(last) => within(table, *last, what).map(|_| ()),
        None => Ok(()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked first"
)]
fn per_mille(factor: f64) -> Result<u32, String> {
    if (0.001..=1000.0).contains(&factor) {
        Ok((factor * 1000.0).round() as u32)
    } else {
        Err(format!("a factor of {factor}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_thousandths_within_bounds() {
        for (factor, expected) in [
            (1.0, Some(1000)),
            (0.001, Some(1)),
            (1000.0, Some(1_000_000)),
            (1.2345, Some(1235)),
        ] {
            assert_eq!(per_mille(factor).ok(), expected);
        }
        for wild in [0.0, -1.0, 1000.1, f64::NAN, f64::INFINITY] {
            assert!(per_mille(wild).is_err(), "{wild}");
        }
    }

    #[test]
    fn short_forms_stand_for_whole_lists() {
        type Lists = (Vec<u32>, Vec<u16>);
        let spelled = |(rows, codes): Lists| {
            let lengths = [rows.len(), codes.len()];
            let group = Group::of("holds", lengths);
            Ok::<Lists, String>((group.rows(rows, 3)?, group.each(codes)?))
        };
        for (short, whole) in [
            ((vec![], vec![]), (vec![], vec![])),
            ((vec![], vec![7, 8, 9]), (vec![0, 1, 2], vec![7, 8, 9])),
            ((vec![2, 0], vec![5]), (vec![2, 0], vec![5, 5])),
            ((vec![1], vec![4, 5]), (vec![1, 1], vec![4, 5])),
            ((vec![1], vec![4]), (vec![1], vec![4])),
        ] {
            assert_eq!(spelled(short), Ok(whole));
        }
        for uneven in [
            (vec![], vec![7]),
            (vec![], vec![7, 8]),
            (vec![0], vec![]),
            (vec![0, 1, 2], vec![7, 8]),
        ] {
            let lengths = [uneven.0.len(), uneven.1.len()];
            let why = format!("the lists of holds have different lengths: {lengths:?}");
            assert_eq!(spelled(uneven), Err(why));
        }
    }

    #[test]
    fn headroom_is_bounded() {
        assert!(reserve((vec![1], vec![0], vec![0], vec![0])).is_err());
        let pods = |counts: Vec<u32>| {
            let kinds = counts.len();
            reserve((counts, vec![1; kinds], vec![1; kinds], vec![0; kinds]))
        };
        assert!(pods(vec![9_999, 1]).is_ok());
        assert_eq!(
            pods(vec![10_000, 1]),
            Err("10001 virtual pods; 10000 are allowed".to_owned())
        );
        assert!(reserve((vec![1; 257], vec![1; 257], vec![1; 257], vec![0; 257])).is_err());
        assert!(reserve((vec![1], vec![1, 2], vec![1], vec![0])).is_err());
        let huge = reserve((vec![2, 0], vec![u32::MAX, 1], vec![u32::MAX, 1], vec![7, 0])).unwrap();
        let Advice::Headroom(kinds) = huge else {
            panic!("wrong kind of advice")
        };
        assert_eq!((kinds.len(), kinds[0].count, kinds[0].code), (1, 2, 7));
        assert_eq!(kinds[0].requests.memory_bytes, i64::from(u32::MAX) * MIB);
    }
}
