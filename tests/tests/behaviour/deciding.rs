//! The two runs without Envoy.

use sluice_harness::engine::{CompiledFilter, Engine, NativeEngine, Setup, WasmEngine};
use sluice_policy::{DecisionRecord, PolicyDocument, Timestamp};
use sluice_tests::table::{Row, Section};

use crate::scenes::default_port;

/// What the deciding crate says of each row.
pub(crate) fn natively(section: &Section) -> Vec<DecisionRecord<'static>> {
    decide_all(section, |setup| {
        NativeEngine::new(&setup).expect("the table's policies are valid")
    })
}

/// What the `.wasm` says of each row, with the harness in Envoy's place.
pub(crate) fn in_the_harness(section: &Section, filter: &CompiledFilter) -> Vec<DecisionRecord<'static>> {
    decide_all(section, |setup| {
        WasmEngine::new(filter, &setup).expect("the table's policies are valid")
    })
}

fn decide_all<E: Engine>(section: &Section, engine: impl Fn(Setup) -> E) -> Vec<DecisionRecord<'static>> {
    let at = Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").expect("it is a time");
    let document = PolicyDocument::from_json(section.policy.as_bytes());
    let document = document.unwrap_or_else(|problems| panic!("{}: {problems}", section.title));
    let mut engines: Vec<(u16, E)> = Vec::new();
    let mut decide = |row: &Row| {
        let port = default_port(row.form);
        if !engines.iter().any(|(at, _)| *at == port) {
            let setup = Setup {
                default_port: port,
                ..Setup::new(document.clone())
            };
            engines.push((port, engine(setup)));
        }
        let (_, engine) = engines
            .iter_mut()
            .find(|(at, _)| *at == port)
            .expect("it was just made");
        let decided = engine.decide(&row.sighting(), at);
        decided
            .unwrap_or_else(|error| panic!("{}: {error}", row.text))
            .into_owned()
    };
    section.rows.iter().map(&mut decide).collect()
}
