//! What is computed of every instance type against what the price list's own columns say. Needs outside data.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was found"
)]

use model::resources::Resources;
use std::path::PathBuf;

/// Of a hundred types, how many must be exact.
const TO_REACH: usize = 99;

fn table() -> Option<Vec<u8>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("PLIMSOLL_DATA").map_or_else(beside, PathBuf::from);
    let path = folder.join("ec2_us-east-1.csv.gz");
    let Ok(packed) = std::fs::read(&path) else {
        skip::skip_without_data(
            "allocatable of every instance type",
            &format!("{} is not there", path.display()),
        );
        return None;
    };
    Some(manifest::unpacked("types", &packed).unwrap().into_owned())
}

struct Row<'r> {
    head: &'r csv::StringRecord,
    cells: &'r csv::StringRecord,
}

impl Row<'_> {
    fn text(&self, column: &str) -> &str {
        let at = self.head.iter().position(|head| head == column);
        at.and_then(|at| self.cells.get(at)).unwrap()
    }

    fn number(&self, column: &str) -> Option<i64> {
        let text = self.text(column).trim_end_matches(".0");
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    /// What is computed from the shape alone, and what the list says, each in the same words.
    fn both(&self) -> Option<(String, String)> {
        let shape = self.number("vcpu").zip(self.number("memory_mib"));
        let cards = self.number("eni").zip(self.number("ipv4_per_eni"));
        let ((vcpu, mib), (cards, addresses)) = shape.zip(cards)?;
        let listed = self.number("alloc_cpu_milli").zip(self.number("alloc_mem_mib"))?;
        let pods = manifest::max_pods(cards, addresses);
        let own: Resources = manifest::usual_allocatable(vcpu, mib, self.text("arch"), pods);
        let said = |cpu, mib, pods| format!("{cpu}m {mib}Mi {pods} pods");
        Some((
            said(own.cpu_milli, own.memory_mib_down(), pods),
            said(listed.0, listed.1, self.number("max_pods_eni")?),
        ))
    }
}

#[test]
fn what_is_computed_is_what_the_list_says() {
    let Some(bytes) = table() else { return };
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let head = reader.headers().unwrap().clone();
    let (mut exact, mut others, mut untold, mut pods_of_aws) = (0, Vec::new(), Vec::new(), Vec::new());
    for cells in reader.records() {
        let cells = cells.unwrap();
        let row = Row {
            head: &head,
            cells: &cells,
        };
        let name = row.text("instance_type").to_owned();
        match row.both() {
            None => untold.push(name),
            Some((own, listed)) if own == listed => {
                exact += 1;
                let aws = row.number("max_pods_awsfile");
                if aws.is_some_and(|aws| Some(aws) != row.number("max_pods_eni")) {
                    pods_of_aws.push(name);
                }
            }
            Some((own, listed)) => others.push(format!("{name}: {own}, listed {listed}")),
        }
    }
    let told = exact + others.len();
    println!("{exact} of {told} types exact; not in the list's columns: {untold:?}");
    println!("of those, pods by AWS' own file differ for {pods_of_aws:?}");
    for other in &others {
        println!("{other}");
    }
    assert!(told > 1000, "{told}");
    assert!(exact * 100 >= told * TO_REACH, "{exact} of {told}: {others:?}");
}
