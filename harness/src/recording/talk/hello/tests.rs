use super::*;

/// A handshake message with a ClientHello that has these extensions.
pub(in super::super) fn message(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut hello = vec![0x03, 0x03];
    hello.extend([7; 32]);
    hello.push(32);
    hello.extend([8; 32]);
    hello.extend([0, 4, 0x13, 0x01, 0x13, 0x02]);
    hello.extend([1, 0]);
    let mut all = Vec::new();
    for (kind, data) in extensions {
        all.extend(kind.to_be_bytes());
        all.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        all.extend(data);
    }
    hello.extend(u16::try_from(all.len()).unwrap().to_be_bytes());
    hello.extend(all);
    handshake(&hello)
}

fn handshake(hello: &[u8]) -> Vec<u8> {
    let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
    [&[1][..], &length[1..], hello].concat()
}

/// A server name extension with these names in its list.
pub(in super::super) fn names(names: &[(u8, &[u8])]) -> (u16, Vec<u8>) {
    let mut list = Vec::new();
    for (kind, name) in names {
        list.push(*kind);
        list.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        list.extend(*name);
    }
    let length = u16::try_from(list.len()).unwrap().to_be_bytes();
    (0, [length.as_slice(), &list].concat())
}

/// A message in records of at most this many bytes.
pub(in super::super) fn records(message: &[u8], most: usize) -> Vec<u8> {
    let record = |part: &[u8]| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[0x16, 3, 1][..], &length, part].concat()
    };
    message.chunks(most).flat_map(record).collect()
}

fn read(records: &[u8]) -> Result<Option<String>, &'static str> {
    let mut bytes = records.to_vec();
    let name = ClientHello::default().read(&mut bytes)?;
    Ok(name.map(|name| name.escape_ascii().to_string()))
}

fn of(extensions: &[(u16, Vec<u8>)]) -> Result<Option<String>, &'static str> {
    read(&records(&message(extensions), 16_384))
}

#[test]
fn the_name_is_what_envoy_would_show() {
    for (list, expected) in [
        (&[(0, &b"example.com"[..])][..], "example.com"),
        (&[(0, b"MiXeD.Example.COM.")], "mixed.example.com."),
        (&[(0, b"a_b c.example.com")], "a_b c.example.com"),
        (&[(0, b"192.0.2.1")], "192.0.2.1"),
        (&[(0, b"b\xc3\xbccher.example.com")], r"b\xc3\xbccher.example.com"),
        (&[(0, &[b'x'; 255])], &"x".repeat(255)),
        // what its TLS library refuses
        (&[(0, &[b'x'; 256])], ""),
        (&[(0, b"a.example\0.example.com")], ""),
        (&[(0, b"")], ""),
        (&[], ""),
        (&[(1, b"example.com")], ""),
        (&[(0, b"a.example.com"), (0, b"b.example.com")], ""),
        (&[(1, b"opaque"), (0, b"example.com")], ""),
    ] {
        let found = of(&[(10, vec![0, 2, 0, 29]), names(list), (0xfe0d, vec![1; 40])]);
        assert_eq!(found, Ok(Some(expected.to_owned())), "{list:?}");
    }
    assert_eq!(of(&[]), Ok(Some(String::new())));
    assert_eq!(of(&[(16, b"\x00\x03\x02h2".to_vec())]), Ok(Some(String::new())));
    // a list that says it is shorter or longer than it is
    for length in [0, 13, 15, 255] {
        let (kind, mut list) = names(&[(0, b"example.com")]);
        assert_eq!(list[1], 14);
        list[1] = length;
        assert_eq!(of(&[(kind, list)]), Ok(Some(String::new())), "{length}");
    }
}

#[test]
fn other_extensions_are_not_looked_into() {
    let odd = [(16, vec![9]), (43, vec![]), (51, vec![0, 200]), (0x0a0a, vec![1])];
    let with_name: Vec<_> = odd.into_iter().chain([names(&[(0, b"example.com")])]).collect();
    assert_eq!(of(&with_name), Ok(Some("example.com".to_owned())));
}

