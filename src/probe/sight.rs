//! Whether the log of a source has shown a probe.

use super::mark::Nonce;
use crate::fleet::{Fleet, State};

/// What one container's log says about a mark. Pure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sight {
    /// It has the line.
    Shown,
    /// It would have the line, and has not.
    Missing,
    /// It would not have it in any case, or cannot be read.
    Blind,
    /// The container does not run, so it has answered nothing.
    Stopped,
}

/// Whether the logs of a source have shown one of these marks; `None` where that cannot be said.
pub(crate) fn seen(fleet: &Fleet, source: &str, marks: &[Nonce]) -> Option<bool> {
    let members = fleet.members();
    let replicas = members
        .iter()
        .filter(|(_, member)| member.identity.source == source);
    together(replicas.map(|(_, member)| sight(&member.lock(), marks)))
}

fn sight(state: &State, marks: &[Nonce]) -> Sight {
    let sightings = state.intake.sightings();
    let is_read = state.unreadable.is_none() && state.is_caught_up;
    if marks.iter().any(|mark| sightings.has(*mark)) {
        Sight::Shown
    } else if !state.is_running {
        Sight::Stopped
    } else if is_read && sightings.shows_queries(state.intake.format(), state.started) {
        Sight::Missing
    } else {
        Sight::Blind
    }
}

/// Any replica may have answered, so it is missing only where all of them would have shown it.
fn together(replicas: impl Iterator<Item = Sight>) -> Option<bool> {
    let (mut is_missing, mut is_blind) = (false, false);
    for sight in replicas {
        match sight {
            Sight::Shown => return Some(true),
            Sight::Missing => is_missing = true,
            Sight::Blind => is_blind = true,
            Sight::Stopped => {}
        }
    }
    (is_missing && !is_blind).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_missing_only_if_every_log_would_have_it() {
        use Sight::{Blind, Missing, Shown, Stopped};
        for (replicas, expected) in [
            (&[][..], None),
            (&[Shown], Some(true)),
            (&[Missing], Some(false)),
            (&[Blind], None),
            (&[Stopped], None),
            (&[Missing, Blind, Shown], Some(true)),
            (&[Missing, Missing], Some(false)),
            (&[Missing, Stopped], Some(false)),
            (&[Missing, Blind], None),
        ] {
            assert_eq!(together(replicas.iter().copied()), expected, "{replicas:?}");
        }
    }
}
