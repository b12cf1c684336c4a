//! The timeline of a report as text.

use std::collections::BTreeMap;

use super::paint::{Page, sparkline};
use super::summary::{Report, RouteReport};
use super::words::{count, number};

/// What stands beside the bars.
const MARGIN: usize = 40;

/// The requests of all routes in a slot, by its beginning in seconds since 1970: all, refused, and
/// the beginning as text.
type Slots<'a> = BTreeMap<i64, (u64, u64, &'a str)>;

/// Draws requests and shares of 401 over time.
pub(super) fn chart(page: &mut Page, report: &Report) {
    let Some((step, slots)) = slots(&report.routes) else {
        return;
    };
    let (Some(first), Some(last)) = (slots.first_key_value(), slots.last_key_value()) else {
        return;
    };
    // Several slots share a sign where the line would be too long.
    let steps = (last.0 - first.0) / step + 1;
    let room = page.style.width().saturating_sub(MARGIN).max(1);
    let room = i64::try_from(room).unwrap_or(1);
    let each = ((steps - 1) / room + 1) * step;
    let columns: Vec<_> = (0..=(last.0 - first.0) / each)
        .map(|sign| {
            let start = first.0 + sign * each;
            let slots = slots.range(start..start + each).map(|(_, slot)| slot);
            slots.fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1))
        })
        .collect();
    let most = columns.iter().map(|(all, _)| *all).max().unwrap_or(0);
    let shares = columns
        .iter()
        .map(|&(all, refused)| (refused * 100).checked_div(all).unwrap_or(0));
    let requests = sparkline(columns.iter().map(|(all, _)| *all), most);
    page.section(&format!("Timeline, {} a sign", unit(each)));
    page.line(&format!(
        "  requests   {requests}  at most {}",
        number(most)
    ));
    let shares = sparkline(shares, 100);
    page.line(&format!("  401 share  {shares}  full is 100 %"));
    let (begin, end) = (first.1.2, last.1.2);
    page.line(&format!(
        "             {} to {} UTC",
        minute(begin),
        minute(end)
    ));
}

/// The slots of all routes together, of the longest step of any.
fn slots(routes: &[RouteReport]) -> Option<(i64, Slots<'_>)> {
    let lines = || routes.iter().filter_map(|route| route.timeline.as_ref());
    let step = lines().map(|line| line.step_seconds).max()?;
    let mut all = Slots::new();
    for slot in lines().flat_map(|line| &line.slots) {
        let second = slot.second - slot.second.rem_euclid(step);
        let sum = all.entry(second).or_insert((0, 0, &slot.start));
        sum.0 += slot.requests;
        sum.1 += slot.refused;
    }
    Some((step, all))
}

/// A time as text, to the minute.
pub(super) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// A length of time in words.
fn unit(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    match seconds {
        seconds if seconds.is_multiple_of(86_400) => count(seconds / 86_400, "day", "days"),
        seconds if seconds.is_multiple_of(3_600) => count(seconds / 3_600, "hour", "hours"),
        seconds => count(seconds / 60, "minute", "minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_the_largest_that_fit() {
        for (seconds, expected) in [
            (60, "1 minute"),
            (5_400, "90 minutes"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
        ] {
            assert_eq!(unit(seconds), expected);
        }
    }
}
