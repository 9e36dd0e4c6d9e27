//! The shipped policies as they are shipped: built to WebAssembly, loaded, asked.
//!
//! Needs a Rust toolchain for WebAssembly; where there is none the test says so and does nothing, except under CI.

use decide::Policy;
use host::{Engine, Limits, WasmPolicy, sample};
use model::advice::{Advice, Hook, PolicyFault};
use model::ids::PolicyName;
use policy_build::Toolchain;
use std::path::Path;

const BUSINESS_HOURS: &str = r#"{"hours": [{"days": ["mon"], "from": "08:00", "to": "18:00", "pods": 4, "cpu_milli": 500, "memory_mib": 1024}]}"#;

#[test]
fn shipped_policies_answer() {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) if std::env::var_os("CI").is_none() => {
            println!("skipped: {why}");
            return;
        }
        Err(why) => panic!("{why}"),
    };
    let engine = Engine::new().unwrap();
    let load = |name: &str, config: &str| -> WasmPolicy {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../plugins")
            .join(name);
        let built = policy_build::build_rust(&folder, &toolchain).unwrap();
        assert_eq!(built.package, name);
        println!("{name}: {} bytes in {:?}", built.bytes.len(), built.took);
        engine
            .load(&built.bytes, &PolicyName::new(name), config, &Limits::default())
            .unwrap()
    };

    for (name, config, hook) in [
        ("target-utilisation", "", Hook::Scaler),
        ("fargate-or-ec2", "", Hook::Placement),
        ("business-hours", BUSINESS_HOURS, Hook::Headroom),
    ] {
        let policy = load(name, config);
        assert_eq!(policy.hooks(), [hook]);
        for sample in sample::all() {
            let first = policy.advise(&sample.view(hook), &[]);
            let second = policy.advise(&sample.view(hook), &[]);
            assert!(first.answer.is_ok(), "{name}, {}: {first:?}", sample.name);
            assert_eq!(first, second, "{name}, {}: not deterministic", sample.name);
            assert!(first.fuel > 0);
        }
        let other = if hook == Hook::Scaler {
            Hook::Headroom
        } else {
            Hook::Scaler
        };
        let sample = sample::rows(1);
        assert!(matches!(
            policy.advise(&sample.view(other), &[]).answer,
            Err(PolicyFault::Declined(_))
        ));
    }

    let policy = load("fargate-or-ec2", "{}");
    let Ok(Advice::Placement(prices)) = policy.advise(&sample::rows(30).view(Hook::Placement), &[]).answer
    else {
        panic!("no prices")
    };
    // Class 0 is a Job's: preferred on Fargate (set 0). Class 1 is a Deployment's: kept off it.
    assert!(
        prices
            .addends
            .iter()
            .any(|(class, set, nanos, code)| (*class, *set, *code) == (0, 0, 1) && *nanos < 0)
    );
    assert!(prices.forbids.contains(&(1, 0, 2)));

    let refused = engine.load(
        &policy_build::build_rust(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/business-hours"),
            &toolchain,
        )
        .unwrap()
        .bytes,
        &PolicyName::new("hours"),
        "{}",
        &Limits::default(),
    );
    let why = refused.err().unwrap().to_string();
    assert!(
        why.contains("hours: configuration of hook headroom") && why.contains("missing field `hours`"),
        "{why}"
    );
}
