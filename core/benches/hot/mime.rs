//! How fast messages are scanned and stored indexes are read.

use bytes::BytesMut;
use lightmail_core::mime::{MessageIndex, StoredIndex};
use lightmail_core::wire::filter::{Filter, Filtering};
use lightmail_core::wire::transfer::Encoding;

use crate::driver::scan;
use crate::harness::{Work, head, measure, timed};
use crate::mails;

pub fn all() {
    scanner();
    index();
    filters();
}

fn scanner() {
    head("MIME scanner");
    let base64 = mails::attachment(&mails::base64_line());
    for (name, message) in [
        ("mail of 5 KB, two alternatives", mails::small()),
        ("10 MB attachment, base64", base64),
        ("10 MB attachment of line ends", mails::attachment(b"\r\n")),
        (
            "10 MB attachment of almost delimiters",
            mails::attachment(b"--\r\n"),
        ),
    ] {
        measure(name, whole("message", message.len()), || timed(|| scan(&message)));
    }
}

fn index() {
    let index = scan(&mails::small());
    let stored = index.encode();
    head(&format!("Message index of {} octets", stored.len()));
    let work = whole("message", stored.len());
    measure("encode", work, || timed(|| index.encode()));
    measure("decode", work, || timed(|| MessageIndex::decode(&stored)));
    measure("look up ENVELOPE", work, || {
        timed(|| StoredIndex::new(&stored).map(|stored| stored.envelope().len()))
    });
}

fn filters() {
    head("Filters on 1 MB of text");
    let text = mails::base64_line().repeat(13_500);
    for (name, filter) in [
        ("base64 decoded", Filter::Decode(Encoding::Base64)),
        (
            "quoted-printable decoded",
            Filter::Decode(Encoding::QuotedPrintable),
        ),
        ("dot-stuffed", Filter::DotStuff),
    ] {
        let mut out = BytesMut::with_capacity(2 * text.len());
        measure(name, whole("text", text.len()), || {
            out.clear();
            timed(|| {
                let mut filtering = Filtering::new(&filter);
                text.chunks(16 << 10).for_each(|piece| {
                    filtering.push(piece, &mut out);
                });
                filtering.finish(&mut out);
                out.len()
            })
        });
    }
}

/// One of something.
fn whole(unit: &'static str, octets: usize) -> Work {
    Work {
        count: 1,
        unit,
        octets,
    }
}
