//! One rule: a line of text with its hook, its action, its condition and its words.
//!
//! `[NAME:] HOOK: ACTION [when CONDITION] [code N] [because "TEXT"]`. What conditions say is read in `compile`.

use crate::compile::{Expression, Shared, expression};
use crate::error::{Piece, RulesError, nearest};
use crate::number::Number;
use crate::text::scan;
use crate::value::Kind;
use crate::words::Row;
use model::advice::Hook;
use model::group::GroupKind;
use model::offer::Purchase;
use model::resources::{MIB, Resources};

/// Longest words of a rule, bytes: what a record keeps of a guest's.
const WORDS: usize = 256;

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) number: u16,
    /// `rule 3`, or `rule 3, its-name`.
    pub(crate) label: String,
    pub(crate) hook: Hook,
    pub(crate) action: Action,
    pub(crate) when: Option<Expression>,
    pub(crate) code: u16,
    /// What people read; empty: nothing.
    pub(crate) words: String,
}

#[derive(Debug)]
pub(crate) enum Action {
    Replicas(Expression),
    Forbid(Target),
    Factor(Expression, Target),
    /// Of a class in a set, dollars per hour and pod.
    Charge(Expression, Target),
    Reserve(Expression, Size),
    Deny,
    /// Nothing below speaks against it.
    Allow,
    /// Of a candidate, dollars per hour.
    Add(Expression),
    Hold,
}

/// Which sets are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Any,
    Fargate,
    Ec2,
    Paid(Purchase),
    Group(String),
    Set(String),
    Arch(String),
}

/// How large a virtual pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As a pod of the class.
    OfClass,
    Of(Resources),
}

impl Target {
    /// Whether a set is meant.
    pub(crate) fn means(&self, set: &decide::policy::SetRow, group: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Fargate => set.kind == GroupKind::FargateProfile,
            Self::Ec2 => set.kind != GroupKind::FargateProfile,
            Self::Paid(purchase) => set.purchase == Some(*purchase),
            Self::Group(name) => group == Some(name),
            Self::Set(name) => set.name == *name,
            Self::Arch(name) => set.arch.as_ref() == Some(name),
        }
    }
}

/// Actions by hook.
const ACTIONS: [(Hook, &[&str]); 5] = [
    (Hook::Scaler, &["replicas"]),
    (Hook::Placement, &["forbid", "factor", "add"]),
    (Hook::Headroom, &["reserve"]),
    (Hook::Disruption, &["deny", "allow", "add"]),
    (Hook::Review, &["hold", "allow"]),
];

const TARGETS: [&str; 9] = [
    "fargate",
    "ec2",
    "spot",
    "on-demand",
    "reserved",
    "any",
    "group",
    "set",
    "arch",
];

/// Reads the rule of a line.
pub(crate) fn rule(line: Piece<'_>, number: u16, shared: &mut Shared) -> Result<Rule, RulesError> {
    let (name, hook, rest) = head(line)?;
    let (word, rest) = rest.word();
    let known = ACTIONS
        .iter()
        .find(|(of, _)| *of == hook)
        .map_or(&[][..], |(_, actions)| *actions);
    if !known.contains(&word.text) {
        return Err(no_action(word, hook, known));
    }
    let parts = Parts::of(rest)?;
    let when = match parts.when {
        None => None,
        Some(piece) => {
            let read = expression(piece, hook, shared)?;
            if read.kind != Kind::Truth {
                return Err(piece.error(format_args!(
                    "a condition was expected, this is {}",
                    read.kind.name()
                )));
            }
            Some(read)
        }
    };
    let action = action(word, hook, &parts, shared)?;
    let rule = Rule {
        number,
        label: name.map_or_else(
            || format!("rule {number}"),
            |name| format!("rule {number}, {name}"),
        ),
        hook,
        code: parts.code.map_or(Ok(number), code)?,
        words: match parts.because {
            Some(because) => quoted(because)?,
            None => name.map_or_else(|| format!("rule {number}"), str::to_owned),
        },
        action,
        when,
    };
    suits(&rule, word)?;
    Ok(rule)
}

