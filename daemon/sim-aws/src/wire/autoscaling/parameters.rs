//! Parameters as Auto Scaling reads them, and how it refuses those that are missing or wrong.
//!
//! Not here: what calls do with them.

use crate::account::Refused;
use crate::wire::form::Form;
use crate::wire::pages::{BadPage, Page, PageSize};

pub(super) fn needed(form: &Form, key: &str) -> Result<String, Refused> {
    form.text(key).map(str::to_owned).ok_or_else(|| missing(key))
}

pub(super) fn missing(key: &str) -> Refused {
    Refused::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value null at '{key}' failed to satisfy constraint: Member must not be null"
        ),
    )
}

pub(super) fn invalid(message: impl Into<String>) -> Refused {
    Refused::new("ValidationError", message)
}

/// A size that is given; one that is no whole number is refused.
pub(super) fn size(form: &Form, key: &str) -> Result<Option<u32>, Refused> {
    let Some(text) = form.text(key) else {
        return Ok(None);
    };
    let number = text.parse().map_err(|_| {
        let what =
            format!("1 validation error detected: Value '{text}' at '{key}' failed to satisfy constraint");
        invalid(what)
    });
    number.map(Some)
}

pub(super) fn page(form: &Form, size: PageSize) -> Result<Page, Refused> {
    Page::asked(form.text("MaxRecords"), form.text("NextToken"), size).map_err(|bad| match bad {
        BadPage::Size { asked, size } => invalid(format!(
            "1 validation error detected: Value '{asked}' at 'maxRecords' failed to satisfy constraint: Member must have value between {} and {}",
            size.fewest, size.most
        )),
        BadPage::Token(token) => Refused::new("InvalidNextToken", format!("The token '{token}' is invalid.")),
    })
}
