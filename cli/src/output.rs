//! Where text goes: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::failure::Failure;

/// Writes a result to stdout.
///
/// A reader that has seen enough (`sluice … | head`) ends the writing and
/// nothing else: the exit code still says what it would have said.
pub(crate) fn result(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is still buffered would be tried again when the buffer is dropped.
            let _ = out.into_parts();
            Ok(())
        }
        written => written.map_err(Failure::Output),
    }
}

/// Writes one JSON document to stdout.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    result(|out| {
        let mut serializer = Serializer::with_formatter(&mut *out, Ascii(PrettyFormatter::new()));
        document.serialize(&mut serializer).map_err(io::Error::from)?;
        writeln!(out)
    })
}

/// JSON on one line.
pub(crate) fn ascii(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Ascii(CompactFormatter));
    // Writing a value to memory cannot fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&text).into_owned()
}

/// JSON in which everything beyond printable ASCII is escaped: it may end up
/// on a terminal, and what is in it was written by others.
struct Ascii<F>(F);

macro_rules! as_inside {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        }
    )*};
}

impl<F: Formatter> Formatter for Ascii<F> {
    as_inside! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// Text of people in one cell of a table: letters of every script, and nothing that steers.
pub(crate) fn cell(text: &str) -> String {
    quiet(text).replace('\n', "\\n")
}

/// An RFC 3339 time to the second, as tables show it.
pub(crate) fn when(time: &str) -> String {
    match (time.get(..10), time.get(10..11), time.get(11..19)) {
        (Some(day), Some("T"), Some(clock)) if time.ends_with('Z') => cell(&format!("{day} {clock}")),
        _ => cell(time),
    }
}

/// Says something to the person at the terminal. If nobody can hear it, that
/// is no reason to stop.
pub(crate) fn message(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "sluice: {}", quiet(&text.to_string()));
}

/// Text in which nothing steers a terminal: file names and policies are
/// written by others. Letters of every script stay, lines too.
pub(crate) fn quiet(text: &str) -> String {
    let steers = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .flat_map(|character| {
            let escaped = steers(character).then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// How wide stdout is, if it is a terminal.
pub(crate) fn terminal_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

/// The first of many things, one a line, and how many more there are.
pub(crate) fn some<T: Display>(things: &[T], most: usize) -> String {
    let mut text: String = things
        .iter()
        .take(most)
        .map(|thing| format!("\n  {}", quiet(&thing.to_string())))
        .collect();
    if let Some(more) = things.len().checked_sub(most).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// `1 request`, `2 requests`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_say_how_long_they_are() {
        assert_eq!(some::<u8>(&[], 2), "");
        assert_eq!(some(&[1, 2], 2), "\n  1\n  2");
        assert_eq!(some(&[1, 2, 3, 4], 2), "\n  1\n  2\n  and 2 more");
    }

    #[test]
    fn json_is_ascii_and_means_the_same() {
        let value = serde_json::json!({"a\u{9b}": ["\u{1b}[2J\u{7f}", "\u{202e}b\u{fc}cher", "\u{1f600}\"\\"], "b": {}, "n": [1, null]});
        let text = ascii(&value);
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(ascii(&serde_json::json!({"a": [1, "x"]})), r#"{"a":[1,"x"]}"#);
    }

    #[test]
    fn cells_are_one_line_and_times_are_short() {
        assert_eq!(
            cell("b\u{fc}cher\n\u{1b}[2J\u{202e}"),
            r"b\u{fc}cher\n\u{1b}[2J\u{202e}".replace(r"\u{fc}", "\u{fc}")
        );
        assert_eq!(when("2026-03-02T08:00:00.123456Z"), "2026-03-02 08:00:00");
        for other in ["", "soon", "2026-03-02T08:00:00+01:00"] {
            assert_eq!(when(other), other);
        }
    }
}
