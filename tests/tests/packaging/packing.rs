//! What gets into the image: the module in the form that pullers look for, and nothing of the hour or the machine.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, SystemTime};

use flate2::read::GzDecoder;
use oci_spec::image::{Arch, MediaType, Os};
use sluice_harness::FILTER_WASM;

use crate::builder::{Builder, succeed, text};
use crate::layout::{Layout, Packed, sha256, unpack};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Istio takes the last layer (earlier releases: the only one), insists on this media type, and looks for this name.
#[test]
fn a_registry_gets_one_image_with_the_module_as_its_only_file() {
    let builder = Builder::with(FILTER_WASM);
    let layout = builder.build();
    let described = layout.described();
    assert_eq!(described.media_type(), &MediaType::ImageManifest);
    let manifest = layout.manifest();
    assert_eq!(manifest.media_type(), &Some(MediaType::ImageManifest));
    assert_eq!(manifest.artifact_type(), &None, "an image, which every registry takes");
    let [layer] = manifest.layers().as_slice() else {
        panic!("one layer, not {:?}", manifest.layers());
    };
    assert_eq!(layer.media_type(), &MediaType::ImageLayerGzip);
    let packed = Packed {
        path: "plugin.wasm".to_owned(),
        mode: 0o644,
        owner: (0, 0),
        modified: 0,
        content: FILTER_WASM.to_vec(),
    };
    assert!(unpack(&layout.blob(layer)) == [packed], "not the module alone");

    let config = manifest.config();
    assert_eq!(config.media_type(), &MediaType::ImageConfig);
    let digests = [described.digest(), layer.digest(), config.digest()].map(|digest| digest.digest().to_owned());
    assert_eq!(layout.blobs(), BTreeSet::from(digests), "and nothing else");
}

#[test]
fn its_configuration_describes_the_layer_and_the_platform_that_pullers_ask_for() {
    let builder = Builder::with(FILTER_WASM);
    let layout = builder.build();
    let configuration = layout.configuration();
    assert_eq!(
        (configuration.os(), configuration.architecture()),
        (&Os::Linux, &Arch::Amd64)
    );
    let mut archive = Vec::new();
    let layer = layout.blob(&layout.manifest().layers()[0]);
    GzDecoder::new(layer.as_slice())
        .read_to_end(&mut archive)
        .expect("a layer is compressed");
    assert_eq!(configuration.rootfs().typ(), "layers");
    assert_eq!(
        configuration.rootfs().diff_ids(),
        &[format!("sha256:{}", sha256(&archive))]
    );
}

#[test]
fn it_says_what_it_is_and_by_which_tag_it_goes() {
    let builder = Builder::with(FILTER_WASM);
    let layout = builder.build();
    let tag = |layout: &Layout| {
        let annotations = layout.described().annotations().clone().unwrap_or_default();
        annotations.get("org.opencontainers.image.ref.name").cloned()
    };
    assert_eq!(tag(&layout).as_deref(), Some(VERSION));
    let annotations = layout.manifest().annotations().clone().unwrap_or_default();
    let annotated = |key: &str| annotations.get(key).map(String::as_str);
    assert_eq!(annotated("module.wasm.image/variant"), Some("compat"));
    assert_eq!(annotated("org.opencontainers.image.version"), Some(VERSION));
    assert_eq!(annotated("org.opencontainers.image.licenses"), Some("Apache-2.0"));
    assert_eq!(
        annotated("org.opencontainers.image.source"),
        None,
        "no address that nobody gave"
    );
    let configuration = layout.configuration();
    let labels = configuration.labels_of_config().expect("it has labels");
    assert!(
        labels.iter().all(|(key, value)| annotated(key) == Some(value.as_str())),
        "{labels:?}"
    );
    assert_eq!(labels["org.opencontainers.image.title"], "Sluice filter");

    let source = "https://git.example.com/sluice";
    succeed(builder.command().args(["--version", "1.2.3-rc.1", "--source", source]));
    let layout = Layout::at(builder.image());
    assert_eq!(tag(&layout).as_deref(), Some("1.2.3-rc.1"));
    let annotations = layout.manifest().annotations().clone().unwrap_or_default();
    assert_eq!(annotations["org.opencontainers.image.source"], source);
}

#[test]
fn the_same_module_gives_the_same_digest_and_another_one_another() {
    let first = Builder::with(FILTER_WASM);
    let digest = first.build().described().digest().to_string();

    // Another folder, another day, other rights, another place on earth, another order of everything hashed.
    let second = Builder::with(FILTER_WASM);
    let module = File::options().write(true).open(second.module()).expect("it is there");
    module
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .expect("the file is ours");
    fs::set_permissions(second.module(), Permissions::from_mode(0o600)).expect("the file is ours");
    let mut command = second.command();
    command.envs([("TZ", "Asia/Kathmandu"), ("PYTHONHASHSEED", "7"), ("LC_ALL", "C")]);
    succeed(command.current_dir(second.folder()));
    assert_eq!(Layout::at(second.image()).described().digest().to_string(), digest);

    // In place of an earlier image, of which nothing stays.
    let mut changed = FILTER_WASM.to_vec();
    changed.extend(b"\0\x02\x01x");
    fs::write(first.module(), changed).expect("it is writable");
    let layout = first.build();
    assert_ne!(layout.described().digest().to_string(), digest);
    assert_eq!(layout.blobs().len(), 3);
}

#[test]
fn a_time_is_in_it_only_if_one_is_given() {
    let builder = Builder::with(FILTER_WASM);
    let layout = builder.build();
    let layer = layout.blob(&layout.manifest().layers()[0]);
    let header = GzDecoder::new(layer.as_slice());
    let header = header.header().expect("a layer is compressed");
    assert_eq!((header.mtime(), header.filename()), (0, None));
    assert_eq!(layout.configuration().created(), &None);

    succeed(builder.command().env("SOURCE_DATE_EPOCH", "1767225600"));
    let layout = Layout::at(builder.image());
    let created = Some("2026-01-01T00:00:00Z".to_owned());
    assert_eq!(layout.configuration().created(), &created);
    let annotations = layout.manifest().annotations().clone().unwrap_or_default();
    assert_eq!(annotations.get("org.opencontainers.image.created"), created.as_ref());
    let files = unpack(&layout.blob(&layout.manifest().layers()[0]));
    assert_eq!(files[0].modified, 1_767_225_600);
}

#[test]
fn the_checksum_beside_the_module_is_one_that_sha256sum_checks() {
    let builder = Builder::with(FILTER_WASM);
    let said = succeed(&mut builder.command());
    let digest = Layout::at(builder.image()).described().digest().to_string();
    assert!(said.contains(&digest), "{said}");
    assert!(said.contains(&sha256(FILTER_WASM)), "{said}");

    let check = || {
        let mut command = Command::new("sha256sum");
        command.args(["--check", "--strict", "sluice_filter.wasm.sha256"]);
        command
            .current_dir(builder.folder())
            .env("LC_ALL", "C")
            .output()
            .expect("it is part of every system")
    };
    let checked = check();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout), "sluice_filter.wasm: OK\n");
    fs::write(builder.module(), b"another").expect("it is writable");
    assert!(!check().status.success(), "a check that cannot fail");
}
