//! A page for a browser: what each server does, RFC by RFC and section by section. It needs nothing besides itself, and what a
//! server said is text in it and nothing else.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};

use super::{Score, sorted};
use crate::results::Results;
use crate::run::{Failure, Verdict};
use crate::transcript::Transcript;

/// A server's column.
pub struct Column {
    /// What the reader calls the server.
    pub name: String,
    /// What it did.
    pub results: Results,
}

const STYLE: &str = include_str!("page.css");

/// The whole page. A transcript that a server was not asked stays empty in its column.
pub fn html(transcripts: &[Transcript], columns: &[Column]) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = whole(&mut page, transcripts, columns);
    page
}

fn whole(page: &mut String, transcripts: &[Transcript], columns: &[Column]) -> fmt::Result {
    head(page, transcripts.len())?;
    scores(page, columns)?;
    page.push_str(
        "<fieldset><legend>Show</legend>\n<label><input type=\"radio\" name=\"show\" id=\"every\" checked> every row</label>\n\
         <label><input type=\"radio\" name=\"show\" id=\"differs\"> what does not pass everywhere</label>\n</fieldset>\n</header>\n<main>\n",
    );
    let titles = titles();
    let mut shown = HashSet::new();
    for (rfc, sections) in sorted(transcripts, |transcript| transcript) {
        let of_rfc: Vec<_> = sections.values().flatten().copied().collect();
        open_rfc(
            page,
            rfc,
            titles.get(&rfc).copied().unwrap_or_default(),
            &of_rfc,
            columns,
        )?;
        for (section, transcripts) in &sections {
            for transcript in transcripts {
                row(
                    page,
                    &section.0,
                    transcript,
                    columns,
                    shown.insert(&transcript.file),
                )?;
            }
        }
        page.push_str("</tbody>\n</table>\n</details>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

fn head(page: &mut String, transcripts: usize) -> fmt::Result {
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Conformance of mail servers</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Conformance of mail servers</h1>\n\
         <p>A transcript is a short dialogue that proves one claim of a section of an RFC; there are {transcripts} here. Each was \
         played against each server. Open an RFC, then a claim to read its transcript, or a verdict to read what the server said.</p>\n"
    )
}

/// The head of an RFC and of its table.
fn open_rfc(
    page: &mut String,
    rfc: u32,
    title: &str,
    of_rfc: &[&Transcript],
    columns: &[Column],
) -> fmt::Result {
    let class = all_pass(of_rfc.iter().all(|transcript| passes(transcript, columns)));
    write!(
        page,
        "<details id=\"rfc{rfc}\"{class}>\n<summary>RFC {rfc} {} <small>",
        Escaped(title)
    )?;
    for Column { name, results } in columns {
        let score = Score::of(
            of_rfc
                .iter()
                .filter_map(|transcript| results.get(&transcript.file)),
        );
        write!(page, "· {}: {} ", Escaped(name), in_words(&score))?;
    }
    page.push_str(
        "</small></summary>\n<table class=\"rows\">\n<thead><tr><th scope=\"col\">section</th><th scope=\"col\">claim</th>",
    );
    for Column { name, .. } in columns {
        write!(page, "<th scope=\"col\">{}</th>", Escaped(name))?;
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    Ok(())
}

/// The mark of what can be left out.
fn all_pass(passes: bool) -> &'static str {
    if passes { " class=\"all-pass\"" } else { "" }
}

/// How many transcripts went which way, without the ways that none went: `10 passed, 8 not offered`.
fn in_words(score: &Score) -> String {
    let ways = [
        (score.passed, "passed"),
        (score.deviate, "deviate"),
        (score.failed, "failed"),
        (score.not_offered, "not offered"),
    ];
    let gone: Vec<_> = ways
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, way)| format!("{number} {way}"))
        .collect();
    match gone.is_empty() {
        true => "not played".into(),
        false => gone.join(", "),
    }
}

fn scores(page: &mut String, columns: &[Column]) -> fmt::Result {
    page.push_str(
        "<table class=\"scores\">\n<thead><tr><th scope=\"col\">server</th><th scope=\"col\">pass</th>\
         <th scope=\"col\">deviate, with a reason</th><th scope=\"col\">fail</th><th scope=\"col\">not offered</th></tr></thead>\n<tbody>\n",
    );
    for Column { name, results } in columns {
        let Score {
            passed,
            failed,
            deviate,
            not_offered,
        } = Score::of(results.values());
        writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{passed}</td><td>{deviate}</td><td>{failed}</td><td>{not_offered}</td></tr>",
            Escaped(name)
        )?;
    }
    page.push_str("</tbody>\n</table>\n");
    Ok(())
}

fn passes(transcript: &Transcript, columns: &[Column]) -> bool {
    columns
        .iter()
        .all(|column| column.results.get(&transcript.file) == Some(&Verdict::Pass))
}

/// `first`: the transcript's text stands here; a later row of the same leads to it.
fn row(
    page: &mut String,
    section: &str,
    transcript: &Transcript,
    columns: &[Column],
    first: bool,
) -> fmt::Result {
    let class = all_pass(passes(transcript, columns));
    let (claim, file) = (Escaped(&transcript.proves.claim), Escaped(&transcript.file));
    write!(page, "<tr{class}><th scope=\"row\">{}</th><td>", Escaped(section))?;
    if first {
        write!(
            page,
            "<details id=\"{file}\"><summary>{claim}</summary><div class=\"file\">{file}</div><pre>{}</pre></details></td>",
            Escaped(&transcript.text)
        )?;
    } else {
        write!(page, "<a href=\"#{file}\">{claim}</a></td>")?;
    }
    for column in columns {
        cell(page, column.results.get(&transcript.file))?;
    }
    page.push_str("</tr>\n");
    Ok(())
}

