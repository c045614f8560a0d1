//! Keys of a keyboard.

/// A key. `[Key::Shift, Key::Tab]` are both at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are named as they are labelled")]
pub enum Key {
    Tab,
    Enter,
    Escape,
    Space,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    Shift,
    Control,
    Alt,
    /// What types this character.
    Char(char),
}

impl Key {
    /// As WebDriver writes it: keys that type nothing have characters for private use.
    pub(super) fn code(self) -> char {
        match self {
            Self::Tab => '\u{E004}',
            Self::Enter => '\u{E007}',
            Self::Escape => '\u{E00C}',
            Self::Space => ' ',
            Self::Backspace => '\u{E003}',
            Self::Delete => '\u{E017}',
            Self::Left => '\u{E012}',
            Self::Right => '\u{E014}',
            Self::Up => '\u{E013}',
            Self::Down => '\u{E015}',
            Self::Home => '\u{E011}',
            Self::End => '\u{E010}',
            Self::PageUp => '\u{E00E}',
            Self::PageDown => '\u{E00F}',
            Self::Shift => '\u{E008}',
            Self::Control => '\u{E009}',
            Self::Alt => '\u{E00A}',
            Self::Char(character) => character,
        }
    }
}

impl AsRef<[Key]> for Key {
    fn as_ref(&self) -> &[Key] {
        std::slice::from_ref(self)
    }
}
