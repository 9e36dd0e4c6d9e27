//! What rules answer and what is refused, as tables with one driver each.

mod picture;
mod speed;

use decide::Policy;
use model::advice::{Advice, Hook, PolicyFault};
use picture::{Picture, shown};
use proptest::prelude::*;
use rules::{RulePolicy, read};

#[expect(clippy::unwrap_used, reason = "a text of a test that is meant to be read")]
fn rules(text: &str) -> RulePolicy {
    read(text.as_bytes(), "").unwrap()
}

/// Texts of several lines, each with what stands after the `=>` that ends it.
fn cases(table: &str) -> Vec<(String, String)> {
    let (mut cases, mut text) = (Vec::new(), Vec::new());
    for line in table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(expected) = line.strip_prefix("=>") {
            cases.push((text.join("\n"), expected.trim().to_owned()));
            text.clear();
        } else {
            text.push(line);
        }
    }
    assert!(cases.len() > 40, "the table is read");
    cases
}

fn hook_of(text: &str) -> Hook {
    rules(text).hooks()[0]
}

fn answer(policy: &RulePolicy, picture: &Picture, hook: Hook) -> Result<Advice, PolicyFault> {
    let first = policy.advise(&picture.view(hook), &[]);
    assert_eq!(first, policy.advise(&picture.view(hook), &[]), "the same twice");
    assert!(first.fuel <= rules::budget(&picture.view(hook)));
    first.answer
}

