//! Edits of aims, drawn at random: none loosens anything without the mark, each refused one names the line and the way
//! to allow it, and none that only tightens is refused.
//!
//! What is looser is told here by a table in the words of the file, not by the code that decides it.

use super::{take, tests::desk};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Fields with their values from the strictest to the loosest; `-` stands for a field that is not there.
const FIELDS: [(&str, &[&str]); 52] = [
    ("mode", &["observe", "act"]),
    ("modes.groups.batch", &["observe", "act"]),
    ("modes.hooks.disruption", &["observe", "act"]),
    ("modes.workloads.Deployment shop/cart", &["observe", "-"]),
    ("limits.max_snapshot_age", &["10s", "-", "31s"]),
    ("limits.max_growth_age", &["1m", "-", "3m"]),
    ("limits.window", &["20m", "-", "5m"]),
    ("limits.removed_per_window", &["1%", "-", "7.5%"]),
    ("limits.long_window", &["2h", "-", "50m"]),
    ("limits.removed_per_long_window", &["1%", "-", "50%"]),
    ("limits.removed_per_zone", &["1%", "-", "50%"]),
    ("limits.removals_at_once", &["0", "1", "-", "11"]),
    ("limits.emptied_window", &["2m", "-", "30s"]),
    ("limits.emptied_per_window", &["0%", "-", "30%"]),
    ("limits.explained_per_window", &["0%", "-", "30%"]),
    ("limits.growth_by_evidence", &["false", "-"]),
    ("limits.bought_per_window", &["1", "-", "101"]),
    ("limits.max_nodes", &["10", "-", "1001", "5000"]),
    ("limits.added_per_window", &["1", "-", "60"]),
    ("limits.max_rate", &["20", "-", "501"]),
    ("limits.max_per_month", &["1000", "50000", "-"]),
    ("limits.failed_launches", &["1", "-", "4"]),
    ("limits.provision_time", &["20m", "-", "10m"]),
    ("limits.evictions_per_window", &["5", "-", "1001"]),
    ("limits.scaled_down_per_window", &["5", "-", "1001"]),
    ("limits.acknowledge_risk", &["-", "true"]),
    ("quotas.total.cpu", &["8", "64", "-"]),
    ("quotas.total.memory", &["8Gi", "64Gi", "-"]),
    ("quotas.groups.batch.nodes", &["1", "9"]),
    ("quotas.namespaces.batch.nodes", &["1", "9", "-"]),
    ("quotas.namespaces.batch.rate", &["1.5", "9"]),
    ("bounds.batch.min", &["-", "3", "1"]),
    ("bounds.batch.max", &["-", "5", "9"]),
    ("shrink.enabled", &["false", "-"]),
    ("shrink.unneeded_for", &["20m", "-", "1m"]),
    ("shrink.min_age", &["20m", "-", "1m"]),
    ("shrink.explained_for", &["0s", "2m", "-", "1s"]),
    ("shrink.parallel", &["0", "-", "9"]),
    ("disruption.expire_after", &["-", "72h", "24h"]),
    ("disruption.expire_spread", &["0%", "-", "20%"]),
    ("disruption.drift", &["-", "replace"]),
    ("disruption.settle", &["20m", "-", "1m"]),
    ("disruption.parallel", &["0", "-", "2"]),
    ("disruption.local_storage", &["block", "-", "allow"]),
    ("disruption.system_pods", &["block", "-"]),
    ("disruption.repair.after", &["never", "1h", "-", "10m"]),
    ("disruption.repair.most", &["1%", "-", "50%"]),
    ("disruption.groups.batch.drift", &["report", "replace"]),
    ("catalogue.arch", &["[arm64]", "[arm64, amd64]", "-"]),
    ("catalogue.max_vcpu", &["8", "96", "-"]),
    ("catalogue.spot", &["-", "true"]),
    ("priority.expendable_below", &["0", "-", "-100"]),
];

/// Lists of which more names are looser, and whether none at all is the loosest.
const LISTS: [(&str, bool); 4] = [
    ("groups", true),
    ("catalogue.types", true),
    ("move_to_fargate", false),
    ("schedulers", false),
];
const NAMES: [&str; 3] = ["one", "two", "three"];

/// A file as the table sees it: the place of each field's value, and the names of each list.
#[derive(Clone, PartialEq)]
struct File {
    values: [usize; FIELDS.len()],
    lists: [usize; LISTS.len()],
}

/// Numbers that are the same with every run (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

impl File {
    fn edited(&self, draw: &mut Draw) -> Self {
        let mut file = self.clone();
        for _ in 0..=draw.below(4) {
            let at = draw.below(FIELDS.len() + LISTS.len());
            if let Some((_, values)) = FIELDS.get(at) {
                file.values[at] = draw.below(values.len());
            } else {
                file.lists[at - FIELDS.len()] = draw.below(1 << NAMES.len());
            }
        }
        file
    }

