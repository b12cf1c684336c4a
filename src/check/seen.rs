//! What lines of a log show besides their numbers: where the service was asked, and what troubles it.

use std::collections::BTreeMap;

use crate::config::Plan;
use crate::parse::{Notice, Parser, Reading, Reason, clean};
use crate::report::remarks::Noted;

/// Lines of these kinds say that something a service needs is broken.
pub(super) const TROUBLE: [Notice; 6] = [
    Notice::Database,
    Notice::PoolExhausted,
    Notice::UpstreamUnreachable,
    Notice::Timeout,
    Notice::Traceback,
    Notice::Error,
];
const MAX_PATH: usize = 200;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Where it was last asked to validate.
    pub(super) path: Option<String>,
    samples: BTreeMap<&'static str, Noted>,
}

impl Seen {
    /// Takes a line; a recent one may become a sample.
    pub(super) fn take(&mut self, parser: &mut Parser, plan: &Plan, line: &[u8], is_recent: bool) {
        let kind = match parser.read(line) {
            Reading::Request(request) => {
                let route = plan.routes.find(request.path);
                let name = route.and_then(|route| plan.routes.names().get(route));
                if name.is_some_and(|name| name == "validate") {
                    self.path = plain(request.path);
                }
                return;
            }
            Reading::Notice(notice) if TROUBLE.contains(&notice) => notice.as_str(),
            // Such a line is no notice besides, and often the only one that names the cause.
            Reading::Denial(denial) if denial.reason == Reason::ServiceError => {
                denial.reason.as_str()
            }
            _ => return,
        };
        if is_recent {
            let noted = self.samples.entry(kind).or_default();
            noted.look(clean(line, &mut Vec::new()));
        }
    }

    /// Some lines of each kind of trouble.
    pub(super) fn samples(&self) -> BTreeMap<&'static str, Vec<String>> {
        let samples = self.samples.iter();
        samples
            .map(|(kind, noted)| (*kind, noted.samples.clone()))
            .collect()
    }
}

/// A path that can be asked for again and shown.
fn plain(path: &[u8]) -> Option<String> {
    let is_plain = path.starts_with(b"/")
        && path.len() <= MAX_PATH
        && path
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte));
    is_plain.then(|| String::from_utf8_lossy(path).into_owned())
}
