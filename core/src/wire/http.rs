//! The line by which a browser at the wrong door is known.

/// Whether a browser, or a page that makes one send a form, has begun to speak: a request line, or `Host:` (RFC 9112, 3).
pub fn is_http(line: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 10] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"OPTIONS ",
        b"DELETE ",
        b"PATCH ",
        b"TRACE ",
        b"CONNECT ",
        b"Host:",
    ];
    BEGINNINGS.iter().any(|with| {
        line.get(..with.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(with))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_known_by_their_beginning() {
        for line in [
            "GET / HTTP/1.1",
            "post /x HTTP/1.0",
            "host: mail.example.com",
            "PUT ",
        ] {
            assert!(is_http(line.as_bytes()), "{line}");
        }
        for line in ["", "GET", "USER GET ", "GETS /", "Hosts: x"] {
            assert!(!is_http(line.as_bytes()), "{line}");
        }
    }
}
