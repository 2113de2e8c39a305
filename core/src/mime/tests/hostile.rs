//! Messages made to hurt: the bounds hold, and every octet is looked at a bounded number of times.

use super::super::{INDEX_OCTETS, PartKind};
use super::*;

fn subtypes(index: &MessageIndex) -> Vec<&str> {
    index.parts.iter().map(|part| part.about().subtype).collect()
}

fn multipart(boundary: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n")
}

#[test]
fn ten_thousand_nested_messages_are_opaque_below_the_bound() {
    let message = crlf(&"Content-Type: message/rfc822\n\n".repeat(10_000));
    let index = scan(&message);
    assert_eq!(index.parts.len(), Limits::default().depth + 1);
    assert_eq!(subtypes(&index).last(), Some(&"octet-stream"));
    assert_eq!(
        index
            .parts
            .iter()
            .filter(|part| part.kind == PartKind::Message)
            .count(),
        Limits::default().depth
    );
}

#[test]
fn ten_thousand_nested_multiparts_are_opaque_below_the_bound() {
    let nested: String = (0..10_000)
        .map(|n| format!("{}--b{n}\n", multipart(&format!("b{n}"))))
        .collect();
    let index = scan(&crlf(&nested));
    assert_eq!(index.parts.len(), Limits::default().depth + 1);
    assert_eq!(subtypes(&index).last(), Some(&"octet-stream"));
}

#[test]
fn boundaries_that_begin_with_one_another_are_told_apart() {
    let nested: String = (1..=40)
        .map(|n| format!("{}--{}\n", multipart(&"b".repeat(n)), "b".repeat(n)))
        .collect();
    let message = crlf(&format!("{nested}\ninnermost\n--b\n\nsecond of the outermost\n"));
    let index = scan(&message);
    assert_eq!(index.parts.len(), 42);
    assert_eq!(
        octets(&message, &index, &[1; 40], Section::Whole),
        Some("innermost")
    );
    assert_eq!(
        octets(&message, &index, &[2], Section::Whole),
        Some("second of the outermost\r\n")
    );
}

#[test]
fn two_hundred_thousand_empty_parts_are_cut_at_the_bound() {
    let message = crlf(&(multipart("b") + &"--b\n".repeat(200_000)));
    let index = scan(&message);
    assert_eq!(index.parts.len(), Limits::default().parts);
    let message = crlf(&(multipart("b") + &"--b\n\n\n".repeat(200_000)));
    assert_eq!(scan(&message).parts.len(), Limits::default().parts);
}

#[test]
fn a_thousand_parts_with_file_names_all_stay() {
    let part = "--b\nContent-Type: application/octet-stream; name=\"a name of some length.dat\"\n\
                Content-Disposition: attachment; filename=\"a name of some length.dat\"\n\nx\n";
    let index = scan(&crlf(&(multipart("b") + &part.repeat(2_000))));
    assert_eq!(index.parts.len(), 1_000);
    assert!(index.parts[999].about().disposition.is_some());
    let whole = index.encode().len() + index.body().len() + index.bodystructure().len();
    assert!(whole > INDEX_OCTETS, "the structures are made when they are read");
}

#[test]
fn a_multipart_without_delimiters_has_its_text_as_its_part() {
    let message = crlf(&(multipart("b") + "no delimiter\n"));
    let index = scan(&message);
    assert_eq!(
        octets(&message, &index, &[1], Section::Whole),
        Some("no delimiter\r\n")
    );
    assert_eq!(subtypes(&index), ["mixed", "plain"]);
    let message = crlf(&(multipart("b") + "--b--\n"));
    assert_eq!(octets(&message, &scan(&message), &[1], Section::Whole), Some(""));
}

#[test]
fn empty_multiparts_beyond_the_bound_are_opaque() {
    let message = crlf(&(multipart("b") + &format!("--b\n{}", multipart("c")).repeat(5_000)));
    let index = scan(&message);
    assert_eq!(index.parts.len(), Limits::default().parts);
}

#[test]
fn a_boundary_is_believed_up_to_its_bound() {
    let longest = "x".repeat(200);
    assert_eq!(
        subtypes(&scan(&crlf(&format!(
            "{}--{longest}\n\na\n",
            multipart(&longest)
        )))),
        ["mixed", "plain"]
    );
    let longer = "x".repeat(201);
    assert_eq!(
        subtypes(&scan(&crlf(&format!("{}--{longer}\n\na\n", multipart(&longer))))),
        ["plain"]
    );
    assert_eq!(
        subtypes(&scan(&crlf("Content-Type: multipart/mixed\n\na\n"))),
        ["plain"]
    );
    assert_eq!(subtypes(&scan(&crlf(&multipart("")))), ["plain"]);
}

#[test]
fn an_outer_boundary_closes_all_inside() {
    let inner = format!("--a\n{}--b\n\ninner", multipart("b"));
    let message = crlf(&format!(
        "{}{inner}\n--a\n\nnext\n--b\n\nno delimiter any more\n--a--\n",
        multipart("a")
    ));
    let index = scan(&message);
    assert_eq!(octets(&message, &index, &[1, 1], Section::Whole), Some("inner"));
    assert_eq!(
        octets(&message, &index, &[2], Section::Whole),
        Some("next\r\n--b\r\n\r\nno delimiter any more")
    );
}

