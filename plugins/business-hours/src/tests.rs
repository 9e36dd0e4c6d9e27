//! Times are of the week of Monday 2026-11-02.

use super::*;
use plimsoll_sdk::testing::Picture;

const MONDAY: u64 = 1_793_577_600_000;
const MINUTE: u64 = 60_000;
const OFFICE: &str = r#"{"hours": [{"days": ["mon","tue"], "from": "08:00", "to": "18:30", "pods": 4, "cpu_milli": 500, "memory_mib": 1024}]}"#;

fn kept(json: &str, at: u64) -> Vec<(u32, u32, u32, u16)> {
    let policy = BusinessHours::configure(json).unwrap();
    let picture = Picture::new().at(at);
    let room = policy.reserve(&picture.view()).unwrap();
    room.check().unwrap();
    room.kept()
}

#[test]
fn room_is_kept_within_the_hours_only() {
    for (day, hour, minute, open) in [
        (0, 7, 59, false),
        (0, 8, 0, true),
        (0, 18, 29, true),
        (0, 18, 30, false),
        (1, 12, 0, true),
        (2, 12, 0, false),
        (6, 12, 0, false),
    ] {
        let at = MONDAY + ((day * 24 + hour) * 60 + minute) * MINUTE;
        let expected: &[_] = if open { &[(4, 500, 1024, OPEN)] } else { &[] };
        assert_eq!(kept(OFFICE, at), expected, "day {day} {hour}:{minute}");
    }
}

#[test]
fn offset_lead_and_midnight() {
    let shifted = OFFICE.replacen('{', r#"{"utc_offset_minutes": -300, "lead_minutes": 30, "#, 1);
    // 08:00 at UTC-5 is 13:00 UTC.
    assert!(kept(&shifted, MONDAY + (12 * 60 + 29) * MINUTE).is_empty());
    assert!(!kept(&shifted, MONDAY + (12 * 60 + 30) * MINUTE).is_empty());
    let night = r#"{"hours": [{"days": ["sun"], "from": "22:00", "to": "02:00", "pods": 1, "cpu_milli": 1, "memory_mib": 1}]}"#;
    assert!(
        !kept(night, MONDAY + 119 * MINUTE).is_empty(),
        "Sunday's night ends on Monday"
    );
    assert!(kept(night, MONDAY + 120 * MINUTE).is_empty());
}

#[test]
fn mistakes_are_named() {
    for (json, expected) in [
        ("{}", "hours"),
        (&OFFICE.replace("tue", "Tuesday"), "hours[0]: days: `Tuesday`"),
        (&OFFICE.replace("18:30", "24:00"), "hours[0]: to: `24:00`"),
        (&OFFICE.replace("pods", "pod"), "unknown field `pod`"),
        (
            &OFFICE.replace(r#""mon","tue""#, ""),
            "hours[0]: days: names none",
        ),
        (
            &OFFICE.replace("\"pods\": 4", "\"pods\": 10001"),
            "hours[0]: pods: 10001 are more than 10000",
        ),
        (
            &OFFICE.replace("500", "0").replace("1024", "0"),
            "hours[0]: cpu_milli, memory_mib: pods that ask for nothing",
        ),
    ] {
        let refused = BusinessHours::configure(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn entries_that_are_open_together_are_counted_together() {
    let entry = |from: &str, to: &str, pods: u32| {
        format!(
            r#"{{"days": ["mon"], "from": "{from}", "to": "{to}", "pods": {pods}, "cpu_milli": 1, "memory_mib": 1}}"#
        )
    };
    let table = |entries: &[String]| format!(r#"{{"hours": [{}]}}"#, entries.join(","));
    let apart = table(&[entry("08:00", "12:00", 6000), entry("12:00", "16:00", 6000)]);
    assert!(BusinessHours::configure(&apart).is_ok());
    let together = table(&[entry("08:00", "12:01", 6000), entry("12:00", "16:00", 6000)]);
    let refused = BusinessHours::configure(&together).err().unwrap();
    assert!(
        refused.contains("hours[1]: with what is open at the same time 12000 pods of 2 kinds"),
        "{refused}"
    );
    let many = table(&vec![entry("08:00", "12:00", 1); 257]);
    assert!(BusinessHours::configure(&many).is_err());
}
