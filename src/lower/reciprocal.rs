//! Multipliers for division by constants.
//!
//! If a divisor d is not a power of two, the quotient x / d is the high part of the product of x with a
//! *multiplier* m = ceil(2^p / d): x m / 2^p exceeds x / d by x e / (d 2^p), where e = m d - 2^p, and as long
//! as x e < 2^p this excess does not change the integer part.

/// Returns the multiplier and p, the smallest power of at least `least` for which x e < 2^p holds for all
/// magnitudes x up to 2^`bits`. The divisor must be below 2^63 and not a power of two.
pub(crate) fn multiplier(divisor: u64, bits: u32, least: u32) -> (u128, u32) {
    let mut power = least;
    loop {
        let multiplier = (1u128 << power) / divisor as u128 + 1;
        let excess = multiplier * divisor as u128 - (1u128 << power);
        if excess < 1u128 << (power - bits) {
            return (multiplier, power);
        }
        power += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::multiplier;

    #[test]
    fn multipliers_are_exact() {
        for divisor in (3..=127u64).filter(|d| !d.is_power_of_two()) {
            let (factor, power) = multiplier(divisor, 8, 8);
            for x in 0..=255u64 {
                assert_eq!((x as u128 * factor) >> power, (x / divisor) as u128, "{x} / {divisor}");
            }
        }
    }

    #[test]
    fn known_multipliers() {
        assert_eq!(multiplier(3, 32, 32), (0xaaaa_aaab, 33));
        assert_eq!(multiplier(10, 64, 64), (0xcccc_cccc_cccc_cccd, 67));
        assert_eq!(multiplier(7, 31, 32), (0x9249_2493, 34));
    }
}