    /// Fields that are looser than in the other file.
    fn looser(&self, than: &Self) -> Vec<&'static str> {
        let fields = FIELDS.iter().zip(self.values.iter().zip(&than.values));
        let fields = fields
            .filter(|(_, (is, was))| is > was)
            .map(|((field, _), _)| *field);
        let lists = LISTS.iter().zip(self.lists.iter().zip(&than.lists));
        let lists = lists.filter(|((_, none_is_all), (is, was))| match (**is, **was) {
            (0, 0) => false,
            (0, _) => *none_is_all,
            (_, 0) => !*none_is_all,
            (is, was) => is & !was != 0,
        });
        fields.chain(lists.map(|((field, _), _)| *field)).collect()
    }

    fn text(&self, acknowledge: &[String]) -> String {
        let mut tree = Node::default();
        for ((field, values), place) in FIELDS.iter().zip(&self.values) {
            if values[*place] != "-" {
                values[*place].clone_into(&mut tree.at(field).value);
            }
        }
        for ((field, _), names) in LISTS.iter().zip(&self.lists) {
            let named = NAMES.iter().enumerate();
            let named = named.filter(|(bit, _)| names & (1 << bit) != 0);
            let named: Vec<&str> = named.map(|(_, name)| *name).collect();
            if !named.is_empty() {
                tree.at(field).value = format!("[{}]", named.join(", "));
            }
        }
        // Never an empty file: that is another matter.
        let mut text = "# drawn\nweights: {one: 1}\n".to_owned();
        if !acknowledge.is_empty() {
            text.push_str("acknowledge:\n");
        }
        for mark in acknowledge {
            writeln!(text, "  - {mark}").unwrap();
        }
        tree.write(0, &mut text);
        text
    }
}

/// A mapping of YAML, or a scalar.
#[derive(Default)]
struct Node {
    value: String,
    below: BTreeMap<String, Self>,
}

impl Node {
    fn at(&mut self, field: &str) -> &mut Self {
        let keys = field.split('.');
        keys.fold(self, |node, key| node.below.entry(key.to_owned()).or_default())
    }

    fn write(&self, depth: usize, text: &mut String) {
        for (key, node) in &self.below {
            writeln!(text, "{}{key}: {}", "  ".repeat(depth), node.value).unwrap();
            node.write(depth + 1, text);
        }
    }
}

#[tokio::test]
async fn no_edit_loosens_anything_without_the_mark() {
    let mut draw = Draw(24);
    let mut in_force = File {
        values: [0; FIELDS.len()],
        lists: [0; LISTS.len()],
    };
    let handle = desk(in_force.text(&[]).as_bytes()).await;
    let (mut refused, mut taken) = (0, 0);
    for edit in 0..400 {
        let file = in_force.edited(&mut draw);
        let looser = file.looser(&in_force);
        let text = file.text(&[]);
        let before = handle.aims();
        let Err(lines) = take("aims.yaml", text.as_bytes(), &handle).await else {
            assert!(looser.is_empty(), "edit {edit} loosens {looser:?}:\n{text}");
            taken += 1;
            in_force = file;
            continue;
        };
        refused += 1;
        assert!(
            !looser.is_empty(),
            "edit {edit} loosens nothing: {lines:?}\n{text}"
        );
        assert_eq!(
            handle.aims(),
            before,
            "edit {edit}: the last good aims stay in force"
        );
        for field in &looser {
            let told = lines.iter().any(|line| line.contains(&format!(" {field}")));
            assert!(told, "edit {edit}: {field} is not told: {lines:?}");
        }
        let marks: Vec<String> = lines.iter().map(|line| mark(line, &text)).collect();
        let short = file.text(&marks[1..]);
        assert!(
            take("aims.yaml", short.as_bytes(), &handle).await.is_err(),
            "one mark is missing"
        );
        if draw.below(2) == 0 {
            let text = file.text(&marks);
            assert_eq!(
                take("aims.yaml", text.as_bytes(), &handle).await,
                Ok(()),
                "edit {edit}:\n{text}"
            );
            in_force = file;
        }
    }
    assert!(refused >= 200 && taken >= 30, "{refused} refused, {taken} taken");
}

/// The mark that a line asks for; the line names the file, and where the field or what holds it is there, where.
fn mark(line: &str, text: &str) -> String {
    let rest = line.strip_prefix("aims.yaml").unwrap();
    let (place, rest) = rest.split_once(": ").unwrap();
    let (field, _) = rest.split_once(": looser").unwrap();
    let top = field.split('.').next().unwrap();
    let there = text.lines().any(|line| line.starts_with(&format!("{top}:")));
    assert_eq!(there, !place.is_empty(), "{line}\n{text}");
    if let Some(number) = place.strip_prefix(':') {
        let stands = text.lines().nth(number.parse::<usize>().unwrap() - 1).unwrap();
        let (key, _) = stands.trim().split_once(':').unwrap();
        assert!(field.contains(key), "{line}: there stands {stands}");
    }
    rest.split('`').nth(1).unwrap().to_owned()
}
