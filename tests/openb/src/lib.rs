//! Rows of the openb trace (Alibaba GPU cluster, 2023) to Kubernetes pods that wait.
//!
//! `num_gpu` becomes `nvidia.com/gpu`; a fraction of one GPU (`gpu_milli` below 1000) counts as a whole one.
//! Times and phases of the trace are left out: it is used as a set of requests.

use std::io::{self, BufRead, BufReader, Read, Write};

/// Reads the CSV, packed or not, and writes a PodList; gives the number of pods.
///
/// # Errors
/// What cannot be read or written, a column that is missing, or the row with an amount that is no number.
pub fn convert(input: impl Read, mut output: impl Write) -> io::Result<u32> {
    let mut input = BufReader::new(input);
    let magic = input.fill_buf()?;
    let plain: Box<dyn Read> = if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::stream::read::Decoder::new(input)?)
    } else if magic.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(input))
    } else {
        Box::new(input)
    };
    let mut rows = csv::Reader::from_reader(plain);
    let head = rows.headers()?.clone();
    let column = |name: &str| {
        let place = head.iter().position(|column| column == name);
        place.ok_or_else(|| io::Error::other(format!("column {name} is missing")))
    };
    let name = column("name")?;
    let amounts = [column("cpu_milli")?, column("memory_mib")?, column("num_gpu")?];
    output.write_all(br#"{"apiVersion":"v1","kind":"PodList","items":["#)?;
    let mut count = 0;
    for row in rows.records() {
        let row = row?;
        let amount = |at: usize| {
            let text = row.get(at).unwrap_or_default();
            text.parse::<u64>()
                .map_err(|_| io::Error::other(format!("row {}: {text:?} is not a number", count + 1)))
        };
        let [cpu, memory, gpus] = [amount(amounts[0])?, amount(amounts[1])?, amount(amounts[2])?];
        let mut requests = serde_json::json!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
        if gpus > 0 {
            requests["nvidia.com/gpu"] = gpus.to_string().into();
        }
        let pod = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": row.get(name).unwrap_or_default(), "namespace": "openb"},
            "spec": {"containers": [{"name": "main", "image": "openb", "resources": {"requests": requests}}]},
            "status": {"phase": "Pending"},
        });
        if count > 0 {
            output.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut output, &pod)?;
        count += 1;
    }
    output.write_all(b"]}\n")?;
    output.flush()?;
    Ok(count)
}
