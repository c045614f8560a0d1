//! Other plugins in the proxy, beside the one that is shipped.

use serde_json::{Value, json};

use super::Setup;

const HTTP_FILTERS: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";

impl Setup {
    /// A plugin that is not ours, in the same `vm_id`: before the filter, and asked by headers (`tests/plugins/foreign`).
    #[must_use]
    pub fn foreign(self) -> Self {
        let vm_id = self.vm_config()["vm_id"].clone();
        let vm = json!({
            "vm_id": vm_id,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": "foreign.wasm"}},
        });
        self.http_filter(0, "foreign", json!({"name": "foreign", "vm_config": vm}))
    }

    /// A second Sluice plugin on the listener, in the same `vm_id`, whose VM has other variables.
    #[must_use]
    pub fn second(self, configuration: &Value, variables: &Value) -> Self {
        let mut vm = self.vm_config();
        vm["environment_variables"]["key_values"] = variables.clone();
        let plugin = plugin("sluice.http.second", "sluice.http", vm, configuration);
        self.http_filter(1, "second", plugin)
    }

    /// `sluice.agent` as a bootstrap service, in the VM of the filter's main thread.
    #[must_use]
    pub fn agent(self, configuration: &Value) -> Self {
        let plugin = plugin("sluice.agent", "sluice.agent", self.vm_config(), configuration);
        self.edit(|bootstrap| {
            bootstrap["bootstrap_extensions"] = json!([{
                "name": "envoy.bootstrap.wasm",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
                    "singleton": true,
                    "config": plugin,
                },
            }]);
        })
    }

    fn vm_config(&self) -> Value {
        let vm = self.filter.pointer("/resources/0/typed_config/config/vm_config");
        vm.expect("filter.yaml holds a Wasm filter").clone()
    }

    fn http_filter(self, at: usize, name: &str, plugin: Value) -> Self {
        let filter = json!({
            "name": name,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": plugin,
            },
        });
        self.edit(|bootstrap| {
            let filters = bootstrap.pointer_mut(HTTP_FILTERS).and_then(Value::as_array_mut);
            filters.expect("the listener has HTTP filters").insert(at, filter);
        })
    }
}

fn plugin(name: &str, root_id: &str, vm: Value, configuration: &Value) -> Value {
    json!({
        "name": name,
        "root_id": root_id,
        "failure_policy": "FAIL_RELOAD",
        "vm_config": vm,
        "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration.to_string(),
        },
    })
}
