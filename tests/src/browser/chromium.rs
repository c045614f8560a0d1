//! Which Chromium the tests run, and how.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A browser, and the program that speaks WebDriver for it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) chromium: PathBuf,
    pub(super) chromedriver: PathBuf,
}

/// `$CHROMIUM` and `$CHROMEDRIVER`, else what is on the `PATH`.
pub(super) fn found() -> Result<Found, String> {
    Ok(Found {
        chromium: find("CHROMIUM", "chromium")?,
        chromedriver: find("CHROMEDRIVER", "chromedriver")?,
    })
}

fn find(variable: &str, name: &str) -> Result<PathBuf, String> {
    let set = env::var_os(variable).filter(|path| !path.is_empty());
    if let Some(path) = set.map(PathBuf::from) {
        return match path.is_file() {
            true => Ok(path),
            false => Err(format!("{variable} is set to '{}', which is no file", path.display())),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file()).ok_or_else(|| {
        format!(
            "{name} is not on the PATH. Install Debian's packages `chromium` and `chromium-driver`, \
             or set $CHROMIUM and $CHROMEDRIVER"
        )
    })
}

/// How the browser is started; its profile is in this folder.
pub(super) fn capabilities(chromium: &Path, folder: &Path) -> Value {
    let mut arguments = [
        "--headless=new",
        // A container's /dev/shm is often too small.
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        // Whatever a page asks for, nothing leaves the machine, not even for a proxy that the environment names.
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--force-device-scale-factor=1",
        "--hide-scrollbars",
        "--lang=en-US",
        // Of what it writes on its standard error, only what ends it: it misses much that desktops have.
        "--log-level=3",
        // `computedRole` and `computedName` of elements, as assistive technology gets them; without the
        // second, the browser would make its tree of the page anew for each element that is asked about.
        "--enable-blink-features=ComputedAccessibilityInfo",
        "--force-renderer-accessibility",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--user-data-dir={}", folder.join("profile").display()));
    // Chromium refuses to sandbox itself as root. What we made belongs to whom we are.
    if fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == 0) {
        arguments.push("--no-sandbox".to_owned());
    }
    json!({"alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {
            "binary": chromium,
            "args": arguments,
            // Not with the page for new tabs, which takes longer to load than any of a test.
            "prefs": {"session": {"restore_on_startup": 4, "startup_urls": ["about:blank"]}},
        },
        "timeouts": {"script": 60_000, "pageLoad": 60_000, "implicit": 0},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_the_packages_that_have_it() {
        let problem = find("SLUICE_NOT_SET", "no-such-program").expect_err("there is no such program");
        for word in ["no-such-program", "`chromium`", "`chromium-driver`", "$CHROMEDRIVER"] {
            assert!(problem.contains(word), "{problem}");
        }
    }
}
