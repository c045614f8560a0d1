//! envoy/istio/: the manifests are what Istio's and Kubernetes' types say, and a sidecar that is patched by them lets
//! nothing past Sluice.

mod capture;
mod extensions;
mod fields;
mod kustomize;
mod listeners;
mod mesh;
mod patches;
mod plugins;
mod proxy;
mod running;
mod sidecar;
