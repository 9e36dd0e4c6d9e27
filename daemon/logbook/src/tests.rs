//! The log as a whole: what is written comes back, what a crash or a bad disk does to it is found and bounded.

use crate::frame::{Frame, HEADER, Header};
use crate::{CycleRecord, LogError, Playback, RECORD_VERSION, Reader, Settings, Trouble, Writer};
use model::advice::PolicyMode;
use model::pod::{Pod, PodPhase};
use model::{Instant, Observe, ObserveError, Outcome, PodKey, Snapshot, Span, StepId, Verdict};
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;

fn record(cycle: u64) -> CycleRecord {
    let at = Instant(i64::try_from(cycle).unwrap() * 10_000);
    let mut seen = Snapshot {
        at,
        cycle,
        ..Snapshot::default()
    };
    for n in 0..20 {
        seen.pods.push(Pod {
            key: PodKey::new("ns", format!("pod-{n}")),
            spec: 0,
            node: None,
            phase: PodPhase::Pending,
            created: Instant(n),
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        });
    }
    CycleRecord {
        version: RECORD_VERSION,
        engine: "0.1.0".to_owned(),
        cycle,
        at,
        snapshot: Arc::new(seen),
        outcomes: vec![(StepId { cycle, ordinal: 0 }, Outcome::done())],
        took_ms: cycle % 7,
        ..CycleRecord::default()
    }
}

fn settings(folder: &Path) -> Settings {
    Settings {
        keyframe_every: 4,
        sync: false,
        ..Settings::new(folder)
    }
}

fn write(folder: &Path, cycles: impl IntoIterator<Item = u64>) {
    let mut writer = Writer::open(settings(folder)).unwrap();
    for cycle in cycles {
        writer.append(&record(cycle)).unwrap();
    }
}

fn cycles(path: &Path) -> Vec<u64> {
    Reader::open(path)
        .unwrap()
        .map(|record| record.unwrap().cycle)
        .collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    crate::segments::list(folder)
        .unwrap()
        .into_iter()
        .map(|segment| segment.path)
        .collect()
}

#[test]
fn what_is_written_comes_back() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), 1..=10);
    write(folder.path(), 11..=13);
    let read: Vec<CycleRecord> = Reader::open(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, (1..=13).map(record).collect::<Vec<_>>());
    let file = &segments(folder.path())[0];
    assert_eq!(cycles(file), (1..=13).collect::<Vec<_>>());
}

/// A record as it is before its effects, and as it is after them.
fn ahead(cycle: u64) -> [CycleRecord; 2] {
    let mut after = record(cycle);
    after.verdicts = vec![(StepId { cycle, ordinal: 0 }, Verdict::Cleared)];
    let mut before = after.clone();
    (before.outcomes, before.took_ms) = (Vec::new(), 0);
    [before, after]
}

#[test]
fn a_record_that_is_written_before_its_effects_comes_back_whole() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    for cycle in 1..=9 {
        let [before, after] = ahead(cycle);
        writer.append(&before).unwrap();
        writer.complete(&after).unwrap();
        writer.append(&record(100 + cycle)).unwrap();
    }
    let read: Vec<CycleRecord> = Reader::open(folder.path()).unwrap().map(Result::unwrap).collect();
    let written = (1..=9).flat_map(|cycle| [ahead(cycle)[1].clone(), record(100 + cycle)]);
    assert_eq!(read, written.collect::<Vec<_>>());
}

#[test]
fn wherever_a_crash_cuts_the_record_stands_and_its_end_is_unknown() {
    let folder = TempDir::new().unwrap();
    let [before, after] = ahead(1);
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    writer.append(&before).unwrap();
    let path = segments(folder.path()).remove(0);
    let stands = fs::read(&path).unwrap().len();
    writer.complete(&after).unwrap();
    drop(writer);
    let bytes = fs::read(&path).unwrap();
    for length in stands..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let read: Vec<_> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
        let [one] = &read[..] else {
            panic!("{} records at {length} bytes", read.len())
        };
        assert_eq!((&one.plan, &one.verdicts), (&before.plan, &before.verdicts));
        assert!(
            matches!(one.outcomes[..], [(_, Outcome::Unknown { .. })]),
            "{:?}",
            one.outcomes
        );
    }
    // The next writer goes on behind it, and an end without its record tells nothing.
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    writer.complete(&ahead(7)[1]).unwrap();
    writer.append(&record(2)).unwrap();
    assert_eq!(cycles(folder.path()), [1, 2]);
}

#[test]
fn an_end_needs_a_record_before_it() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    assert!(matches!(
        writer.complete(&record(1)),
        Err(LogError::Unwritable { .. })
    ));
}

