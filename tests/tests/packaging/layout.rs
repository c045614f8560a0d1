//! An OCI image layout, read as a client of a registry reads it: nothing counts that its digest does not cover.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, OciLayout};
use sha2::{Digest, Sha256};

pub(crate) struct Layout {
    folder: PathBuf,
}

/// A file of a layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) mode: u32,
    /// User and group.
    pub(crate) owner: (u64, u64),
    pub(crate) modified: u64,
    pub(crate) content: Vec<u8>,
}

impl Layout {
    pub(crate) fn at(folder: PathBuf) -> Self {
        let layout = OciLayout::from_file(folder.join("oci-layout")).expect("a layout says that it is one");
        assert_eq!(layout.image_layout_version(), "1.0.0");
        Self { folder }
    }

    /// What the index says of the only image there is.
    pub(crate) fn described(&self) -> Descriptor {
        let index = ImageIndex::from_file(self.folder.join("index.json")).expect("a layout has an index");
        assert_eq!(index.schema_version(), 2);
        let [manifest] = index.manifests().as_slice() else {
            panic!("one image, not {:?}", index.manifests());
        };
        manifest.clone()
    }

    pub(crate) fn manifest(&self) -> ImageManifest {
        ImageManifest::from_reader(self.blob(&self.described()).as_slice()).expect("it is a manifest")
    }

    pub(crate) fn configuration(&self) -> ImageConfiguration {
        let blob = self.blob(self.manifest().config());
        ImageConfiguration::from_reader(blob.as_slice()).expect("it is a configuration")
    }

    /// The bytes described, which must be those.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> Vec<u8> {
        let digest = descriptor.digest();
        let path = self.folder.join("blobs").join(digest.algorithm().as_ref());
        let bytes = fs::read(path.join(digest.digest())).expect("what is described is there");
        assert_eq!(sha256(&bytes), digest.digest());
        assert_eq!(bytes.len() as u64, descriptor.size());
        bytes
    }

    /// The names of all blobs, described or not.
    pub(crate) fn blobs(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.join("blobs/sha256")).expect("a layout has blobs");
        let names = entries.map(|entry| entry.expect("it is readable").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

/// What is in a compressed layer.
pub(crate) fn unpack(layer: &[u8]) -> Vec<Packed> {
    let mut archive = tar::Archive::new(GzDecoder::new(layer));
    let entries = archive.entries().expect("a layer is an archive");
    entries
        .map(|entry| unpack_one(entry.expect("the archive is whole")))
        .collect()
}

fn unpack_one(mut entry: tar::Entry<'_, impl Read>) -> Packed {
    let header = entry.header().clone();
    assert!(header.entry_type().is_file(), "{header:?}");
    let path = entry.path().expect("a file has a name").display().to_string();
    let mut content = Vec::new();
    entry.read_to_end(&mut content).expect("the archive is whole");
    Packed {
        path,
        mode: header.mode().expect("a header has a mode"),
        owner: (header.uid().expect("a number"), header.gid().expect("a number")),
        modified: header.mtime().expect("a number"),
        content,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
