//! What the fuzz targets share: the guest whose answer is any bytes, and inputs to begin with.
//!
//! Guests are those of `tests/hostile-guests`: one way to write them.

use hostile_guests::guests::{Parts, policy};
use model::advice::Hook;

/// A policy that answers with the bytes that it kept, as they lie in its memory.
pub fn guest_that_answers(hook: &str) -> Vec<u8> {
    let body =
        "(call $state (local.get 0) (i32.const 3000)) (call $drop (local.get 0)) (i32.load (i32.const 3000))";
    policy(
        hook,
        Parts {
            body,
            ..Parts::default()
        },
    )
}

/// Inputs for a target to begin with, each with a name.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "component" => hostile_guests::all()
            .into_iter()
            .filter(|guest| guest.bytes.len() <= 16 << 10)
            .map(|guest| (guest.name, guest.bytes))
            .collect(),
        "answer" => answers(),
        "config" => configs(),
        "manifest" => manifests(),
        _ => Vec::new(),
    }
}

/// Where the state lies in the guest's memory: its allocator begins at 65,536, and `configure` took the first place.
const STATE: u32 = 65_552;

/// For each hook an answer of so many rows in each of its lists.
fn answers() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (ix, (hook, lists)) in Hook::ALL.into_iter().zip([3_u32, 9, 4, 5, 2]).enumerate() {
        for rows in 0..3_u32 {
            let mut bytes = vec![u8::try_from(ix).unwrap_or(0), 0, 0, 0, 0];
            let data = 4 + lists * 8;
            for list in 0..lists {
                bytes.extend((STATE + data.next_multiple_of(8) + list * 32).to_le_bytes());
                bytes.extend(rows.to_le_bytes());
            }
            bytes.resize(1 + data.next_multiple_of(8) as usize, 0);
            for list in 0..lists {
                // Rows 0, 1 … as u32, or one dollar as f64: which of them is right depends on the list.
                let place = [0_u64, 1 << 32, 1.0_f64.to_bits(), u64::from(list)];
                bytes.extend(place.iter().flat_map(|word| word.to_le_bytes()));
            }
            seeds.push((format!("{}-{rows}", hook.as_str()), bytes));
        }
    }
    seeds
}

fn manifests() -> Vec<(String, Vec<u8>)> {
    let digest = format!("sha256:{}", "1f".repeat(32));
    let of = |media: &str| format!(r#"{{"mediaType": "{media}", "digest": "{digest}", "size": 7}}"#);
    let (config, layer) = (of("application/vnd.wasm.config.v0+json"), of("application/wasm"));
    let image = of("application/vnd.oci.image.manifest.v1+json");
    let texts = [
        (
            "policy",
            0,
            format!(
                r#"{{"schemaVersion": 2, "config": {config}, "layers": [{layer}], "annotations": {{"a": "b"}}}}"#
            ),
        ),
        ("list", 1, format!(r#"{{"manifests": [{image}, {image}]}}"#)),
        (
            "payload",
            2,
            format!(
                r#"{{"critical": {{"identity": {{"docker-reference": "r.example/p"}}, "image": {{"docker-manifest-digest": "{digest}"}}, "type": "cosign container image signature"}}, "optional": null}}"#
            ),
        ),
        ("tag", 3, "registry.example:5000/team/policy:1.2".to_owned()),
        ("digest", 3, format!("localhost/policy:1@{digest}")),
    ];
    let with =
        |(name, reader, text): (&str, u8, String)| (name.to_owned(), [&[reader], text.as_bytes()].concat());
    texts.into_iter().map(with).collect()
}

fn configs() -> Vec<(String, Vec<u8>)> {
    let texts: [(&str, u8, &[u8]); 5] = [
        ("demo", 0, include_bytes!("../../../deploy/demo.yaml")),
        ("plimsolld", 0, include_bytes!("../../../deploy/plimsolld.yaml")),
        (
            "limits",
            0,
            b"{cluster: c, provider: {none: {}}, policy_limits: {fuel: 90000000}, policy_cache: {dir: /c}, policies: [{name: a, file: a.wasm, limits: {deadline_ms: 50}, config: {a: [1, b]}}]}",
        ),
        ("aims", 1, b"mode: act\nbudgets: []\nheadroom: []\nzones: {a: b}\n"),
        ("policy", 2, br#"{"target": 0.7, "names": ["a", "b"], "deep": {"a": {"b": null}}}"#),
    ];
    let with = |(name, reader, text): (&str, u8, &[u8])| (name.to_owned(), [&[reader], text].concat());
    texts.into_iter().map(with).collect()
}
