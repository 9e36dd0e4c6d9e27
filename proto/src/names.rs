//! Enums by name where messages are printed as JSON: `observe`, `cleared`. Binary messages are untouched.

use crate::v1::{Mode, verdict};
use serde::Serializer;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
pub(crate) fn mode<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match Mode::try_from(*number) {
        Ok(Mode::Observe) => "observe",
        Ok(Mode::Act) => "act",
        Ok(Mode::Unspecified) | Err(_) => "unknown",
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
pub(crate) fn verdict_kind<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match verdict::Kind::try_from(*number) {
        Ok(verdict::Kind::Cleared) => "cleared",
        Ok(verdict::Kind::Held) => "held",
        Ok(verdict::Kind::Struck) => "struck",
        Ok(verdict::Kind::Unspecified) | Err(_) => "unknown",
    })
}
