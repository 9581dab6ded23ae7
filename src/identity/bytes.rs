//! Numbers as few bytes. Owns their form within one run; nothing of it is kept.

/// Appends a number, small ones in one byte.
#[inline]
pub fn put(number: u64, into: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

/// Takes a number off the start. Bytes that end too early give 0: they were written by this process.
#[inline]
pub fn take(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((first, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(first & 0x7F) << shift;
        if *first < 0x80 {
            break;
        }
        shift = (shift + 7) % 64;
    }
    number
}

/// Takes four bytes off the start.
#[inline]
pub fn take_u32(bytes: &mut &[u8]) -> u32 {
    let Some((four, rest)) = bytes.split_first_chunk::<4>() else { return 0 };
    *bytes = rest;
    u32::from_le_bytes(*four)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(prop_oneof![0..300u64, any::<u64>()], 0..20)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|n| put(*n, &mut bytes));
            let mut rest = bytes.as_slice();
            let back: Vec<u64> = numbers.iter().map(|_| take(&mut rest)).collect();
            prop_assert_eq!(back, numbers);
            prop_assert!(rest.is_empty());
        }
    }
}
