//! The files of authorities that environment variables name: each runtime reads its own.

use std::ffi::OsString;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::{Findings, tls};
use super::CHECK;
use crate::failure::name as file_name;

/// Variables, and who needs them.
const VARIABLES: [(&str, &str); 5] = [
    (
        "SSL_CERT_FILE",
        "OpenSSL, Go and Ruby read it, and the system's store without it",
    ),
    (
        "REQUESTS_CA_BUNDLE",
        "Python's requests and pip need it: they bring authorities of their own",
    ),
    (
        "NODE_EXTRA_CA_CERTS",
        "Node.js needs it: it brings authorities of its own",
    ),
    (
        "CURL_CA_BUNDLE",
        "curl reads it, and most often the system's store without it",
    ),
    (
        "GIT_SSL_CAINFO",
        "git reads it, and most often the system's store without it",
    ),
];

/// Looks at each of them.
pub(super) fn check(
    variable: impl Fn(&str) -> Option<OsString>,
    chain: Option<&[CertificateDer<'_>]>,
    ca: &[CertificateDer<'_>],
    findings: &mut Findings,
) {
    for (name, who) in VARIABLES {
        match variable(name).filter(|value| !value.is_empty()) {
            None => findings.note(CHECK, format_args!("{name} is not set"), who),
            Some(file) => one(name, Path::new(&file), chain, ca, findings),
        }
    }
}

fn one(
    name: &str,
    file: &Path,
    chain: Option<&[CertificateDer<'_>]>,
    ca: &[CertificateDer<'_>],
    findings: &mut Findings,
) {
    let shown = file_name(file);
    let authorities = match read(file) {
        Ok(authorities) => authorities,
        Err(error) => {
            let said = format!("{name}: {shown}: {error}");
            findings.wrong(CHECK, said, "it must name a PEM file that this user can read");
            return;
        }
    };
    match has(&authorities, chain, ca) {
        Some(true) => findings.ok(CHECK, format_args!("{name}: {shown} has the proxy's authority")),
        Some(false) => findings.wrong(
            CHECK,
            format_args!("{name}: {shown} does not have the proxy's authority"),
            "append ca.pem to it: what reads this variable fails with every host",
        ),
        None => findings.note(
            CHECK,
            format_args!("{name}: {shown} can be read; without a handshake it is not known whether it is enough"),
            "--ca FILE tells",
        ),
    }
}

/// The certificates of a PEM file; there are some.
pub(super) fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| format!("cannot be read: {error}"))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err("has no certificate in PEM form".to_owned()),
        Err(error) => Err(format!("is no PEM file: {error}")),
    }
}

/// Whether these authorities do for what the proxy shows; without that, whether they have that of `--ca`.
fn has(
    authorities: &[CertificateDer<'_>],
    chain: Option<&[CertificateDer<'_>]>,
    ca: &[CertificateDer<'_>],
) -> Option<bool> {
    match chain {
        Some(chain) => Some(tls::trusts(authorities, chain).is_ok()),
        None if ca.is_empty() => None,
        None => Some(ca.iter().any(|ca| authorities.contains(ca))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::super::tls::tests::{authority, certificate};
    use super::*;

    #[test]
    fn each_variable_names_a_file_with_the_authority() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (authority("ours"), authority("other"));
        let chain = [certificate(&ours, "api.example.com")];
        let file = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name).into_os_string()
        };
        let both = file("both.pem", &format!("{}{}", other.pem(), ours.pem()));
        let others = file("others.pem", &other.pem());
        let empty = file("empty.pem", "");
        let missing = folder.path().join("missing.pem").into_os_string();
        let environment = |name: &str| match name {
            "SSL_CERT_FILE" => Some(both.clone()),
            "REQUESTS_CA_BUNDLE" => Some(others.clone()),
            "NODE_EXTRA_CA_CERTS" => Some(empty.clone()),
            "CURL_CA_BUNDLE" => Some(missing.clone()),
            _ => None,
        };
        let ours = [ours.der().clone()];
        for (chain, ca) in [(Some(&chain[..]), &[][..]), (None, &ours[..])] {
            let mut findings = Findings::default();
            check(environment, chain, ca, &mut findings);
            let statuses: Vec<_> = findings.all().iter().map(|finding| finding.status).collect();
            assert_eq!(statuses, ["ok", "wrong", "wrong", "wrong", "note"]);
            let said: Vec<_> = findings.all().iter().map(|finding| finding.said.as_str()).collect();
            for (said, part) in said.iter().zip([
                "has the",
                "does not have",
                "no certificate",
                "cannot be read",
                "not set",
            ]) {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        let mut findings = Findings::default();
        check(environment, None, &[], &mut findings);
        assert_eq!(findings.all()[0].status, "note");
    }
}
