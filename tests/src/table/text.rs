//! The small grammar of cells: code, escapes, and what is too long to be written out.

/// The cells of a line.
pub(super) fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// What stands between backticks, or the cell as it is.
pub(super) fn code(cell: &str) -> &str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or(cell)
}

/// A piece of a cell that has several.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    Code(&'a str),
}

/// Words and code in turn.
pub(super) fn pieces(cell: &str) -> Vec<Piece<'_>> {
    let parts = cell.split('`').enumerate();
    parts
        .filter_map(|(number, part)| match (number % 2, part.trim()) {
            (0, "") => None,
            (0, words) => Some(Piece::Words(words)),
            _ => Some(Piece::Code(part)),
        })
        .collect()
}

/// The bytes of a text: `\xNN` stands for a byte, `×N` for the byte before it N times in all,
/// everything else for itself.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix("\\x") {
            let (digits, after) = escaped.split_at_checked(2).unwrap_or_else(|| panic!("\\xNN in {text}"));
            bytes.push(u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("\\xNN in {text}")));
            rest = after;
        } else if let Some(counted) = rest.strip_prefix('×') {
            let end = counted
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(counted.len());
            let (digits, after) = counted.split_at(end);
            let times: usize = digits.parse().unwrap_or_else(|_| panic!("×N in {text}"));
            let last = *bytes.last().unwrap_or_else(|| panic!("a byte before × in {text}"));
            bytes.extend(vec![last; times - 1]);
            rest = after;
        } else {
            let (plain, after) = rest.split_at(first.len_utf8());
            bytes.extend(plain.as_bytes());
            rest = after;
        }
    }
    bytes
}
