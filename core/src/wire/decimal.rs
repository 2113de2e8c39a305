//! Numbers in decimal, without the formatting machinery: a large answer is made of numbers.

use bytes::BufMut;

/// The most digits of 64 bits.
const DIGITS: usize = 20;

/// Appends `number` without leading zeros.
pub fn put(out: &mut impl BufMut, number: impl Into<u64>) {
    let (mut digits, mut from, mut rest) = ([0; DIGITS], DIGITS, number.into());
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        from -= 1;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(digits.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn written(number: u64) -> String {
        let mut out = Vec::new();
        super::put(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn as_everybody_writes_them(number: u64, bits in 0u32..64) {
            prop_assert_eq!(written(number >> bits), (number >> bits).to_string());
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!(written(0), "0");
        assert_eq!(written(u64::MAX), u64::MAX.to_string());
    }
}
