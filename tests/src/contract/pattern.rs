//! What an answer must look like.
//!
//! | pattern | fits |
//! |---|---|
//! | `"$any"`, `"$string"`, `"$number"`, `"$bool"`, `"$list"`, `"$object"` | what it says; `$any` null too |
//! | `"$time"`, `"$id"` | a time with microseconds and `Z`; an id of `[A-Za-z0-9._-]` |
//! | `"$absent"` | a member that is not there |
//! | `{"a": p}` | an object with these members, and others |
//! | `{"a": p, "$only": true}` | an object with these members and no others |
//! | `[p, q]` | a list of exactly these |
//! | `{"$each": p}`, `{"$some": p}`, `{"$none": p}`, `{"$length": n}`, `{"$ascending": "member"}` | a list of which that is true |
//! | `{"$contains": "text"}` | a text with that in it |
//! | `{"$not": p}` | whatever `p` does not fit |
//! | anything else | itself |

use serde_json::{Map, Value};

/// Whether a value fits; what does not, a line each.
///
/// # Errors
/// With where and what.
pub fn fit(pattern: &Value, value: &Value) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    compare(pattern, Some(value), "", &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn fits(pattern: &Value, value: &Value) -> bool {
    fit(pattern, value).is_ok()
}

fn compare(pattern: &Value, value: Option<&Value>, at: &str, problems: &mut Vec<String>) {
    let place = if at.is_empty() { "the answer" } else { at };
    if pattern == "$absent" {
        if let Some(value) = value {
            problems.push(format!("{place}: expected nothing, got {value}"));
        }
        return;
    }
    let Some(value) = value else {
        problems.push(format!("{place}: expected {pattern}, got nothing"));
        return;
    };
    let fitting = match pattern {
        Value::String(word) if word.starts_with('$') => is(word, value),
        Value::Object(members) if is_quantified(members) => return quantified(members, value, place, problems),
        Value::Object(members) => match value {
            Value::Object(object) => return object_members(members, object, at, problems),
            _ => false,
        },
        Value::Array(patterns) => match value {
            Value::Array(values) if values.len() == patterns.len() => {
                for (index, (pattern, value)) in patterns.iter().zip(values).enumerate() {
                    compare(pattern, Some(value), &format!("{at}/{index}"), problems);
                }
                return;
            }
            _ => false,
        },
        literal => literal == value,
    };
    if !fitting {
        problems.push(format!("{place}: expected {pattern}, got {value}"));
    }
}

fn object_members(patterns: &Map<String, Value>, object: &Map<String, Value>, at: &str, problems: &mut Vec<String>) {
    for (name, pattern) in patterns.iter().filter(|(name, _)| *name != "$only") {
        compare(pattern, object.get(name), &format!("{at}/{name}"), problems);
    }
    if patterns.contains_key("$only") {
        for name in object.keys().filter(|name| !patterns.contains_key(*name)) {
            problems.push(format!("{at}/{name}: expected no such member, got {}", object[name]));
        }
    }
}

const QUANTIFIERS: [&str; 7] = ["$each", "$some", "$none", "$length", "$ascending", "$contains", "$not"];

fn is_quantified(members: &Map<String, Value>) -> bool {
    members.keys().any(|name| QUANTIFIERS.contains(&name.as_str()))
}

fn quantified(members: &Map<String, Value>, value: &Value, at: &str, problems: &mut Vec<String>) {
    for (quantifier, pattern) in members {
        let list = value.as_array();
        let fitting = match quantifier.as_str() {
            "$not" => !fits(pattern, value),
            "$contains" => {
                let part = pattern.as_str().expect("$contains is a text");
                value.as_str().is_some_and(|text| text.contains(part))
            }
            "$each" => list.is_some_and(|list| list.iter().all(|value| fits(pattern, value))),
            "$some" => list.is_some_and(|list| list.iter().any(|value| fits(pattern, value))),
            "$none" => list.is_some_and(|list| !list.iter().any(|value| fits(pattern, value))),
            "$length" => list.is_some_and(|list| Some(list.len() as u64) == pattern.as_u64()),
            "$ascending" => {
                let member = pattern.as_str().expect("$ascending is the name of a member");
                list.is_some_and(|list| list.is_sorted_by(|one, other| texts(one, member) < texts(other, member)))
            }
            other => panic!("{other} is no pattern that stands beside others"),
        };
        if !fitting {
            problems.push(format!("{at}: expected {{{quantifier:?}: {pattern}}}, got {value}"));
        }
    }
}

fn texts<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value[member].as_str()
}

