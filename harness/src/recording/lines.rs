//! Reads JSON Lines one by one, so that a file of any size needs the memory of one line.

use std::io::{self, BufRead};

use super::error::SkipReason;

/// The most that is read of one line. Access log lines hold a few headers, which
/// Envoy bounds far below this.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The lines of a file, numbered from 1.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line that is not blank, or why it cannot be one.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, SkipReason>)>> {
        loop {
            self.buffer.clear();
            let limit = LONGEST_LINE as u64 + 1;
            if io::Read::take(&mut self.reader, limit).read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() > LONGEST_LINE && self.buffer.last() != Some(&b'\n') {
                self.reader.skip_until(b'\n')?;
                return Ok(Some((self.number, Err(SkipReason::TooLong { limit: LONGEST_LINE }))));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = str::from_utf8(self.buffer.trim_ascii()).map_err(|error| SkipReason::NotUtf8 {
            offset: error.valid_up_to(),
        });
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Result<String, SkipReason>)> {
        let mut lines = Lines::new(text);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            found.push((number, line.map(str::to_owned)));
        }
        found
    }

    #[test]
    fn blank_lines_count_but_are_left_out() {
        assert_eq!(all(b"a\r\n\n  \nb"), [(1, Ok("a".to_owned())), (4, Ok("b".to_owned()))]);
    }

    #[test]
    fn a_bad_line_costs_itself_only() {
        let mut text = vec![b'x'; LONGEST_LINE + 10];
        text.extend_from_slice(b"\nok\n\xff\xfe\n");
        text.extend_from_slice(&[b'y'; LONGEST_LINE]);
        text.extend_from_slice(b"\nend");
        assert_eq!(
            all(&text),
            [
                (1, Err(SkipReason::TooLong { limit: LONGEST_LINE })),
                (2, Ok("ok".to_owned())),
                (3, Err(SkipReason::NotUtf8 { offset: 0 })),
                (4, Ok("y".repeat(LONGEST_LINE))),
                (5, Ok("end".to_owned())),
            ]
        );
    }
}
