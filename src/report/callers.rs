//! Who made the requests: exact up to so many clients, an estimate beyond.
//!
//! Beyond, the half with the fewest requests is forgotten now and then, as in the algorithm of Misra
//! and Gries: whoever has made more than a few thousandths of all requests is never among them, and
//! nobody has made fewer than are shown.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::parse;

/// So many clients are counted exactly.
pub(crate) const MAX_CLIENTS: usize = 10_000;
/// No address is longer, with brackets, a zone and a port.
const MAX_LENGTH: usize = 64;

/// The requests of one client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Caller {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// What of its requests has not been taken for forgetting others.
    credit: u64,
}

/// All clients, by what stands where their addresses should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callers {
    clients: HashMap<Box<[u8]>, Caller, Seeded>,
    /// The requests that any client may have made beyond those shown; 0 if all is exact.
    pub(crate) forgotten: u64,
    /// Requests whose line names no client.
    pub(crate) anonymous: u64,
}

/// A client with a valid address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Top {
    pub(crate) address: IpAddr,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
}

impl Callers {
    /// Counts a request.
    pub(crate) fn add(&mut self, client: Option<&[u8]>, is_refused: bool) {
        let Some(client) = client.map(host).filter(|client| is_plausible(client)) else {
            self.anonymous += 1;
            return;
        };
        let one = Caller {
            requests: 1,
            refused: u64::from(is_refused),
            credit: 1,
        };
        self.count(client, one);
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn append(&mut self, other: &Self) {
        for (client, caller) in &other.clients {
            self.count(client, *caller);
        }
        self.anonymous += other.anonymous;
        self.forgotten += other.forgotten;
    }

    /// Tells whether every client was counted from its first request on.
    pub(crate) const fn is_exact(&self) -> bool {
        self.forgotten == 0
    }

    /// Returns those with a valid address, the one with the most requests first, then by address.
    pub(crate) fn top(&self) -> Vec<Top> {
        let mut found: HashMap<IpAddr, Top> = HashMap::new();
        for (client, caller) in &self.clients {
            let Some(address) = parse::address(client) else {
                continue;
            };
            let address = address.to_canonical();
            let top = found.entry(address).or_insert(Top {
                address,
                requests: 0,
                refused: 0,
            });
            top.requests += caller.requests;
            top.refused += caller.refused;
        }
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_by_key(|top| (std::cmp::Reverse(top.requests), top.address));
        found
    }

    fn count(&mut self, client: &[u8], by: Caller) {
        if let Some(caller) = self.clients.get_mut(client) {
            caller.append(by);
            return;
        }
        if self.clients.len() == MAX_CLIENTS {
            self.forget();
        }
        self.clients.insert(client.into(), by);
    }

    /// Forgets the half with the smallest credits, at the cost of the others.
    fn forget(&mut self) {
        let mut credits: Vec<_> = self.clients.values().map(|caller| caller.credit).collect();
        let (_, &mut median, _) = credits.select_nth_unstable(MAX_CLIENTS / 2);
        self.clients.retain(|_, caller| {
            caller.credit = caller.credit.saturating_sub(median);
            caller.credit > 0
        });
        self.forgotten += median;
    }
}

impl Caller {
    fn append(&mut self, other: Self) {
        self.requests += other.requests;
        self.refused += other.refused;
        self.credit += other.credit;
    }
}

/// Tells whether an address is of a private network, behind which others may be.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by the customers of a provider.
            let is_shared = matches!(address.octets(), [100, 64..128, ..]);
            address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Returns a client without its port, if it has one that can be told: `1.2.3.4:5`, `[::1]:5`.
fn host(client: &[u8]) -> &[u8] {
    if let Some(inside) = client.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inside);
        return end.and_then(|end| inside.get(..end)).unwrap_or(client);
    }
    // Most have no colon, or the one of the port; these texts are too short for more than a loop.
    let is_colon = |byte: &u8| *byte == b':';
    match client.iter().position(is_colon) {
        Some(at) if client.iter().rposition(is_colon) == Some(at) => {
            client.get(..at).unwrap_or(client)
        }
        _ => client,
    }
}

/// Tells whether a text can be an address: a client that is trusted with `X-Forwarded-For` may write
/// anything.
fn is_plausible(client: &[u8]) -> bool {
    (2..=MAX_LENGTH).contains(&client.len())
        && client
            .first()
            .is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':')
}

/// Hashes that nobody outside can foresee.
#[derive(Clone, Debug)]
struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        static SEED: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| fastrand::u64(..));
        Self(*SEED)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Hash;

    fn build_hasher(&self) -> Hash {
        Hash(self.0)
    }
}

struct Hash(u64);

impl Hasher for Hash {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The length of a text is in its hash anyway.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(callers: &Callers) -> Vec<(String, u64, u64)> {
        let top = callers.top();
        let seen = top
            .iter()
            .map(|top| (top.address.to_string(), top.requests, top.refused));
        seen.collect()
    }

    #[test]
    fn counts_addresses_without_ports_and_in_one_spelling() {
        let mut callers = Callers::default();
        for client in [
            "10.0.0.1",
            "10.0.0.1:80",
            "::ffff:10.0.0.1",
            "[2001:db8::7]:80",
            "2001:DB8::7",
        ] {
            callers.add(Some(client.as_bytes()), client.ends_with('1'));
        }
        for client in ["", "-", "unknown", "10.0.0.256", &"1".repeat(100)] {
            callers.add(Some(client.as_bytes()), true);
        }
        callers.add(None, true);
        let expected = [("10.0.0.1", 3, 2), ("2001:db8::7", 2, 0)];
        let expected = expected.map(|(address, all, refused)| (address.to_owned(), all, refused));
        assert_eq!(top(&callers), expected);
        assert_eq!(callers.anonymous, 5);
        assert!(callers.is_exact());
    }

    #[test]
    fn is_exact_up_to_ten_thousand_clients_and_finds_the_busy_ones_beyond() {
        let mut callers = Callers::default();
        let address = |number: usize| format!("10.{}.{}.1", number / 250, number % 250);
        for number in 0..MAX_CLIENTS {
            callers.add(Some(address(number).as_bytes()), false);
        }
        assert!(callers.is_exact());
        assert_eq!(callers.top().len(), MAX_CLIENTS);
        for number in 0..6 * MAX_CLIENTS {
            callers.add(Some(address(number).as_bytes()), false);
            if number % 20 == 0 {
                callers.add(Some(b"192.0.2.1"), true);
            }
        }
        assert!(!callers.is_exact());
        assert!(callers.clients.len() <= MAX_CLIENTS);
        let busiest = callers.top()[0];
        assert_eq!(busiest.address.to_string(), "192.0.2.1");
        assert_eq!((busiest.requests, busiest.refused), (3_000, 3_000));
    }

    #[test]
    fn parts_add_up_and_stay_bounded() {
        let (mut first, mut second) = (Callers::default(), Callers::default());
        for number in 0..6_000 {
            first.add(
                Some(format!("10.1.{}.{}", number / 250, number % 250).as_bytes()),
                true,
            );
            second.add(
                Some(format!("10.2.{}.{}", number / 250, number % 250).as_bytes()),
                true,
            );
        }
        first.add(Some(b"10.2.0.7"), false);
        first.append(&second);
        assert!(!first.is_exact());
        assert!(first.clients.len() <= MAX_CLIENTS);
    }

    #[test]
    fn private_networks_are_those_behind_which_others_may_be() {
        for (address, expected) in [
            ("172.26.0.3", true),
            ("127.0.0.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::1", true),
            ("8.8.8.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
