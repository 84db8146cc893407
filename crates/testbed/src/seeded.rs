//! Numbers that a seed repeats (SplitMix64).

/// A generator; small, not for secrets.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `$CONNWARDEN_SEED`, else `fixed`; printed, so that a failure can be repeated.
    pub fn from_env(fixed: u64) -> (u64, Self) {
        let seed = std::env::var("CONNWARDEN_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(fixed);
        println!("seed {seed} (CONNWARDEN_SEED repeats it)");
        (seed, Self::new(seed))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
