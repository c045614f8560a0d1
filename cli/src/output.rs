//! Where text goes: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use serde::Serialize;

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
        serde_json::to_writer_pretty(&mut *out, document).map_err(io::Error::from)?;
        writeln!(out)
    })
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
            || matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
}
