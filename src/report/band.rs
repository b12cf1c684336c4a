//! How the share of refused requests is read, and what is slow: the same as in alerts and dashboards.

use std::time::Duration;

use serde::Serialize;

/// An answer, or a 95th percentile, above this is slow: every request of a user waits for it.
pub(crate) const SLOW: Duration = Duration::from_secs(1);
/// Fewer requests than these say nothing about a share.
pub(crate) const VOLUME_GUARD: u64 = 20;

/// What a share of refused requests means.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Band {
    /// Below 50 %: first visits and bots have no token, a refresh sees one 401 before.
    Normal,
    /// 50 % to 70 %.
    Elevated,
    /// Above 70 %: something is wrong with the tokens or with those who send them.
    Investigate,
    /// Above 90 %: nobody gets in.
    Critical,
}

impl Band {
    /// Returns the band of so many refused among all requests; `None` if these are too few.
    pub(crate) fn of(refused: u64, requests: u64) -> Option<Self> {
        if requests < VOLUME_GUARD {
            return None;
        }
        // In whole numbers, so that 70 % is 70 % exactly.
        let (part, whole) = (u128::from(refused) * 100, u128::from(requests));
        Some(match part {
            _ if part > whole * 90 => Self::Critical,
            _ if part > whole * 70 => Self::Investigate,
            _ if part >= whole * 50 => Self::Elevated,
            _ => Self::Normal,
        })
    }

    /// Returns the name that reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Elevated => "elevated",
            Self::Investigate => "investigate",
            Self::Critical => "critical",
        }
    }
}

/// Returns a part of a whole, 0 to 1; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "for people, who read three digits"
)]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_milder_band_but_for_one_half() {
        for (refused, requests, expected) in [
            (0, 1_000, Band::Normal),
            (499, 1_000, Band::Normal),
            (500, 1_000, Band::Elevated),
            (700, 1_000, Band::Elevated),
            (701, 1_000, Band::Investigate),
            (900, 1_000, Band::Investigate),
            (901, 1_000, Band::Critical),
            (20, 20, Band::Critical),
            (u64::MAX, u64::MAX, Band::Critical),
        ] {
            assert_eq!(Band::of(refused, requests), Some(expected), "{refused}");
        }
        assert_eq!(Band::of(19, 19), None, "too few");
        assert_eq!(Band::of(0, 0), None);
    }
}
