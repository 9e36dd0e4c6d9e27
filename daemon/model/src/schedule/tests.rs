//! Windows across midnight, the ends of months, and the days on which clocks change.

use super::*;

fn at(text: &str) -> Instant {
    Instant(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn after(starts: &str, hours: i64, zone: &str) -> Schedule {
    Schedule {
        starts: starts.to_owned(),
        ends: Ends::After(Span::from_secs(hours * 3600)),
        zone: zone.to_owned(),
    }
}

fn clock(starts: &str, (hour, minute): (u8, u8), zone: &str) -> Schedule {
    Schedule {
        starts: starts.to_owned(),
        ends: Ends::At { hour, minute },
        zone: zone.to_owned(),
    }
}

/// No window stands at the first and last of these instants; one stands from the second on until the third.
fn holds(schedule: &Schedule, [before, from, until]: [&str; 3]) {
    let until = at(until);
    assert_eq!(schedule.check(), Ok(()));
    assert_eq!(schedule.stands(at(before)), Stands::No, "{schedule:?} before");
    assert_eq!(
        schedule.stands(at(from)),
        Stands::Until(until),
        "{schedule:?} from"
    );
    let last = Instant(until.0 - 1);
    assert_eq!(schedule.stands(last), Stands::Until(until), "{schedule:?} last");
    assert_eq!(schedule.stands(until), Stands::No, "{schedule:?} after");
}

#[test]
fn a_window_follows_the_clocks_of_its_zone_in_summer_and_winter() {
    let berlin = after("0 9 * * mon-fri", 8, "Europe/Berlin");
    // Friday before the clocks go back, and the Monday after it.
    holds(
        &berlin,
        [
            "2026-10-23T06:59:59Z",
            "2026-10-23T07:00:00Z",
            "2026-10-23T15:00:00Z",
        ],
    );
    holds(
        &berlin,
        [
            "2026-10-26T07:59:59Z",
            "2026-10-26T08:00:00Z",
            "2026-10-26T16:00:00Z",
        ],
    );
    // Nothing on the Sunday itself.
    assert_eq!(berlin.stands(at("2026-10-25T09:00:00Z")), Stands::No);
    let york = clock("30 9 * * mon-fri", (16, 0), "America/New_York");
    holds(
        &york,
        [
            "2026-03-06T14:29:59Z",
            "2026-03-06T14:30:00Z",
            "2026-03-06T21:00:00Z",
        ],
    );
    holds(
        &york,
        [
            "2026-03-09T13:29:59Z",
            "2026-03-09T13:30:00Z",
            "2026-03-09T20:00:00Z",
        ],
    );
}

#[test]
fn a_night_in_which_clocks_change_is_longer_or_shorter() {
    // 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
    let night = clock("0 22 * * *", (6, 0), "Europe/Berlin");
    holds(
        &night,
        [
            "2026-03-28T20:59:59Z",
            "2026-03-28T21:00:00Z",
            "2026-03-29T04:00:00Z",
        ],
    );
    holds(
        &night,
        [
            "2026-10-24T19:59:59Z",
            "2026-10-24T20:00:00Z",
            "2026-10-25T05:00:00Z",
        ],
    );
    // What lasts so many hours lasts them.
    let hours = after("0 22 * * *", 8, "Europe/Berlin");
    holds(
        &hours,
        [
            "2026-03-28T20:59:59Z",
            "2026-03-28T21:00:00Z",
            "2026-03-29T05:00:00Z",
        ],
    );
    holds(
        &hours,
        [
            "2026-10-24T19:59:59Z",
            "2026-10-24T20:00:00Z",
            "2026-10-25T04:00:00Z",
        ],
    );
}

#[test]
fn a_beginning_that_clocks_leave_out_is_when_they_go_on_and_one_they_repeat_is_the_first() {
    let early = after("30 2 * * *", 1, "America/New_York");
    // 02:00 becomes 03:00 on 8 March (07:00 UTC): there is no 02:30.
    holds(
        &early,
        [
            "2026-03-08T06:59:59Z",
            "2026-03-08T07:00:00Z",
            "2026-03-08T08:00:00Z",
        ],
    );
    // 02:00 becomes 01:00 on 1 November (06:00 UTC): 01:30 comes twice.
    let twice = after("30 1 * * *", 1, "America/New_York");
    holds(
        &twice,
        [
            "2026-11-01T05:29:59Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
        ],
    );
}

#[test]
fn windows_cross_midnight_and_the_ends_of_months_and_years() {
    let utc = clock("0 23 * * *", (1, 30), "UTC");
    for (from, until) in [
        ("2026-02-28T23:00:00Z", "2026-03-01T01:30:00Z"),
        ("2028-02-29T23:00:00Z", "2028-03-01T01:30:00Z"),
        ("2026-12-31T23:00:00Z", "2027-01-01T01:30:00Z"),
    ] {
        assert_eq!(utc.stands(at(from)), Stands::Until(at(until)));
    }
    // The last day of every month, for two days.
    let closing = after("0 0 L * *", 48, "Asia/Kolkata");
    holds(
        &closing,
        [
            "2026-04-29T18:29:59Z",
            "2026-04-29T18:30:00Z",
            "2026-05-01T18:30:00Z",
        ],
    );
}

#[test]
fn windows_that_follow_each_other_are_one() {
    let weekend = clock("0 0 * * sat,sun", (0, 0), "Europe/Berlin");
    holds(
        &weekend,
        [
            "2026-11-20T22:59:59Z",
            "2026-11-20T23:00:00Z",
            "2026-11-22T23:00:00Z",
        ],
    );
    let ever = after("*/5 * * * *", 1, "UTC");
    assert_eq!(ever.check(), Ok(()));
    assert_eq!(ever.stands(at("2026-11-20T22:59:59Z")), Stands::Always);
}

#[test]
fn what_nobody_can_read_is_told_and_stands_always() {
    let wrong = [
        (after("0 9 * * *", 8, "Europe/Berlni"), Unreadable::Zone),
        (after("0 9 * * *", 0, "UTC"), Unreadable::Ends),
        (after("0 9 * * *", 9000, "UTC"), Unreadable::Ends),
        (clock("0 9 * * *", (24, 0), "UTC"), Unreadable::Ends),
        (after("0 0 30 2 *", 1, "UTC"), Unreadable::Never),
    ];
    for (schedule, why) in wrong {
        assert_eq!(schedule.check(), Err(why), "{schedule:?}");
    }
    for starts in [
        "",
        "9",
        "0 9 * *",
        "0 0 9 * * *",
        "61 * * * *",
        "0 9 * * funday",
        "\u{202e}",
    ] {
        let schedule = after(starts, 1, "UTC");
        assert!(matches!(schedule.check(), Err(Unreadable::Starts(_))), "{starts}");
        assert_eq!(
            schedule.stands(at("2026-11-20T22:59:59Z")),
            Stands::Always,
            "{starts}"
        );
    }
    assert_eq!(
        after("0 9 * * *", 8, "Mars/Base").stands(at("2026-11-20T22:59:59Z")),
        Stands::Always
    );
}

#[test]
fn leap_days_come_and_far_instants_are_no_mistake() {
    let leap = after("0 0 29 2 *", 24, "UTC");
    holds(
        &leap,
        [
            "2028-02-28T23:59:59Z",
            "2028-02-29T00:00:00Z",
            "2028-03-01T00:00:00Z",
        ],
    );
    for ms in [i64::MIN, i64::MAX] {
        assert_eq!(leap.stands(Instant(ms)), Stands::Always);
    }
}
