//! Hosts that differ from another one as a slip of the finger or a forgery does.
//!
//! Only allow rules are compared, because a deny of a look-alike is a deliberate
//! act. Of two allowed names, the one listed later is reported if
//!
//! 1. both look the same (the skeletons of UTS 39 are equal: `rn` and `m`, `1` and
//!    `l`, Cyrillic and Latin), or
//! 2. two neighbouring letters of one label are swapped, or
//! 3. their registrable domains have the same public suffix and differ by one
//!    letter or hyphen, too many, missing or replaced.
//!
//! The label in question must have at least five characters. Below one
//! registrable domain names belong to one owner, and `event` beside `events` is
//! normal there: so rule 3 looks at the domain only. A digit never counts in
//! rules 2 and 3: `api1` and `api2` are a family.

use std::hash::{DefaultHasher, Hash, Hasher};

use hashbrown::HashMap;

use super::survey::Survey;
use super::{Kind, Report};
use crate::domain;
use crate::host::{Host, Name};
use crate::pattern::HostPattern;
use crate::words::Effect;

/// Shorter labels are near many others by chance.
const LEAST: usize = 5;
/// How many neighbours in a bucket of like labels a label is compared with.
const NEIGHBOURS: usize = 8;

/// A name, and the first rule about it or what is below it.
struct Named {
    number: u32,
    name: Name,
}

pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    let mut names: Vec<Named> = Vec::new();
    let mut known: HashMap<Name, u32> = HashMap::new();
    for subject in survey.live() {
        let name = match subject.pattern {
            HostPattern::Exact(Host::Name(name)) | HostPattern::Below(name) => name,
            _ => continue,
        };
        if subject.rule.effect() == Effect::Allow && domain::registrable(name.as_str()).is_some() {
            known.entry(name).or_insert_with(|| {
                let number = subject.number;
                names.push(Named { number, name });
                number
            });
        }
    }
    let mut found = HashMap::new();
    look_alikes(&names, &mut found);
    swaps(&names, &known, &mut found);
    domains(&names, &mut found);
    for (number, near) in found {
        let (Some(rule), Some(other)) = (survey.rule(number), survey.rule(near.other)) else {
            continue;
        };
        let message = format!(
            "host {}: {} {} of rule {}; if one of them is a slip, correct it",
            rule.host(),
            near.how,
            other.host(),
            other.id()
        );
        report.warning(number, Kind::NearMiss, Some(other), message);
    }
}

/// What a name is near to: the first found counts.
struct Near {
    other: u32,
    how: &'static str,
}

fn note(found: &mut HashMap<u32, Near>, one: u32, two: u32, how: &'static str) {
    let (other, number) = (one.min(two), one.max(two));
    if other != number {
        found.entry(number).or_insert(Near { other, how });
    }
}

fn look_alikes(names: &[Named], found: &mut HashMap<u32, Near>) {
    let mut first: HashMap<String, &Named> = HashMap::new();
    for named in names {
        let text = named.name.as_str();
        let (shown, _) = idna::domain_to_unicode(text);
        let skeleton = skeleton(&shown);
        match first.get(skeleton.as_str()) {
            None => {
                first.insert(skeleton, named);
            }
            Some(earlier) if differing(text, earlier.name.as_str()).all(|(a, b)| a.len().max(b.len()) >= LEAST) => {
                note(found, earlier.number, named.number, "looks like");
            }
            Some(_) => {}
        }
    }
}

/// UTS 39 maps `0` to a capital letter; names have none, so it counts as small.
fn skeleton(name: &str) -> String {
    let skeleton: String = unicode_security::skeleton(name).collect();
    skeleton.to_lowercase()
}

/// The labels in which two names differ.
fn differing<'n>(a: &'n str, b: &'n str) -> impl Iterator<Item = (&'n str, &'n str)> {
    a.split('.').zip(b.split('.')).filter(|(a, b)| a != b)
}

fn swaps(names: &[Named], known: &HashMap<Name, u32>, found: &mut HashMap<u32, Near>) {
    for named in names {
        let text = named.name.as_str();
        let mut at = 0_usize;
        for label in text.split('.') {
            if label.len() >= LEAST && !label.starts_with("xn--") {
                swapped(text, at, label.len(), |swapped| {
                    let other = Host::parse(swapped).ok();
                    if let Some(Host::Name(other)) = other
                        && let Some(&other) = known.get(&other)
                    {
                        note(found, other, named.number, "has two letters swapped against");
                    }
                });
            }
            at = at.saturating_add(label.len()).saturating_add(1);
        }
    }
}

