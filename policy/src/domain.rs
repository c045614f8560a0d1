//! Registrable domains, by the public suffix list with its private section.

/// The registrable domain of a canonical name: one label below its public
/// suffix; `None` for a public suffix itself.
#[must_use]
pub fn registrable(name: &str) -> Option<&str> {
    psl::domain_str(name)
}

/// Whether a canonical name is a public suffix: below it, names belong to
/// different owners. A last label that the list does not know counts too.
#[must_use]
pub fn is_public_suffix(name: &str) -> bool {
    psl::suffix_str(name) == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn both_sections_of_the_list_count() {
        for (name, domain) in [
            ("a.b.example.com", Some("example.com")),
            ("example.com", Some("example.com")),
            ("a.example.co.uk", Some("example.co.uk")),
            ("com", None),
            ("co.uk", None),
            // The private section: a suffix that somebody registered.
            ("a.me.github.io", Some("me.github.io")),
            ("github.io", None),
        ] {
            assert_eq!(registrable(name), domain, "{name}");
            assert_eq!(is_public_suffix(name), domain.is_none(), "{name}");
        }
    }
}
