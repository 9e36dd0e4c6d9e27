//! Budgets of calls to AWS: one token bucket for each that AWS keeps per account and Region, shared by eyes and hands.
//!
//! Pure arithmetic with the time passed in: how long a call waits for its tokens, that what ends instances goes before
//! what buys them and both before what only looks, and how a bucket slows down when AWS throttles. Sizes of EC2: its
//! developer guide, "API throttling"; Auto Scaling, EKS and Pricing publish none, theirs are assumed. They are
//! ceilings: other callers of the account draw from the same buckets. Not here: waiting itself, what a call is on the
//! wire (`observe`), and calls that nothing meters (SQS, credentials).

use crate::time::{Instant, Span};
use std::collections::BTreeMap;
use std::fmt;

/// Thousandths of a token.
const TOKEN: i64 = 1000;
/// All of a bucket's rate, in millionths.
const WHOLE: i64 = 1_000_000;
/// A bucket is never slowed down below this share of its rate, in millionths.
const LEAST: i64 = 50_000;
/// Share that comes back in a second without throttling, in millionths: from half to whole in 100 s.
const RECOVERY: i64 = 5_000;
/// Throttled answers to calls that were under way together slow a bucket down once.
const ONCE: Span = Span::from_secs(1);

/// What a call is for; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// Ends instances, or completes or extends their end.
    Terminate,
    /// A look of the hands right before an effect.
    Check,
    /// Buys, or writes anything else.
    Launch,
    /// Only looks.
    Describe,
}

impl CallKind {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Terminate, Self::Check, Self::Launch, Self::Describe];

    /// As metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Check => "check",
            Self::Launch => "launch",
            Self::Describe => "describe",
        }
    }
}

/// A bucket of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Every call of EC2 Auto Scaling.
    AutoScaling,
    /// Reads of EC2 that are filtered or paged.
    Ec2Read,
    /// Reads of EC2 that are neither.
    Ec2Unfiltered,
    /// Writes of EC2 without a bucket of their own.
    Ec2Write,
    /// `RunInstances` and `CreateFleet`.
    Ec2RunInstances,
    /// `TerminateInstances`.
    Ec2TerminateInstances,
    /// `CreateTags`.
    Ec2CreateTags,
    /// Instances that are launched.
    Ec2Launched,
    /// Instances that are terminated.
    Ec2Terminated,
    /// Every call of EKS.
    Eks,
    /// Every call of the price list.
    Pricing,
    /// Every call of CloudWatch.
    CloudWatch,
}

/// Size and refill of a bucket, and what it keeps for the more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    /// Tokens it holds.
    most: i64,
    /// Tokens a second.
    refill: i64,
    /// Tokens that looks leave to the hands.
    for_hands: i64,
    /// Tokens that launches leave to what ends instances.
    for_ends: i64,
}

const fn rule(most: i64, refill: i64) -> Rule {
    Rule {
        most,
        refill,
        for_hands: 0,
        for_ends: 0,
    }
}

impl Bucket {
    /// As metrics and messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutoScaling => "autoscaling",
            Self::Ec2Read => "ec2-read",
            Self::Ec2Unfiltered => "ec2-unfiltered",
            Self::Ec2Write => "ec2-write",
            Self::Ec2RunInstances => "ec2-run-instances",
            Self::Ec2TerminateInstances => "ec2-terminate-instances",
            Self::Ec2CreateTags => "ec2-create-tags",
            Self::Ec2Launched => "ec2-launched",
            Self::Ec2Terminated => "ec2-terminated",
            Self::Eks => "eks",
            Self::Pricing => "pricing",
            Self::CloudWatch => "cloudwatch",
        }
    }

    const fn rule(self) -> Rule {
        match self {
            Self::AutoScaling => Rule {
                for_hands: 20,
                for_ends: 5,
                ..rule(50, 10)
            },
            Self::Ec2Read => Rule {
                for_hands: 20,
                ..rule(100, 20)
            },
            Self::Ec2Unfiltered => rule(50, 10),
            Self::Ec2Write => rule(50, 5),
            Self::Ec2RunInstances => rule(5, 2),
            Self::Ec2TerminateInstances => rule(100, 5),
            Self::Ec2CreateTags => rule(100, 10),
            Self::Ec2Launched => rule(1000, 2),
            Self::Ec2Terminated => rule(1000, 20),
            Self::Eks => rule(30, 10),
            Self::Pricing => rule(20, 10),
            Self::CloudWatch => rule(50, 50),
        }
    }
}

