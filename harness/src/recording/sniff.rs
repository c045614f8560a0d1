//! Tells recordings apart by what is in them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{capture, tap};

/// A recording format that has a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HTTP Archive 1.2, as browsers and HTTP tools export it.
    Har,
    /// Envoy's access log with `json_format`, one object on a line.
    EnvoyAccessLog,
    /// Sluice's audit export, one row on a line.
    SluiceAudit,
    /// A packet capture.
    Capture,
    /// Traces of Envoy's tap, as JSON or protobuf.
    EnvoyTap(Encoding),
}

/// How a trace of Envoy's tap is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object behind the other.
    Json,
    /// Protobuf.
    Binary,
    /// Protobuf, each trace behind its length.
    Delimited,
}

impl Format {
    /// Every format there is a reader for.
    pub const ALL: [Self; 5] = [
        Self::Har,
        Self::EnvoyAccessLog,
        Self::EnvoyTap(Encoding::Json),
        Self::Capture,
        Self::SluiceAudit,
    ];

    /// Its name, with what it is known by.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Har => "HAR 1.2 (an object with `log`)",
            Self::EnvoyAccessLog => "Envoy JSON access log (JSON Lines with `authority` or `requested_server_name`)",
            Self::SluiceAudit => "Sluice audit rows (JSON Lines with `would_reject`, and `host` or `raw`)",
            Self::Capture => "packet capture (pcap or pcapng, not compressed)",
            Self::EnvoyTap(_) => "Envoy tap (JSON objects with `http_buffered_trace` or another trace, or protobuf)",
        }
    }

    fn of_keys(keys: &[String]) -> Option<Self> {
        let has = |key: &str| keys.iter().any(|known| known == key);
        if has("would_reject") && (has("host") || has("raw")) {
            Some(Self::SluiceAudit)
        } else if keys.iter().any(|key| tap::is_trace(key)) {
            Some(Self::EnvoyTap(Encoding::Json))
        } else if has("authority") || has("requested_server_name") {
            Some(Self::EnvoyAccessLog)
        } else {
            None
        }
    }
}

/// What a file looks like that no reader knows, so that the error can say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resemblance {
    /// gzip or zip.
    Compressed,
    /// UTF-16 with its byte order mark, as some shells write redirected output.
    Utf16,
    /// Envoy's tap in protobuf's text form.
    TapText,
    /// Lines that a container runtime wrapped in its own JSON.
    ContainerLog,
    /// JSON Lines whose objects were spread over several lines.
    SpreadJson,
    /// Envoy's access log as text.
    EnvoyText,
}

impl fmt::Display for Resemblance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compressed => "it is compressed: unpack it first",
            Self::Utf16 => "it is UTF-16: save it as UTF-8",
            Self::TapText => "it is an Envoy tap in text form: set the format to JSON_BODY_AS_BYTES",
            Self::ContainerLog => {
                "a container runtime wrapped each line in its own JSON: let the runtime print the log"
            }
            Self::SpreadJson => "its objects go over several lines: put each on one line, as `jq -c .` does",
            Self::EnvoyText => "it is an Envoy access log in text form: configure `json_format`",
        })
    }
}

/// The format of a file that begins with `start` (its byte order mark already removed).
pub(super) fn sniff(start: &[u8]) -> Result<Format, Option<Resemblance>> {
    if capture::is_capture(start) {
        return Ok(Format::Capture);
    }
    let whole = Outline::of(start);
    if whole.log_is_object {
        return Ok(Format::Har);
    }
    // Its objects go over several lines as Envoy writes them.
    if whole.keys.iter().any(|key| tap::is_trace(key)) {
        return Ok(Format::EnvoyTap(Encoding::Json));
    }
    let mut lines = start.split(|byte| *byte == b'\n');
    if let Some(format) = lines.find_map(|line| Format::of_keys(&Outline::of(line).keys)) {
        return Ok(format);
    }
    if let Some(encoding) = tap::binary_encoding(start) {
        return Ok(Format::EnvoyTap(encoding));
    }
    Err(resemblance(start, &whole))
}

fn resemblance(start: &[u8], whole: &Outline) -> Option<Resemblance> {
    const MAGIC: [(&[u8], Resemblance); 5] = [
        (b"\x1f\x8b", Resemblance::Compressed),
        (b"PK\x03\x04", Resemblance::Compressed),
        (b"\xff\xfe", Resemblance::Utf16),
        (b"\xfe\xff", Resemblance::Utf16),
        (b"[20", Resemblance::EnvoyText),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(*what);
    }
    if Format::of_keys(&whole.keys).is_some() {
        return Some(Resemblance::SpreadJson);
    }
    if tap::is_text(start) {
        return Some(Resemblance::TapText);
    }
    let wrapped = ["log", "stream", "time"]
        .iter()
        .all(|key| whole.keys.iter().any(|known| known == key));
    wrapped.then_some(Resemblance::ContainerLog)
}

