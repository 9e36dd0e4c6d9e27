//! Scaling activities, newest first.
//!
//! Not here: what they tell of.

use super::parameters::{invalid, page};
use crate::account::{Account, Activity, Refused};
use crate::wire::form::Form;
use crate::wire::pages::PageSize;
use crate::wire::xml::{Element, leaf, list, time};

/// Activities of a page (API reference).
const PAGE: PageSize = PageSize {
    usual: 100,
    fewest: 1,
    most: 100,
};

pub(super) fn activities(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let name = form.text("AutoScalingGroupName");
    if let Some(name) = name {
        account.group(name)?;
    }
    let ids = form.values("ActivityIds");
    let groups = account
        .groups
        .values()
        .filter(|g| name.is_none_or(|n| g.made.name == n));
    let all = groups.flat_map(|g| g.activities.iter().map(|a| (g.made.name.as_str(), a)));
    let named: Vec<(&str, &Activity)> = all
        .filter(|(_, a)| ids.is_empty() || ids.contains(&a.id))
        .collect();
    if let Some(id) = ids.iter().find(|id| !named.iter().any(|(_, a)| a.id == **id)) {
        return Err(invalid(format!("Activity {id} is not valid.")));
    }
    // Newest first, also across pages.
    let newest_first = |activity: &Activity| format!("{:020}", i64::MAX - activity.at.0);
    let rows = named.into_iter().enumerate().map(|(at, row)| {
        let key = format!("{} {:08}", newest_first(row.1), u32::MAX as usize - at);
        (key, row)
    });
    let (rows, next) = page(form, PAGE)?.of(rows.collect());
    let rows = rows
        .into_iter()
        .map(|(group, activity)| activity_row(group, activity));
    let mut found = vec![list("Activities", "member", rows)];
    found.extend(next.map(|token| leaf("NextToken", token)));
    Ok(found)
}

pub(super) fn activity_row(group: &str, activity: &Activity) -> Vec<Element> {
    let mut row = vec![
        leaf("ActivityId", &activity.id),
        leaf("AutoScalingGroupName", group),
        leaf("Description", &activity.description),
        leaf("Cause", &activity.cause),
        leaf("StartTime", time(activity.at)),
        leaf("EndTime", time(activity.at)),
        leaf("StatusCode", activity.status),
        leaf("Progress", 100),
    ];
    row.extend(
        activity
            .message
            .as_ref()
            .map(|message| leaf("StatusMessage", message)),
    );
    row
}