/// What a call says of itself beside its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// A read that names no ids, no filter and no page size.
    pub unfiltered: bool,
    /// Instances that are launched or ended by it.
    pub instances: u32,
}

/// A call by what it draws: one token of its bucket and, where it launches or ends instances by EC2, one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it is for.
    pub kind: CallKind,
    /// Bucket of the call itself.
    pub bucket: Bucket,
    /// Bucket of the instances, and how many.
    pub instances: Option<(Bucket, u32)>,
}

impl Call {
    /// The call of this name to a service, as credentials are scoped to it (`autoscaling`, `ec2`, `monitoring`, …);
    /// nothing for services that are not metered.
    pub fn of(service: &str, action: &str, extent: Extent) -> Option<Self> {
        let reads = ["Describe", "Get", "List"]
            .iter()
            .any(|verb| action.starts_with(verb));
        let bucket = match (service, action) {
            ("autoscaling", _) => Bucket::AutoScaling,
            ("ec2", "DescribeInstances") if extent.unfiltered => Bucket::Ec2Unfiltered,
            ("ec2", "RunInstances" | "CreateFleet") => Bucket::Ec2RunInstances,
            ("ec2", "TerminateInstances") => Bucket::Ec2TerminateInstances,
            ("ec2", "CreateTags") => Bucket::Ec2CreateTags,
            ("ec2", _) if reads => Bucket::Ec2Read,
            ("ec2", _) => Bucket::Ec2Write,
            ("eks", _) => Bucket::Eks,
            ("pricing", _) => Bucket::Pricing,
            ("monitoring", _) => Bucket::CloudWatch,
            _ => return None,
        };
        let kind = match action {
            "TerminateInstances"
            | "TerminateInstanceInAutoScalingGroup"
            | "CompleteLifecycleAction"
            | "RecordLifecycleActionHeartbeat" => CallKind::Terminate,
            _ if reads => CallKind::Describe,
            _ => CallKind::Launch,
        };
        let of = match bucket {
            Bucket::Ec2RunInstances => Some(Bucket::Ec2Launched),
            Bucket::Ec2TerminateInstances => Some(Bucket::Ec2Terminated),
            _ => None,
        };
        Some(Self {
            kind,
            bucket,
            instances: of.map(|of| (of, extent.instances)),
        })
    }

    /// The same call by the hands: what they read comes right before an effect and is as urgent.
    #[must_use]
    pub const fn of_hands(mut self) -> Self {
        if matches!(self.kind, CallKind::Describe) {
            self.kind = CallKind::Check;
        }
        self
    }

    fn draws(&self) -> impl Iterator<Item = (Bucket, i64)> {
        let instances = self.instances.map(|(bucket, count)| (bucket, i64::from(count)));
        std::iter::once((self.bucket, 1)).chain(instances)
    }
}

/// A call that was not sent: our own budget had no token for it in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("held back by our own budget of {} calls: there is room in {after}", bucket.as_str())]
pub struct HeldBack {
    /// Whose tokens were short.
    pub bucket: Bucket,
    /// When there may be some.
    pub after: Span,
}

impl HeldBack {
    /// The one that is the cause of an error, where one is.
    pub fn within(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(held) = error.downcast_ref::<Self>() {
                return Some(*held);
            }
            next = error.source();
        }
        None
    }
}

