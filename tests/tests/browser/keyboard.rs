//! A page without a mouse.

use sluice_tests::browser::{Browser, Key, button, field, link, role};

use crate::site::Site;

#[test]
fn the_focus_goes_where_keys_send_it() {
    let site = Site::of(
        r##"<a href="#there">Skip</a><label>Host <input></label><button>Allow</button>
        <output></output>
        <script>
          const tell = (what) => document.querySelector('output').textContent += `${what}; `;
          document.querySelector('button').onclick = () => tell('allowed');
          document.addEventListener('keydown', (event) => tell(event.key));
        </script>"##,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    let nothing = page.focused();
    assert_eq!(nothing.name(), Some(""));
    page.press(Key::Tab);
    page.until_focused(&link("Skip"));
    page.press(Key::Tab);
    assert_eq!(page.focused().name(), Some("Host"));
    assert!(page.get(field("Host")).is_focused());
    for letter in "a.b".chars() {
        page.press(Key::Char(letter));
    }
    assert_eq!(page.get(field("Host")).value(), "a.b");
    page.press(Key::Tab);
    assert_eq!(page.focused(), button("Allow"));
    page.press(Key::Enter);
    page.until_text("allowed;");
    page.press([Key::Shift, Key::Tab]);
    page.until_focused(&role("textbox").named("Host"));
    for key in [
        Key::Escape,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
    ] {
        page.press(key);
    }
    page.until_text("Escape; ArrowUp; ArrowDown; ArrowLeft; ArrowRight; Home; End;");
}
