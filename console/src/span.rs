//! Windows of time that pages look back over.

/// A window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// As the API takes it in `since`.
    pub word: &'static str,
    /// For people.
    pub shown: &'static str,
    /// The step of a chart over it, in seconds: a multiple of what the collector counts together.
    pub step: u64,
    /// Whether a step is a day.
    pub by_day: bool,
}

/// All that are offered, the shortest first.
pub const SPANS: [Span; 4] = [
    Span {
        word: "1h",
        shown: "the last hour",
        step: 300,
        by_day: false,
    },
    Span {
        word: "24h",
        shown: "the last 24 hours",
        step: 1_800,
        by_day: false,
    },
    Span {
        word: "7d",
        shown: "the last 7 days",
        step: 21_600,
        by_day: false,
    },
    Span {
        word: "30d",
        shown: "the last 30 days",
        step: 86_400,
        by_day: true,
    },
];

impl Span {
    /// By the word in an address; what is no such word is the usual day.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let [_, day, ..] = SPANS;
        SPANS.into_iter().find(|span| span.word == word).unwrap_or(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_address_cannot_ask_for_what_is_not_offered() {
        for span in SPANS {
            assert_eq!(Span::of(span.word), span);
            assert_eq!(span.step % 300, 0, "{}", span.word);
        }
        assert_eq!(Span::of("9999d").word, "24h");
        assert_eq!(Span::of("").word, "24h");
    }
}
