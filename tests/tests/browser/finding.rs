//! What is found: what somebody finds who sees the page, or hears it.

use sluice_tests::browser::{Browser, button, css, field, heading, role, text};

use crate::site::Site;

#[test]
fn elements_are_found_by_role_and_name_within_others() {
    let site = Site::of(
        r#"<h1>Waiting</h1>
        <table>
          <tr><th>Host<th>What to do
          <tr><td>api.example.com<td><button>Allow</button><button aria-label="Deny api.example.com">Deny</button>
          <tr><td>new.example.com<td><button>Allow</button>
        </table>
        <output></output>
        <script>
          for (const button of document.querySelectorAll('button'))
            button.onclick = () => document.querySelector('output').textContent +=
              `${button.textContent} ${button.closest('tr').cells[0].textContent}; `;
        </script>"#,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.get(heading("Waiting")).wait();
    page.get(role("row").with_text("new.example.com")).click_on("Allow");
    page.until_text("Allow new.example.com;");
    // By its accessible name, which is not what it shows.
    page.click("Deny api.example.com");
    page.until_text("Deny api.example.com;");
    page.click(button("Allow").nth(0));
    page.until_text("Allow api.example.com;");
    assert_eq!(page.get(button("Allow")).count(), 2);
    assert_eq!(page.get(button("Deny")).count(), 0);
    assert_eq!(page.get(button("Allo")).count(), 0);
    let hosts = page.get(css("td:first-child")).texts();
    assert_eq!(hosts, ["api.example.com", "new.example.com"]);
}

#[test]
fn what_is_not_seen_is_not_found() {
    let site = Site::of(
        r#"<button hidden>Hidden</button>
        <button style="visibility: hidden">Invisible</button>
        <div aria-hidden="true"><button>Unspoken</button></div>
        <div inert><button>Inert</button></div>
        <details><summary>More</summary><button>Folded</button></details>
        <div style="display: contents" role="group" aria-label="Boxless"><button>There</button></div>"#,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    for name in ["Hidden", "Invisible", "Unspoken", "Inert", "Folded"] {
        assert_eq!(page.get(button(name)).count(), 0, "{name}");
    }
    assert_eq!(page.get(role("group").named("Boxless")).get(button("There")).count(), 1);
    page.get(css("summary")).click();
    page.get(button("Folded")).wait();
}

#[test]
fn fields_are_found_by_their_labels_and_hear_of_what_is_typed() {
    let site = Site::of(
        r#"<label>Host <input value="old.example.com"></label>
        <label for="note">Note</label><textarea id="note">a</textarea>
        <label>Role <select><option>viewer<option>operator</select></label>
        <label><input type="checkbox"> On trial</label>
        <output></output>
        <script>
          const tell = () => document.querySelector('output').textContent =
            [...document.querySelectorAll('input, textarea, select')].map((field) => field.type == 'checkbox' ? field.checked : field.value).join('|');
          document.addEventListener('input', tell);
        </script>"#,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.fill("Host", "new.example.com");
    page.until_text("new.example.com|a|viewer|false");
    page.get(field("Note")).type_text("b");
    page.until_text("new.example.com|ab|viewer|false");
    page.choose("Role", "operator");
    page.until_text("new.example.com|ab|operator|false");
    page.click("On trial");
    page.until_text("new.example.com|ab|operator|true");
    assert_eq!(page.get("Host").value(), "new.example.com");
    assert_eq!(page.get(role("checkbox")).property("checked"), true);
    assert_eq!(
        page.get(role("checkbox")).attribute("type").as_deref(),
        Some("checkbox")
    );
    page.fill("Host", "");
    page.until_text("|ab|operator|true");
    assert_eq!(page.get(field("Host")).value(), "");
}

#[test]
fn what_comes_later_is_waited_for_and_what_goes_too() {
    let site = Site::of(
        r#"<button>Load</button><p>nothing yet</p>
        <script>
          document.querySelector('button').onclick = () => setTimeout(() => {
            document.querySelector('p').outerHTML = '<p>in <b>between</b></p>';
            setTimeout(() => document.querySelector('p').outerHTML = '<button aria-label="Done">x</button>', 300);
          }, 300);
        </script>"#,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.click("Load");
    assert_eq!(page.get(text("in between")).text(), "in between");
    page.get(text("in between")).wait_gone();
    page.get(button("Done")).click();
    // A name is of now, not of when it was first asked for.
    page.run("document.querySelector('[aria-label]').ariaLabel = 'Once more'");
    assert_eq!(page.get(button("Once more")).count(), 1);
    assert_eq!(page.get(button("Done")).count(), 0);
}

#[test]
fn text_is_found_innermost_and_as_it_is_shown() {
    let site =
        Site::of(r#"<div><p>all of <b>api.example.com</b></p></div><p style="text-transform: uppercase">loud</p>"#);
    let browser = Browser::start();
    let page = browser.open(&site.url());
    assert_eq!(page.get(text("api.example.com")).property("tagName"), "B");
    assert_eq!(page.get(text("all of api")).property("tagName"), "P");
    assert_eq!(page.get(text("LOUD")).count(), 1);
    assert_eq!(page.get(text("loud")).count(), 0);
    assert_eq!(page.text(), "all of api.example.com LOUD");
}

#[test]
fn two_browsers_share_nothing() {
    let site =
        Site::of("<p></p><script>document.querySelector('p').textContent = localStorage.who ?? 'nobody'</script>");
    let [one, other] = [Browser::start(), Browser::start()];
    let [mine, theirs] = [&one, &other].map(|browser| browser.open(&site.url()));
    mine.run("localStorage.who = 'me'");
    for page in [mine, theirs] {
        page.reload();
    }
    assert_eq!([mine.text(), theirs.text()], ["me", "nobody"]);
    theirs.go(&format!("{}?elsewhere", site.url()));
    theirs.until_url("?elsewhere");
    assert_eq!(mine.url(), site.url());
    theirs.back();
    theirs.until_url("/");
    assert_eq!(mine.title(), "A page");
}
