//! What a workload's annotations ask of scaling.
//!
//! An annotation that cannot be read is a refusal that names it; nothing is guessed in its place.

use super::{LONGEST_STABILISATION, STABILISATION};
use model::aims::ScaleAim;
use model::reason::Refusal;
use model::time::Span;
use model::workload::Workload;

/// Annotation that puts a workload under Plimsoll: `cpu=70%`, `memory=80%`, or `<metric>=<per replica>`.
pub const SCALE_ANNOTATION: &str = "plimsoll.io/scale";
/// Annotation with the fewest replicas; 1 where absent.
pub const MIN_ANNOTATION: &str = "plimsoll.io/min-replicas";
/// Annotation with the most replicas; 100 where absent.
pub const MAX_ANNOTATION: &str = "plimsoll.io/max-replicas";
/// Annotation with how long every recommendation must agree before replicas fall, in whole seconds, at most
/// 3600; 300 where absent. Counts for workloads named in the aims, too.
pub const SETTLE_ANNOTATION: &str = "plimsoll.io/scale-down-after-seconds";

const DEFAULT_MAX: u32 = 100;
/// Of a value that cannot be read, this much is repeated.
const SHOWN: usize = 64;

/// What a workload is held at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) metric: String,
    /// Thousandths: of the request for `cpu` and `memory`, else of an amount per replica.
    pub(super) milli: i64,
    pub(super) min: u32,
    pub(super) max: u32,
    /// How long every recommendation must agree before replicas fall.
    pub(super) settle: Span,
}

/// What the aims, else the annotations, want of a workload; nothing where neither names it.
pub(super) fn target(workload: &Workload, named: Option<&ScaleAim>) -> Result<Option<Target>, Box<Refusal>> {
    let (metric, milli) = match named {
        Some(aim) => (aim.metric.clone(), aim.target_milli),
        None => match read(workload, SCALE_ANNOTATION, held_at)? {
            Some(held) => held,
            None => return Ok(None),
        },
    };
    let settle = read(workload, SETTLE_ANNOTATION, settle)?.unwrap_or(STABILISATION);
    let (min, max) = match named {
        Some(aim) => (aim.min, aim.max),
        None => (
            read(workload, MIN_ANNOTATION, whole)?.unwrap_or(1),
            read(workload, MAX_ANNOTATION, whole)?.unwrap_or(DEFAULT_MAX),
        ),
    };
    Ok(Some(Target {
        metric,
        milli,
        min,
        max,
        settle,
    }))
}

fn read<T>(
    workload: &Workload,
    key: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Box<Refusal>> {
    let Some(value) = workload.annotations.get(key) else {
        return Ok(None);
    };
    let unreadable = || {
        Box::new(Refusal::UnreadableAnnotation {
            workload: workload.key.clone(),
            key: key.to_owned(),
            value: value.chars().take(SHOWN).collect(),
        })
    };
    parse(value.trim()).map(Some).ok_or_else(unreadable)
}

/// `<metric>=<target>`, the target in percent or as an amount.
fn held_at(text: &str) -> Option<(String, i64)> {
    let (metric, target) = text.split_once('=')?;
    let (metric, target) = (metric.trim(), target.trim());
    let milli = match target.strip_suffix('%') {
        Some(percent) => thousandths(percent)? / 100,
        None => thousandths(target)?,
    };
    (milli > 0 && !metric.is_empty()).then(|| (metric.to_owned(), milli))
}

fn whole(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn settle(text: &str) -> Option<Span> {
    let seconds = i64::from(whole(text)?);
    Some(Span::from_secs(seconds).min(LONGEST_STABILISATION))
}

/// A decimal number in thousandths; more than three decimals are cut.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !part.chars().all(|c| c.is_ascii_digit()) || whole.starts_with(['-', '+']) {
        return None;
    }
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Cluster, asks};

    fn annotated(annotations: &[(&str, &str)]) -> Workload {
        let annotate = |workload: &mut Workload| {
            for (key, value) in annotations {
                workload
                    .annotations
                    .insert((*key).to_owned(), (*value).to_owned());
            }
        };
        let cluster = Cluster::new().workload("Deployment", "web", 1, asks(1, 1));
        cluster.last_workload(annotate).seen().workloads.remove(0)
    }

    #[test]
    fn targets_are_read_and_nonsense_is_refused_by_name() {
        for (text, expected) in [
            ("cpu=70%", Some(("cpu", 700))),
            ("queue = 12.5", Some(("queue", 12_500))),
            ("cpu=7.25%", Some(("cpu", 72))),
            ("cpu", None),
            ("cpu=-3", None),
            ("cpu=x%", None),
            ("=3", None),
            ("cpu=99999999999999999999%", None),
        ] {
            let workload = annotated(&[(SCALE_ANNOTATION, text)]);
            match target(&workload, None) {
                Ok(found) => {
                    let found = found.as_ref().map(|t| (t.metric.as_str(), t.milli));
                    assert_eq!(found, expected, "{text}");
                }
                Err(refused) => {
                    let Refusal::UnreadableAnnotation { key, value, .. } = &*refused else {
                        panic!("{text}: {refused}");
                    };
                    assert_eq!((key.as_str(), value.as_str()), (SCALE_ANNOTATION, text));
                    assert_eq!(expected, None, "{text}");
                }
            }
        }
        assert_eq!(target(&annotated(&[]), None), Ok(None));
    }

    #[test]
    fn a_bound_that_cannot_be_read_leaves_the_workload_alone() {
        for key in [MIN_ANNOTATION, MAX_ANNOTATION, SETTLE_ANNOTATION] {
            let refused = target(&annotated(&[(SCALE_ANNOTATION, "cpu=70%"), (key, "many")]), None);
            let refused = refused.map_err(|why| *why);
            assert!(
                matches!(&refused, Err(Refusal::UnreadableAnnotation { key: of, .. }) if of == key),
                "{refused:?}"
            );
        }
        let long = target(
            &annotated(&[(SCALE_ANNOTATION, "cpu=70%"), (SETTLE_ANNOTATION, "999999")]),
            None,
        );
        assert_eq!(long.ok().flatten().map(|t| t.settle), Some(LONGEST_STABILISATION));
    }
}
