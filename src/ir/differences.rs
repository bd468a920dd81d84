//! Numbers that are close to their predecessors, stored as differences: a byte or two for each.

/// Appends a number in LEB128.
#[inline]
pub(crate) fn write(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads a number in LEB128; `None` if the bytes end before it does.
#[inline]
pub(crate) fn read(bytes: &mut std::slice::Iter<u8>) -> Option<u32> {
    // Most are of one byte.
    match bytes.as_slice().first() {
        Some(&byte) if byte < 0x80 => {
            bytes.next();
            Some(byte.into())
        }
        _ => read_long(bytes),
    }
}

fn read_long(bytes: &mut std::slice::Iter<u8>) -> Option<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.next()?;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}

/// Appends the difference of a number to its predecessor, which may be negative: wrapping and zigzag-encoded.
#[inline]
pub(crate) fn write_signed(bytes: &mut Vec<u8>, number: u32, last: u32) {
    let difference = number.wrapping_sub(last) as i32;
    write(bytes, (difference << 1 ^ difference >> 31) as u32);
}

/// Reads the number that [`write_signed`] appended, given its predecessor.
#[inline]
pub(crate) fn read_signed(bytes: &mut std::slice::Iter<u8>, last: u32) -> Option<u32> {
    let difference = read(bytes)?;
    Some(last.wrapping_add(difference >> 1 ^ (difference & 1).wrapping_neg()))
}
