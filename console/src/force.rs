//! Whether what was changed is in force: in how many of the proxies that are there.

use crate::model::Proxy;

/// The proxies that are there, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Force {
    /// Those that have it.
    pub have: u64,
    /// All of them.
    pub all: u64,
    /// Those that have it not.
    pub behind: Vec<Proxy>,
}

impl Force {
    /// Of a revision of a policy. What a proxy has in force is at least that high, because the revision in force is
    /// the higher one of the tenant's and the resource's.
    #[must_use]
    pub fn of(proxies: &[Proxy], revision: i64) -> Self {
        let there = proxies.iter().filter(|proxy| proxy.state == "live");
        let (behind, have): (Vec<&Proxy>, Vec<&Proxy>) = there.partition(|proxy| {
            let live = proxy.live.as_ref().and_then(|live| live.revision);
            proxy.behind || live.is_none_or(|live| live < revision)
        });
        Self {
            have: have.len() as u64,
            all: (have.len() + behind.len()) as u64,
            behind: behind.into_iter().cloned().collect(),
        }
    }

    /// Whether there is nothing to wait for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.behind.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProxyLive;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn proxy(state: &str, revision: Option<i64>, behind: bool) -> Proxy {
        Proxy {
            state: state.to_owned(),
            live: Some(ProxyLive {
                revision,
                mode: "enforce".to_owned(),
            }),
            behind,
            ..Proxy::default()
        }
    }

    #[test]
    fn only_proxies_that_are_there_count() {
        let proxies = [
            proxy("live", Some(7), false),
            proxy("stale", Some(1), true),
            proxy("closed", Some(1), true),
        ];
        let force = Force::of(&proxies, 7);
        assert_eq!((force.have, force.all, force.is_whole()), (1, 1, true));
    }

    #[test]
    fn a_proxy_has_it_with_that_revision_or_a_later_one() {
        for (revision, behind, has) in [
            (Some(6), false, false),
            (Some(7), false, true),
            (Some(8), false, true),
            (Some(8), true, false),
            (None, false, false),
        ] {
            let force = Force::of(&[proxy("live", revision, behind)], 7);
            assert_eq!(force.is_whole(), has, "{revision:?} {behind}");
            assert_eq!((force.have, force.all), (u64::from(has), 1));
        }
        let silent = Proxy {
            state: "live".to_owned(),
            ..Proxy::default()
        };
        assert!(!Force::of(&[silent], 7).is_whole());
    }
}
