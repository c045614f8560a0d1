//! Nothing of a browser is left.

use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::json;
use sluice_tests::browser::Browser;
use sluice_tests::wait;

/// The folder that a browser and all that belongs to it name in their command lines.
fn folder(browser: &Browser) -> PathBuf {
    let told = browser.page().devtools("Browser.getBrowserCommandLine", &json!({}));
    let arguments = told["arguments"].as_array().expect("it has arguments");
    let mut arguments = arguments.iter().filter_map(|argument| argument.as_str());
    let profile = arguments.find_map(|argument| argument.strip_prefix("--user-data-dir="));
    let profile = PathBuf::from(profile.expect("its profile is its own"));
    profile.parent().expect("it is in the folder").to_owned()
}

/// How many processes name a folder.
fn processes(folder: &std::path::Path) -> usize {
    let name = folder.to_str().expect("temporary folders have plain names");
    let all = fs::read_dir("/proc").expect("there is /proc").flatten();
    let lines = all.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(name))
        .count()
}

#[test]
fn when_it_is_dropped() {
    let browser = Browser::start();
    let folder = folder(&browser);
    assert!(processes(&folder) > 1);
    drop(browser);
    wait::until("its processes to be gone", || (processes(&folder) == 0).then_some(()));
    assert!(!folder.exists());
}

#[test]
fn when_its_test_panics() {
    let (told, hears) = std::sync::mpsc::channel();
    let test = thread::spawn(move || {
        let browser = Browser::start();
        told.send(folder(&browser)).expect("somebody hears");
        panic!("on purpose, to see what is left of a browser");
    });
    assert!(test.join().is_err());
    let folder = hears.recv().expect("it started");
    wait::until("its processes to be gone", || (processes(&folder) == 0).then_some(()));
    assert!(!folder.exists());
}