/// Name, hook and what follows.
fn head(line: Piece<'_>) -> Result<(Option<&str>, Hook, Piece<'_>), RulesError> {
    let hook_of = |piece: Piece<'_>| Hook::ALL.into_iter().find(|hook| hook.as_str() == piece.text);
    let hooks = Hook::ALL.map(Hook::as_str);
    let Some(colon) = line.text.find(':') else {
        let what = "a rule begins with its hook and a colon, as in placement: forbid fargate when class.memory_mib > 16384";
        return Err(line.error(what));
    };
    let (first, rest) = (line.part(0, colon), line.from(colon + 1));
    if let Some(hook) = hook_of(first) {
        return Ok((None, hook, rest));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let unknown = |piece: Piece<'_>| {
        let near = nearest(piece.text, hooks.into_iter());
        piece.error(format_args!("a hook was expected: {}{near}", hooks.join(", ")))
    };
    if first.text.is_empty() || first.text.len() > 63 || !first.text.chars().all(plain) {
        return Err(unknown(first));
    }
    let Some(colon) = rest.text.find(':') else {
        return Err(unknown(first));
    };
    let (second, rest) = (rest.part(0, colon), rest.from(colon + 1));
    match hook_of(second) {
        Some(hook) => Ok((Some(first.text), hook, rest)),
        // A misspelt hook before an expression that holds a colon.
        None if second.text.contains(char::is_whitespace) => Err(unknown(first)),
        None => Err(unknown(second)),
    }
}

fn no_action(word: Piece<'_>, hook: Hook, known: &[&str]) -> RulesError {
    let elsewhere = ACTIONS.iter().find(|(_, actions)| actions.contains(&word.text));
    if let Some((of, _)) = elsewhere {
        return word.error(format_args!(
            "{} is an action of {of} rules; {hook} rules know {}",
            word.text,
            known.join(", ")
        ));
    }
    let near = nearest(word.text, known.iter().copied());
    word.error(format_args!(
        "an action of {hook} rules was expected: {}{near}",
        known.join(", ")
    ))
}

/// What follows the action, part by part.
struct Parts<'t> {
    value: Piece<'t>,
    /// After `on` or `of`.
    about: Option<Piece<'t>>,
    when: Option<Piece<'t>>,
    code: Option<Piece<'t>>,
    because: Option<Piece<'t>>,
}

impl<'t> Parts<'t> {
    fn of(rest: Piece<'t>) -> Result<Self, RulesError> {
        let scan = scan(rest)?;
        let mut from = 0;
        let mut ends = Vec::new();
        for names in [&["on", "of"][..], &["when"], &["code"], &["because"]] {
            let found = scan.words.iter().find(|(begin, end)| {
                *begin >= from
                    && rest
                        .text
                        .get(*begin..*end)
                        .is_some_and(|word| names.contains(&word))
            });
            if let Some((_, end)) = found {
                from = *end;
            }
            ends.push(found.copied());
        }
        let after = |at: usize| {
            let (_, begin) = ends.get(at).copied().flatten()?;
            let end = ends.iter().skip(at + 1).flatten().map(|(next, _)| *next).next();
            Some(rest.part(begin, end.unwrap_or(rest.text.len())))
        };
        let first = ends.iter().flatten().map(|(begin, _)| *begin).next();
        Ok(Self {
            value: rest.part(0, first.unwrap_or(rest.text.len())),
            about: after(0),
            when: after(1),
            code: after(2),
            because: after(3),
        })
    }
}

fn action(word: Piece<'_>, hook: Hook, parts: &Parts<'_>, shared: &mut Shared) -> Result<Action, RulesError> {
    let number = |shared: &mut Shared| {
        let read = expression(parts.value, hook, shared)?;
        if read.kind == Kind::Number {
            return Ok(read);
        }
        Err(parts.value.error(format_args!(
            "a number was expected, this is {}",
            read.kind.name()
        )))
    };
    let about = |example: &str| {
        parts
            .about
            .ok_or_else(|| parts.value.end().error(format_args!("{example} is missing")))
    };
    let nothing = |piece: Option<Piece<'_>>| match piece.filter(|piece| !piece.text.is_empty()) {
        Some(piece) => Err(piece.error(format_args!(
            "{} takes nothing here; when, code or because was expected",
            word.text
        ))),
        None => Ok(()),
    };
    match (word.text, hook) {
        ("replicas", _) => {
            nothing(parts.about)?;
            Ok(Action::Replicas(number(shared)?))
        }
        ("forbid", _) => {
            nothing(parts.about)?;
            Ok(Action::Forbid(target(parts.value)?))
        }
        ("factor", _) => Ok(Action::Factor(
            number(shared)?,
            target(about("on fargate, on spot, … ")?)?,
        )),
        ("add", Hook::Placement) => Ok(Action::Charge(
            number(shared)?,
            target(about("on fargate, on spot, …")?)?,
        )),
        ("add", _) => {
            nothing(parts.about)?;
            Ok(Action::Add(number(shared)?))
        }
        ("reserve", _) => Ok(Action::Reserve(
            number(shared)?,
            size(about("of class, or of 500m 1Gi,")?)?,
        )),
        _ => {
            nothing(Some(parts.value))?;
            nothing(parts.about)?;
            Ok(match word.text {
                "deny" => Action::Deny,
                "hold" => Action::Hold,
                _ => Action::Allow,
            })
        }
    }
}