/// The outermost keys of a JSON object, as far as it can be read.
#[derive(Default)]
struct Outline {
    keys: Vec<String>,
    log_is_object: bool,
}

impl Outline {
    fn of(text: &[u8]) -> Self {
        let mut outline = Self::default();
        // What stops the parser (the end of the excerpt, a defect) does not matter
        // here: the reader will meet it again and can say where it is.
        let _ = serde_json::Deserializer::from_slice(text).deserialize_map(&mut outline);
        outline
    }
}

impl<'de> Visitor<'de> for &mut Outline {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let is_log = key == "log";
            self.keys.push(key);
            if is_log {
                map.next_value_seed(IsObject(&mut self.log_is_object))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Notes whether a value is an object, and goes no further into it.
struct IsObject<'a>(&'a mut bool);

impl<'de> DeserializeSeed<'de> for IsObject<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IsObject<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a string")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        *self.0 = true;
        Err(A::Error::custom("seen enough"))
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Format, Resemblance, sniff};

    #[test]
    fn formats_are_known_by_content() {
        for (start, expected) in [
            (r#"{"log": {"entries": []}}"#, Format::Har),
            ("{\n  \"log\": {\n", Format::Har),
            (r#"{"comment": "first", "log": {"version": "1.2""#, Format::Har),
            (
                r#"{"authority": "example.com:443", "method": "CONNECT"}"#,
                Format::EnvoyAccessLog,
            ),
            (r#"{"requested_server_name": "example.com"}"#, Format::EnvoyAccessLog),
            (
                "starting up\n{\"broken\n{\"authority\": null, \"meth",
                Format::EnvoyAccessLog,
            ),
            (r#"{"host": "example.com", "would_reject": true}"#, Format::SluiceAudit),
            (
                r#"{"would_reject": true, "raw": "a,b", "host": null}"#,
                Format::SluiceAudit,
            ),
            (
                "{\n  \"http_buffered_trace\": {\n    \"request\": {",
                Format::EnvoyTap(Encoding::Json),
            ),
            (
                r#"{"socketStreamedTraceSegment": {"traceId": "1"}}"#,
                Format::EnvoyTap(Encoding::Json),
            ),
        ] {
            assert_eq!(sniff(start.as_bytes()), Ok(expected), "{start}");
        }
    }

    #[test]
    fn captures_are_known_by_their_magic_numbers() {
        for magic in [
            b"\xd4\xc3\xb2\xa1",
            b"\xa1\xb2\xc3\xd4",
            b"\x4d\x3c\xb2\xa1",
            b"\xa1\xb2\x3c\x4d",
            b"\x34\xcd\xb2\xa1",
            b"\x0a\x0d\x0d\x0a",
        ] {
            assert_eq!(sniff(magic), Ok(Format::Capture));
            assert_ne!(sniff(&magic[..3]), Ok(Format::Capture));
        }
    }

    #[test]
    fn what_is_no_recording_is_told_apart() {
        for (start, expected) in [
            (&b"\x1f\x8b\x08\x00"[..], Some(Resemblance::Compressed)),
            (b"\xff\xfe{\x00", Some(Resemblance::Utf16)),
            (
                b"[2026-01-01T00:00:00.000Z] \"GET / HTTP/1.1\" 200",
                Some(Resemblance::EnvoyText),
            ),
            (
                b"{\n  \"authority\": \"example.com\",\n  \"method\": \"GET\"\n}\n",
                Some(Resemblance::SpreadJson),
            ),
            (
                br#"{"log": "{\"authority\": \"example.com\"}\n", "stream": "stdout", "time": "2026-01-01T00:00:00Z"}"#,
                Some(Resemblance::ContainerLog),
            ),
            (b"socket_buffered_trace {\n  trace_id: 1\n}", Some(Resemblance::TapText)),
            // words that could be the beginning of protobuf
            (b"\n\nhello\n", None),
            (b"\n\x05hello", None),
            (b"\x08\n\x06hello!", None),
            (b"\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
            (b"\x0b\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
            (br#"[{"authority": "example.com"}]"#, None),
            (br#"{"log": []}"#, None),
            (b"hello", None),
            (br#"{"level": "info", "host": "example.com"}"#, None),
        ] {
            assert_eq!(sniff(start), Err(expected), "{}", String::from_utf8_lossy(start));
        }
    }
}
