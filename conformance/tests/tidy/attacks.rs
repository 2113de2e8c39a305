//! docs/attacks.md, held to the repository: each attack of the list is in it, and what shows the right answer exists.

use super::tree::{read, root};

/// The attacks on the doors that are answered.
const IDS: &str = "A01 A02 A03 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 B14 B15 B16 B17 C01 C02 C04 C05 C06 C08 C09 C10 C11 C14 C15 D08";

#[test]
fn every_attack_is_answered_by_what_exists() {
    let document = read("docs/attacks.md".into()).unwrap();
    let rows = document.text.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .collect();
        matches!(cells.first(), Some(id) if id.len() == 3 && *id != "---").then_some(cells)
    });
    let mut ids = Vec::new();
    for cells in rows {
        let [id, _, _, shown] = cells.as_slice() else {
            panic!("a row has four cells: {cells:?}")
        };
        let places: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!places.is_empty(), "{id}: nothing shows it");
        places.iter().for_each(|place| assert_exists(id, place));
        ids.push((*id).to_owned());
    }
    assert_eq!(ids.join(" "), IDS);
}

/// A transcript by its path, or a test of a file.
fn assert_exists(id: &str, place: &str) {
    match place.split_once("::") {
        None => {
            let path = root().join("conformance/transcripts").join(place);
            assert!(path.is_file(), "{id}: there is no transcript {place}");
        }
        Some((file, test)) => {
            let source = read(file.to_owned()).unwrap_or_else(|| panic!("{id}: there is no {file}"));
            let is_there = source.text.contains(&format!("fn {test}("));
            assert!(is_there, "{id}: {file} has no {test}");
        }
    }
}