fn target(piece: Piece<'_>) -> Result<Target, RulesError> {
    let (word, rest) = piece.word();
    let plain = match word.text {
        "any" => Some(Target::Any),
        "fargate" => Some(Target::Fargate),
        "ec2" => Some(Target::Ec2),
        "spot" => Some(Target::Paid(Purchase::Spot)),
        "on-demand" => Some(Target::Paid(Purchase::OnDemand)),
        "reserved" => Some(Target::Paid(Purchase::Reserved)),
        _ => None,
    };
    if let Some(target) = plain {
        if !rest.text.is_empty() {
            return Err(rest.error("when, code or because was expected"));
        }
        return Ok(target);
    }
    if !matches!(word.text, "group" | "set" | "arch") {
        let near = nearest(word.text, TARGETS.into_iter());
        return Err(word.error(format_args!("a place was expected: {}{near}", TARGETS.join(", "))));
    }
    let name = match rest.text.chars().next() {
        None => return Err(rest.error(format_args!("the name of the {} is missing", word.text))),
        Some('"' | '\'') => quoted(rest)?,
        Some(_) => rest.text.to_owned(),
    };
    if name.contains(char::is_whitespace) {
        return Err(rest.error("one name was expected, then when, code or because"));
    }
    Ok(match word.text {
        "group" => Target::Group(name),
        "set" => Target::Set(name),
        _ => Target::Arch(name),
    })
}

/// `class`, or a request of CPU and memory: `500m 1Gi`.
fn size(piece: Piece<'_>) -> Result<Size, RulesError> {
    if piece.text == "class" {
        return Ok(Size::OfClass);
    }
    let wanted = "class, or CPU and memory as in 500m 1Gi";
    let (cpu, memory) = piece.word();
    let milli = match cpu.text.strip_suffix('m') {
        Some(milli) => Number::parse(milli).and_then(Number::count),
        None => Number::parse(cpu.text).and_then(|cores| u64::try_from(cores.milli()?).ok()),
    };
    let milli = milli
        .and_then(|milli| i64::try_from(milli).ok())
        .filter(|milli| *milli <= u32::MAX.into());
    let milli = milli.ok_or_else(|| cpu.error(format_args!("{wanted} was expected")))?;
    let units = [("Ki", 1, 1024), ("Mi", 1, 1), ("Gi", 1024, 1), ("Ti", 1 << 20, 1)];
    let amount = units.into_iter().find_map(|(unit, times, over)| {
        let amount = Number::parse(memory.text.strip_suffix(unit)?)?;
        amount
            .times(Number::of(times))
            .ok()?
            .over(Number::of(over))
            .ok()?
            .count()
    });
    let mib = amount
        .and_then(|mib| i64::try_from(mib).ok())
        .filter(|mib| *mib <= u32::MAX.into());
    let mib = mib.ok_or_else(|| memory.error(format_args!("{wanted} was expected")))?;
    if milli == 0 && mib == 0 {
        return Err(piece.error("virtual pods must ask for something"));
    }
    Ok(Size::Of(Resources::new(milli, mib.saturating_mul(MIB))))
}

fn code(piece: Piece<'_>) -> Result<u16, RulesError> {
    piece
        .text
        .parse()
        .map_err(|_| piece.error("a reason code was expected, 0 to 65535; then because"))
}

/// A text in quotes, and nothing after it.
fn quoted(piece: Piece<'_>) -> Result<String, RulesError> {
    let wrong = || piece.error("a text in quotes was expected, and nothing after it");
    let mark = piece
        .text
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))
        .ok_or_else(wrong)?;
    let inner = piece
        .text
        .get(1..)
        .and_then(|rest| rest.strip_suffix(mark))
        .ok_or_else(wrong)?;
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => text.push(characters.next().ok_or_else(wrong)?),
            _ if c == mark => return Err(wrong()),
            _ => text.push(c),
        }
    }
    if text.len() > WORDS {
        return Err(piece.error(format_args!(
            "{} bytes of text are more than the {WORDS} allowed",
            text.len()
        )));
    }
    Ok(text)
}

/// Whether the expressions speak of what the action is about.
fn suits(rule: &Rule, word: Piece<'_>) -> Result<(), RulesError> {
    let uses = |row| {
        let value = match &rule.action {
            Action::Factor(value, _) | Action::Reserve(value, _) => Some(value),
            _ => None,
        };
        [rule.when.as_ref(), value]
            .into_iter()
            .flatten()
            .any(|expression| expression.uses(row))
    };
    match &rule.action {
        Action::Factor(..) if uses(Row::Class) => {
            Err(word.error("a factor is of a whole set, for every class: for some classes, add dollars"))
        }
        Action::Reserve(_, Size::Of(_)) if uses(Row::Class) => Err(word
            .error("pods of a size of their own are reserved once, not for each class: reserve … of class")),
        _ => Ok(()),
    }
}
