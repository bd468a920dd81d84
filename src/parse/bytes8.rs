//! Processes text eight bytes at a time, as a little-endian word: the first byte is the lowest.
//!
//! To find the first byte of a kind, a function sets a bit in the place of each such byte. Carries can set
//! wrong bits, but only above the first right one, and only that one is used.

/// The word with `byte` in all eight places.
const fn all(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The place of the byte with the lowest bit that is set; 8 if no bit is set.
#[inline(always)]
fn place(bits: u64) -> usize {
    bits.trailing_zeros() as usize / 8
}

/// Number of leading spaces.
#[inline(always)]
pub(super) fn spaces(word: u64) -> usize {
    place(word ^ all(b' '))
}

/// The place of the first `byte`; 8 if there is none.
#[inline(always)]
pub(super) fn find(word: u64, byte: u8) -> usize {
    let zero_there = word ^ all(byte);
    place(zero_there.wrapping_sub(all(1)) & !zero_there & all(0x80))
}

/// Number of bytes before the first that is less than `0`, as all punctuation is that can follow an opcode.
/// They can include bytes that are not part of a word.
#[inline(always)]
pub(super) fn before_punctuation(word: u64) -> usize {
    place(!(word | word.wrapping_add(all(0x80 - b'0'))) & all(0x80))
}

/// The number that the leading decimal digits spell, and the number of digits. The former is valid only for
/// one to seven digits.
#[inline(always)]
pub(super) fn decimal(word: u64) -> (u32, usize) {
    let digits = word ^ all(b'0');
    let count = place((digits | digits.wrapping_add(all(6))) & all(0xf0));
    // Align the last digit with the highest byte, zeros below the first; then add up pairs, pairs of pairs,
    // and both halves.
    let digits = digits.wrapping_shl(64 - 8 * count as u32);
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    ((fours.wrapping_mul(1 + (10_000 << 32)) >> 32) as u32, count)
}

/// The word with all but its first `count` bytes cleared.
#[inline(always)]
pub(super) const fn first(word: u64, count: usize) -> u64 {
    if count >= 8 { word } else { word & !(u64::MAX << (8 * count)) }
}

/// The first eight bytes of `text`, padded with zeros.
pub(super) const fn prefix(text: &[u8]) -> u64 {
    let mut word = 0;
    let mut n = 0;
    while n < 8 && n < text.len() {
        word |= (text[n] as u64) << (8 * n);
        n += 1;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for n in (0..10_000_000).step_by(37) {
            let text = format!("{n};\u{ff}");
            assert_eq!(decimal(prefix(text.as_bytes())), (n, text.len() - 3));
        }
        for text in ["", "/1", ":1", "a", "\u{ff}1"] {
            assert_eq!(decimal(prefix(text.as_bytes())).1, 0, "{text}");
        }
        assert_eq!(decimal(prefix(b"12345678")).1, 8);
    }

    #[test]
    fn places() {
        for n in 0..=8 {
            let with = |end: u8| {
                let mut bytes = [b'_'; 8];
                bytes[n.min(7)..].fill(if n < 8 { end } else { b'_' });
                u64::from_le_bytes(bytes)
            };
            assert_eq!(find(with(b'\n'), b'\n'), n);
            assert_eq!(before_punctuation(with(b'.')), n);
            assert_eq!(before_punctuation(with(0)), n);
            assert_eq!(spaces(with(b'x') ^ with(b'x') ^ prefix(&b"        "[..n])), n);
            assert_eq!(first(with(b'_'), n), prefix(&b"________"[..n]));
        }
        assert_eq!(find(prefix(b"a\x0b\n"), b'\n'), 2);
        assert_eq!(before_punctuation(prefix("\u{ff}az_09 ".as_bytes())), 7);
    }
}
