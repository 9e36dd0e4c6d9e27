//! The log of a simulated morning is read back and decided again: the plans must be identical, in few bytes.

use cycle::InForce;
use cycle::replay::{decide_again, policies_of};
use logbook::{Reader, Settings, Subject, Writer};
use model::{Span, StepKind};
use sim::{Options, Pace, Scenario};

const DAY: &[u8] = include_bytes!("../scenarios/day.yaml");

fn fetch(name: &str) -> Result<Vec<u8>, String> {
    Err(format!("{name}: the scenario names no other file"))
}

#[tokio::test]
async fn a_log_is_decided_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = Scenario::read("day.yaml", DAY, &fetch).unwrap();
    scenario.duration = Span::from_secs(10 * 3600);
    let log = Writer::open(Settings {
        sync: false,
        ..Settings::new(folder.path())
    })
    .unwrap();
    let options = Options {
        pace: Pace::Free,
        log: Some(log),
    };
    let played = sim::play(scenario, InForce::default(), options, &mut |_| ())
        .await
        .unwrap();

    let (mut cycles, mut grown) = (0, 0);
    for record in Reader::open(folder.path()).unwrap() {
        let record = record.unwrap();
        assert_eq!(
            decide_again(&record, &policies_of(&record, &mut |_| None)),
            Ok(()),
            "cycle {}",
            record.cycle
        );
        cycles += 1;
        for step in &record.plan.steps {
            let explained = logbook::explain(&record, &Subject::Step(step.id));
            assert!(
                explained.is_some_and(|e| e.decided && e.facts.len() >= 3),
                "step {}",
                step.id
            );
            grown += u32::from(matches!(step.kind, StepKind::GrowGroup { .. }));
        }
    }
    assert_eq!(cycles, played.scorecard.cycles);
    assert!(grown > 0, "a morning buys nodes");
    let bytes: u64 = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes / cycles < 20_000, "{} bytes a cycle", bytes / cycles);
}
