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

/// This program's allocator reserves a gigabyte when it starts: the compiler must not have it, once its limit is less.
#[test]
fn the_compiler_of_this_program_keeps_to_its_memory() {
    let room = folder(&[]);
    let compile = |mib: u64, loops: u32| {
        let bytes = (mib << 20).to_string();
        // As the program starts itself (`host::Compiling::by_this_program`).
        let args = ["compile-policy", "pool", "60", &bytes, "0"];
        let output = command::piped(&room, &args, &dear(loops));
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (done, said) = compile(64, 200);
    assert!(!done && said.contains("memory allocation of"), "{said}");
    let (done, said) = compile(64, 2);
    assert!(done, "{said}");
    let (done, said) = compile(1024, 200);
    assert!(done, "{said}");
}

/// A component of one function: so many loops within each other, each of which may find another value in each of as many
/// variables.
fn dear(loops: u32) -> Vec<u8> {
    let number = |mut rest: u32| {
        let mut bytes = Vec::new();
        while rest > 0x7f {
            bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap());
        bytes
    };
    let section = |id: u8, bytes: &[u8]| {
        let size = number(u32::try_from(bytes.len()).unwrap());
        [&[id][..], &size, bytes].concat()
    };
    let mut body = [&[1][..], &number(loops), &[0x7e]].concat();
    body.extend([3, 0x40].repeat(loops as usize));
    for variable in 1..=loops {
        let (variable, other) = (number(variable), number(variable * 7 % loops + 1));
        // The sum of both, in the first.
        body.extend([&[0x20][..], &variable, &[0x20], &other, &[0x7c, 0x21], &variable].concat());
    }
    // Again while the first is zero.
    body.extend([0x20, 1, 0x50, 0x0d, 0, 0x0b].repeat(loops as usize));
    body.extend([0x20, 1, 0x0b]);
    let size = number(u32::try_from(body.len()).unwrap());
    let code = [&[1][..], &size, &body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 1, 0x7e, 1, 0x7e]),
        section(3, &[1, 0]),
        section(10, &code),
    ]
    .concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
}
