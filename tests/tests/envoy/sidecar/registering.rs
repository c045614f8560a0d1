//! The registry: how a host gets into it, and where it leads.

use serde_json::Value;

use super::{SOMEWHERE, Scene, policy};

/// Copies all that stands for one host in the configuration, for another one.
fn register(value: &mut Value, host: &str) -> usize {
    const LIKE: &str = "api.openai.com";
    let mut copies = 0;
    if let Value::Array(items) = value {
        let named = |item: &&Value| item["name"].as_str().is_some_and(|name| name.contains(LIKE));
        let text = items
            .iter()
            .filter(named)
            .map(|item| item.to_string().replace(LIKE, host));
        let new: Vec<Value> = text
            .map(|text| serde_json::from_str(&text).expect("it is JSON"))
            .collect();
        copies += new.len();
        items.extend(new);
    }
    let inner: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(object) => Box::new(object.values_mut()),
        _ => return copies,
    };
    copies + inner.map(|inner| register(inner, host)).sum::<usize>()
}

/// What the README says of it.
#[test]
fn a_host_is_registered_by_copies() {
    let scene = Scene::with(|setup, world| {
        let setup = setup.policy(&policy("enforce"));
        let setup = setup.edit(|bootstrap| assert_eq!(register(bootstrap, "new.example.com"), 4));
        setup
            .registered("outbound|443||new.example.com", world.teapot.port())
            .registered("outbound|80||new.example.com", world.plain.port())
    });
    let [tls, http] = [443, 80].map(|port| scene.curl(&format!("{SOMEWHERE}:{port}")));
    assert_eq!(tls.get("https://new.example.com/").http_code, 418);
    assert_eq!(
        scene.record(1),
        "allow late new.example.com:443 > outbound|443||new.example.com"
    );
    assert_eq!(http.get("http://new.example.com/").http_code, 200);
    assert_eq!(
        scene.record(2),
        "allow late new.example.com:80 > outbound|80||new.example.com"
    );
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    assert_eq!(
        scene.record(3),
        "allow gh api.github.com:443 > outbound|443||api.github.com"
    );
}

/// One address that does not answer is not the end of a name.
#[test]
fn each_address_of_a_registered_name_is_tried() {
    let addresses = [[127, 0, 0, 9], [127, 0, 0, 1]].map(Into::into);
    let scene = Scene::with(|setup, world| {
        world.dns.lead("api.github.com", &addresses);
        setup
    });
    let tls = scene.curl(&format!("{SOMEWHERE}:443"));
    for _ in 0..4 {
        assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    }
}
