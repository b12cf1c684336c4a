//! Probes that the labels of a container ask for: of its own addresses only, without headers and without
//! secrets, because whoever starts a container chooses its labels. Pure.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;

use super::spec::{Codes, Expectation, Outgoing, Probe, Role, TIMEOUT, Target};

/// The most probes that one container may ask for.
pub(crate) const MAX_WISHES: usize = 8;

/// What a container's labels say about one probe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wish {
    pub(crate) name: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) codes: Codes,
    pub(crate) interval: Duration,
    /// `None`: the one that the image exposes.
    pub(crate) port: Option<u16>,
}

/// Where a container can be reached.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    /// In its networks, in the order of their names.
    pub(crate) addresses: Vec<IpAddr>,
    /// TCP ports that its image or its creator names, in their order.
    pub(crate) ports: Vec<u16>,
}

impl Place {
    /// The port that is meant if none is named: the only one.
    pub(crate) fn only_port(&self) -> Option<u16> {
        match self.ports.as_slice() {
            [port] => Some(*port),
            _ => None,
        }
    }
}

impl Wish {
    /// The probe of a container; `None` if nobody says at which port.
    pub(crate) fn probe(&self, source: &str, id: &str, place: &Place) -> Option<Probe> {
        let port = self.port.or_else(|| place.only_port())?;
        Some(Probe {
            name: self.name.clone(),
            source: source.to_owned(),
            target: Target::Container {
                id: id.to_owned(),
                addresses: place.addresses.clone(),
                port,
            },
            request: plain(&self.target, port),
            expect: Expectation {
                role: Role::Plain,
                codes: self.codes.clone(),
                fields: Vec::new(),
            },
            interval: self.interval,
            timeout: TIMEOUT.min(self.interval),
            is_marked: true,
        })
    }
}

/// A request to a container, which is called by no name.
pub(crate) fn plain(target: &str, port: u16) -> Outgoing {
    Outgoing {
        method: Method::GET,
        authority: format!("localhost:{port}"),
        target: target.to_owned(),
        headers: Vec::new(),
        credentials: Vec::new(),
        body: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(port: Option<u16>) -> Wish {
        Wish {
            name: "health".to_owned(),
            target: "/health".to_owned(),
            codes: Codes::success(),
            interval: Duration::from_secs(2),
            port,
        }
    }

    #[test]
    fn takes_the_port_of_the_label_else_the_only_one_that_is_exposed() {
        for (label, exposed, expected) in [
            (Some(9), &[8000, 8001][..], Some(9)),
            (None, &[8000], Some(8000)),
            (None, &[8000, 8001], None),
            (None, &[], None),
        ] {
            let place = Place {
                addresses: vec![[10, 0, 0, 2].into()],
                ports: exposed.to_vec(),
            };
            let probe = wish(label).probe("auth", "abc", &place);
            let port = probe.map(|probe| match probe.target {
                Target::Container { port, .. } => port,
                Target::Host { .. } => unreachable!("a container has no host"),
            });
            assert_eq!(port, expected, "{label:?} {exposed:?}");
        }
    }

    #[test]
    fn sends_nothing_that_the_labels_could_choose_but_a_path() {
        let probe = wish(Some(1))
            .probe("auth", "abc", &Place::default())
            .unwrap();
        assert_eq!(probe.request, plain("/health", 1));
        assert_eq!(probe.timeout, Duration::from_secs(2));
    }
}
