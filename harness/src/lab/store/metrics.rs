//! Counters, gauges and histograms of the process.

use std::collections::BTreeMap;

use proxy_wasm_host::abi::v0_2_1::MetricId;
use proxy_wasm_host::abi::v0_2_1::types::{MetricType, Status};

#[derive(Debug)]
struct Metric {
    kind: MetricType,
    name: String,
    value: u64,
}

/// All metrics, with Envoy's answers (its `Context::incrementMetric` and
/// `recordMetric`), which are not those of the ABI's text.
#[derive(Debug, Default)]
pub(in crate::lab) struct Metrics(BTreeMap<MetricId, Metric>);

impl Metrics {
    /// One name and kind is one metric, whoever defines it.
    pub(super) fn define(&mut self, kind: MetricType, name: &[u8]) -> Result<MetricId, Status> {
        let name = String::from_utf8_lossy(name).into_owned();
        let held = self
            .0
            .iter()
            .find(|(_, metric)| metric.kind == kind && metric.name == name);
        if let Some((id, _)) = held {
            return Ok(*id);
        }
        let number = u32::try_from(self.0.len() + 1).map_err(|_| Status::InternalFailure)?;
        let id = MetricId::try_from(number).map_err(|_| Status::InternalFailure)?;
        self.0.insert(id, Metric { kind, name, value: 0 });
        Ok(id)
    }

    /// Counters only rise, and by at least one. Gives the name.
    pub(super) fn increment(&mut self, id: MetricId, by: i64) -> Result<String, Status> {
        let metric = self.0.get_mut(&id).ok_or(Status::NotFound)?;
        match metric.kind {
            MetricType::Counter if by > 0 => metric.value = metric.value.wrapping_add_signed(by),
            MetricType::Gauge => metric.value = metric.value.wrapping_add_signed(by),
            MetricType::Counter | MetricType::Histogram => return Err(Status::BadArgument),
        }
        Ok(metric.name.clone())
    }

    /// A counter is raised by the value, a gauge set to it; of a histogram the
    /// last value is kept. Gives the name.
    pub(super) fn record(&mut self, id: MetricId, value: u64) -> Result<String, Status> {
        let metric = self.0.get_mut(&id).ok_or(Status::NotFound)?;
        metric.value = match metric.kind {
            MetricType::Counter => metric.value.wrapping_add(value),
            MetricType::Gauge | MetricType::Histogram => value,
        };
        Ok(metric.name.clone())
    }

    pub(super) fn read(&self, id: MetricId) -> Result<u64, Status> {
        let metric = self.0.get(&id).ok_or(Status::NotFound)?;
        match metric.kind {
            MetricType::Histogram => Err(Status::BadArgument),
            MetricType::Counter | MetricType::Gauge => Ok(metric.value),
        }
    }

    pub(in crate::lab) fn named(&self, name: &str) -> Option<u64> {
        self.0
            .values()
            .find(|metric| metric.name == name)
            .map(|metric| metric.value)
    }

    pub(in crate::lab) fn all(&self) -> BTreeMap<String, u64> {
        self.0
            .values()
            .map(|metric| (metric.name.clone(), metric.value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_answer_as_envoy_does() {
        let mut metrics = Metrics::default();
        let counter = metrics.define(MetricType::Counter, b"c").unwrap();
        assert_eq!(metrics.define(MetricType::Counter, b"c"), Ok(counter));
        metrics.increment(counter, 2).unwrap();
        metrics.record(counter, 3).unwrap();
        assert_eq!(metrics.increment(counter, 0), Err(Status::BadArgument));
        assert_eq!(metrics.increment(counter, -1), Err(Status::BadArgument));
        assert_eq!(metrics.read(counter), Ok(5));
        let gauge = metrics.define(MetricType::Gauge, b"g").unwrap();
        metrics.record(gauge, 7).unwrap();
        metrics.increment(gauge, -3).unwrap();
        assert_eq!(metrics.named("g"), Some(4));
        let histogram = metrics.define(MetricType::Histogram, b"h").unwrap();
        metrics.record(histogram, 7).unwrap();
        assert_eq!(metrics.read(histogram), Err(Status::BadArgument));
        assert_eq!(metrics.named("absent"), None);
    }
}
