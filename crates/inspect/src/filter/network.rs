//! Where a client came from: an address, a network, or this machine's socket.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::catalog::Client;

/// A place to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The unix socket.
    Local,
    /// An address and how many of its bits count; the others are zero.
    Network(IpAddr, u8),
}

impl Origin {
    /// `None`: we may not see where it came from.
    pub(super) fn holds(self, client: &Client) -> Option<bool> {
        match (self, client) {
            (_, Client::Hidden) => None,
            (Self::Local, Client::Local) => Some(true),
            (Self::Local, Client::Address(..)) | (Self::Network(..), Client::Local) => Some(false),
            (Self::Network(network, bits), Client::Address(address, _)) => {
                Some(same_family(network, *address) && masked(address.to_canonical(), bits) == network)
            }
        }
    }
}

fn same_family(network: IpAddr, address: IpAddr) -> bool {
    network.is_ipv4() == address.to_canonical().is_ipv4()
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

impl FromStr for Origin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.eq_ignore_ascii_case("local") {
            return Ok(Self::Local);
        }
        let (address, bits) = text.split_once('/').map_or((text, None), |(left, right)| (left, Some(right)));
        let address: IpAddr = address.parse().map_err(drop)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Ok(most), str::parse).map_err(drop)?;
        if bits > most {
            return Err(());
        }
        // An IPv4 address in IPv6 clothes means the IPv4 address, whole.
        let canonical = address.to_canonical();
        let bits = if canonical.is_ipv4() && most == 128 { bits.checked_sub(96).ok_or(())? } else { bits };
        Ok(Self::Network(masked(canonical, bits), bits))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Network(address, bits) if *bits == if address.is_ipv4() { 32 } else { 128 } => {
                write!(f, "{address}")
            }
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}
