//! Asks the person at the terminal, if there is one.

use std::io::{self, BufRead, IsTerminal, Write};

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// Nobody is there to ask.
    Nobody,
}

/// Asks; nothing but a yes is one.
pub(super) fn yes(question: &str) -> Answer {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        ask(question, &mut io::stdin().lock(), &mut io::stderr().lock())
    } else {
        Answer::Nobody
    }
}

fn ask(question: &str, from: &mut impl BufRead, to: &mut impl Write) -> Answer {
    let mut line = String::new();
    let asked = write!(to, "{question} [y/N] ").and_then(|()| to.flush());
    match asked.and_then(|()| from.read_line(&mut line)) {
        Ok(_) if matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes") => Answer::Yes,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_yes_is_one() {
        for (typed, expected) in [
            ("y\n", Answer::Yes),
            (" YES \n", Answer::Yes),
            ("y", Answer::Yes),
            ("\n", Answer::No),
            ("", Answer::No),
            ("n\n", Answer::No),
            ("yesterday\n", Answer::No),
        ] {
            let mut shown = Vec::new();
            assert_eq!(
                ask("Lock down?", &mut typed.as_bytes(), &mut shown),
                expected,
                "{typed:?}"
            );
            assert_eq!(String::from_utf8(shown).unwrap(), "Lock down? [y/N] ");
        }
        let mut broken: &[u8] = b"\xff\n";
        assert_eq!(ask("Lock down?", &mut broken, &mut Vec::new()), Answer::No);
    }
}
