//! What was seen in clear of a destination on a day: the first methods and paths,
//! and the rest as a number.

use std::collections::HashMap;

use super::tally::Shape;
use crate::error::Error;

/// How many are kept apart.
const MOST: usize = 32;

/// `[[method, path, count, last], ...]`
pub(super) type Shapes = Vec<(String, String, i64, i64)>;

/// Reads what the database has.
pub(super) fn read(text: &str) -> Result<Shapes, Error> {
    serde_json::from_str(text).map_err(|error| Error::Internal(format!("the shapes of a destination: {error}")))
}

/// Adds to it; the order of first sight stays.
pub(super) fn merge(shapes: &mut Shapes, more: &HashMap<Shape<'_>, (i64, i64)>) {
    let mut more: Vec<_> = more.iter().collect();
    more.sort_unstable();
    for ((method, path), (count, last)) in more {
        let apart = shapes.iter().filter(|(method, ..)| !method.is_empty()).count();
        let known =
            |shapes: &Shapes, method: &str, path: &str| shapes.iter().position(|(m, p, ..)| m == method && p == path);
        let found = known(shapes, method, path);
        let (method, path) = if found.is_some() || apart < MOST {
            (*method, *path)
        } else {
            ("", "")
        };
        match known(shapes, method, path) {
            Some(at) => {
                let shape = &mut shapes[at];
                shape.2 += count;
                shape.3 = shape.3.max(*last);
            }
            None => shapes.push((method.to_owned(), path.to_owned(), *count, *last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_apart_and_the_totals_stay_right() {
        let paths: Vec<String> = (0..40).map(|n| format!("/{n:02}")).collect();
        let first = paths[..30]
            .iter()
            .map(|path| (("GET", path.as_str()), (1, 5)))
            .collect();
        let all = paths.iter().map(|path| (("GET", path.as_str()), (2, 3))).collect();
        let mut shapes = Shapes::new();
        merge(&mut shapes, &first);
        merge(&mut shapes, &all);
        merge(&mut shapes, &all);
        assert_eq!(shapes.len(), MOST + 1);
        assert_eq!(shapes[0], ("GET".to_owned(), "/00".to_owned(), 5, 5));
        assert_eq!(shapes[32], (String::new(), String::new(), 2 * 8 * 2, 3));
        assert_eq!(shapes.iter().map(|shape| shape.2).sum::<i64>(), 30 + 2 * 40 * 2);
        assert_eq!(read(&serde_json::to_string(&shapes).unwrap()).unwrap(), shapes);
        assert!(read("[[1]]").is_err());
    }
}
