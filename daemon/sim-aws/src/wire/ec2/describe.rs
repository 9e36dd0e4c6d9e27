//! What `Describe…` calls of EC2 have in common: filters and pages.
//!
//! Not here: their rows.

use crate::account::Refused;
use crate::wire::form::Form;
use crate::wire::pages::{BadPage, Page, PageSize};
use crate::wire::xml::{Element, leaf, list};
use model::selector::glob;
use std::collections::BTreeMap;

/// Rows of a page (EC2 API reference).
pub(super) const PAGE: PageSize = PageSize {
    usual: 1000,
    fewest: 5,
    most: 1000,
};

/// Filters by name; one that the call does not have is refused. A name that ends in `:` stands for all that begin so.
pub(super) fn filters(form: &Form, known: &[&str]) -> Result<BTreeMap<String, Vec<String>>, Refused> {
    let mut filters = BTreeMap::new();
    for filter in form.items("Filter") {
        let name = filter.text("Name").unwrap_or_default().to_owned();
        let fits = |known: &&str| *known == name || (known.ends_with(':') && name.starts_with(*known));
        if !known.iter().any(fits) {
            return Err(invalid(format!("The filter '{name}' is invalid")));
        }
        filters.insert(name, filter.values("Value"));
    }
    Ok(filters)
}

/// Whether a value is among those of a filter, which may have wildcards.
pub(super) fn among(values: &[String], value: &str) -> bool {
    values.iter().any(|pattern| glob(pattern, value))
}

pub(super) fn invalid(message: impl Into<String>) -> Refused {
    Refused::new("InvalidParameterValue", message)
}

fn page(form: &Form, size: PageSize) -> Result<Page, Refused> {
    Page::asked(form.text("MaxResults"), form.text("NextToken"), size).map_err(|bad| match bad {
        BadPage::Size { asked, size } => invalid(format!(
            "Value ( {asked} ) for parameter maxResults is invalid. Expecting a value between {} and {}.",
            size.fewest, size.most
        )),
        BadPage::Token(token) => {
            Refused::new("InvalidNextToken", format!("The token '{token}' is not valid."))
        }
    })
}

pub(super) fn paged(
    name: &str,
    size: PageSize,
    rows: Vec<(String, Vec<Element>)>,
    form: &Form,
) -> Result<Vec<Element>, Refused> {
    let (rows, next) = page(form, size)?.of(rows);
    let mut result = vec![list(name, "item", rows)];
    result.extend(next.map(|token| leaf("nextToken", token)));
    Ok(result)
}
