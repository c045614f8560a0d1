//! The upstream of a gRPC call as Envoy reads it: a serialised `GrpcService`.

/// The cluster that `upstream` names, if it is a `GrpcService` with nothing
/// but an `envoy_grpc.cluster_name`.
///
/// Envoy first reads the bytes as that message. A bare name is another
/// message, or none: with some names it aborts Envoy. So nothing else will do
/// in the lab.
pub(super) fn cluster(upstream: &[u8]) -> Option<String> {
    let envoy_grpc = only_field(upstream)?;
    let name = only_field(envoy_grpc)?;
    if name.is_empty() {
        return None;
    }
    String::from_utf8(name.to_vec()).ok()
}

/// The content of field 1 if the message is that field, length-delimited.
fn only_field(message: &[u8]) -> Option<&[u8]> {
    let rest = message.strip_prefix(&[0x0a])?;
    let (length, rest) = varint(rest)?;
    (rest.len() == length).then_some(rest)
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    if end > 3 {
        return None;
    }
    let (number, rest) = bytes.split_at(end + 1);
    let value = number
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_grpc_service_names_a_cluster() {
        assert_eq!(cluster(b"\x0a\x08\x0a\x06sluice").as_deref(), Some("sluice"));
        let long = "c".repeat(200);
        let message = [&[0x0a, 0xcb, 0x01, 0x0a, 0xc8, 0x01], long.as_bytes()].concat();
        assert_eq!(cluster(&message), Some(long));
        for wrong in [
            &b"sluice"[..],
            b"",
            b"envoy",
            b"\x0a\x00",
            b"\x0a\x02\x0a\x00",
            b"\x0a\x09\x0a\x06sluice",
            b"\x0a\x08\x0a\x06sluice\x10\x01",
            b"\x0a\xff",
            b"\x0a\x03\x0a\x01\xff",
        ] {
            assert_eq!(cluster(wrong), None, "{wrong:?}");
        }
    }
}
