//! Scripts of commands and literals, and what comes out of them.

use super::*;
use proptest::prelude::*;

const BUDGET: Budget = Budget {
    line: 40,
    literal: 8,
    literals: 2,
    total: 64,
    skip: 16,
};

/// Runs a script as a session would that streams what is appended, takes what fits and refuses the rest; tells what
/// came out in words.
fn run(pieces: &[&[u8]], bare_lf: BareLf) -> Vec<String> {
    let (mut assembler, mut told) = (Assembler::new(bare_lf), Vec::new());
    let mut streamed = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(event) = assembler.next(&mut input, &BUDGET) {
            match event {
                Event::Stream(octets) => streamed.extend_from_slice(&octets),
                Event::StreamEnd => {
                    told.push(format!("stream {}", std::mem::take(&mut streamed).escape_ascii()))
                }
                Event::Command(command) => told.push(format!("command {}", show(&command))),
                Event::Rest(command) => told.push(format!("rest {}", show(&command))),
                Event::Malformed { fault, tag } => {
                    let tag = tag.map_or("*".into(), |tag| tag.escape_ascii().to_string());
                    told.push(format!("{tag} BAD {fault:?}"));
                }
                Event::Fatal => told.push("fatal".into()),
                Event::Literal(announced) => told.push(decide(&mut assembler, announced)),
            }
        }
    }
    told
}

fn decide(assembler: &mut Assembler, announced: Announced) -> String {
    let Announced { size, sync, binary } = announced;
    let kind = format!(
        "{}{}{size}",
        if sync { "+ " } else { "" },
        if binary { "~" } else { "" }
    );
    if assembler.so_far().windows(6).any(|word| word == b"APPEND") {
        assembler.stream_literal();
        return format!("{kind} streamed");
    }
    match assembler.accept_literal(&BUDGET) {
        Ok(()) => format!("{kind} accepted"),
        Err(excess) => {
            assembler.refuse_literal(&BUDGET);
            format!("{kind} refused {excess:?}")
        }
    }
}

fn show(command: &Command) -> String {
    let literals = command.literals().iter().map(|range| {
        assert_eq!(command.literal_at(range.start), Some(range.clone()));
        assert!(command.octets()[..range.start].ends_with(b"}\r\n"));
        format!(" [{}]", command.octets()[range.clone()].escape_ascii())
    });
    format!(
        "{}{}",
        command.octets().escape_ascii(),
        literals.collect::<String>()
    )
}

fn check(script: &str, told: &[&str]) {
    assert_eq!(run(&[script.as_bytes()], BareLf::Report), told, "{script:?}");
    let octets: Vec<&[u8]> = script.as_bytes().chunks(1).collect();
    assert_eq!(run(&octets, BareLf::Report), told, "{script:?} octet by octet");
}

#[test]
fn commands_and_literals() {
    check(
        "a NOOP\r\n\r\nb LOGOUT\r\nc",
        &["command a NOOP", "command ", "command b LOGOUT"],
    );
    check(
        "a LOGIN {4}\r\nuser {3+}\r\n\r\n} x\r\nb NOOP\r\n",
        &[
            "+ 4 accepted",
            "3 accepted",
            r"command a LOGIN {4}\r\nuser {3+}\r\n\r\n} x [user] [\r\n}]",
            "command b NOOP",
        ],
    );
    check(
        "a X ~{2}\r\n\0\n\r\n",
        &["+ ~2 accepted", r"command a X ~{2}\r\n\x00\n [\x00\n]"],
    );
    check("a X {0}\r\n\r\n", &["+ 0 accepted", r"command a X {0}\r\n []"]);
    // The brace of a literal's octets is no announcement together with what follows.
    check(
        "a X {2+}\r\n{5}\r\nb NOOP\r\n",
        &["2 accepted", r"command a X {2+}\r\n{5} [{5]", "command b NOOP"],
    );
}

#[test]
fn streams_are_never_held() {
    check(
        "a APPEND x {5}\r\na\r\n\0b (\\Seen) {2+}\r\nhi\r\nb NOOP\r\n",
        &[
            "+ 5 streamed",
            r"stream a\r\n\x00b",
            "2 accepted",
            r"rest  (\\Seen) {2+}\r\nhi [hi]",
            "command b NOOP",
        ],
    );
    check("a APPEND x {0+}\r\n\r\n", &["0 streamed", "stream ", "rest "]);
}

#[test]
fn refused_literals() {
    // Synchronizing: the client does not send it. Others: passed over with the rest of the command.
    check(
        "a LOGIN {9}\r\nb NOOP\r\n",
        &["+ 9 refused Literal", "command b NOOP"],
    );
    check(
        "a LOGIN {9+}\r\n123456789 {4+}\r\n\r\nb \r\nb NOOP\r\n",
        &["9 refused Literal", "command b NOOP"],
    );
    check(
        "a LOGIN {9+}\r\n123456789 {4}\r\nb NOOP\r\n",
        &["9 refused Literal", "command b NOOP"],
    );
    check("a LOGIN {17+}\r\nb NOOP\r\n", &["17 refused Literal", "fatal"]);
    check(
        "a LOGIN {9+}\r\n123456789 {17+}\r\nb NOOP\r\n",
        &["9 refused Literal", "fatal"],
    );
    check(
        "a X {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\nb NOOP\r\n",
        &["1 accepted", "1 accepted", "1 refused Count", "command b NOOP"],
    );
    check(
        "a X 78901234567890123456 {8+}\r\n12345678 234567890 2345678 {8+}\r\n12345678\r\nb NOOP\r\n",
        &["8 accepted", "8 refused Total", "command b NOOP"],
    );
}