#[test]
fn truncated_messages_end_where_they_end() {
    let whole = crlf(&format!(
        "{}--a\nContent-Type: message/rfc822\n\nSubject: x\n{}--b\n\ninner\n--b--\n--a--\n",
        multipart("a"),
        multipart("b")
    ));
    for end in 0..whole.len() {
        scan(&whole[..end]);
    }
}

#[test]
fn an_encoded_message_is_opaque() {
    for encoding in ["base64", "Quoted-Printable"] {
        let head =
            format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\nU3ViamVjdDog\n");
        assert_eq!(subtypes(&scan(&crlf(&head))), ["octet-stream"]);
    }
}

#[test]
fn a_header_line_of_fifty_megabytes_leaves_a_small_index() {
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(b"Subject: ");
    let piece = vec![b'x'; 64 << 10];
    (0..800).for_each(|_| scanner.push(&piece));
    scanner.push(b"\r\nTo: a@b\r\n\r\nbody");
    let index = scanner.finish();
    assert_eq!(
        index.section(&[], Section::Text),
        Some(index.size - 4..index.size)
    );
    assert_eq!(index.summary.subject.len(), Limits::default().summary_octets);
    assert_eq!(index.summary.to, "<a@b>", "what follows the long line is read");
    assert!(index.encode().len() < 32 << 10);
}

#[test]
fn two_million_header_lines_leave_a_small_index() {
    let mut scanner = Scanner::new(Limits::default());
    let piece = b"A: b\r\n".repeat(10_000);
    (0..200).for_each(|_| scanner.push(&piece));
    scanner.push(b"\r\nbody");
    let index = scanner.finish();
    let fields = index.parts[0].fields().unwrap();
    assert_eq!(fields.count(), Limits::default().header_lines);
    assert_eq!(index.parts[0].header(), 0..12_000_002);
    let rest = MessageIndex::fields(&index.parts[0], &[b"A"], true).unwrap();
    let unparsed = 12_000..12_000_002;
    assert_eq!(
        rest,
        std::slice::from_ref(&unparsed),
        "what was not parsed is none of the named fields"
    );
}

#[test]
fn three_hundred_thousand_addresses_are_cut() {
    let one_line = [b"To: ".to_vec(), b"a@b,".repeat(300_000), b"\r\n\r\n".to_vec()].concat();
    let many_lines = [b"To: a@b\r\n".repeat(100_000), b"\r\n".to_vec()].concat();
    for message in [one_line, many_lines] {
        let index = scan(&message);
        let envelope = index.parts[0].root().unwrap().envelope();
        assert_eq!(text(envelope).matches(r#"(NIL NIL "a" "b")"#).count(), 1_000);
    }
}

#[test]
fn addresses_of_embedded_messages_count_too() {
    let inner = format!(
        "--b\nContent-Type: message/rfc822\n\nTo: {}\n\nx\n",
        "a,".repeat(400)
    );
    let index = scan(&crlf(&(multipart("b") + &inner.repeat(300))));
    assert_eq!(
        text(&index.bodystructure())
            .matches(r#"(NIL NIL "a" "")"#)
            .count(),
        1_000
    );
}

#[test]
fn long_values_everywhere_still_fit() {
    let long = |octets: usize| "\"\\".repeat(octets / 2);
    let fields = [
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "Content-ID",
        "Content-Description",
        "Content-Location",
    ];
    let mut message: String = fields
        .iter()
        .map(|name| format!("{name}: {}\n", long(60_000)))
        .collect();
    for name in ["From", "To", "Cc", "Sender"] {
        message += &format!("{name}: {} <a@b>\n", "n".repeat(60_000));
    }
    message += &format!("References: {}\n", "<x@y>".repeat(10_000));
    message += &format!(
        "Content-Type: a/b; c={}\nContent-Disposition: d; e={}\n\n",
        long(16_000),
        long(16_000)
    );
    let index = scan(&crlf(&message));
    assert!(index.encode().len() <= INDEX_OCTETS);
}

/// One megabyte of headers in a tree of messages: it has to be cut, and the top stays.
#[test]
fn a_tree_of_long_headers_is_cut_from_below() {
    let inner = format!(
        "--b\nContent-Type: message/rfc822\n\nSubject: {}\n\nx\n",
        "s".repeat(8_000)
    );
    let message = crlf(&format!("Subject: top\n{}{}", multipart("b"), inner.repeat(120)));
    let index = scan(&message);
    assert!(index.encode().len() <= INDEX_OCTETS);
    assert_eq!(index.summary.subject, "top");
    assert_eq!(index.parts.len(), 121);
    assert!(
        index
            .parts
            .iter()
            .skip(1)
            .all(|part| part.about().subtype == "octet-stream")
    );
}

/// The beginning of a delimiter over and over: held octets are given back in order.
#[test]
fn almost_delimiters_are_body() {
    for almost in ["--\n", "-\n", "--c\n", "--b x\n", "--bb\n", "--b---\n", "-", "\n"] {
        let body = almost.repeat(1_000) + "end";
        let message = crlf(&format!("{}--b\n\n{body}\n--b--\n", multipart("b")));
        let index = scan(&message);
        let expected = body.replace('\n', "\r\n");
        assert_eq!(
            octets(&message, &index, &[1], Section::Whole),
            Some(expected.as_str()),
            "{almost:?}"
        );
    }
}
