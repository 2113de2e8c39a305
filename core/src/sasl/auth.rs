//! AUTH as POP3 and SMTP write it: a mechanism, and perhaps an initial response in base64.
//!
//! RFC 5034, 5; RFC 4954, 8. What each of them says around it is its own.

use super::Kind;
use crate::wire::base64;

/// The arguments of AUTH: the mechanism's name, and the initial response as it was written.
pub fn split(arguments: &str) -> (&str, Option<&str>) {
    match arguments.split_once(' ') {
        Some((name, initial)) => (name, Some(initial)),
        None => (arguments, None),
    }
}

/// Reads an initial response, of which `=` is the empty one.
///
/// Errors: it is not base64.
pub fn initial(written: Option<&str>) -> Result<Option<Vec<u8>>, base64::InvalidBase64> {
    match written {
        None => Ok(None),
        Some("=") => Ok(Some(Vec::new())),
        Some(initial) => base64::decode(initial.as_bytes()).map(Some),
    }
}

/// How many octets of the arguments, the verb's space included, name a mechanism; and which, if what follows is a response to it.
pub fn named(arguments: &[u8]) -> (usize, Option<Kind>) {
    let name = arguments.strip_prefix(b" ").unwrap_or_default();
    let name = name.split(|&octet| octet == b' ').next().unwrap_or_default();
    match std::str::from_utf8(name).ok().and_then(Kind::named) {
        // The space on both sides.
        Some(kind) => (arguments.len().min(name.len() + 2), Some(kind)),
        None => (0, None),
    }
}
