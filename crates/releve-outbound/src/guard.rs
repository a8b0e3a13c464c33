//! Where may a request go that somebody else has asked for?
//!
//! A name is resolved once, each address that it has is judged, and the connection is made to one of those: there is no second
//! look-up that could say something else. Ranges are those of IANA's special-purpose address registries (RFC 6890 and its
//! updates), that is, whatever is not globally reachable.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

/// How a name is looked up.
pub type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// As the system does it.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

/// Not globally reachable, or of no one host.
const CLOSED_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private use
    v4(100, 64, 0, 0, 10),   // shared by a carrier's customers
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local: where clouds keep their credentials
    v4(172, 16, 0, 0, 12),   // private use
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 31, 196, 0, 24), // AS112
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private use
    v4(198, 18, 0, 0, 15),   // benchmarking
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, broadcast
];

/// Only this is given to hosts of the Internet (RFC 4291 and IANA's registry)...
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 3);
/// ...and of it not these.
const CLOSED_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23),      // protocol assignments, Teredo among them
    v6(0x2001, 0x0db8, 32), // documentation
    v6(0x2002, 0, 16),      // 6to4, which holds an IPv4 address
    v6(0x3fff, 0, 20),      // documentation
];

/// Whether an address is one that anybody on the Internet could reach.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|net| net.contains(&address)),
    }
}

/// An address that a request may not go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forbidden {
    host: String,
    address: IpAddr,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has the address {}, to which nothing is sent", self.host, self.address)
    }
}

impl Error for Forbidden {}

/// Judges addresses.
#[derive(Clone)]
pub(crate) struct Guard {
    /// Whether public addresses will do.
    pub(crate) public: bool,
    /// What the operator allows beside.
    pub(crate) allowed: Arc<[IpNet]>,
    pub(crate) lookup: Lookup,
}

impl Guard {
    /// One address that may not be reached is enough: a name that has one is not to be trusted with the others.
    pub(crate) fn check(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Forbidden> {
        let allowed = |address: &IpAddr| {
            let address = address.to_canonical();
            self.public && is_public(address) || self.allowed.iter().any(|net| net.contains(&address))
        };
        match addresses.iter().find(|address| !allowed(address)) {
            Some(address) => Err(Forbidden { host: host.to_owned(), address: *address }),
            None => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let addresses = (guard.lookup)(host.clone()).await?;
            guard.check(&host, &addresses)?;
            let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

const AGENT: &str = concat!("releve/", env!("CARGO_PKG_VERSION"));

/// The clients that requests leave by. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ways {
    /// To public addresses, or to what is allowed.
    https: (Client, Guard),
    /// To what is allowed: nobody else reads along there.
    http: (Client, Guard),
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("allowed", &self.http.1.allowed).finish_non_exhaustive()
    }
}

impl Ways {
    pub(crate) fn new(allowed: &[IpNet], lookup: &Lookup, try_max: Duration) -> Result<Self, reqwest::Error> {
        let client = |public: bool| {
            let guard = Guard { public, allowed: Arc::from(allowed), lookup: lookup.clone() };
            let client = Client::builder()
                .redirect(redirect::Policy::none()) // where it points was never judged
                .no_proxy() // it would look names up by itself
                .pool_max_idle_per_host(0) // each message goes where its name points now
                .dns_resolver(guard.clone())
                .timeout(try_max)
                .user_agent(AGENT);
            Ok::<_, reqwest::Error>((client.build()?, guard))
        };
        Ok(Self { https: client(true)?, http: client(false)? })
    }

    /// The client for an address.
    pub(crate) fn to(&self, url: &Url) -> Result<&Client, Forbidden> {
        let (client, guard) = if url.scheme() == "https" { &self.https } else { &self.http };
        // An address in place of a name is never looked up.
        let host = url.host_str().unwrap_or_default();
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            guard.check(host, &[address])?;
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_not_public() {
        let closed = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in closed {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let open = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2a00:1450:4007::1",
            "2606:4700::1111",
        ];
        for text in open {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