fn cell(page: &mut String, verdict: Option<&Verdict>) -> fmt::Result {
    match verdict {
        None => write!(page, "<td class=\"none\">not played</td>"),
        Some(Verdict::Pass) => write!(page, "<td class=\"pass\">pass</td>"),
        Some(Verdict::NotOffered(what)) => {
            write!(page, "<td class=\"none\">not offered: {}</td>", Escaped(what))
        }
        Some(Verdict::Fail(failure)) => {
            write!(page, "<td class=\"fail\"><details><summary>fail</summary>")?;
            exchange(page, failure)
        }
        Some(Verdict::Deviates(reason, failure)) => {
            write!(
                page,
                "<td class=\"deviates\"><details><summary>deviates</summary><p>{}</p>",
                Escaped(reason)
            )?;
            exchange(page, failure)
        }
    }
}

fn exchange(page: &mut String, failure: &Failure) -> fmt::Result {
    write!(
        page,
        "<p>Line {}: {}</p><pre>",
        failure.line,
        Escaped(&failure.what)
    )?;
    for said in &failure.said {
        writeln!(page, "{}", Escaped(said))?;
    }
    write!(page, "</pre></details></td>")
}

/// The titles of RFCs, by number.
fn titles() -> BTreeMap<u32, &'static str> {
    let line = |line: &'static str| {
        let (number, title) = line.split_once("  ")?;
        Some((number.parse().ok()?, title))
    };
    include_str!("../../rfcs.txt").lines().filter_map(line).collect()
}

/// Text that stays text, in an element as in a quoted attribute. Signs that would turn the direction of writing or cannot be seen
/// become U+FFFD.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' | '\t' => f.write_char(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}'),
            c if c.is_control() => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</pre></details><script>alert(1)</script><img src=x onerror='alert(2)'>\" onclick=\"x &lt;b&gt; \u{202e}\0\u{1b}[31m";

    fn transcripts() -> Vec<Transcript> {
        let text = format!(
            "proves   RFC 3501, 6.1.2 and 7.1: a <b>claim</b> {}\nC: a NOOP\nS: a OK ...\n",
            HOSTILE.replace('\0', "")
        );
        ["x/a.txt", "x/\"><script>.txt"]
            .map(|file| Transcript::parse(file, &text).unwrap())
            .into()
    }

    fn column(verdict: &Verdict) -> Column {
        let results = transcripts()
            .into_iter()
            .map(|transcript| (transcript.file, verdict.clone()));
        Column {
            name: HOSTILE.into(),
            results: results.collect(),
        }
    }

    fn page() -> String {
        let failure = || Failure {
            line: 2,
            what: HOSTILE.into(),
            said: vec![HOSTILE.into()],
        };
        let verdicts = [
            Verdict::Pass,
            Verdict::Fail(failure()),
            Verdict::Deviates(HOSTILE.into(), failure()),
            Verdict::NotOffered(HOSTILE.into()),
        ];
        html(&transcripts(), &verdicts.iter().map(column).collect::<Vec<_>>())
    }

    /// The tags of a page, and the text of all else.
    fn tags(page: &str) -> Vec<&str> {
        let body = &page[page.find("</style>").unwrap()..];
        body.split('<')
            .skip(1)
            .map(|rest| rest.split_once('>').unwrap().0)
            .collect()
    }

    #[test]
    fn what_a_server_says_never_becomes_markup() {
        let page = page();
        const KNOWN: &[&str] = &[
            "a", "body", "details", "div", "fieldset", "h1", "head", "header", "html", "input", "label",
            "legend", "main", "p", "pre", "small", "style", "summary", "table", "tbody", "td", "th", "thead",
            "tr",
        ];
        for tag in tags(&page) {
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            assert!(KNOWN.contains(&name), "{tag}");
            assert!(!tag.contains("onclick=") && !tag.contains("onerror="), "{tag}");
        }
        assert!(page.contains("&lt;/pre&gt;&lt;/details&gt;&lt;script&gt;alert(1)"));
        assert!(!page.contains(['\u{202e}', '\0', '\u{1b}']));
    }

    #[test]
    fn every_element_is_closed_where_it_was_opened() {
        let page = page();
        let mut open = vec!["html", "head"];
        for tag in tags(&page) {
            match tag.strip_prefix('/') {
                Some("style") => {}
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.starts_with("input") => {}
                None => open.push(tag.split(' ').next().unwrap()),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn a_page_needs_nothing_besides_itself() {
        let page = html(&transcripts(), &[]);
        for outside in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            let page = page.replace("src=x", "");
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_transcripts_text_stands_once_and_is_led_to() {
        let transcripts = transcripts();
        let page = html(&transcripts[..1], &[]);
        assert_eq!(page.matches("<details id=\"x/a.txt\">").count(), 1);
        assert_eq!(page.matches("<a href=\"#x/a.txt\">").count(), 1);
        assert_eq!(page.matches("C: a NOOP\n").count(), 1);
    }

    #[test]
    fn what_was_not_played_is_said() {
        let column = Column {
            name: "x".into(),
            results: Results::new(),
        };
        assert!(html(&transcripts(), &[column]).contains("<td class=\"none\">not played</td>"));
    }
}
