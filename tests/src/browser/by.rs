//! What is looked for, in the words of those who use a page.

use std::fmt;

use serde::Serialize;

/// What can be clicked.
const CLICKED: &[&str] = &[
    "button",
    "checkbox",
    "combobox",
    "link",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "option",
    "radio",
    "switch",
    "tab",
    "treeitem",
];
/// What can be typed into.
const TYPED: &[&str] = &["combobox", "searchbox", "spinbutton", "textbox"];
/// What offers a choice.
const CHOSEN: &[&str] = &["combobox", "listbox"];

/// An element, by role and name as a screen reader says them, by its text, or by a selector.
///
/// What is not seen is not found. A `&str` stands for what has that name, of any role that fits
/// what is done with it: `click("Allow")` is about buttons and links, `fill("Host", …)` about fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct By {
    /// One of these, or any if there is none.
    roles: Vec<String>,
    /// The accessible name, all of it.
    name: Option<String>,
    /// Somewhere in its text.
    text: Option<String>,
    css: Option<String>,
    /// Of all that fit, this one.
    index: Option<usize>,
}

/// Whatever has a role.
#[must_use]
pub fn role(role: &str) -> By {
    By {
        roles: vec![role.to_owned()],
        ..By::NOTHING
    }
}

/// A button of that name.
#[must_use]
pub fn button(name: &str) -> By {
    role("button").named(name)
}

/// A link of that name.
#[must_use]
pub fn link(name: &str) -> By {
    role("link").named(name)
}

/// A heading.
#[must_use]
pub fn heading(name: &str) -> By {
    role("heading").named(name)
}

/// A field for text, by its label.
#[must_use]
pub fn field(name: &str) -> By {
    By::from(name).or_roles(TYPED)
}

/// The innermost elements that have this in their text.
#[must_use]
pub fn text(text: &str) -> By {
    By::NOTHING.with_text(text)
}

/// What a CSS selector selects, where nothing that people see tells it apart.
#[must_use]
pub fn css(selector: &str) -> By {
    By {
        css: Some(selector.to_owned()),
        ..By::NOTHING
    }
}

impl By {
    const NOTHING: Self = Self {
        roles: Vec::new(),
        name: None,
        text: None,
        css: None,
        index: None,
    };

    /// Of these, what has this accessible name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    /// Of these, what has this somewhere in its text.
    #[must_use]
    pub fn with_text(self, text: &str) -> Self {
        Self {
            text: Some(text.to_owned()),
            ..self
        }
    }

    /// Of these, one by its place, from 0.
    #[must_use]
    pub fn nth(self, index: usize) -> Self {
        Self {
            index: Some(index),
            ..self
        }
    }

    /// The role, if it is one.
    #[must_use]
    pub fn only_role(&self) -> Option<&str> {
        match self.roles.as_slice() {
            [role] => Some(role),
            _ => None,
        }
    }

    /// The accessible name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn clicked(self) -> Self {
        self.or_roles(CLICKED)
    }

    pub(super) fn typed(self) -> Self {
        self.or_roles(TYPED)
    }

    pub(super) fn chosen(self) -> Self {
        self.or_roles(CHOSEN)
    }

    /// One of these roles, where only a name is given.
    fn or_roles(self, roles: &[&str]) -> Self {
        let only_named = Self {
            name: self.name.clone(),
            index: self.index,
            ..Self::NOTHING
        };
        if self != only_named {
            return self;
        }
        Self {
            roles: roles.iter().map(ToString::to_string).collect(),
            ..self
        }
    }
}

impl From<&str> for By {
    fn from(name: &str) -> Self {
        Self::NOTHING.named(name)
    }
}

impl From<&By> for By {
    fn from(by: &By) -> Self {
        by.clone()
    }
}

/// `button "Allow"`.
impl fmt::Display for By {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        match self.roles.as_slice() {
            [] => {}
            [role] => words.push(role.clone()),
            roles => words.push(format!("one of {}", roles.join(", "))),
        }
        words.extend(self.css.iter().map(|css| format!("`{css}`")));
        words.extend(self.name.iter().map(|name| format!("{name:?}")));
        words.extend(self.text.iter().map(|text| format!("with the text {text:?}")));
        words.extend(self.index.iter().map(|index| format!("number {index}")));
        out.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_completed_by_what_is_done_with_it() {
        assert_eq!(By::from("Host").typed(), field("Host"));
        assert_eq!(By::from("Allow").clicked().only_role(), None);
        assert_eq!(link("Allow").clicked(), link("Allow"));
        assert_eq!(css("tr").clicked(), css("tr"));
    }

    #[test]
    fn reads_as_it_is_said() {
        assert_eq!(button("Allow").nth(1).to_string(), r#"button "Allow" number 1"#);
        assert_eq!(role("row").with_text("a").to_string(), r#"row with the text "a""#);
    }
}