#[test]
fn records_in_between_cost_next_to_nothing() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    let mut sizes = Vec::new();
    for cycle in 1..=4 {
        let before = segments(folder.path())
            .first()
            .map_or(0, |path| fs::metadata(path).unwrap().len());
        writer.append(&record(cycle)).unwrap();
        sizes.push(fs::metadata(&segments(folder.path())[0]).unwrap().len() - before);
    }
    assert!(sizes[1..].iter().all(|size| *size < sizes[0] / 3), "{sizes:?}");
}

#[test]
fn records_of_a_large_cluster_cost_as_little() {
    // 10 MB and more of JSON, of which nothing repeats but from one record to the next.
    let large = |cycle: u64| {
        let mut large = record(cycle);
        let mut seen = Snapshot::clone(&large.snapshot);
        let mut draw = 1_u64;
        for n in 0..90_000_i64 {
            draw = draw.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            seen.pods.push(Pod {
                key: PodKey::new("ns", format!("pod-{draw:016x}{:016x}", draw.rotate_left(23))),
                spec: 0,
                node: Some(format!("node-{}", draw >> 48).as_str().into()),
                phase: PodPhase::Running,
                created: Instant(n),
                usage: None,
                nominated: None,
                deletion_cost: 0,
                started: None,
            });
        }
        large.snapshot = Arc::new(seen);
        large
    };
    assert!(serde_json::to_vec(&large(1)).unwrap().len() > 10_000_000);
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(settings(folder.path())).unwrap();
    writer.append(&large(1)).unwrap();
    let path = segments(folder.path()).remove(0);
    let key = fs::metadata(&path).unwrap().len();
    writer.append(&large(2)).unwrap();
    let delta = fs::metadata(&path).unwrap().len() - key;
    assert!(delta < key / 50, "{delta} bytes after {key}");
    let read: Vec<_> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
    assert!(read == [large(1), large(2)]);
}

#[test]
fn a_tail_torn_at_any_byte_loses_only_itself() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), 1..=5);
    let path = segments(folder.path()).remove(0);
    let before = fs::metadata(&path).unwrap().len();
    write(folder.path(), [6]);
    let whole = fs::read(&path).unwrap();
    for end in usize::try_from(before).unwrap()..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        let read: Vec<u64> = reader.by_ref().map(|record| record.unwrap().cycle).collect();
        assert_eq!(read, [1, 2, 3, 4, 5], "cut at {end}");
        assert_eq!(reader.torn(), end as u64 > before, "cut at {end}");
        write(folder.path(), [7]);
        assert_eq!(cycles(&path), [1, 2, 3, 4, 5, 7], "cut at {end}, then written on");
    }
}

#[test]
fn a_header_torn_at_any_byte_is_an_empty_log() {
    for end in 0..HEADER {
        let folder = TempDir::new().unwrap();
        write(folder.path(), [1]);
        let path = segments(folder.path()).remove(0);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..end]).unwrap();
        let mut reader = Reader::open(folder.path()).unwrap();
        assert!(reader.next().is_none() && reader.torn());
        write(folder.path(), [1]);
        assert_eq!(cycles(folder.path()), [1]);
    }
}

#[test]
fn a_flipped_byte_anywhere_is_told_and_never_read_as_something_else() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), 1..=3);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    // The first cycle and instant of the header order segments; they are not part of any record.
    for place in (0..6).chain(HEADER..whole.len()) {
        let mut bad = whole.clone();
        bad[place] ^= 0x41;
        fs::write(&path, &bad).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        let mut errors = 0;
        for read in reader.by_ref() {
            match read {
                Ok(read) => assert_eq!(read, record(read.cycle), "byte {place}"),
                Err(LogError::Damaged { .. }) => errors += 1,
                Err(other) => panic!("byte {place}: {other}"),
            }
        }
        assert!(errors == 1 || reader.torn(), "byte {place}: nobody noticed");
    }
}

#[test]
fn damage_in_one_segment_does_not_hide_the_next() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(Settings {
        rotate_bytes: 1,
        ..settings(folder.path())
    })
    .unwrap();
    for cycle in 1..=3 {
        writer.append(&record(cycle)).unwrap();
    }
    let paths = segments(folder.path());
    assert_eq!(paths.len(), 3);
    let mut bad = fs::read(&paths[1]).unwrap();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    fs::write(&paths[1], bad).unwrap();
    let read: Vec<Result<u64, String>> = Reader::open(folder.path())
        .unwrap()
        .map(|read| read.map(|record| record.cycle).map_err(|error| error.to_string()))
        .collect();
    assert_eq!((&read[0], &read[2]), (&Ok(1), &Ok(3)));
    let said = read[1].clone().unwrap_err();
    assert!(
        said.contains("segment-000000000002.plog: damaged at byte 24: a checksum"),
        "{said}"
    );
}

