//! Ports for servers that are told where to listen: free, and nobody else's until the test is done with them.
//!
//! The kernel's own choice (port 0) is free only until it is given back: whoever connects or listens next may get it. These
//! lie below those that the kernel gives away, and while one is held, its number is taken at another address of the
//! loopback: that is what other processes look at. Not here: servers that choose their port themselves.

use crate::Result;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below `net.ipv4.ip_local_port_range`, which begins at 32768.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Who holds a port listens here.
const HELD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A port of this process until it is dropped.
pub struct Port {
    number: u16,
    _held: TcpListener,
}

impl Port {
    /// The next that is free.
    pub fn reserve() -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let begin = u16::try_from(std::process::id() % u32::from(COUNT))?;
        for _ in 0..COUNT {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + u16::try_from((u32::from(begin) + u32::from(next)) % u32::from(COUNT))?;
            let Ok(held) = TcpListener::bind((HELD, number)) else {
                continue;
            };
            // Whatever listens there without having asked.
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _held: held });
            }
        }
        Err("no port is free".into())
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_nobody_elses_until_it_is_dropped() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        assert!(
            TcpListener::bind(ports[0].address()).is_ok(),
            "its holder may listen"
        );
        assert!(TcpListener::bind((HELD, ports[0].number)).is_err());
    }
}
