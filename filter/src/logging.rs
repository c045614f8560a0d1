//! The `log` crate's macros, into the proxy's log.
//!
//! The SDK has such a logger too, but it panics when the proxy refuses a line.

use log::{LevelFilter, Log, Metadata, Record};

use crate::host::{self, Level};

struct ProxyLog;

impl Log for ProxyLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            log::Level::Info => Level::Info,
            log::Level::Debug => Level::Debug,
            log::Level::Trace => Level::Trace,
        };
        host::log(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Installs the logger and a panic hook, so that a defect leaves its place in
/// the log before the VM is lost.
pub(crate) fn install() {
    if log::set_logger(&ProxyLog).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    std::panic::set_hook(Box::new(|defect| host::log(Level::Critical, &defect.to_string())));
}
