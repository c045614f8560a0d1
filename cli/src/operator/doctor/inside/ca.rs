//! Check `ca` where TLS ends at Sluice: what runs here trusts its local authority.

mod bundles;

use std::path::Path;

use rustls::pki_types::CertificateDer;
use url::Host;

use super::dial;
use super::http::{self, Said};
use super::names::{self, Target};
use super::place::Place;
use super::proxy::{Way, connect};
use super::tls::{self, Chain};
use super::{Findings, Plan};
use crate::failure::Failure;

const CHECK: &str = "ca";

/// Reads the file of `--ca`.
pub(super) fn read(path: &Path) -> Result<Chain, Failure> {
    bundles::read(path).map_err(|error| Failure::Ca {
        path: path.to_owned(),
        error,
    })
}

/// Shakes hands with the first target that has a name, and looks at the stores that runtimes read.
pub(super) async fn check(plan: &Plan, targets: &[Target]) -> Findings {
    let mut findings = Findings::default();
    let named = targets.iter().find_map(|target| match &target.place.host {
        Host::Domain(name) => Some((target, name)),
        _ => None,
    });
    let chain = match named {
        None => {
            findings.note(
                CHECK,
                "no target has a name, so no certificate could be asked for",
                "--reach NAME:443 tries one that the proxy's certificate has",
            );
            None
        }
        Some((target, name)) => match shown(plan, target, name).await {
            Ok(chain) => {
                let store = rustls_native_certs::load_native_certs().certs;
                presented(name, &chain, &store, &mut findings);
                local(name, &chain, &plan.ca, &mut findings);
                Some(chain)
            }
            Err((said, advice)) => {
                findings.wrong(CHECK, said, advice);
                None
            }
        },
    };
    bundles::check(|name| std::env::var_os(name), chain.as_deref(), &plan.ca, &mut findings);
    findings
}

/// The certificates that are shown for a name, on the way that clients take.
async fn shown(plan: &Plan, target: &Target, name: &str) -> Result<Chain, (String, &'static str)> {
    const WAY: &str = "a handshake needs the way to the proxy: see the findings above";
    let place = &target.place;
    let stream = match &plan.way {
        Way::Proxy { at, .. } => tunnel(plan, at, place).await?,
        Way::Unusable { .. } => return Err((format!("{place} could not be asked for"), WAY)),
        Way::Redirected => match &target.addresses {
            Ok(addresses) => {
                let dialled = dial::first(addresses, plan.patience).await;
                dialled.map_err(|stopped| (format!("{place} does not connect: {stopped}"), WAY))?
            }
            Err(stopped) => return Err((format!("{place} does not resolve: {stopped}"), WAY)),
        },
    };
    tls::handshake(stream, name, plan.patience).await.map_err(|stopped| {
        (
            format!("no TLS handshake with {place}: {stopped}"),
            "does the policy allow that host, and does the proxy have a certificate? --reach NAME:443 tries another",
        )
    })
}

async fn tunnel(plan: &Plan, at: &Place, place: &Place) -> Result<tokio::net::TcpStream, (String, &'static str)> {
    const WAY: &str = "see the finding about the proxy";
    let dialled = match names::addresses(at, plan.patience).await {
        Ok(addresses) => dial::first(&addresses, plan.patience).await,
        Err(stopped) => Err(stopped),
    };
    let mut stream = dialled.map_err(|stopped| (format!("{at} does not answer: {stopped}"), WAY))?;
    match http::ask(&mut stream, &connect(&place.to_string()), plan.patience).await {
        Said::Response { status: 200, .. } => Ok(stream),
        Said::Response { status, rejected_by } => {
            let by = rejected_by.map(|by| format!(" ({by})")).unwrap_or_default();
            Err((
                format!("the proxy answers {status} to CONNECT {place}{by}"),
                "--reach NAME:443 tries a host that the policy allows",
            ))
        }
        Said::Noise | Said::Closed | Said::Silence => Err((format!("the proxy gives no tunnel to {place}"), WAY)),
    }
}

/// Whether the system's store has who signed it.
fn presented(name: &str, chain: &[CertificateDer<'_>], store: &[CertificateDer<'_>], findings: &mut Findings) {
    let issuer = tls::issuer(chain);
    if let Err(error) = tls::trusts(store, chain) {
        findings.wrong(
            CHECK,
            format_args!("the certificate of {name}, by {issuer}, is not trusted by the system's store: {error}"),
            "put the authority there (update-ca-certificates), or into the file that SSL_CERT_FILE names",
        );
    } else if let Err(error) = tls::is_for(name, chain) {
        findings.wrong(
            CHECK,
            format_args!("the certificate by {issuer} is not for {name}: {error}"),
            "envoy/terminating/make-certificates makes it anew, with every host that is listed",
        );
    } else {
        findings.ok(
            CHECK,
            format_args!("the system's store trusts the certificate of {name}, by {issuer}"),
        );
    }
}

/// Whether it is the authority of `--ca` who signed it.
fn local(name: &str, chain: &[CertificateDer<'_>], ca: &[CertificateDer<'_>], findings: &mut Findings) {
    if ca.is_empty() {
        return;
    }
    match tls::trusts(ca, chain) {
        Ok(()) => findings.ok(
            CHECK,
            format_args!("the authority of --ca signed the certificate of {name}"),
        ),
        Err(error) => findings.wrong(
            CHECK,
            format_args!("the authority of --ca did not sign the certificate of {name}: {error}"),
            "TLS does not end at Sluice, or ca.pem was made anew since: are connections redirected there?",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tls::tests::{authority, certificate};
    use super::*;

    #[test]
    fn certificates_are_judged_by_who_signed_them_and_for_whom() {
        let (ours, other) = (authority("ours"), authority("other"));
        let chain = [certificate(&ours, "api.example.com")];
        let (ours, other) = ([ours.der().clone()], [other.der().clone()]);
        for (name, store, status, said) in [
            ("api.example.com", &ours, "ok", "by CN=ours"),
            ("www.example.com", &ours, "wrong", "is not for www.example.com"),
            ("api.example.com", &other, "wrong", "not trusted by the system's store"),
        ] {
            let mut findings = Findings::default();
            presented(name, &chain, store, &mut findings);
            let finding = findings.only();
            assert_eq!(finding.status, status);
            assert!(finding.said.contains(said), "{}", finding.said);
        }
        for (ca, status) in [(&ours, "ok"), (&other, "wrong")] {
            let mut findings = Findings::default();
            local("api.example.com", &chain, ca, &mut findings);
            assert_eq!(findings.only().status, status);
        }
    }
}
