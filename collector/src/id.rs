//! Identifiers that the collector makes: a word for what it is, and 80 random bits.

use std::fmt::Write;

/// Crockford's base 32 in lower case: no letter that is taken for another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id of `[A-Za-z0-9._-]`, such as `pol_5r0y8mq3zk1v9h2d`.
///
/// # Panics
/// If the operating system has no random numbers, without which no id and no token is safe.
#[must_use]
pub fn new(kind: &str) -> String {
    format!("{kind}_{}", random::<16>())
}

/// `N` random characters of five bits each.
///
/// # Panics
/// As [`new`] does.
#[must_use]
pub fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
        .iter()
        .map(|byte| char::from(DIGITS[usize::from(byte % 32)]))
        .collect()
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Whether a text may be an id of somebody else's, such as a resource's: not
/// empty, at most 255 of `[A-Za-z0-9._-]`.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_valid_and_differ() {
        let (one, other) = (new("pol"), new("pol"));
        assert!(is_valid(&one) && one.starts_with("pol_") && one.len() == 20, "{one}");
        assert_ne!(one, other);
        for text in ["", "a/b", "ä", "a b", &"a".repeat(256)] {
            assert!(!is_valid(text), "{text}");
        }
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