/// The word on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Its tokens are taken.
    Go,
    /// Not yet: ask again after this.
    Wait(HeldBack),
}

/// What became of the calls of a kind to a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sent.
    pub calls: u64,
    /// Sent, and throttled by AWS.
    pub throttled: u64,
    /// Sent, and had to wait before.
    pub waited: u64,
    /// How long they waited in all, milliseconds.
    pub waited_ms: u64,
    /// Never sent.
    pub held_back: u64,
}

#[derive(Clone, Debug)]
struct Level {
    /// Thousandths of a token; below zero where a call drew more than the bucket holds.
    tokens: i64,
    /// Share of the rule that is in force, in millionths.
    share: i64,
    at: Instant,
    throttled: Option<Instant>,
    /// Calls that wait, by kind.
    waiting: BTreeMap<CallKind, i64>,
}

impl Level {
    fn full(rule: Rule, at: Instant) -> Self {
        Self {
            tokens: rule.most * TOKEN,
            share: WHOLE,
            at,
            throttled: None,
            waiting: BTreeMap::new(),
        }
    }

    /// What it holds at most, thousandths of a token: never less than one call draws.
    const fn room(&self, rule: Rule) -> i64 {
        let room = rule.most * TOKEN * self.share / WHOLE;
        if room < TOKEN { TOKEN } else { room }
    }

    fn pass(&mut self, rule: Rule, now: Instant) {
        let passed = now.since(self.at).millis().clamp(0, 86_400_000);
        self.at = self.at.max(now);
        self.share = (self.share + passed * RECOVERY / 1000).min(WHOLE);
        // A token a second is a thousandth of one a millisecond.
        let came = passed * rule.refill * self.share / WHOLE;
        self.tokens = (self.tokens + came).min(self.room(rule));
    }

    /// What is missing for a call of this kind, thousandths of a token; none or less: nothing.
    fn missing(&self, rule: Rule, kind: CallKind, cost: i64) -> i64 {
        let kept = match kind {
            CallKind::Terminate | CallKind::Check => 0,
            CallKind::Launch => rule.for_ends,
            CallKind::Describe => rule.for_hands,
        };
        let kept = kept * TOKEN * self.share / WHOLE;
        // What costs more than the bucket holds goes when it is full, and is owed.
        let wanted = (cost * TOKEN + kept).min(self.room(rule));
        let ahead: i64 = self.waiting.range(..kind).map(|(_, count)| count * TOKEN).sum();
        wanted + ahead - self.tokens
    }
}

/// All buckets of one account and Region.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    levels: BTreeMap<Bucket, Level>,
    tallies: BTreeMap<(Bucket, CallKind), Tally>,
}

impl Budgets {
    /// Takes the tokens of a call, of all its buckets or of none.
    pub fn ask(&mut self, call: &Call, now: Instant) -> Word {
        let mut short: Option<HeldBack> = None;
        for (bucket, cost) in call.draws() {
            let rule = bucket.rule();
            let level = self.level(bucket, now);
            let missing = level.missing(rule, call.kind, cost);
            if missing > 0 {
                let rate = (rule.refill * level.share / TOKEN).max(1);
                let after = Span::from_millis(missing * (WHOLE / TOKEN) / rate + 1);
                if short.is_none_or(|short| short.after < after) {
                    short = Some(HeldBack { bucket, after });
                }
            }
        }
        if let Some(short) = short {
            return Word::Wait(short);
        }
        for (bucket, cost) in call.draws() {
            self.level(bucket, now).tokens -= cost * TOKEN;
        }
        self.tally(call).calls += 1;
        Word::Go
    }

    /// A call begins to wait: what is less urgent goes after it.
    pub fn begin_wait(&mut self, call: &Call, now: Instant) {
        *self.level(call.bucket, now).waiting.entry(call.kind).or_default() += 1;
    }

