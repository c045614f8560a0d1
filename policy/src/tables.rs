//! Reads the Markdown tables that document this crate, so that each test
//! walks exactly the table that a reader sees.

/// One row: its line in the file, and the trimmed text of its cells without
/// their backticks.
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) cells: Vec<String>,
}

/// The rows of the table below `## heading`, without its header.
pub(crate) fn rows(markdown: &str, heading: &str) -> Vec<Row> {
    markdown
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.strip_prefix("## ") != Some(heading))
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "))
        .filter(|(_, line)| line.starts_with('|'))
        .skip(2)
        .map(|(at, line)| Row {
            line: at + 1,
            cells: line
                .trim_matches('|')
                .split('|')
                .map(|cell| unquote(cell.trim()).to_owned())
                .collect(),
        })
        .collect()
}

fn unquote(cell: &str) -> &str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or(cell)
}

/// The bytes that an escaped cell stands for: `\xNN` and nothing else.
pub(crate) fn bytes(cell: &str) -> Vec<u8> {
    let mut parts = cell.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// The first fenced `json` block.
pub(crate) fn json_block(markdown: &str) -> &str {
    let (_, rest) = markdown.split_once("```json\n").unwrap();
    rest.split_once("```").unwrap().0
}
