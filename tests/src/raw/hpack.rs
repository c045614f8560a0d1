//! Header compression as far as these tests need it: writing literals, reading `:status`.

/// A header block of literals, without Huffman coding and without an index.
pub(super) fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    block
}

fn string(block: &mut Vec<u8>, text: &[u8]) {
    // RFC 7541, 5.1: an integer with a prefix of 7 bits.
    let mut rest = text.len();
    if rest < 0x7f {
        block.push(low_bits(rest));
    } else {
        block.push(0x7f);
        rest -= 0x7f;
        while rest >= 0x80 {
            block.push(low_bits(rest) | 0x80);
            rest >>= 7;
        }
        block.push(low_bits(rest));
    }
    block.extend(text);
}

fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits fit")
}

/// The status, which is the first header of every response.
pub(super) fn status(block: &[u8]) -> u16 {
    // A change of the table's size may come first.
    let block = match block {
        [size, rest @ ..] if size & 0xe0 == 0x20 => rest,
        block => block,
    };
    match block {
        // One of the static table: 8 to 14.
        [index, ..] if index & 0x80 != 0 => {
            let known = [200, 204, 206, 304, 400, 404, 500];
            let place = usize::from(index & 0x7f).checked_sub(8);
            *place
                .and_then(|place| known.get(place))
                .expect("the first header is :status")
        }
        // A literal whose name is number 8 to 14 of the static table.
        [form, length, value @ ..] if (8..=14).contains(&(form & 0x3f)) => {
            let value = &value[..usize::from(length & 0x7f)];
            let digits = if length & 0x80 == 0 {
                value.to_vec()
            } else {
                huffman_digits(value)
            };
            let text = String::from_utf8_lossy(&digits).into_owned();
            text.parse().unwrap_or_else(|_| panic!("not a status: {text:?}"))
        }
        other => panic!("the first header is not :status: {other:02x?}"),
    }
}

/// Decimal digits: 0, 1 and 2 have five bits, the others six.
fn huffman_digits(coded: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = coded
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1))
        .collect();
    let number = |bits: &[u8]| bits.iter().fold(0u8, |number, bit| number << 1 | bit);
    let mut digits = Vec::new();
    let mut rest = bits.as_slice();
    loop {
        let (digit, length) = match (rest.get(..5).map(number), rest.get(..6).map(number)) {
            (Some(short @ 0..=2), _) => (short, 5),
            (_, Some(long @ 0b011001..=0b011111)) => (long - 0b011001 + 3, 6),
            _ => return digits, // what is left is padding
        };
        digits.push(b'0' + digit);
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_a_status() {
        assert_eq!(status(&[0x88]), 200);
        assert_eq!(status(&[0x20, 0x8c]), 400);
        assert_eq!(status(&[0x08, 3, b'4', b'0', b'3']), 403);
        // RFC 7541, C.6: ":status: 302" and "307", with Huffman coding.
        assert_eq!(status(&[0x48, 0x82, 0x64, 0x02]), 302);
        assert_eq!(status(&[0x48, 0x83, 0x64, 0x0e, 0xff]), 307);
    }

    #[test]
    fn long_values_have_long_lengths() {
        let value = [b'a'; 300];
        let block = block(&[(b"n", &value)]);
        assert_eq!(&block[..5], &[0, 1, b'n', 0x7f, 0xad]);
        assert_eq!(block[5], 1);
        assert_eq!(block.len(), 6 + 300);
    }
}
