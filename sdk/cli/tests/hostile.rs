//! What hostile input may cost and what it may do to a terminal.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{folder, plimsoll};
use std::time::Instant;

/// 50 MB of pods, of garbage and of brackets: an answer or a clear line, in less than 1 GiB.
#[test]
fn fifty_megabytes_stay_below_one_gibibyte() {
    let size = 50 << 20;
    let pod = |n: usize| {
        format!(
            "- kind: Pod\n  metadata: {{name: p{n}, labels: {{a: b{}}}}}\n  spec: {{containers: [{{image: {}, resources: {{requests: {{cpu: 100m}}}}}}]}}\n",
            n % 7,
            "i".repeat(900)
        )
    };
    let mut yaml = "kind: List\nitems:\n".to_owned();
    let mut n = 0;
    while yaml.len() < size {
        yaml += &pod(n);
        n += 1;
    }
    let zeros = format!("{{\"kind\":\"List\",\"items\":[{}0]}}", "0,".repeat(size / 2));
    let maps = format!("{{\"items\":[{}{{}}]}}", "{},".repeat(size / 3));
    let long = format!(
        "kind: Pod\nmetadata: {{name: {}}}\nspec: {{}}\n",
        "x".repeat(size)
    );
    let deep = "[".repeat(size);
    // Each field and each item held back is within the bound of one object, all of them together are not.
    let zeros_350k = "0,".repeat(350_000);
    let fields = format!(
        "{{{}\"kind\":\"Pod\"}}",
        format!("\"f\":[{zeros_350k}0],").repeat(size / 700_000)
    );
    let waiting = format!(
        "{{\"items\":[{}{{}}]}}",
        format!("{{\"f\":[{zeros_350k}0]}},").repeat(size / 700_000)
    );
    let nested = format!("{}0{}", "{\"a\":".repeat(60), "}".repeat(60));
    let nests = format!("{{\"items\":[{}{{}}]}}", format!("{nested},").repeat(size / 422));
    let row = "{\"kind\":\"Namespace\"}\n".repeat(size / 21);
    let lines = "a\n".repeat(size / 2);
    for (name, text, codes) in [
        ("pods.yaml", yaml, 0..=1),
        ("zeros.json", zeros, 2..=2),
        ("maps.json", maps, 2..=2),
        ("long.yaml", long, 2..=2),
        ("deep.json", deep, 2..=2),
        ("fields.json", fields, 2..=2),
        ("waiting.json", waiting, 2..=2),
        ("nests.json", nests, 2..=2),
        ("row.json", row, 0..=2),
        ("lines.yaml", lines, 2..=2),
    ] {
        let room = folder(&[(name, &text)]);
        let begun = Instant::now();
        let run = command::measured(&room, &["plan", "--cluster", name]);
        println!(
            "{name}: exit {}, {} MiB, {:?}",
            run.run.code,
            run.peak_mib,
            begun.elapsed()
        );
        assert!(
            codes.contains(&run.run.code),
            "{name}: {} {}",
            run.run.code,
            run.run.stderr
        );
        assert!(run.peak_mib < 1024, "{name}: {} MiB", run.peak_mib);
        assert!(run.run.stderr.len() < 20_000, "{name} floods the terminal");
    }
}

/// Names are the input's: none of them reaches the terminal as it stands.
#[test]
fn names_do_not_steer_the_terminal() {
    let pod = |name: &str, cpu: &str| {
        format!(
            "---\nkind: Pod\nmetadata: {{name: \"{name}\", namespace: \"n\\e]0;x\"}}\nspec: {{containers: [{{resources: {{requests: {{cpu: {cpu}}}}}}}]}}\n"
        )
    };
    let node = "kind: Node\nmetadata: {name: \"node\\e[2J\", labels: {eks.amazonaws.com/nodegroup: \"g\\e[31m\"}}\nstatus: {allocatable: {cpu: 2, memory: 8Gi, pods: '9'}}\n";
    let text = [
        node,
        &pod("fits\\e[1m", "1"),
        &pod("new\\u202e", "3"),
        &pod("large\\r\\nx", "9000"),
    ]
    .concat();
    let room = folder(&[("c.yaml", &text)]);
    let whole = plimsoll(&room, &["plan", "--cluster", "c.yaml"]);
    let why = "n\u{1b}]0;x/large\r\nx";
    let one = plimsoll(&room, &["plan", "--cluster", "c.yaml", "--why", why]);
    for run in [whole, one] {
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stdout.contains("large\u{fffd}\u{fffd}x"), "{:?}", run.stdout);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!run.stdout.contains(steers), "{:?}", run.stdout);
    }
}
