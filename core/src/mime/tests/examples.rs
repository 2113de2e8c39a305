//! Messages as the RFCs and real mailers write them.

use super::super::PartKind;
use super::*;

/// RFC 3501, 8: the header of message 12 and what FETCH says of it.
#[test]
fn envelope_and_body_of_the_sample_session() {
    let header = crlf(
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\nFrom: Terry Gray <gray@cac.washington.edu>\n\
         Subject: IMAP4rev1 WG mtg summary and minutes\nTo: imap@cac.washington.edu\n\
         cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n\
         Message-Id: <B27397-0100000@cac.washington.edu>\nMIME-Version: 1.0\n\
         Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n",
    );
    let body = crlf(&("x".repeat(30) + "\n").repeat(92));
    let message = [header.clone(), body].concat();
    let index = scan(&message);
    let gray = r#"(("Terry Gray" NIL "gray" "cac.washington.edu"))"#;
    let envelope = format!(
        "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" {gray} {gray} {gray} \
         ((NIL NIL \"imap\" \"cac.washington.edu\")) ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")\
         (\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.edu>\")"
    );
    assert_eq!(text(index.parts[0].root().unwrap().envelope()), envelope);
    let simple = r#"("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 2944 92"#;
    assert_eq!(text(&index.body()), format!("{simple})"));
    assert_eq!(text(&index.bodystructure()), format!("{simple} NIL NIL NIL NIL)"));
    assert_eq!(index.raw_header.as_deref(), Some(header.as_slice()));
    assert_eq!(index.summary.from, "terry gray <gray@cac.washington.edu>");
    assert_eq!(
        index.summary.cc,
        "<minutes@cnri.reston.va.us>, john klensin <klensin@mit.edu>"
    );
    assert_eq!(
        (index.summary.sent_s, index.summary.sent_zone_min),
        (Some(837_570_205), -420)
    );
    assert_eq!(index.summary.message_id, "B27397-0100000@cac.washington.edu");
    assert!(!index.summary.has_attachment);
}

/// RFC 3501, 7.4.2: the message of two parts.
#[test]
fn body_of_a_text_with_an_attached_patch() {
    let first = crlf(&"line of 48 octets, the last of them are CR and LF.\n".repeat(2));
    let patch = crlf(&"UGF0Y2g=\n".repeat(3));
    let message = [
        crlf("Content-Type: MULTIPART/MIXED; BOUNDARY=b\n\npreamble\n--b\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n"),
        first,
        crlf("\n--b\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=\"cc.diff\"\nContent-ID: <960723163407.20117h@cac.washington.edu>\nContent-Description: Compiler diff\nContent-Transfer-Encoding: BASE64\n\n"),
        patch,
        crlf("\n--b--\nepilogue\n"),
    ]
    .concat();
    let index = scan(&message);
    assert_eq!(
        text(&index.body()),
        "((\"text\" \"plain\" (\"charset\" \"US-ASCII\") NIL NIL \"7bit\" 104 2)\
         (\"text\" \"plain\" (\"charset\" \"US-ASCII\" \"name\" \"cc.diff\") \
         \"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"base64\" 30 3) \"mixed\")"
    );
    assert!(
        text(&index.bodystructure())
            .ends_with(r#""base64" 30 3 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)"#)
    );
    assert!(index.summary.has_attachment);
    assert!(index.summary.preview.starts_with("line of 48 octets, the last"));
}

/// RFC 3501, 6.4.5: the part numbers of the complex message.
#[test]
fn sections_of_the_complex_message() {
    let message = crlf(
        "Subject: top\nContent-Type: multipart/mixed; boundary=outer\n\n\
         --outer\n\none\n--outer\nContent-Type: application/octet-stream\n\ntwo\n\
         --outer\nContent-Type: message/rfc822\n\nSubject: third\nContent-Type: multipart/mixed; boundary=in3\n\n\
         --in3\n\n3.1\n--in3\nContent-Type: application/octet-stream\n\n3.2\n--in3--\n\
         --outer\nContent-Type: multipart/mixed; boundary=in4\n\n\
         --in4\nContent-Type: image/gif\nContent-ID: <gif>\n\n4.1\n\
         --in4\nContent-Type: message/rfc822\n\nSubject: fourth\nContent-Type: multipart/mixed; boundary=in42\n\n\
         --in42\n\n4.2.1\n--in42\nContent-Type: multipart/alternative; boundary=in422\n\n\
         --in422\n\n4.2.2.1\n--in422\nContent-Type: text/richtext\n\n4.2.2.2\n--in422--\n--in42--\n--in4--\n--outer--\n",
    );
    let index = scan(&message);
    let show = |path: &[u32], section| octets(&message, &index, path, section);
    for (path, body) in [
        (&[1][..], "one"),
        (&[2], "two"),
        (&[3, 1], "3.1"),
        (&[3, 2], "3.2"),
        (&[4, 1], "4.1"),
        (&[4, 2, 1], "4.2.1"),
        (&[4, 2, 2, 1], "4.2.2.1"),
        (&[4, 2, 2, 2], "4.2.2.2"),
    ] {
        assert_eq!(show(path, Section::Whole), Some(body), "{path:?}");
        assert_eq!(show(path, Section::Text), None, "{path:?} is no message");
    }
    assert_eq!(show(&[], Section::Whole).map(str::len), Some(message.len()));
    assert_eq!(
        show(&[], Section::Header),
        Some("Subject: top\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n")
    );
    assert_eq!(show(&[], Section::Mime), None);
    assert_eq!(
        show(&[3], Section::Mime),
        Some("Content-Type: message/rfc822\r\n\r\n")
    );
    assert!(
        show(&[3], Section::Header)
            .unwrap()
            .starts_with("Subject: third\r\n")
    );
    assert!(show(&[3], Section::Text).unwrap().starts_with("--in3\r\n"));
    assert!(
        show(&[3], Section::Whole)
            .unwrap()
            .starts_with("Subject: third\r\n")
    );
    assert!(
        show(&[4, 2], Section::Header)
            .unwrap()
            .ends_with("boundary=in42\r\n\r\n")
    );
    assert_eq!(
        show(&[4, 1], Section::Mime),
        Some("Content-Type: image/gif\r\nContent-ID: <gif>\r\n\r\n")
    );
    assert_eq!(
        show(&[4, 2, 2], Section::Mime).map(|mime| mime.contains("in422")),
        Some(true)
    );
    for path in [
        &[0][..],
        &[5],
        &[1, 1],
        &[3, 3],
        &[4, 2, 2, 3],
        &[4, 2, 2, 2, 1],
        &[u32::MAX],
    ] {
        assert_eq!(index.part(path), None, "{path:?}");
    }
    let nested = r#"("message" "rfc822" NIL NIL NIL "7bit" "#;
    assert_eq!(text(&index.body()).matches(nested).count(), 2);
    assert!(
        text(&index.body()).contains(r#"(NIL "fourth" NIL NIL NIL NIL NIL NIL NIL NIL) (("text" "plain""#)
    );
}

/// RFC 3501, 6.4.5: part 1 of a message that is no multipart is its body, inside an embedded message too.
#[test]
fn the_only_part_is_number_one() {
    let message = crlf("Subject: a\n\nbody\n");
    let index = scan(&message);
    assert_eq!(octets(&message, &index, &[1], Section::Whole), Some("body\r\n"));
    assert_eq!(octets(&message, &index, &[], Section::Text), Some("body\r\n"));
    assert_eq!(
        octets(&message, &index, &[1], Section::Mime),
        Some("Subject: a\r\n\r\n")
    );
    assert_eq!(
        (index.part(&[1, 1]), index.part(&[2]), index.message(&[1])),
        (None, None, None)
    );

    let message = crlf("Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n");
    let index = scan(&message);
    assert_eq!(
        octets(&message, &index, &[1], Section::Whole),
        Some("Subject: inner\r\n\r\nbody\r\n")
    );
    assert_eq!(
        octets(&message, &index, &[1], Section::Header),
        Some("Subject: inner\r\n\r\n")
    );
    assert_eq!(
        octets(&message, &index, &[1, 1], Section::Whole),
        Some("body\r\n")
    );
    assert_eq!(index.part(&[1, 1, 1]), None);
    assert_eq!((index.path(0), index.path(1)), (vec![1], vec![1, 1]));
}

#[test]
fn header_fields_are_picked_or_left_out() {
    let message = crlf("From x y\nSubject: a\nTo: b\n c\nX-Y: d\nto: e\n\nbody");
    let index = scan(&message);
    let pick = |names: &[&[u8]], not| {
        let ranges = MessageIndex::fields(&index.parts[0], names, not).unwrap();
        let picked = ranges
            .iter()
            .map(|r| text(&message[r.start as usize..r.end as usize]));
        picked.map(|piece| piece.replace("\r\n", "|")).collect::<Vec<_>>()
    };
    assert_eq!(pick(&[b"TO"], false), ["To: b| c|", "to: e||"]);
    assert_eq!(
        pick(&[b"subject", b"to"], false),
        ["Subject: a|To: b| c|", "to: e||"]
    );
    assert_eq!(pick(&[b"none"], false), ["|"]);
    assert_eq!(pick(&[b"TO"], true), ["From x y|Subject: a|", "X-Y: d|", "|"]);
    assert_eq!(pick(&[], true), ["From x y|Subject: a|To: b| c|X-Y: d|to: e||"]);
    let unended = scan(b"To: a\r\n");
    let header = unended.parts[0].header();
    let all = std::slice::from_ref(&header);
    assert_eq!(
        MessageIndex::fields(&unended.parts[0], &[b"to"], false).as_deref(),
        Some(all)
    );
}

/// RFC 2046, 5.1.5 and 5.1.1: a digest's parts are messages; preamble and epilogue are in no part.
#[test]
fn parts_of_a_digest_are_messages() {
    let message = crlf(
        "Content-Type: multipart/digest; boundary=\"---- next\"\n\n------ next\n\nFrom: a@b\n\nfirst\n------ next  \n\
         Content-Type: text/plain\n\nplain\n------ next--",
    );
    let index = scan(&message);
    let kinds: Vec<_> = index
        .parts
        .iter()
        .map(|part| (part.kind, part.about().subtype))
        .collect();
    let expected = [
        (PartKind::Multipart, "digest"),
        (PartKind::Message, "rfc822"),
        (PartKind::Leaf, "plain"),
        (PartKind::Leaf, "plain"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(octets(&message, &index, &[1, 1], Section::Whole), Some("first"));
    assert_eq!(octets(&message, &index, &[2], Section::Whole), Some("plain"));
}

/// All extension data: RFC 2183, 1864, 3282, 2557.
#[test]
fn bodystructure_has_all_extension_data() {
    let message = crlf(
        "Content-Type: image/png; name*0=a; name*1=b\nContent-Transfer-Encoding: base64 (really)\n\
         Content-Disposition: ATTACHMENT; filename*=utf-8''%C3%A4.png; size=3\nContent-MD5: Q2hlY2s=\n\
         Content-Language: de, en (no comment)\nContent-Location: http://x/\"y\"\nContent-Description: gr\u{fc}n\n\nYWI=\n",
    );
    let expected = "(\"image\" \"png\" (\"name\" \"ab\") NIL {5}\r\ngr\u{fc}n \"base64\" 6 \"Q2hlY2s=\" \
                    (\"attachment\" (\"filename*\" \"utf-8''%C3%A4.png\" \"size\" \"3\")) (\"de\" \"en (no comment)\") \
                    \"http://x/\\\"y\\\"\")";
    assert_eq!(text(&scan(&message).bodystructure()), expected);
}

#[test]
fn bare_line_feeds_count_as_line_ends() {
    let message =
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n\n--b\nSubject: x\n\ntwo\r\n--b--\n";
    let index = scan(message);
    assert_eq!(octets(message, &index, &[1], Section::Whole), Some("one\n"));
    assert_eq!(octets(message, &index, &[2], Section::Whole), Some("two"));
    assert_eq!(index.parts[1].lines, 1);
}

#[test]
fn a_newsletter_has_subject_people_and_preview() {
    let message = crlf(
        "From: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <jm@x.test>\nTo: Team: a@x.test, b@x.test;\nBcc: c@x.test\n\
         Subject: =?iso-8859-1?Q?Gr=FC=DFe?= AUS Bonn\nMessage-ID: <m1@x.test>\nIn-Reply-To: <m0@x.test>\n\
         References: <r1@x.test>\n <m0@x.test>\nContent-Type: multipart/alternative; boundary=\"=_b\"\n\n\
         --=_b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n  \n\n\
         --=_b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
         <style>p{}</style><p>Sch=C3=B6ne\n<b>Gr=\n=C3=BC=C3=9Fe</b> &amp; Dank</p>\n--=_b--\n",
    );
    let summary = scan(&message).summary;
    assert_eq!(summary.subject, "grüße aus bonn");
    assert_eq!(summary.from, "jürgen müller <jm@x.test>");
    assert_eq!(summary.to, "team: <a@x.test>, <b@x.test>;");
    assert_eq!(summary.bcc, "<c@x.test>");
    assert_eq!(summary.in_reply_to, ["m0@x.test"]);
    assert_eq!(summary.references, ["r1@x.test", "m0@x.test"]);
    assert_eq!(summary.preview, "Schöne Grüße & Dank");
    assert!(!summary.has_attachment);
}

#[test]
fn attachments_are_told_from_what_is_shown() {
    let flag = |part: &str| {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n";
        scan(&crlf(&format!("{head}{part}\n\n...\n--b--\n")))
            .summary
            .has_attachment
    };
    for attached in [
        "Content-Type: application/pdf",
        "Content-Type: text/csv; name=\"a.csv\"",
        "Content-Disposition: attachment",
        "Content-Type: image/png\nContent-Disposition: x; filename=a.png",
        "Content-Type: message/rfc822",
    ] {
        assert!(flag(attached), "{attached}");
    }
    for shown in [
        "Content-Type: image/png\nContent-ID: <logo>",
        "Content-Type: application/pgp-signature",
        "Content-Type: application/pkcs7-signature; name=smime.p7s",
        "Content-Type: image/png\nContent-Disposition: inline; filename=a.png",
        "Content-Type: text/html",
    ] {
        assert!(!flag(shown), "{shown}");
    }
}

#[test]
fn recipients_of_several_fields_are_put_together_and_senders_are_not() {
    let message = crlf("From: a@x\nFrom: b@x\nTo: c@x\nTo: d@x\nSubject: 1\nSubject: 2\nReply-To:\n\n");
    let index = scan(&message);
    let envelope = text(index.parts[0].root().unwrap().envelope());
    let a = r#"((NIL NIL "a" "x"))"#;
    assert_eq!(
        envelope,
        format!(r#"(NIL "1" {a} {a} {a} ((NIL NIL "c" "x")(NIL NIL "d" "x")) NIL NIL NIL NIL)"#)
    );
}

#[test]
fn envelope_of_groups_and_odd_octets() {
    let message = crlf("Subject: \0na\u{ef}ve\nTo: g: \"a\\\"b\" <@r:x@y>;\n\n");
    let index = scan(&message);
    let expected = "(NIL {6}\r\nna\u{ef}ve NIL NIL NIL ((NIL NIL \"g\" NIL)(\"a\\\"b\" \"@r\" \"x\" \"y\")(NIL NIL NIL NIL)) \
                    NIL NIL NIL NIL)";
    assert_eq!(text(index.parts[0].root().unwrap().envelope()), expected);
}