    /// A call has waited so long, and goes or does not.
    pub fn end_wait(&mut self, call: &Call, now: Instant, waited: Span, sent: bool) {
        let waiting = self.level(call.bucket, now).waiting.entry(call.kind).or_default();
        *waiting = (*waiting - 1).max(0);
        let tally = self.tally(call);
        if sent {
            tally.waited += 1;
            tally.waited_ms += u64::try_from(waited.millis()).unwrap_or(0);
        } else {
            tally.held_back += 1;
        }
    }

    /// AWS has throttled the call: its buckets are empty, and half as fast from now on.
    pub fn throttled(&mut self, call: &Call, now: Instant) {
        self.tally(call).throttled += 1;
        for (bucket, _) in call.draws() {
            let level = self.level(bucket, now);
            level.tokens = level.tokens.min(0);
            if level.throttled.is_none_or(|at| now.since(at) >= ONCE) {
                level.throttled = Some(now);
                level.share = (level.share / 2).max(LEAST);
            }
        }
    }

    /// What became of all calls so far.
    pub fn tallies(&self) -> impl Iterator<Item = (Bucket, CallKind, Tally)> {
        self.tallies
            .iter()
            .map(|((bucket, kind), tally)| (*bucket, *kind, *tally))
    }

    fn level(&mut self, bucket: Bucket, now: Instant) -> &mut Level {
        let rule = bucket.rule();
        let level = self
            .levels
            .entry(bucket)
            .or_insert_with(|| Level::full(rule, now));
        level.pass(rule, now);
        level
    }

    fn tally(&mut self, call: &Call) -> &mut Tally {
        self.tallies.entry((call.bucket, call.kind)).or_default()
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant(1_000_000 + millis)
    }

    fn call(service: &str, action: &str) -> Call {
        Call::of(service, action, Extent::default()).unwrap()
    }

    fn looks() -> Call {
        call("autoscaling", "DescribeAutoScalingGroups")
    }

    fn ends() -> Call {
        call("autoscaling", "TerminateInstanceInAutoScalingGroup")
    }

    /// How many of these calls go at once.
    fn go(budgets: &mut Budgets, call: &Call, now: Instant) -> usize {
        (0..5000)
            .take_while(|_| budgets.ask(call, now) == Word::Go)
            .count()
    }

    #[test]
    fn calls_draw_on_the_buckets_that_aws_has() {
        let of = |service, action| call(service, action).bucket;
        assert_eq!(of("autoscaling", "SetDesiredCapacity"), Bucket::AutoScaling);
        assert_eq!(of("ec2", "DescribeInstances"), Bucket::Ec2Read);
        assert_eq!(of("ec2", "CreateFleet"), Bucket::Ec2RunInstances);
        assert_eq!(of("ec2", "DeleteTags"), Bucket::Ec2Write);
        assert_eq!(of("monitoring", "GetMetricData"), Bucket::CloudWatch);
        let all = Extent {
            unfiltered: true,
            instances: 0,
        };
        let all = Call::of("ec2", "DescribeInstances", all).unwrap();
        assert_eq!(all.bucket, Bucket::Ec2Unfiltered);
        assert_eq!(Call::of("sqs", "ReceiveMessage", Extent::default()), None);
        assert_eq!(Call::of("sts", "GetCallerIdentity", Extent::default()), None);
    }

    #[test]
    fn looks_leave_tokens_to_launches_and_both_to_what_ends() {
        let mut budgets = Budgets::default();
        assert_eq!(go(&mut budgets, &looks(), at(0)), 30);
        let buys = call("autoscaling", "LaunchInstances");
        assert_eq!(go(&mut budgets, &buys, at(0)), 15);
        assert_eq!(go(&mut budgets, &ends(), at(0)), 5);
        assert_eq!(
            go(&mut budgets, &ends(), at(1000)),
            10,
            "ten come back in a second"
        );
        let Word::Wait(held) = budgets.ask(&looks(), at(1000)) else {
            panic!("it looked")
        };
        assert_eq!(held.bucket, Bucket::AutoScaling);
        assert_eq!(held.after, Span::from_millis(2101), "twenty kept and one more");
    }

