//! A collector, and browsers that call it.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use ureq::Agent;
use ureq::http::{Request, Response};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Scene {
    _sluice: Sluice,
    /// An admin's, with a token.
    pub(crate) api: Api,
    pub(crate) token: String,
    host: String,
    pub(crate) grpc: SocketAddr,
    agent: Agent,
}

/// A browser that is signed in.
pub(crate) struct Session<'a> {
    scene: &'a Scene,
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) set_cookie: Option<String>,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

impl Scene {
    pub(crate) fn on(sluice: Sluice) -> Self {
        let at = sluice.addresses();
        Self {
            _sluice: sluice,
            api: Api::new(at.http, &at.token),
            token: at.token,
            host: at.http.to_string(),
            grpc: at.grpc,
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .build()
                .into(),
        }
    }

    pub(crate) fn both() -> [Self; 2] {
        [Self::on(Sluice::sqlite()), Self::on(Sluice::postgres())]
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let uri = format!("http://{}/api/v1{path}", self.host);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match body {
            Some(body) => read(self.agent.run(request.body(body.to_string()).unwrap()).unwrap()),
            None => read(self.agent.run(request.body(()).unwrap()).unwrap()),
        }
    }

    /// As the console sends it.
    pub(crate) fn sign_in(&self, body: &Value) -> Answer {
        let origin = format!("http://{}", self.host);
        let headers = [
            ("content-type", "application/json"),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
        ];
        self.call("POST", "/sessions", &headers, Some(body))
    }

    pub(crate) fn person(&self, name: &str, role: &str, scope: &str) -> String {
        let body = json!({"name": name, "password": PASSWORD, "role": role, "scope": scope});
        let id = self.api.post("/users", &body).data("id");
        id.as_str().unwrap().to_owned()
    }

    pub(crate) fn session(&self, proof: &Value) -> Session<'_> {
        let answer = self.sign_in(proof);
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |member: &str| answer.body["data"][member].as_str().unwrap().to_owned();
        let cookie = answer.set_cookie.as_ref().unwrap().split(';').next().unwrap();
        Session {
            scene: self,
            id: text("id"),
            cookie: cookie.to_owned(),
            csrf: text("csrf_token"),
        }
    }

    pub(crate) fn of_person(&self, name: &str) -> Session<'_> {
        self.session(&named(name, PASSWORD))
    }
}

impl Session<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.scene.call("GET", path, &[("cookie", &self.cookie)], None)
    }

    pub(crate) fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "application/json")];
        self.scene.call(method, path, &[&headers[..], more].concat(), body)
    }

    /// As the console sends it.
    pub(crate) fn does(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send(method, path, &[("x-csrf-token", &self.csrf)], body)
    }

    pub(crate) fn has_ended(&self) -> bool {
        match self.get("/egress/policies").status {
            200 => false,
            401 => true,
            other => panic!("{other}"),
        }
    }
}

pub(crate) fn named(name: &str, password: &str) -> Value {
    json!({"name": name, "password": password})
}

fn read(mut answer: Response<ureq::Body>) -> Answer {
    let text = answer.body_mut().read_to_string().unwrap();
    let cookie = answer.headers().get("set-cookie");
    Answer {
        status: answer.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        set_cookie: cookie.map(|cookie| cookie.to_str().unwrap().to_owned()),
    }
}
