//! Text of others, made safe to look at. Host names, paths and notes are written by whoever sends requests: the
//! framework keeps markup from being markup, and this keeps text from passing for other text.

use std::fmt::Write as _;

/// The text with every character written out (`\u{202e}`) that is not seen as itself: controls, what turns the
/// direction of text around, what has no width, separators of lines, and tags.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_deceptive(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Unicode's `Cc`, `Cf` (bidirectional controls of UAX #9 and zero-width ones among them), `Zl` and `Zp`, variation
/// selectors, fillers, and spaces other than the usual one.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{a0}'
                | '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{1680}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{2000}'..='\u{200f}'
                | '\u{2028}'..='\u{202f}'
                | '\u{205f}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3000}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A long name cut in its middle: the end of a host says whose it is, and its beginning is what people know it by.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let head = most / 3;
    let tail = characters.len() - (most - head - 1);
    characters[..head]
        .iter()
        .chain(&['…'])
        .chain(&characters[tail..])
        .collect()
}

/// A number for people: digits in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 host`, `2 hosts`.
#[must_use]
pub fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { several })
}

/// A number of bytes for people.
#[must_use]
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1_000.0 {
            let digits = usize::from(unit != "B" && value < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1_000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn nothing_deceptive_is_left_and_the_rest_is_as_it_was() {
        let plain = "<script>alert(1)</script> bücher.example.com/ä?q=1&amp; \u{5d0}\u{4e2d}";
        assert_eq!(visible(plain), plain);
        assert_eq!(visible("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(
            visible("a\u{200b}b\u{feff}\n\u{7f}"),
            "a\\u{200b}b\\u{feff}\\u{a}\\u{7f}"
        );
        for code in (0..0x20)
            .chain(0x202a..0x202f)
            .chain(0x2066..0x206a)
            .chain(0xe0020..0xe0080)
        {
            let character = char::from_u32(code).unwrap();
            assert!(visible(&character.to_string()).starts_with("\\u{"), "{code:x}");
        }
    }

    #[test]
    fn the_end_of_a_long_name_stays() {
        assert_eq!(shortened("a.example.com", 13), "a.example.com");
        assert_eq!(shortened("aaaa.bbbb.example.com", 18), "aaaa.b…example.com");
        assert_eq!(shortened("ééééééééé", 6), "éé…ééé");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(counted(1, "host", "hosts"), "1 host");
        assert_eq!(counted(1_000, "host", "hosts"), "1\u{2009}000 hosts");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(25_000_000), "25 MB");
    }
}
