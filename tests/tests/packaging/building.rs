//! What cannot be packed is refused before anything is written, and the message says how to put it right.

use std::fs;

use sluice_harness::FILTER_WASM;

use crate::builder::{Builder, run, succeed, text};

/// Refused with one line that has all these words, and nothing is left behind.
fn assert_refused(builder: &Builder, output: &std::process::Output, words: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        words.iter().all(|word| message.contains(word)),
        "{message:?} lacks one of {words:?}"
    );
    assert!(!builder.folder().join("sluice_filter.wasm.sha256").exists());
    assert!(!builder.folder().join("image.part").exists());
}

#[test]
fn only_a_whole_filter_is_packed() {
    let mut other_abi = FILTER_WASM.to_vec();
    let name = b"proxy_abi_version_0_2_1";
    let at = other_abi.windows(name.len()).position(|window| window == name);
    let end = at.expect("the filter exports its ABI version") + name.len();
    other_abi[end - 3..end].copy_from_slice(b"1_0");
    let refused: [(&[u8], &[&str]); 5] = [
        (b"", &["no wasm module", "nothing"]),
        (b"<html>not found</html>", &["no wasm module", "3c 68 74 6d 6c"]),
        (&FILTER_WASM[..FILTER_WASM.len() - 1], &["cut off", "make wasm"]),
        (b"\0asm\x01\0\0\0", &["proxy_abi_version_0_2_1", "no ABI version"]),
        (&other_abi, &["proxy_abi_version_0_2_1", "proxy_abi_version_0_1_0"]),
    ];
    for (module, words) in refused {
        let builder = Builder::with(module);
        assert_refused(&builder, &run(&mut builder.command()), words);
        assert!(!builder.image().exists());
    }
}

#[test]
fn without_a_module_it_says_what_builds_one() {
    let builder = Builder::with(FILTER_WASM);
    fs::remove_file(builder.module()).expect("the file is ours");
    assert_refused(
        &builder,
        &run(&mut builder.command()),
        &["sluice_filter.wasm", "make wasm"],
    );
}

#[test]
fn a_folder_that_is_no_image_of_ours_is_left_alone() {
    let builder = Builder::with(FILTER_WASM);
    fs::create_dir(builder.image()).expect("the folder is ours");
    let precious = builder.image().join("index.json");
    fs::write(&precious, r#"{"manifests": [{}, {}]}"#).expect("it is writable");
    for name in ["oci-layout", "blobs"] {
        assert_refused(&builder, &run(&mut builder.command()), &["image", "--out"]);
        fs::write(builder.image().join(name), "").expect("it is writable");
    }
    assert_refused(&builder, &run(&mut builder.command()), &["image", "--out"]);
    assert!(precious.exists());

    fs::remove_dir_all(builder.image()).expect("the folder is ours");
    fs::create_dir(builder.image()).expect("the folder is ours");
    builder.build();
}

#[test]
fn a_time_that_is_none_is_an_error_and_so_is_a_tag_that_is_none() {
    let builder = Builder::with(FILTER_WASM);
    for time in ["yesterday", "-1", "8589934592"] {
        let output = run(builder.command().env("SOURCE_DATE_EPOCH", time));
        assert_refused(&builder, &output, &["SOURCE_DATE_EPOCH", time, "1970"]);
    }
    let longest = "v".repeat(128);
    succeed(builder.command().args(["--version", &longest]));
    for tag in ["", ".1", "a b", "a/b", "ä", &format!("{longest}v")] {
        let output = run(builder.command().args(["--version", tag]));
        assert_eq!(output.status.code(), Some(2), "bad usage: {tag:?}");
        assert!(
            text(&output.stderr).contains("is no image tag"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn the_help_has_examples() {
    let builder = Builder::with(FILTER_WASM);
    let help = succeed(builder.command().arg("--help"));
    assert!(help.contains("examples:"), "{help}");
    assert!(!builder.image().exists());
}
