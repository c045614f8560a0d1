use super::row::Shown;
use super::text::{bytes, pieces};
use super::*;
use crate::raw::hello::Shape;

const COLUMNS: [&str; 9] = [
    "sent as",
    "authority",
    "method",
    "path",
    "with",
    "decision",
    "target",
    "Envoy",
    "why",
];

fn row(line: &str) -> Row {
    Row::read(7, line, &COLUMNS)
}

#[test]
fn reads_policies_and_rows() {
    let sections = read(concat!(
        "# Title\n| not | a | row |\n## One\ntext\n```json\n{}\n```\n",
        "| sent as | authority | method | path | decision | target | Envoy | why |\n|---|---|\n",
        "| host | `a\\xffb` | `GET` | | reject x | | 400 | because |\n## Two\n```json\n{\"rules\": []}\n```\n",
        "| sent as | why | authority | method | path | decision | target | Envoy |\n",
        "| tls | so | | | | allow y | a×3:1 | sees `c` |\n## Sequences\n| sent | expected |\n| a | b |\n",
    ));
    assert_eq!(sections.len(), 2);
    assert_eq!(
        (sections[0].title.as_str(), sections[0].policy.as_str()),
        ("One", "{}\n")
    );
    let row = &sections[0].rows[0];
    assert_eq!(
        row.text,
        r"behaviour.md:10: | host | `a\xffb` | `GET` | | reject x | | 400 | because |"
    );
    assert_eq!((row.form, row.envoy.clone()), (Form::Host, InEnvoy::Answers(400)));
    assert_eq!((row.name(), &row.path), (b"a\xffb".as_slice(), &None));
    assert_eq!(row.why, "because");
    let row = &sections[1].rows[0];
    let sees = InEnvoy::Sees(Shown::Name(b"c".to_vec()));
    assert_eq!((row.form, &row.envoy, row.target.as_str()), (Form::Tls, &sees, "aaa:1"));
    assert_eq!(row.name(), b"");
}

#[test]
fn what_the_filter_is_shown_is_an_authority_a_method_or_a_path() {
    for (cell, shown) in [
        ("sees `/a`", Shown::Path(b"/a".to_vec())),
        ("sees `a,b`", Shown::Name(b"a,b".to_vec())),
        ("sees ``", Shown::Name(Vec::new())),
        ("sees method `GET`", Shown::Method(b"GET".to_vec())),
    ] {
        let line = format!("| h2 | `a` | `CONNECT` | `/` | | allow a | a:80 | {cell} | y |");
        assert_eq!(row(&line).envoy, InEnvoy::Sees(shown), "{cell}");
    }
}

#[test]
fn an_answer_of_envoy_comes_instead_of_a_decision_or_after_it() {
    for (cell, expected) in [
        ("400", InEnvoy::Answers(400)),
        ("same, then 404", InEnvoy::Routeless(404)),
        ("reset", InEnvoy::Resets),
    ] {
        let line = format!("| h1 | `a` | `GET` | `/` | | allow a | a:80 | {cell} | y |");
        assert_eq!(row(&line).envoy, expected, "{cell}");
    }
}

#[test]
fn what_is_sent_beside_the_name_is_said_in_words_and_code() {
    let with = |form: &str, cell: &str| {
        let line = format!("| {form} | `a` | `GET` | `/` | {cell} | allow a | a:80 | same | y |");
        row(&line).with
    };
    let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(with("h1", ""), With::default());
    let headers = with("h2", "no name `:scheme: https` `host: b: c`");
    assert!(headers.unnamed && !headers.old);
    assert!(with("h1", "HTTP/1.0, no name").old);
    assert_eq!(headers.headers, [header(":scheme", "https"), header("host", "b: c")]);
    assert_eq!(with("terminated", "no SNI").server_name, None);
    assert_eq!(with("terminated", "SNI `b.`").server_name.as_deref(), Some(&b"b."[..]));
    assert_eq!(with("inside", "`EHLO x`").first_bytes.as_deref(), Some(&b"EHLO x"[..]));
    let hello = with("tls", "a second name `b`").hello;
    assert_eq!(hello.second_name.as_deref(), Some(&b"b"[..]));
    let expected = Shape {
        padding: 17_000,
        in_records: true,
        ..Shape::default()
    };
    assert_eq!(with("dialled", "in records, 17000 bytes of padding").hello, expected);
}

#[test]
#[should_panic(expected = "not understood")]
fn a_cell_that_says_something_else_is_no_row() {
    let _ = row("| tls | `a` | | | upside down | allow a | a:443 | same | y |");
}

#[test]
fn cells_are_words_and_code_in_turn() {
    use super::text::Piece::{Code, Words};
    assert_eq!(pieces("a `b` `` c"), [Words("a"), Code("b"), Code(""), Words("c")]);
    assert_eq!(bytes(r"a×3\x00b×2×1"), b"aaa\x00bb");
}

#[test]
fn reads_sequences() {
    let found = sequences("| a |\n## Sequences\ntext\n| sent | then | why | test |\n|---|\n| a b | c | d | `e::f` |\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "behaviour.md:6: | a b | c | d | `e::f` |");
    assert_eq!((found[0].sent.as_str(), found[0].test.as_str()), ("a b", "e::f"));
}
