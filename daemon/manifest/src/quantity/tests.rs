//! Vectors: reliability row C2, and what apimachinery's own parser answers to them.

use super::{milli, whole};
use proptest::prelude::*;

#[test]
fn vectors() {
    let good: [(&str, i64, i64); 32] = [
        ("0", 0, 0),
        ("1", 1, 1000),
        ("100m", 1, 100),
        ("0.1m", 1, 1),
        ("100n", 1, 1),
        ("1u", 1, 1),
        ("1e3", 1000, 1_000_000),
        ("1E3", 1000, 1_000_000),
        ("1E", 1_000_000_000_000_000_000, i64::MAX),
        ("1Ei", 1 << 60, i64::MAX),
        ("1Ki", 1024, 1_024_000),
        ("1.5Gi", 3 << 29, 1_610_612_736_000),
        ("0.5Ki", 512, 512_000),
        ("1.0000000000000000001Ki", 1025, 1_024_001),
        ("1k", 1000, 1_000_000),
        ("2M", 2_000_000, 2_000_000_000),
        ("3G", 3_000_000_000, 3_000_000_000_000),
        ("+5", 5, 5000),
        (".5", 1, 500),
        ("5.", 5, 5000),
        ("-1", -1, -1000),
        ("-0.5", -1, -500),
        ("00012", 12, 12_000),
        ("1e400", i64::MAX, i64::MAX),
        ("1e-400", 1, 1),
        ("0e400", 0, 0),
        ("1e99999999999999999999", i64::MAX, i64::MAX),
        ("9223372036854775807", i64::MAX, i64::MAX),
        ("9223372036854775808", i64::MAX, i64::MAX),
        ("1000000000000000000000000000000000000000", i64::MAX, i64::MAX),
        ("0.000", 0, 0),
        ("1e+3", 1000, 1_000_000),
    ];
    for (text, units, thousandths) in good {
        assert_eq!((whole(text), milli(text)), (Ok(units), Ok(thousandths)), "{text}");
    }
}

#[test]
fn what_is_not_a_quantity() {
    let bad = [
        "",
        " ",
        "1x",
        "1 ",
        " 1",
        "1Gi ",
        "1_000",
        "0x10",
        "١",
        "1e",
        "1Ee3",
        "1ki",
        "1KI",
        "1i",
        ".",
        "-",
        "+",
        "--1",
        "1.1.1",
        "1e3e3",
        "NaN",
        "inf",
        "1\0",
        "1e3Gi",
        "\u{202e}1",
        "1K",
        "1mi",
    ];
    for text in bad {
        assert!(whole(text).is_err(), "{text:?} was read as {:?}", whole(text));
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,40}") {
        let _ = (whole(&text), milli(&text));
    }

    #[test]
    fn whole_numbers_round_trip(value in 0_i64..i64::MAX / 1000) {
        prop_assert_eq!(whole(&value.to_string()), Ok(value));
        prop_assert_eq!(milli(&format!("{value}m")), Ok(value));
        prop_assert_eq!(milli(&value.to_string()), Ok(value * 1000));
    }

    #[test]
    fn fractions_round_up(units in 0_i64..1_000_000, nanos in 1_i64..1_000_000_000) {
        let text = format!("{units}.{nanos:09}");
        prop_assert_eq!(whole(&text), Ok(units + 1));
        prop_assert_eq!(milli(&text), Ok(units * 1000 + nanos.div_euclid(1_000_000) + i64::from(nanos % 1_000_000 > 0)));
    }
}