#[test]
fn no_extensions_at_all_are_no_name() {
    let whole = message(&[]);
    let hello = &whole[HEADER..whole.len() - 2];
    assert_eq!(read(&records(&handshake(hello), 500)), Ok(Some(String::new())));
}

#[test]
fn records_may_be_of_any_size() {
    let padding = (21, vec![0; 20_000]);
    let long = message(&[padding, names(&[(0, b"example.com")])]);
    for most in [1, 3, 100, 16_384] {
        assert_eq!(
            read(&records(&long, most)),
            Ok(Some("example.com".to_owned())),
            "{most}"
        );
    }
    // byte by byte, with something behind it
    let bytes = [records(&long, 5_000), b"\x17\x03\x03".to_vec()].concat();
    let mut hello = ClientHello::default();
    let mut pending = Vec::new();
    let mut named = None;
    for byte in &bytes {
        pending.push(*byte);
        if let Some(name) = hello.read(&mut pending).unwrap() {
            named = Some((name, hello.held() >= long.len()));
            break;
        }
        assert!(pending.len() < 5_005, "whole records are taken out");
    }
    assert_eq!(named, Some((b"example.com".to_vec(), true)));
}

#[test]
fn the_longest_hello_is_read_and_a_longer_one_is_not() {
    let most = 0xffff - 4 - names(&[(0, b"example.com")]).1.len() - 4;
    let long = message(&[(21, vec![0; most]), names(&[(0, b"example.com")])]);
    assert_eq!(read(&records(&long, 16_384)), Ok(Some("example.com".to_owned())));
    let mut longer = long;
    longer[1..4].copy_from_slice(&u32::try_from(LONGEST_HELLO + 1).unwrap().to_be_bytes()[1..]);
    assert_eq!(
        read(&records(&longer, 16_384)),
        Err("it says that it is longer than TLS allows")
    );
}

#[test]
fn broken_hellos_say_what_is_wrong() {
    let whole = message(&[names(&[(0, b"example.com")])]);
    let body = &whole[HEADER..];
    for (hello, expected) in [
        (&body[..60], "its fields do not fit its length"),
        (&body[..body.len() - 1], "its extensions do not fit its length"),
        (&[body, &[0][..]].concat()[..], "its extensions do not fit its length"),
    ] {
        assert_eq!(read(&records(&handshake(hello), 500)), Err(expected));
    }
    let mut cut = message(&[(5, vec![]), names(&[(0, b"example.com")])]);
    let at = cut.len() - 17;
    cut[at] = 99;
    assert_eq!(read(&records(&cut, 500)), Err("an extension is cut off"));
    let twice = [names(&[(0, b"a.example.com")]), names(&[(0, b"b.example.com")])];
    assert_eq!(of(&twice), Err("it has two server name extensions"));
    let alert = [&records(&whole, 50)[..55], &[0x15, 3, 1, 0, 2, 2, 40][..]].concat();
    assert_eq!(read(&alert), Err("another record interrupts it"));
    assert_eq!(read(b"\x16\x03\x01\xff\xff"), Err("a record is longer than TLS allows"));
    assert_eq!(
        read(b"\x16\x03\x01\x00\x01\x02"),
        Err("it is another handshake message")
    );
}

#[test]
fn every_prefix_waits_and_every_damage_is_survived() {
    let whole = records(&message(&[names(&[(0, b"example.com")]), (16, vec![0; 9])]), 40);
    for length in 0..whole.len() {
        assert_eq!(read(&whole[..length]), Ok(None), "{length}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            if let Ok(Some(name)) = read(&damaged) {
                assert!(name.len() <= 4 * 255, "{at} {bit}: {name}");
            }
        }
    }
}
