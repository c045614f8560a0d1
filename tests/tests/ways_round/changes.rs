//! Something that is open when the policy tightens.

use sluice_tests::raw::h1;

use crate::site::{LISTED, Site, UNLISTED, policy};

#[test]
fn a_tunnel_that_the_new_policy_rejects_is_closed_and_others_are_not() {
    let mut site = Site::start("audit_only");
    let (listed, unlisted) = (site.at(LISTED), site.at(UNLISTED));
    let open = |target: &str| {
        let mut tunnel = site.connect();
        assert_eq!(tunnel.send(&h1::connect_to(target)).status(), Some(200), "{target}");
        assert_eq!(tunnel.send(&h1::get(target)).status(), Some(200), "{target}");
        tunnel
    };
    let (mut kept, mut shut) = (open(&listed), open(&unlisted));
    site.envoy.switch(&policy("enforce"));
    shut.closed();
    assert_eq!(kept.send(&h1::get(&listed)).status(), Some(200));
    assert_eq!(site.connect().send(&h1::connect_to(&unlisted)).status(), Some(403));
}
