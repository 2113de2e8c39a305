//! The lists of what other servers are known to fail name transcripts that there are, and say by which RFC.

use std::path::Path;

use lightmail_conformance::known::Known;
use lightmail_conformance::library;

#[test]
fn lists_of_known_deviations_name_transcripts_and_cite_an_rfc() {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("known");
    let mut read = 0;
    for list in std::fs::read_dir(lists).unwrap() {
        let path = list.unwrap().path();
        let place = path.display();
        let known = Known::parse(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{place}:{error}"));
        for (file, reason) in known.entries() {
            assert!(
                library::folder().join(file).is_file(),
                "{place}: {file} is no transcript"
            );
            assert!(reason.starts_with("RFC "), "{place}: {file} cites no RFC");
            read += 1;
        }
    }
    assert!(read > 0, "no list names a transcript");
}
