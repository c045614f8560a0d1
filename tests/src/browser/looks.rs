//! What a page is looked at with.

/// The size of what is seen of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewport {
    /// In CSS pixels, of which each is one of the screen.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether the page is laid out as phones do, which look at `<meta name="viewport">`.
    pub mobile: bool,
}

impl Viewport {
    /// A small phone.
    pub const PHONE: Self = Self {
        width: 360,
        height: 740,
        mobile: true,
    };
    /// A small laptop.
    pub const DESKTOP: Self = Self {
        width: 1280,
        height: 800,
        mobile: false,
    };
}

/// `prefers-color-scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Scheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