/// Calls `with` for the text with each pair of unlike neighbouring letters of
/// the label at `at` swapped.
fn swapped(text: &str, at: usize, len: usize, mut with: impl FnMut(&[u8])) {
    let mut bytes = text.as_bytes().to_vec();
    for left in at..at.saturating_add(len).saturating_sub(1) {
        let right = left.saturating_add(1);
        let pair = (bytes.get(left).copied(), bytes.get(right).copied());
        let (Some(a), Some(b)) = pair else { return };
        if a != b && a.is_ascii_alphabetic() && b.is_ascii_alphabetic() {
            bytes.swap(left, right);
            with(&bytes);
            bytes.swap(left, right);
        }
    }
}

/// A registrable domain: its own label, and the public suffix.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Domain<'n> {
    label: &'n str,
    suffix: &'n str,
}

/// Two labels that differ by one character have a variant in common: each is
/// itself and every text that it becomes without one of its characters.
fn domains(names: &[Named], found: &mut HashMap<u32, Near>) {
    let mut seen: HashMap<Domain<'_>, u32> = HashMap::new();
    let mut list: Vec<(u32, Domain<'_>)> = Vec::new();
    for named in names {
        let domain = domain::registrable(named.name.as_str()).and_then(|text| text.split_once('.'));
        let Some((label, suffix)) = domain else { continue };
        if label.len() >= LEAST && !label.starts_with("xn--") {
            let domain = Domain { label, suffix };
            seen.entry(domain).or_insert_with(|| {
                list.push((named.number, domain));
                named.number
            });
        }
    }
    let mut variants: Vec<(u64, usize)> = Vec::new();
    for (at, (_, domain)) in list.iter().enumerate() {
        let whole = domain.label.as_bytes();
        variants.push((hash(domain.suffix, whole, &[]), at));
        for left_out in 0..whole.len() {
            let before = whole.get(..left_out).unwrap_or_default();
            let after = whole.get(left_out.saturating_add(1)..).unwrap_or_default();
            variants.push((hash(domain.suffix, before, after), at));
        }
    }
    variants.sort_unstable();
    variants.dedup();
    for bucket in variants.chunk_by(|a, b| a.0 == b.0) {
        for (place, &(_, later)) in bucket.iter().enumerate() {
            let from = place.saturating_sub(NEIGHBOURS);
            for &(_, earlier) in bucket.get(from..place).unwrap_or_default() {
                let (Some(&(one, a)), Some(&(two, b))) = (list.get(earlier), list.get(later)) else {
                    continue;
                };
                if a.suffix == b.suffix && one_letter_apart(a.label, b.label) {
                    note(found, one, two, "is one letter away from");
                }
            }
        }
    }
}

fn hash(suffix: &str, before: &[u8], after: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    suffix.hash(&mut hasher);
    hasher.write(before);
    hasher.write(after);
    hasher.finish()
}

/// Whether one letter or hyphen is replaced, too many or missing.
fn one_letter_apart(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let front = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str| text.len().saturating_sub(front);
    let back = short
        .bytes()
        .rev()
        .zip(long.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let back = back.min(rest(short));
    // What neither end has in common: one byte on each side, or on the longer.
    let middle =
        |text: &'_ str| -> Vec<u8> { text.bytes().skip(front).take(rest(text).saturating_sub(back)).collect() };
    let counts = |byte: &u8| !byte.is_ascii_digit();
    match (middle(short).as_slice(), middle(long).as_slice()) {
        ([], [extra]) => counts(extra),
        ([one], [two]) => counts(one) && counts(two),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn one_letter_is_one_letter() {
        for (a, b) in [
            ("github", "githup"),
            ("github", "githubb"),
            ("github", "ithub"),
            ("my-app", "myapp"),
        ] {
            assert!(one_letter_apart(a, b) && one_letter_apart(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("github", "gitlab"),
            ("github", "github"),
            ("host1", "host2"),
            ("host", "host1"),
            ("github", "gihtub"),
        ] {
            assert!(!one_letter_apart(a, b) && !one_letter_apart(b, a), "{a} {b}");
        }
    }
}
