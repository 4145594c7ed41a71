//! RVL, a lossless code for depth pictures (Wilson, "Fast Lossless Depth Image Compression", 2017).
//!
//! Runs of zeros and of other values take turns; values are differences to the one before, folded
//! to positive numbers and written three bits a nibble, whose top bit says that more follow. Eight
//! nibbles fill a little-endian word from the top.

/// The values of a picture of `count` pixels; none when the data end too early or make no sense.
pub(crate) fn decode_rvl(data: &[u8], count: usize) -> Option<Vec<u16>> {
    let mut nibbles = Nibbles { words: data.chunks_exact(4), word: 0, left: 0 };
    // Data that were cut short must not make room for a picture that is not there.
    let mut values: Vec<u16> = Vec::with_capacity(count.min(8 * data.len()));
    let mut value = 0_i32;
    while values.len() < count {
        let before = values.len();
        let zeros = nibbles.number()? as usize;
        if zeros > count - values.len() {
            return None;
        }
        values.resize(values.len() + zeros, 0);
        let others = nibbles.number()? as usize;
        if others > count - values.len() {
            return None;
        }
        for _ in 0..others {
            let folded = nibbles.number()?;
            let difference = (folded >> 1) as i32 ^ -((folded & 1) as i32);
            value = value.wrapping_add(difference);
            values.push(u16::try_from(value).ok()?);
        }
        // Two empty runs in a row never end.
        if values.len() == before && count > 0 {
            return None;
        }
    }
    Some(values)
}

struct Nibbles<'a> {
    words: std::slice::ChunksExact<'a, u8>,
    word: u32,
    left: u32,
}

impl Nibbles<'_> {
    fn number(&mut self) -> Option<u32> {
        let (mut number, mut shift) = (0_u32, 0);
        loop {
            if self.left == 0 {
                let bytes = self.words.next()?;
                self.word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                self.left = 8;
            }
            let nibble = self.word >> 28;
            self.word <<= 4;
            self.left -= 1;
            // Eleven nibbles hold more than any number of a picture.
            if shift > 30 {
                return None;
            }
            number |= (nibble & 7).checked_shl(shift)?;
            shift += 3;
            if nibble & 8 == 0 {
                return Some(number);
            }
        }
    }
}

/// The code of some values, for tests.
#[cfg(test)]
pub(crate) fn encode_rvl(values: &[u16]) -> Vec<u8> {
    let mut nibbles = Vec::new();
    let mut put = |mut number: u32| loop {
        let more = number > 7;
        nibbles.push((number & 7) as u8 | if more { 8 } else { 0 });
        number >>= 3;
        if !more {
            break;
        }
    };
    let (mut at, mut before) = (0, 0_i32);
    while at < values.len() {
        let zeros = values[at..].iter().take_while(|&&value| value == 0).count();
        at += zeros;
        put(zeros as u32);
        let others = values[at..].iter().take_while(|&&value| value != 0).count();
        put(others as u32);
        for &value in &values[at..at + others] {
            let difference = i32::from(value) - before;
            put(((difference << 1) ^ (difference >> 31)) as u32);
            before = i32::from(value);
        }
        at += others;
    }
    nibbles.resize(nibbles.len().next_multiple_of(8), 0);
    let words = nibbles.chunks(8).map(|eight| eight.iter().fold(0, |w, &n| w << 4 | u32::from(n)));
    words.flat_map(u32::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_read_from_the_top() {
        // No zeros, one value, which is +5, folded 10: 0b1_010 (two, more) 0b0_001 (8).
        let word = 0x01a1_0000_u32;
        assert_eq!(decode_rvl(&word.to_le_bytes(), 1), Some(vec![5]));
        assert_eq!(decode_rvl(&word.to_le_bytes(), 100), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(values in prop::collection::vec(
            prop_oneof![Just(0_u16), any::<u16>()], 1..300,
        )) {
            prop_assert_eq!(decode_rvl(&encode_rvl(&values), values.len()), Some(values));
        }
    }
}