#[test]
fn sizes_do_not_wrap() {
    check(
        "a X {18446744073709551615}\r\nb NOOP\r\n",
        &["+ 18446744073709551615 refused Literal", "command b NOOP"],
    );
    check(
        "a X {18446744073709551616}\r\nb NOOP\r\n",
        &["a BAD LiteralSize", "command b NOOP"],
    );
    check(
        "a X {000000000000000000001}\r\nb NOOP\r\n",
        &["a BAD LiteralSize", "command b NOOP"],
    );
    check("a X {18446744073709551616+}\r\nb NOOP\r\n", &["fatal"]);
    check(
        "a X {5} \r\na X {+5}\r\na X {}\r\n",
        &["command a X {5} ", "command a X {+5}", "command a X {}"],
    );
    check(
        "a X {-1}\r\n{+}\r\n}\r\n",
        &["command a X {-1}", "command {+}", "command }"],
    );
}

#[test]
fn malformed_lines_are_skipped() {
    check("a NOOP\nb NOOP\r\n", &["a BAD Line(BareLf)", "command b NOOP"]);
    check("a \"x\0\"\r\nb NOOP\r\n", &["a BAD Line(Nul)", "command b NOOP"]);
    check("a\rb\r\nb NOOP\r\n", &["* BAD Line(BareCr)", "command b NOOP"]);
    let long = "x".repeat(1000);
    check(
        &format!("a {long}\r\nb NOOP\r\n"),
        &["a BAD Line(TooLong)", "command b NOOP"],
    );
    // What a skipped line announces is no command.
    check(
        &format!("a {long} {{6+}}\r\nb X\r\n \r\nc NOOP\r\n"),
        &["a BAD Line(TooLong)", "command c NOOP"],
    );
    check(
        &format!("a {long} {{6}}\r\nb X\r\n"),
        &["a BAD Line(TooLong)", "command b X"],
    );
    check(
        &format!("a {long} {{17+}}\r\nb X\r\n"),
        &["a BAD Line(TooLong)", "fatal"],
    );
    check(
        &format!("a {long} {{{}+}}\r\nb X\r\n", "9".repeat(60)),
        &["a BAD Line(TooLong)", "fatal"],
    );
    check(
        "a X {5+}\nb X\r\n\r\nc NOOP\r\n",
        &["a BAD Line(BareLf)", "command c NOOP"],
    );
    check(
        "a X {1+}\r\n1 \0\r\nb NOOP\r\n",
        &["1 accepted", "a BAD Line(Nul)", "command b NOOP"],
    );
    assert_eq!(
        run(&[b"a NOOP\nb X {1}\n2\n"], BareLf::Accept),
        ["command a NOOP", "+ 1 accepted", r"command b X {1}\r\n2 [2]"]
    );
}

#[test]
fn the_state_between_commands_is_known() {
    let mut assembler = Assembler::default();
    for (script, between) in [
        ("a NOOP\r\n", true),
        ("b", false),
        (" NOOP\r\n", true),
        ("c X\0", false),
        ("\r\n", true),
    ] {
        let mut input = Bytes::from(script);
        while assembler.next(&mut input, &BUDGET).is_some() {}
        assert_eq!(assembler.is_between_commands(), between, "{script:?}");
    }
}

#[test]
fn an_announcement_allocates_nothing() {
    let budget = Budget {
        literal: 1 << 40,
        total: 1 << 40,
        ..BUDGET
    };
    let mut assembler = Assembler::default();
    assembler.next(&mut Bytes::from_static(b"a X {1000000000}\r\n"), &budget);
    assert_eq!(assembler.accept_literal(&budget), Ok(()));
    for come in 1..10_000 {
        assembler.next(&mut Bytes::from_static(&[b'x'; 100]), &budget);
        assert!(assembler.held.capacity() <= come * 100 * 9 / 8 + 128);
    }
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        words in prop::collection::vec(prop::sample::select(vec![
            "a ", "b NOOP", "APPEND", "{3}", "{3+}", "~{2+}", "{9}", "{9+}", "{17+}", "\r\n", "\r\n", "\r\n", "\r", "\n",
            "\0", "xyz", "0123456789abcdef", "{99999999999999999999}", "}", "{", "+",
        ]), 0..24),
        accept: bool,
    ) {
        let bare_lf = if accept { BareLf::Accept } else { BareLf::Report };
        let script = words.concat().into_bytes();
        let whole = run(&[&script], bare_lf);
        let octets: Vec<&[u8]> = script.chunks(1).collect();
        prop_assert_eq!(&run(&octets, bare_lf), &whole);
        for at in 0..=script.len() {
            let (head, tail) = script.split_at(at);
            prop_assert_eq!(&run(&[head, tail], bare_lf), &whole);
        }
    }
}
