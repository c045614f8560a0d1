//! A new password: one line of stdin, or typed twice at a terminal that does not show it.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::failure::Failure;
use crate::operator::Misuse;

/// No password is longer; a file that was meant for something else may be.
const LONGEST_LINE: u64 = 8 << 10;

/// Reads somebody's new password.
pub(super) fn read(name: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        twice(name, |prompt| rpassword::prompt_password(prompt))
    } else {
        line(&mut stdin.lock())
    };
    Ok(password?)
}

/// What is typed blindly is typed twice.
fn twice(name: &str, mut ask: impl FnMut(&str) -> io::Result<String>) -> Result<String, Misuse> {
    let name = crate::output::cell(name);
    let first = ask(&format!("New password of {name}: ")).map_err(Misuse::UnreadablePassword)?;
    if first.is_empty() {
        return Err(Misuse::NoPassword);
    }
    let second = ask("The same again: ").map_err(Misuse::UnreadablePassword)?;
    if first == second {
        Ok(first)
    } else {
        Err(Misuse::PasswordsDiffer)
    }
}

/// The first line, without its end.
fn line(from: &mut impl BufRead) -> Result<String, Misuse> {
    let mut line = String::new();
    from.take(LONGEST_LINE)
        .read_line(&mut line)
        .map_err(Misuse::UnreadablePassword)?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Misuse::NoPassword);
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        for (piped, expected) in [
            ("correct horse\n", Some("correct horse")),
            ("correct horse\r\n", Some("correct horse")),
            ("correct horse", Some("correct horse")),
            (" with spaces \nand more\n", Some(" with spaces ")),
            ("", None),
            ("\n", None),
            ("\r\nx", None),
        ] {
            let read = line(&mut piped.as_bytes());
            assert_eq!(read.ok().as_deref(), expected, "{piped:?}");
        }
        assert!(matches!(line(&mut &b"\xff\n"[..]), Err(Misuse::UnreadablePassword(_))));
        let endless = "x".repeat(100_000);
        assert_eq!(line(&mut endless.as_bytes()).unwrap().len(), 8 << 10);
    }

    #[test]
    fn what_is_typed_is_typed_twice() {
        let typed = |answers: &[&str]| {
            let mut prompts = Vec::new();
            let mut answers = answers.iter();
            let read = twice("an\u{1b}na", |prompt| {
                prompts.push(prompt.to_owned());
                answers
                    .next()
                    .map(ToString::to_string)
                    .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            });
            (read, prompts)
        };
        let (read, prompts) = typed(&["correct horse", "correct horse"]);
        assert_eq!(read.unwrap(), "correct horse");
        assert_eq!(prompts, [r"New password of an\u{1b}na: ", "The same again: "]);
        assert!(matches!(typed(&["one", "other"]).0, Err(Misuse::PasswordsDiffer)));
        assert!(matches!(typed(&[""]).0, Err(Misuse::NoPassword)));
        for answers in [&[][..], &["one"]] {
            assert!(
                matches!(typed(answers).0, Err(Misuse::UnreadablePassword(_))),
                "{answers:?}"
            );
        }
    }
}
