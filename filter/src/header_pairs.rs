//! The headers of a request as the ABI hands all of them over at once: their number, the lengths of every name and
//! value (32 bits, little-endian), then the texts, each ended by NUL.

/// What a request is about (RFC 9113 §8.3.1): what was not there is empty, several of one name come joined by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestLine {
    pub(crate) authority: Vec<u8>,
    pub(crate) method: Vec<u8>,
    /// `CONNECT` has none.
    pub(crate) path: Option<Vec<u8>>,
}

impl RequestLine {
    /// Reads it; what is cut off or is not of this form counts as not there.
    ///
    /// One call for all headers takes less time than three for one each: what takes time is a call, and that the
    /// proxy has this module allocate during it.
    pub(crate) fn of(pairs: &[u8]) -> Self {
        let mut line = Self::default();
        let (count, rest) = pairs.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let lengths = length(*count).saturating_mul(8);
        let (lengths, texts) = rest.split_at_checked(lengths).unwrap_or_default();
        let mut at = 0_usize;
        for &[a, b, c, d, e, f, g, h] in lengths.as_chunks().0 {
            let name_end = at.saturating_add(length([a, b, c, d]));
            let value_at = name_end.saturating_add(1);
            let value_end = value_at.saturating_add(length([e, f, g, h]));
            // Of most headers nothing is looked at but their first byte.
            if texts.get(at) == Some(&b':')
                && let (Some(name), Some(value)) = (texts.get(at..name_end), texts.get(value_at..value_end))
            {
                line.take(name, value);
            }
            at = value_end.saturating_add(1);
        }
        line
    }

    fn take(&mut self, name: &[u8], value: &[u8]) {
        let place = match name {
            b":authority" => &mut self.authority,
            b":method" => &mut self.method,
            b":path" => self.path.get_or_insert_default(),
            _ => return,
        };
        if !place.is_empty() {
            place.push(b',');
        }
        place.extend_from_slice(value);
    }
}

fn length(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(headers: &[(&str, &str)]) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let mut bytes = length(headers.len()).to_vec();
        for (name, value) in headers {
            bytes.extend(length(name.len()));
            bytes.extend(length(value.len()));
        }
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    fn line(authority: &str, method: &str, path: Option<&str>) -> RequestLine {
        RequestLine {
            authority: authority.into(),
            method: method.into(),
            path: path.map(Into::into),
        }
    }

    #[test]
    fn pseudo_headers_are_found_wherever_they_stand() {
        let all = pairs(&[
            (":authority", "a.example.com"),
            ("cookie", "a\0b"),
            (":path", "/x"),
            ("empty", ""),
            (":method", "GET"),
            (":scheme", "http"),
        ]);
        assert_eq!(RequestLine::of(&all), line("a.example.com", "GET", Some("/x")));
        let twice = pairs(&[(":authority", "a"), (":authority", "b"), (":method", "CONNECT")]);
        assert_eq!(RequestLine::of(&twice), line("a,b", "CONNECT", None));
        let empty = pairs(&[(":path", "")]);
        assert_eq!(RequestLine::of(&empty), line("", "", Some("")));
        assert_eq!(RequestLine::of(&pairs(&[])), RequestLine::default());
    }

    #[test]
    fn what_is_not_whole_is_not_there() {
        let all = pairs(&[(":authority", "a.example.com"), (":method", "GET")]);
        // The last NUL ends nothing that is not whole without it.
        for end in 0..all.len() - 1 {
            let found = RequestLine::of(&all[..end]);
            assert!(found.method.is_empty(), "{end}");
            assert!(
                found.authority.is_empty() || found.authority == b"a.example.com",
                "{end}"
            );
        }
        for garbage in [
            &[0xff; 3][..],
            &[0xff; 40],
            &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(RequestLine::of(garbage), RequestLine::default());
        }
    }
}
