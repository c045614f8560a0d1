//! Names outside ASCII, in the form in which rules have them.

use crate::draft::to_convert;

/// The host in ASCII, by UTS 46 as the browser's own parser of addresses applies it. What it does not take stays as it
/// is, and is then refused.
pub(super) fn to_ascii(host: &str) -> String {
    let converted = to_convert(host).and_then(|(prefix, name)| {
        let url = web_sys::Url::new(&format!("http://{name}/")).ok()?;
        Some(format!("{prefix}{}", url.hostname()))
    });
    converted.unwrap_or_else(|| host.trim().to_owned())
}
