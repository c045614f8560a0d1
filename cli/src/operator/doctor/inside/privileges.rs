//! Check `privileges`: who runs here cannot change the firewall.

use super::Findings;

const CHECK: &str = "privileges";

/// Where `CAP_NET_ADMIN` is.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
struct NetAdmin {
    /// This process has it.
    effective: bool,
    /// A program that this process starts may get it.
    bounding: bool,
    /// Root's programs get what they may.
    root: bool,
}

/// Looks at this process.
#[cfg(target_os = "linux")]
pub(super) fn check() -> Findings {
    use std::os::unix::fs::MetadataExt;

    use caps::{CapSet, Capability::CAP_NET_ADMIN, has_cap};

    let mut findings = Findings::default();
    let read = has_cap(None, CapSet::Effective, CAP_NET_ADMIN).and_then(|effective| {
        let bounding = has_cap(None, CapSet::Bounding, CAP_NET_ADMIN)?;
        // The folder of a process is its user's.
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        Ok(NetAdmin {
            effective,
            bounding,
            root,
        })
    });
    match read {
        Ok(net_admin) => judge(net_admin, &mut findings),
        Err(error) => findings.note(
            CHECK,
            format_args!("the system does not say what this process may do: {error}"),
            "the sandbox must not have CAP_NET_ADMIN, with which it could change the firewall",
        ),
    }
    findings
}

/// Capabilities are Linux's.
#[cfg(not(target_os = "linux"))]
pub(super) fn check() -> Findings {
    let mut findings = Findings::default();
    findings.note(
        CHECK,
        "not looked at: this is not Linux",
        "who runs in the sandbox must not be able to change the firewall",
    );
    findings
}

#[cfg(target_os = "linux")]
fn judge(net_admin: NetAdmin, findings: &mut Findings) {
    match net_admin {
        NetAdmin { effective: true, .. }
        | NetAdmin {
            bounding: true,
            root: true,
            ..
        } => findings.wrong(
            CHECK,
            "this process has CAP_NET_ADMIN, or what it starts has: it can change the firewall",
            "run the sandbox as another user than root, or drop the capability (--cap-drop NET_ADMIN); in a pod no NET_ADMIN, \
             and Istio with its CNI plugin",
        ),
        NetAdmin { bounding: true, .. } => findings.note(
            CHECK,
            "this process has no CAP_NET_ADMIN; a program that is setuid root, such as sudo, would",
            "take it out of the bounding set: --cap-drop NET_ADMIN, or CapabilityBoundingSet= of a unit",
        ),
        NetAdmin { .. } => findings.ok(CHECK, "neither this process nor what it starts can have CAP_NET_ADMIN"),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_can_change_the_firewall_is_wrong_here() {
        for (effective, bounding, root, status) in [
            (true, true, true, "wrong"),
            (true, false, false, "wrong"),
            (false, true, true, "wrong"),
            (false, true, false, "note"),
            (false, false, true, "ok"),
            (false, false, false, "ok"),
        ] {
            let net_admin = NetAdmin {
                effective,
                bounding,
                root,
            };
            let mut findings = Findings::default();
            judge(net_admin, &mut findings);
            assert_eq!(findings.only().status, status, "{net_admin:?}");
        }
    }
}
