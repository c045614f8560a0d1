//! Names outside ASCII, in the form in which rules have them.

use std::net::Ipv4Addr;

use crate::draft::to_convert;

/// The host in ASCII, by UTS 46 as the browser's own parser of addresses applies it. What it does not take stays as it
/// is, and is then refused.
pub(super) fn to_ascii(host: &str) -> String {
    let converted = to_convert(host).and_then(|(prefix, name)| {
        let url = web_sys::Url::new(&format!("http://{name}/")).ok()?;
        let ascii = url.hostname();
        // Digits of another width make a name an address for that parser only.
        ascii.parse::<Ipv4Addr>().is_err().then(|| format!("{prefix}{ascii}"))
    });
    converted.unwrap_or_else(|| host.trim().to_owned())
}

#[cfg(test)]
mod tests;