fn is(word: &str, value: &Value) -> bool {
    match word {
        "$any" => true,
        "$string" => value.is_string(),
        "$number" => value.is_number(),
        "$bool" => value.is_boolean(),
        "$list" => value.is_array(),
        "$object" => value.is_object(),
        "$time" => value.as_str().is_some_and(is_time),
        "$id" => value.as_str().is_some_and(is_id),
        other => panic!("{other} is no pattern"),
    }
}

fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";
    let fits = |(byte, shape): (u8, &u8)| {
        if *shape == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == *shape
        }
    };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_pattern_fits_what_it_says_and_nothing_else() {
        let (time, id) = (json!("2026-11-24T16:00:00.000001Z"), json!("pol_1.A-b"));
        for (pattern, fitting, others) in [
            (json!("$any"), vec![json!(null), json!(1), json!({})], vec![]),
            (json!("$string"), vec![json!("")], vec![json!(1), json!(null)]),
            (
                json!("$number"),
                vec![json!(0), json!(1.5)],
                vec![json!("1"), json!(null)],
            ),
            (json!("$bool"), vec![json!(false)], vec![json!(0), json!(null)]),
            (json!("$list"), vec![json!([])], vec![json!({}), json!(null)]),
            (json!("$object"), vec![json!({})], vec![json!([]), json!(null)]),
            (
                json!("$time"),
                vec![time.clone()],
                vec![
                    json!("2026-11-24T16:00:00Z"),
                    json!("2026-11-24T16:00:00.000001+00:00"),
                    json!(1),
                    id.clone(),
                ],
            ),
            (
                json!("$id"),
                vec![id],
                vec![json!(""), json!("a/b"), json!("ä"), json!(7), time],
            ),
            (json!(null), vec![json!(null)], vec![json!(0), json!("")]),
            (
                json!({"a": 1}),
                vec![json!({"a": 1}), json!({"a": 1, "b": 2})],
                vec![json!({}), json!({"a": 2}), json!([1])],
            ),
            (
                json!({"a": 1, "$only": true}),
                vec![json!({"a": 1})],
                vec![json!({"a": 1, "b": null})],
            ),
            (json!({"a": "$absent"}), vec![json!({})], vec![json!({"a": null})]),
            (json!({"a": null}), vec![json!({"a": null})], vec![json!({})]),
            (
                json!([1, "$string"]),
                vec![json!([1, "x"])],
                vec![json!([1]), json!(["x", 1]), json!([1, "x", 2])],
            ),
            (json!([]), vec![json!([])], vec![json!([1]), json!(null)]),
            (
                json!({"$each": "$number"}),
                vec![json!([]), json!([1, 2])],
                vec![json!([1, "x"]), json!(null)],
            ),
            (json!({"$some": 1}), vec![json!([2, 1])], vec![json!([]), json!([2])]),
            (
                json!({"$none": 1}),
                vec![json!([]), json!([2])],
                vec![json!([1, 2]), json!("x")],
            ),
            (json!({"$length": 2}), vec![json!([1, 2])], vec![json!([1]), json!({})]),
            (
                json!({"$length": 1, "$each": 1}),
                vec![json!([1])],
                vec![json!([2]), json!([1, 1])],
            ),
            (
                json!({"$ascending": "t"}),
                vec![json!([]), json!([{"t": "a"}, {"t": "b"}])],
                vec![
                    json!([{"t": "b"}, {"t": "a"}]),
                    json!([{"t": "a"}, {"t": "a"}]),
                    json!(1),
                ],
            ),
            (
                json!({"$contains": "b"}),
                vec![json!("abc")],
                vec![json!("ac"), json!(["b"])],
            ),
            (json!({"$not": null}), vec![json!(0)], vec![json!(null)]),
        ] {
            for value in fitting {
                assert_eq!(fit(&pattern, &value), Ok(()), "{pattern} and {value}");
            }
            for value in others {
                assert!(fit(&pattern, &value).is_err(), "{pattern} and {value}");
            }
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_with_its_place() {
        let pattern = json!({"data": [{"id": "$id", "rules": []}], "next_cursor": null, "$only": true});
        let value = json!({"data": [{"id": 7}], "more": true});
        assert_eq!(
            fit(&pattern, &value).unwrap_err(),
            [
                "/data/0/id: expected \"$id\", got 7",
                "/data/0/rules: expected [], got nothing",
                "/next_cursor: expected null, got nothing",
                "/more: expected no such member, got true",
            ]
        );
    }
}