#[test]
fn rules_answer_as_the_table_says() {
    let picture = Picture::small();
    let mut wrong = Vec::new();
    for (text, expected) in cases(include_str!("answers.txt")) {
        let got = match read(text.as_bytes(), "") {
            Err(_) => "!refused".to_owned(),
            Ok(policy) => match answer(&policy, &picture, policy.hooks()[0]) {
                Ok(advice) => shown(&picture, &advice),
                Err(fault) => format!("!{fault}"),
            },
        };
        if got != expected {
            wrong.push(format!("{text}\n    expected {expected}\n    answered {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut cases = cases(include_str!("refused.txt"));
    let odd = [
        ("", "1:1 no rule stands here"),
        ("# nothing\n\n", "1:1 no rule stands here"),
        (
            "placement: forbid fargate\n\nplacement: forbd fargate",
            "3:12 did you mean forbid?",
        ),
        (
            "review: hold when step.kind == 'a\u{1b}[31m'",
            "1:34 does not show and is not allowed",
        ),
    ];
    cases.extend(odd.map(|(text, said)| (text.to_owned(), said.to_owned())));
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let (place, part) = expected.split_once(' ').unwrap();
        match read(text.as_bytes(), "") {
            Ok(_) => wrong.push(format!("{text}\n    was read")),
            Err(why) if format!("{}:{}", why.line, why.column) != place || !why.what.contains(part) => {
                wrong.push(format!("{text}\n    expected {expected}\n    said {why}"));
            }
            Err(why) => assert!(!why.to_string().contains('\n'), "{why}"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rules of docs/rules.md, each with what it answers to the small picture in the comment below it.
#[test]
fn the_documented_rules_answer_as_documented() {
    let picture = Picture::small();
    let document = include_str!("../../../../docs/rules.md");
    let blocks: Vec<&str> = document.split("```rules\n").skip(1).collect();
    assert_eq!(blocks.len(), 10);
    for block in blocks {
        let (text, rest) = block.split_once("```\n<!--").unwrap();
        let (expected, _) = rest.split_once("-->").unwrap();
        let policy = rules(text);
        let answers = policy
            .hooks()
            .iter()
            .map(|hook| shown(&picture, &answer(&policy, &picture, *hook).unwrap()));
        assert_eq!(answers.collect::<Vec<_>>().join(" "), expected.trim(), "{text}");
    }
}

#[test]
fn a_text_is_bounded() {
    let long = format!(
        "placement: forbid fargate when class.pending > {}1",
        " ".repeat(1024)
    );
    let many = "review: hold\n".repeat(257);
    let large = "# x\n".repeat(20_000);
    let deep = format!("review: hold when {}true{}", "(".repeat(40), ")".repeat(40));
    let unary = format!("review: hold when {}true", "!".repeat(900));
    let choices = format!("review: hold when {}true", "true ? true : ".repeat(60));
    let wide = format!("review: hold when {}", vec!["true"; 100].join("||"));
    let wider = format!("scaler: replicas {}", vec!["1"; 300].join("+"));
    for (text, part) in [
        (long, "at most 1024 characters"),
        (many, "more than 256 rules"),
        (large, "bytes are more than"),
        (deep, "levels of brackets"),
        (choices, "levels of brackets"),
        (wider, "more than 256 operations"),
    ] {
        let why = read(text.as_bytes(), "").unwrap_err();
        assert!(why.what.contains(part), "{why}");
    }
    assert!(read(unary.as_bytes(), "").is_ok() && read(wide.as_bytes(), "").is_ok());
    assert_eq!(read(b"review: hold\n\xff", "").unwrap_err().line, 2);
}

#[test]
fn operations_are_counted_and_run_out() {
    let picture = Picture::of_rows(2_000);
    let heavy = format!(
        "placement: forbid any when set.nodes + class.pending{} < 0",
        " + 1".repeat(100)
    );
    let policy = rules(&[heavy.as_str(); 60].join("\n"));
    let view = picture.view(Hook::Placement);
    let advised = policy.advise(&view, &[]);
    let limit = rules::budget(&view);
    assert_eq!(advised.answer, Err(PolicyFault::Fuel { limit }));
    assert_eq!(advised.fuel, limit);
}

#[test]
fn the_digest_is_of_what_is_said_not_of_comments() {
    let plain = rules("placement: forbid fargate\nreview: hold\n");
    let told = rules("\u{feff}# ours\r\n\r\n  placement: forbid fargate  # big ones\r\nreview: hold");
    assert_eq!((plain.digest(), plain.text()), (told.digest(), told.text()));
    assert_eq!(plain.digest().len(), 64);
    assert_eq!(rules(plain.text()).digest(), plain.digest());
    assert_ne!(rules("review: hold").digest(), plain.digest());
    assert_eq!(plain.hooks(), [Hook::Placement, Hook::Review]);
    assert_eq!(
        rules("review: hold because \"#1\"").text(),
        "review: hold because \"#1\"\n"
    );
}

#[test]
fn words_reach_people() {
    let picture = Picture::small();
    let words = |text: &str| match answer(&rules(text), &picture, hook_of(text)).unwrap() {
        Advice::Scale(wanted) => wanted.iter().next().unwrap().text.to_owned(),
        Advice::Disruption(verdicts) => verdicts.denials[0].text.clone(),
        Advice::Review(holds) => holds[0].text.clone(),
        Advice::Placement(_) | Advice::Headroom(_) => String::new(),
    };
    assert_eq!(words("review: hold"), "rule 1");
    assert_eq!(words("freeze: review: hold"), "freeze");
    assert_eq!(
        words("freeze: review: hold because 'it is \"Christmas\"'"),
        "it is \"Christmas\""
    );
    assert_eq!(
        words("disruption: deny because \"a \\\"quote\\\" # no comment\""),
        "a \"quote\" # no comment"
    );
    assert_eq!(words("scaler: replicas 1 because ''"), "");
    let policy =
        rules("big: placement: forbid fargate because 'too large'\nplacement: add 1 on spot because ''");
    let log = policy.advise(&picture.view(Hook::Placement), &[]).log;
    assert_eq!(log, ["rule 1, big: 3 bans: too large"]);
    let cut = rules("headroom: reserve 10001 of 1m 1Mi");
    let log = cut.advise(&picture.view(Hook::Headroom), &[]).log;
    assert_eq!(
        log[1],
        "warning: 1 virtual pods are cut: 256 kinds and 10000 pods are the most"
    );
}

#[test]
fn the_operator_configures_by_name() {
    let picture = Picture::small();
    let text = "placement: forbid fargate when class.pending > (has(config.pods) ? config.pods : 5) && class.namespace in config.teams";
    let of = |config: &str| {
        let policy = read(text.as_bytes(), config);
        policy.map(|policy| shown(&picture, &answer(&policy, &picture, Hook::Placement).unwrap()))
    };
    assert_eq!(of(r#"{"teams": ["team-a", "shop"]}"#).as_deref(), Ok("0!1#1"));
    assert_eq!(
        of(r#"{"teams": ["team-a", "shop"], "pods": 0.5}"#).as_deref(),
        Ok("0!1#1 1!1#1")
    );
    for (config, part) in [
        ("", "config.teams must be a list"),
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        (r#"{"teams": [1]}"#, "config.teams must be a list"),
        (r#"{"teams": [], "pods": null}"#, "config.pods is neither"),
        (
            r#"{"teams": [], "pots": 1}"#,
            "no rule asks for config.pots; did you mean pods?",
        ),
    ] {
        let why = of(config).unwrap_err();
        assert!(why.what.contains(part), "{config}: {why}");
    }
}

#[test]
fn a_hook_without_rules_is_not_answered_for_others() {
    let picture = Picture::small();
    let policy = rules("review: hold");
    assert_eq!(policy.hooks(), [Hook::Review]);
    assert_eq!(
        answer(&policy, &picture, Hook::Headroom),
        Ok(Advice::Headroom(Vec::new()))
    );
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "\\PC{0,200}") {
        let _ = read(text.as_bytes(), "");
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, "");
    }

    #[test]
    fn no_mixture_of_words_does_harm(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
        hook in proptest::sample::select(Hook::ALL.to_vec()),
    ) {
        let picture = Picture::small();
        let text = format!("{hook}: {}", words.join(" "));
        if let Ok(policy) = read(text.as_bytes(), "{}") {
            let advised = policy.advise(&picture.view(hook), &[]);
            prop_assert!(advised.fuel <= rules::budget(&picture.view(hook)));
            let again = read(policy.text().as_bytes(), "").unwrap();
            prop_assert_eq!(again.digest(), policy.digest());
        }
    }

    #[test]
    fn no_number_does_harm(a in any::<i64>(), b in any::<f64>(), c in any::<u32>()) {
        let picture = Picture::small();
        let text = format!("scaler: replicas ({a} + workload.value) * {b:.3} / {c} - workload.target % {a}");
        if let Ok(policy) = read(text.as_bytes(), "") {
            let _ = policy.advise(&picture.view(Hook::Scaler), &[]);
        }
    }
}

const WORDS: &[&str] = &[
    "forbid",
    "factor",
    "add",
    "replicas",
    "reserve",
    "deny",
    "allow",
    "hold",
    "fargate",
    "spot",
    "group",
    "set",
    "on",
    "of",
    "class",
    "500m",
    "1Gi",
    "when",
    "code",
    "because",
    "'x'",
    "\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    "?",
    ":",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "<",
    "&&",
    "||",
    "in",
    "1",
    "0.5",
    "true",
    "class.pending",
    "class.ec2_price",
    "set.nodes",
    "workload.value",
    "candidate.movers.exists(m, m.age_ms > 1)",
    "m.age_ms",
    "step.adds",
    "has(step.adds)",
    "min(1, 2)",
    "class.label('a')",
    "'a' in class.labels",
    "now.hour",
    "config.x",
    "workload",
    "candidate.price",
    "999999999999",
    "all",
    "exists",
    "#",
    "\\",
    "'",
    "é",
    "🚢",
];
