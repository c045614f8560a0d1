//! What a row sends beside its name: further headers, another server name, another shape of ClientHello.

use super::row::Form;
use super::text::{Piece, bytes, pieces};
use crate::raw::hello::Shape;

/// What is unusual about what is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct With {
    /// Further headers, in order. One that the form has anyway takes its place, `:authority` excepted.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// No `Host`, and no `:authority`.
    pub unnamed: bool,
    /// In HTTP/1.0.
    pub old: bool,
    /// The server name of the connection that the request comes in, where TLS ends at the proxy.
    pub server_name: Option<Vec<u8>>,
    /// What is unusual about the ClientHello.
    pub hello: Shape,
    /// The first bytes of a tunnel that carries no TLS.
    pub first_bytes: Option<Vec<u8>>,
}

impl With {
    /// Reads a cell; nothing that is not understood passes.
    pub(super) fn read(cell: &str, form: Form, row: &str) -> Self {
        let mut with = Self::default();
        let pieces = pieces(cell);
        assert!(
            form != Form::Terminated || !pieces.is_empty(),
            "SNI, or no SNI, is expected: {row}"
        );
        let mut rest = pieces.as_slice();
        loop {
            rest = match (form, rest) {
                (_, []) => return with,
                (Form::Http1 | Form::Host | Form::Http2, [Piece::Words(words), rest @ ..]) => {
                    for word in words.split(", ") {
                        match word {
                            "no name" => with.unnamed = true,
                            "HTTP/1.0" => with.old = true,
                            _ => panic!("not understood: {row}"),
                        }
                    }
                    rest
                }
                (Form::Http1 | Form::Host | Form::Http2, [Piece::Code(header), rest @ ..]) => {
                    let (name, value) = header
                        .split_once(": ")
                        .unwrap_or_else(|| panic!("name: value is expected: {row}"));
                    with.headers.push((bytes(name), bytes(value)));
                    rest
                }
                (Form::Terminated, [Piece::Words("no SNI")]) => &[],
                (Form::Terminated, [Piece::Words("SNI"), Piece::Code(name)]) => {
                    with.server_name = Some(bytes(name));
                    &[]
                }
                (Form::Inside, [Piece::Code(first)]) => {
                    with.first_bytes = Some(bytes(first));
                    &[]
                }
                (Form::Tls | Form::Dialled | Form::Inside, rest) => read_shape(&mut with.hello, rest, row),
                _ => panic!("not understood: {row}"),
            }
        }
    }
}

/// Reads what is unusual about a ClientHello, and what is left of the cell.
fn read_shape<'p, 'c>(shape: &mut Shape, pieces: &'p [Piece<'c>], row: &str) -> &'p [Piece<'c>] {
    match pieces {
        [Piece::Words("a second name"), Piece::Code(name), rest @ ..] => {
            shape.second_name = Some(bytes(name));
            rest
        }
        [Piece::Words("a second list"), Piece::Code(name), rest @ ..] => {
            shape.second_list = Some(bytes(name));
            rest
        }
        [Piece::Words(words), rest @ ..] => {
            words.split(", ").for_each(|word| read_word(shape, word, row));
            rest
        }
        _ => panic!("not understood: {row}"),
    }
}

fn read_word(shape: &mut Shape, word: &str, row: &str) {
    match word {
        "ECH" => shape.encrypted = true,
        "in records" => shape.in_records = true,
        "in segments" => shape.in_segments = true,
        _ => {
            let padding = word
                .strip_suffix(" bytes of padding")
                .and_then(|count| count.parse().ok());
            shape.padding = padding.unwrap_or_else(|| panic!("not understood: {row}"));
        }
    }
}
