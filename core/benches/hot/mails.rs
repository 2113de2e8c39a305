//! The mails that benchmarks are made of.

/// A mail of two alternatives with the header that mails have today: 5.6 KB.
pub fn small() -> Vec<u8> {
    let received = "Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n\tby mail.example.org with ESMTPS id 4f\r\n\
                    \tfor <b@example.org>; Tue, 24 Nov 2026 10:11:12 +0100\r\n";
    let head = "From: =?utf-8?Q?J=C3=BCrgen?= <a@example.net>\r\nTo: \"B. Example\" <b@example.org>, c@example.org\r\n\
                Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= from Bonn\r\nDate: Tue, 24 Nov 2026 10:11:10 +0100\r\n\
                Message-ID: <1@example.net>\r\nReferences: <2@example.net> <3@example.net>\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n";
    let plain = "--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let html = "\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n";
    let text = "A line of text as people write them, not too long.\r\n".repeat(40);
    [
        &received.repeat(4),
        head,
        plain,
        &text,
        html,
        "<p>",
        &text,
        "</p>\r\n--=_b--\r\n",
    ]
    .concat()
    .into_bytes()
}

/// A plain mail of just so many octets.
pub fn of(octets: usize) -> Vec<u8> {
    let mut mail =
        b"From: a@example.org\r\nTo: user@example.com\r\nSubject: of a certain size\r\n\r\n".to_vec();
    while mail.len() < octets {
        mail.extend_from_slice(b"A line of text as people write them, not too long.\r\n");
    }
    mail.truncate(octets - 2);
    mail.extend_from_slice(b"\r\n");
    mail
}

/// A mail with one attachment of 10 MiB, made of this line.
pub fn attachment(line: &[u8]) -> Vec<u8> {
    let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: a file\r\n\
                Content-Type: multipart/mixed; boundary=\"=_boundary\"\r\n\r\n--=_boundary\r\n\r\nHello\r\n--=_boundary\r\n\
                Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let body = line.repeat((10 << 20) / line.len());
    [head.as_bytes(), &body, b"\r\n--=_boundary--\r\n"].concat()
}

/// A line of base64, 76 characters.
pub fn base64_line() -> Vec<u8> {
    [b"QUJD".repeat(19), b"\r\n".to_vec()].concat()
}