#[test]
fn a_flipped_byte_is_never_cut_away_with_what_is_behind_it() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), 1..=5);
    let path = segments(folder.path()).remove(0);
    let mut bad = fs::read(&path).unwrap();
    bad[HEADER + 20] ^= 0x41;
    fs::write(&path, &bad).unwrap();
    write(folder.path(), [6]);
    assert_eq!(fs::read(&path).unwrap(), bad, "left as it was");
    assert_eq!(cycles(&segments(folder.path())[1]), [6]);
    // A header that cannot be read keeps nobody from writing, and stays as well.
    bad[0] ^= 1;
    fs::write(&path, &bad).unwrap();
    fs::remove_file(&segments(folder.path())[1]).unwrap();
    write(folder.path(), [7]);
    assert_eq!(fs::read(&path).unwrap(), bad);
    assert_eq!(cycles(&segments(folder.path())[1]), [7]);
}

#[test]
fn a_segment_without_a_header_costs_no_healthy_one() {
    let each_its_own = |folder: &Path| Settings {
        rotate_bytes: 1,
        ..settings(folder)
    };
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(each_its_own(folder.path())).unwrap();
    for cycle in 1..=4 {
        writer.append(&record(cycle)).unwrap();
    }
    drop(writer);
    let paths = segments(folder.path());
    fs::write(&paths[1], "").unwrap();
    fs::write(&paths[2], "no header, but longer than one would be").unwrap();
    let mut readable = Reader::open(folder.path()).unwrap().filter_map(Result::ok);
    assert_eq!(readable.next().map(|record| record.cycle), Some(1));
    assert_eq!(readable.next().map(|record| record.cycle), Some(4));
    let mut writer = Writer::open(each_its_own(folder.path())).unwrap();
    for cycle in 5..=6 {
        writer.append(&record(cycle)).unwrap();
    }
    assert!(!paths[1].exists(), "nothing was in it");
    assert!(paths[0].exists() && paths[2].exists());
}

#[test]
fn a_failed_clean_up_fails_no_append() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(Settings {
        rotate_bytes: 1,
        keep_bytes: 1,
        ..settings(folder.path())
    })
    .unwrap();
    writer.append(&record(1)).unwrap();
    // Gone already, and something that cannot be removed like a file.
    fs::remove_file(&segments(folder.path())[0]).unwrap();
    writer.append(&record(2)).unwrap();
    let second = segments(folder.path()).remove(0);
    fs::remove_file(&second).unwrap();
    fs::create_dir(&second).unwrap();
    for cycle in 3..=4 {
        writer.append(&record(cycle)).unwrap();
    }
    assert_eq!(cycles(&segments(folder.path())[1]), [4]);
}

#[test]
fn old_segments_leave_by_size() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(Settings {
        rotate_bytes: 2000,
        keep_bytes: 6000,
        keyframe_every: 1,
        ..settings(folder.path())
    })
    .unwrap();
    for cycle in 1..=200 {
        writer.append(&record(cycle)).unwrap();
        let total: u64 = segments(folder.path())
            .iter()
            .map(|path| fs::metadata(path).unwrap().len())
            .sum();
        assert!(total <= 6000 + 2000, "{total} bytes at cycle {cycle}");
    }
    let kept = cycles(folder.path());
    assert_eq!(kept.last(), Some(&200));
    assert!(
        kept[0] > 100 && kept.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{kept:?}"
    );
}

#[test]
fn old_segments_leave_by_age() {
    let folder = TempDir::new().unwrap();
    let age = Settings {
        keep_age: Span::from_secs(800),
        ..settings(folder.path())
    };
    let mut writer = Writer::open(age.clone()).unwrap();
    for cycle in 1..=100 {
        writer.append(&record(cycle)).unwrap();
    }
    drop(writer);
    // The age of segments is known again after a restart.
    let mut writer = Writer::open(age).unwrap();
    for cycle in 101..=300 {
        writer.append(&record(cycle)).unwrap();
    }
    let kept = cycles(folder.path());
    assert_eq!(kept.last(), Some(&300));
    // 80 cycles are 800 s; a segment spans an eighth of that.
    assert!((80..=92).contains(&kept.len()), "{}", kept.len());
}

#[test]
fn cycles_that_begin_anew_still_come_last() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), [500, 501]);
    let mut writer = Writer::open(Settings {
        rotate_bytes: 1,
        ..settings(folder.path())
    })
    .unwrap();
    writer.append(&record(1)).unwrap();
    assert_eq!(cycles(folder.path()), [500, 501, 1]);
}