    #[test]
    fn a_look_of_the_hands_is_not_held_up_by_looks_of_the_eyes() {
        let mut budgets = Budgets::default();
        go(&mut budgets, &looks(), at(0));
        assert_eq!(budgets.ask(&looks().of_hands(), at(0)), Word::Go);
        assert_eq!(ends().of_hands(), ends());
    }

    #[test]
    fn what_waits_goes_before_what_is_less_urgent() {
        let mut budgets = Budgets::default();
        go(&mut budgets, &ends(), at(0));
        let buys = call("autoscaling", "LaunchInstances");
        budgets.begin_wait(&ends(), at(0));
        // Six tokens are enough for a launch, which leaves five; one of them is taken.
        assert!(matches!(budgets.ask(&buys, at(600)), Word::Wait(_)));
        assert_eq!(budgets.ask(&ends(), at(600)), Word::Go);
        budgets.end_wait(&ends(), at(600), Span::from_millis(600), true);
        assert_eq!(budgets.ask(&buys, at(700)), Word::Go);
        let (_, _, tally) = budgets
            .tallies()
            .find(|(_, kind, _)| *kind == CallKind::Terminate)
            .unwrap();
        assert_eq!((tally.calls, tally.waited, tally.waited_ms), (51, 1, 600));
    }

    #[test]
    fn throttling_halves_a_bucket_once_and_it_recovers_slowly() {
        let mut budgets = Budgets::default();
        for millis in [0, 1, 2] {
            budgets.throttled(&ends(), at(millis));
        }
        assert_eq!(go(&mut budgets, &ends(), at(2)), 0, "it is empty");
        assert_eq!(go(&mut budgets, &ends(), at(2002)), 10, "five a second");
        assert_eq!(
            go(&mut budgets, &ends(), at(1_000_000)),
            50,
            "all of it, long afterwards"
        );
        for second in 0..20 {
            budgets.throttled(&ends(), at(2_000_000 + second * 1000));
        }
        let late = 2_019_000 + 60_000;
        assert!(go(&mut budgets, &looks(), at(late)) > 0, "slow is not never");
        let tallied: u64 = budgets.tallies().map(|(_, _, tally)| tally.throttled).sum();
        assert_eq!(tallied, 23);
    }

    #[test]
    fn instances_are_drawn_from_a_bucket_of_their_own() {
        let fleet = |instances| {
            let extent = Extent {
                unfiltered: false,
                instances,
            };
            Call::of("ec2", "CreateFleet", extent).unwrap()
        };
        let mut budgets = Budgets::default();
        assert_eq!(budgets.ask(&fleet(990), at(0)), Word::Go);
        let Word::Wait(held) = budgets.ask(&fleet(100), at(0)) else {
            panic!("it went")
        };
        assert_eq!(
            (held.bucket, held.after),
            (Bucket::Ec2Launched, Span::from_millis(45_001))
        );
        assert_eq!(
            budgets.ask(&fleet(10), at(0)),
            Word::Go,
            "nothing was taken by the other"
        );
        let mut budgets = Budgets::default();
        assert_eq!(
            budgets.ask(&fleet(3000), at(0)),
            Word::Go,
            "more than it holds is owed, not refused for ever"
        );
        assert!(matches!(budgets.ask(&fleet(1), at(60_000)), Word::Wait(_)));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut budgets = Budgets::default();
        go(&mut budgets, &ends(), at(10_000));
        assert_eq!(go(&mut budgets, &ends(), at(0)), 0);
        assert_eq!(go(&mut budgets, &ends(), at(10_100)), 1);
    }

    #[test]
    fn what_is_held_back_says_by_whom() {
        let held = HeldBack {
            bucket: Bucket::Ec2Read,
            after: Span::from_secs(2),
        };
        assert_eq!(
            held.to_string(),
            "held back by our own budget of ec2-read calls: there is room in 2s"
        );
    }
}
