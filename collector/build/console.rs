//! Builds the web console and makes it ready to be served: compiled for browsers, bound to JavaScript, compressed, and
//! named by its content, so that a browser may keep each file for ever.
//!
//! `wasm-opt` does not go over it: the module gets smaller by it and its compressed form larger, and the release in
//! Debian breaks modules with a table of references.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::nested::{nested_cargo_for, outer_target_dir, variable, workspace};

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "console";
/// A view's type names all that is in it. Erased, what differs only in that is compiled once: a tenth smaller, and sooner.
const FLAGS: [&str; 1] = ["--cfg=erase_components"];

/// What the console is made from, relative to the workspace.
const INPUTS: [&str; 9] = [
    "console/src",
    "console/assets",
    "console/style",
    "console/Cargo.toml",
    "policy/src",
    "policy/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

/// In the order in which they are joined: later ones win.
const STYLES: [&str; 4] = ["base.css", "layout.css", "parts.css", "pages.css"];

/// Builds it into the build script's folder, with `console_assets.rs`, which lists it.
pub(crate) fn build() -> Result<(), Box<dyn Error>> {
    let workspace = workspace();
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    println!("cargo::rerun-if-changed=build/console.rs");
    let out = PathBuf::from(variable("OUT_DIR"));
    let (module, glue) = compile(&workspace, &out)?;
    let mut assets = Assets::new(&out)?;

    let console = workspace.join("console");
    let wasm = assets.add("console", "wasm", "application/wasm", &module)?;
    let glue = assets.add("console", "js", "text/javascript", glue.as_bytes())?;
    let boot = fs::read_to_string(console.join("assets/boot.js"))?;
    let boot = boot.replace("{{glue}}", &glue).replace("{{wasm}}", &wasm);
    let boot = assets.add("boot", "js", "text/javascript", boot.as_bytes())?;
    let icon = fs::read(console.join("assets/icon.svg"))?;
    let icon = assets.add("icon", "svg", "image/svg+xml", &icon)?;
    let mut style = String::new();
    for name in STYLES {
        style.push_str(&fs::read_to_string(console.join("style").join(name))?);
    }
    let style = assets.add("style", "css", "text/css; charset=utf-8", style.as_bytes())?;
    let mut page = fs::read_to_string(console.join("assets/index.html"))?;
    for (name, path) in [
        ("boot", boot),
        ("glue", glue),
        ("wasm", wasm),
        ("icon", icon),
        ("style", style),
    ] {
        page = page.replace(&format!("{{{{{name}}}}}"), &path);
    }
    assets.finish(&page)
}

/// The module, and the JavaScript that a browser needs beside it.
fn compile(workspace: &Path, out: &Path) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let target_dir = outer_target_dir(out).join("console-wasm");
    let output = nested_cargo_for(workspace, &target_dir, "sluice-console", [TARGET, PROFILE], &FLAGS).output()?;
    if !output.status.success() {
        return Err(format!(
            "the console did not build for {TARGET}; see it alone: cargo build -p sluice-console --target {TARGET}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(target_dir.join(TARGET).join(PROFILE).join("sluice_console.wasm"))
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    let mut bound = bindgen.generate_output()?;
    let wasm = bound.wasm_mut().emit_wasm();
    Ok((wasm, bound.js().to_owned()))
}

/// The files, and the source that lists them.
struct Assets {
    folder: PathBuf,
    list: String,
}

impl Assets {
    fn new(out: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = out.join("console-assets");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            list: "static ASSETS: &[Asset] = &[\n".to_owned(),
        })
    }

    /// Adds a file; answers where it is served.
    fn add(&mut self, name: &str, extension: &str, kind: &str, content: &[u8]) -> Result<String, Box<dyn Error>> {
        let hash: String = Sha256::digest(content)
            .iter()
            .take(8)
            .fold(String::new(), |mut hash, byte| {
                let _ = write!(hash, "{byte:02x}");
                hash
            });
        let file = format!("{name}-{hash}.{extension}");
        let place = self.folder.join(&file);
        fs::write(&place, content)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        fs::write(self.folder.join(format!("{file}.gz")), gzip.finish()?)?;
        let mut brotli = Vec::new();
        let parameters = BrotliEncoderParams {
            lgwin: 24,
            size_hint: content.len(),
            ..BrotliEncoderParams::default()
        };
        brotli::BrotliCompress(&mut &content[..], &mut brotli, &parameters)?;
        fs::write(self.folder.join(format!("{file}.br")), brotli)?;
        let path = place.display().to_string();
        writeln!(
            self.list,
            "    Asset {{ path: \"/console/{file}\", kind: {kind:?}, plain: include_bytes!({path:?}), \
             gzip: include_bytes!({:?}), brotli: include_bytes!({:?}) }},",
            format!("{path}.gz"),
            format!("{path}.br"),
        )?;
        Ok(format!("/console/{file}"))
    }

    fn finish(mut self, page: &str) -> Result<(), Box<dyn Error>> {
        self.list.push_str("];\n");
        writeln!(self.list, "static PAGE: &str = {page:?};")?;
        let list = self.folder.with_file_name("console_assets.rs");
        Ok(fs::write(list, self.list)?)
    }
}