#[test]
fn components_are_kept_once_per_segment() {
    let folder = TempDir::new().unwrap();
    let digest = "ab".repeat(32);
    let wasm: Arc<[u8]> = (0..5000_u32).flat_map(u32::to_le_bytes).collect();
    let mut with = record(1);
    with.policies.push(crate::PolicyUse {
        name: "p".into(),
        digest: digest.clone(),
        mode: PolicyMode::Enforce,
        scope: model::PolicyScope::default(),
        config: "{}".to_owned(),
    });
    for opening in 0..2 {
        let mut writer = Writer::open(settings(folder.path())).unwrap();
        writer.component(&digest, &wasm);
        writer.append(&record(opening * 10)).unwrap();
        for cycle in 1..4 {
            with.cycle = opening * 10 + cycle;
            writer.append(&with).unwrap();
        }
    }
    let mut reader = Reader::open(folder.path()).unwrap();
    assert!(reader.component(&digest).is_none());
    assert_eq!(reader.by_ref().map(Result::unwrap).count(), 8);
    assert_eq!(reader.component(&digest), Some(&wasm));
    let bytes = fs::metadata(&segments(folder.path())[0]).unwrap().len();
    assert!(
        bytes < 20_000,
        "{bytes} bytes: the component is there more than once"
    );
}

/// Segments as they were once written; they are never written anew.
const SEGMENT_V0: &[u8] = include_bytes!("fixtures/segment-v0.plog");
const SEGMENT_V1: &[u8] = include_bytes!("fixtures/segment-v1.plog");

fn kept(segment: &[u8]) -> Vec<Result<CycleRecord, LogError>> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("segment-000000000001.plog");
    fs::write(&path, segment).unwrap();
    Reader::open(&path).unwrap().collect()
}

#[test]
fn a_log_of_the_first_version_is_read() {
    let read = kept(SEGMENT_V0).remove(0).unwrap();
    assert_eq!(
        (read.version, read.cycle, read.engine.as_str()),
        (RECORD_VERSION, 1, "0.0.9")
    );
    assert_eq!(
        (read.policies[0].name.as_str(), read.policies[0].mode),
        ("scaler", PolicyMode::Shadow)
    );
    assert_eq!(
        read.trouble,
        Some(Trouble::Unseen {
            why: "pods: gone".to_owned()
        })
    );
    assert_eq!((read.snapshot.pods.len(), read.plan.nodes.len()), (4, 1));
}

#[test]
fn a_log_of_the_version_before_is_read() {
    let read: Vec<CycleRecord> = kept(SEGMENT_V1).into_iter().map(Result::unwrap).collect();
    assert_eq!(
        read.iter().map(|record| record.cycle).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(
        read.iter()
            .all(|record| record.version == RECORD_VERSION && record.trouble.is_none())
    );
    let first = &read[0];
    assert_eq!((first.snapshot.pods.len(), first.plan.nodes.len()), (4, 1));
    assert_eq!(
        (first.verdicts.len(), first.outcomes.len()),
        (first.plan.steps.len(), 1)
    );
    assert_eq!(read[3].snapshot.nodes.len(), 2);
}

#[test]
fn a_record_of_a_version_to_come_is_refused() {
    let (header, mut frame) = (
        &SEGMENT_V1[..HEADER],
        Frame::read(&mut &SEGMENT_V1[HEADER..]).unwrap(),
    );
    frame.version = 9;
    let refused = kept(&[header, &frame.bytes()].concat())
        .remove(0)
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("a record has version 9; this build reads 0 to 2"),
        "{refused}"
    );
}

#[test]
fn what_is_no_log_is_said_to_be_none() {
    let folder = TempDir::new().unwrap();
    let said = |path: &Path| match Reader::open(path) {
        Err(error) => error.to_string(),
        Ok(mut reader) => reader.next().unwrap().unwrap_err().to_string(),
    };
    assert!(said(folder.path()).ends_with("no log segments (segment-*.plog)"));
    let file = folder.path().join("notes.txt");
    fs::write(&file, "this is a text file, and not a short one").unwrap();
    assert!(said(&file).ends_with("damaged at byte 0: it is not a log segment"));
    assert!(said(&folder.path().join("absent")).contains("absent: "));
    // A frame that claims a gigabyte is refused before it is believed.
    let mut bytes = Header {
        first_cycle: 1,
        first_at: Instant(1),
    }
    .bytes()
    .to_vec();
    bytes.extend([1, 1, 0, 0]);
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend([0; 4]);
    fs::write(&file, bytes).unwrap();
    assert!(said(&file).ends_with("a frame is longer than any that is written"));
}

#[test]
fn playback_gives_the_pictures_and_ends() {
    let mut blind = record(2);
    blind.trouble = Some(Trouble::Ended);
    let mut eyes = Playback::new([record(1), blind, record(3)].into_iter());
    let mut look = || {
        let mut future = std::pin::pin!(eyes.look());
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(seen) => seen,
            Poll::Pending => panic!("a recording never waits"),
        }
    };
    assert_eq!(look().map(|seen| seen.cycle), Ok(1));
    assert_eq!(look().map(|seen| seen.cycle), Ok(3));
    assert_eq!(look(), Err(ObserveError::Ended));
}
