//! Kubernetes' quantities: `512Mi`, `0.5`, `500m`, `1e9`.

/// An amount in thousandths of a millionth, which is the finest the API keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantity {
    nanos: u128,
}

const ONE: u128 = 1_000_000_000;

impl Quantity {
    /// What a text means; nothing if it is no quantity or below zero.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (digits, suffix) = text.split_at(end);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        if part.contains('.') || (whole.is_empty() && part.is_empty()) {
            return None;
        }
        let mut nanos: u128 = 0;
        let mut scale = scale(suffix)?;
        for digit in whole.bytes() {
            nanos = nanos.saturating_mul(10).saturating_add(scale.saturating_mul(u128::from(digit - b'0')));
        }
        // The API rounds up what is finer than it keeps.
        let mut rest = false;
        for digit in part.bytes() {
            let digit = u128::from(digit - b'0');
            let tenth = scale.saturating_mul(digit);
            rest |= tenth % 10 != 0;
            nanos = nanos.saturating_add(tenth / 10);
            rest |= scale % 10 != 0;
            scale /= 10;
        }
        Some(Self { nanos: nanos.saturating_add(u128::from(rest)) })
    }

    /// Whole ones, rounded up: bytes.
    pub(super) fn ones(self) -> u64 {
        u64::try_from(self.nanos.div_ceil(ONE)).unwrap_or(u64::MAX)
    }

    /// Thousandths, rounded up: of a core.
    pub(super) fn thousandths(self) -> u32 {
        u32::try_from(self.nanos.div_ceil(ONE / 1000)).unwrap_or(u32::MAX)
    }

    /// How often another one goes into it, rounded up; nothing for a divisor of zero.
    pub(super) fn divided(self, by: Self) -> Option<u64> {
        (by.nanos != 0).then(|| u64::try_from(self.nanos.div_ceil(by.nanos)).unwrap_or(u64::MAX))
    }
}

/// What one of a suffix is worth.
fn scale(suffix: &str) -> Option<u128> {
    let binary = |power: u32| Some(ONE << (10 * power));
    let decimal = |power: u32| 10u128.checked_pow(power);
    match suffix {
        "" => Some(ONE),
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "k" => decimal(12),
        "M" => decimal(15),
        "G" => decimal(18),
        "T" => decimal(21),
        "P" => decimal(24),
        "E" => decimal(27),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            decimal(u32::try_from(power.checked_add(9)?).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Option<u64> {
        Quantity::parse(text).map(Quantity::ones)
    }

    fn millis(text: &str) -> Option<u32> {
        Quantity::parse(text).map(Quantity::thousandths)
    }

    #[test]
    fn memory_is_counted_in_bytes() {
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("1.5Gi"), Some(3 << 29));
        assert_eq!(bytes("128974848"), Some(128_974_848));
        assert_eq!(bytes("129e6"), Some(129_000_000));
        assert_eq!(bytes("129M"), Some(129_000_000));
        assert_eq!(bytes("128974848000m"), Some(128_974_848));
        assert_eq!(bytes("1k"), Some(1_000));
        assert_eq!(bytes("512m"), Some(1));
        assert_eq!(bytes("2Ki"), Some(2048));
        assert_eq!(bytes("1Ti"), Some(1 << 40));
    }

    #[test]
    fn processor_time_is_counted_in_thousandths() {
        assert_eq!(millis("500m"), Some(500));
        assert_eq!(millis("1"), Some(1000));
        assert_eq!(millis("0.5"), Some(500));
        assert_eq!(millis(".25"), Some(250));
        assert_eq!(millis("2."), Some(2000));
        assert_eq!(millis("0.0001"), Some(1));
        assert_eq!(millis("1e1"), Some(10_000));
    }

    #[test]
    fn what_is_no_quantity_is_nothing() {
        for text in ["", "Mi", "512MB", "512 Mi", "1.2.3", "-1", "abc", "1e", "1e99999999999", "1Kib", "½"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        assert_eq!(bytes("99999999999999999999999999999999999999999999Ei"), Some(u64::MAX));
    }

    #[test]
    fn a_divisor_rounds_up_as_the_kubelet_does() {
        let of = |text, by| Quantity::parse(text)?.divided(Quantity::parse(by)?);
        assert_eq!(of("1500m", "1"), Some(2));
        assert_eq!(of("2", "1m"), Some(2000));
        assert_eq!(of("512Mi", "1Mi"), Some(512));
        assert_eq!(of("1", "0"), None);
    }
}
