//! What LIST's wildcards mean, in the plainest words: a table of which beginnings match which.

/// Whether `pattern` matches `name`: `*` any characters, `%` any but `/` (RFC 3501, 6.3.8).
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for &token in pattern {
        let before = reached.clone();
        for at in 0..=name.len() {
            let from_left = |reached: &[bool]| at > 0 && reached[at - 1];
            reached[at] = match token {
                b'*' => before[at] || from_left(&reached),
                b'%' => before[at] || (from_left(&reached) && name[at - 1] != b'/'),
                octet => from_left(&before) && name[at - 1] == octet,
            };
        }
    }
    reached[name.len()]
}
