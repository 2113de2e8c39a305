//! Base64 (RFC 4648, 4) of whole values, as SASL exchanges them: strict, padded.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

/// What was sent is no base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBase64;

/// The octets of a base64 text; no white space, no missing padding.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, InvalidBase64> {
    STANDARD.decode(text).map_err(|_| InvalidBase64)
}

/// The base64 text of octets.
pub fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}
