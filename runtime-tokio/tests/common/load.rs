//! Clients of a server that may be killed at any moment, and what must be there afterwards.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::{Client, USER};

/// Random numbers that a seed can bring back.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

/// The text of a mail, which its number tells, to the octet.
pub fn mail(number: u64) -> String {
    let lines = (number * 7919) % 300;
    let body: String = (0..lines)
        .map(|line| format!("line {line} of mail {number}\r\n"))
        .collect();
    format!("Subject: {number}\r\n\r\n{number}\r\n{body}")
}

/// A connection on which everything may fail.
struct Link(BufReader<TcpStream>);

impl Link {
    fn to(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    /// The next line that begins so; the answer to what was said if it does not come is an error.
    fn expect(&mut self, start: &str, or: &str) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.starts_with(start) {
                return Ok(line);
            }
            if line.starts_with(or) {
                return Err(io::Error::other(line));
            }
        }
    }
}

/// Tries to deliver a mail over LMTP. `Ok`: it is acknowledged.
pub fn deliver(lmtp: u16, number: u64) -> io::Result<()> {
    let mut link = Link::to(lmtp)?;
    link.expect("220", "4")?;
    for (line, answer) in [
        ("LHLO test\r\n", "250 "),
        ("MAIL FROM:<sender@example.org>\r\n", "250 "),
        (&format!("RCPT TO:<{USER}>\r\n"), "250 "),
        ("DATA\r\n", "354 "),
        (&format!("{}.\r\n", mail(number)), "250 "),
    ] {
        link.say(line)?;
        link.expect(answer, "4")?;
    }
    // Whether the server hears that we heard changes nothing.
    let _ = link.say("QUIT\r\n");
    Ok(())
}

/// Tries to store a mail by APPEND. `Ok`: it is acknowledged; else it may be there, once.
pub fn append(imap: u16, password: &str, mailbox: &str, number: u64) -> io::Result<()> {
    let mut link = Link::to(imap)?;
    link.expect("* OK", "* BYE")?;
    link.say(&format!("a LOGIN {USER} {password}\r\n"))?;
    link.expect("a OK", "a ")?;
    let mail = mail(number);
    link.say(&format!("b APPEND {mailbox} {{{}}}\r\n", mail.len()))?;
    link.expect("+", "b ")?;
    link.say(&format!("{mail}\r\n"))?;
    link.expect("b OK", "b ")?;
    Ok(())
}

/// The numbers of the mails in a mailbox, and how often each is there. Their UIDs ascend, their texts are those of their numbers.
pub fn numbers(client: &mut Client, mailbox: &str) -> BTreeMap<u64, u32> {
    client.ok(&format!("SELECT {mailbox}"));
    client.say("f FETCH 1:* (UID BODY.PEEK[TEXT])");
    let mut found = BTreeMap::new();
    let mut last_uid = 0;
    loop {
        let line = client.line();
        if line.starts_with("f ") {
            return found;
        }
        let words: Vec<_> = line.split(['(', ')', ' ', '{', '}']).collect();
        let after = |word| words.iter().skip_while(|other| **other != word).nth(1);
        let uid: u32 = after("UID").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        assert!(uid > last_uid, "UID {uid} after {last_uid}");
        last_uid = uid;
        let length = line.trim_end_matches('}').rsplit('{').next().unwrap();
        let text =
            String::from_utf8(client.octets(length.parse().unwrap_or_else(|_| panic!("{line}")))).unwrap();
        let number = text.lines().next().unwrap().parse().unwrap();
        let whole = mail(number);
        assert_eq!(
            Some(&*text),
            whole.split_once("\r\n\r\n").map(|(_, body)| body),
            "mail {number}"
        );
        *found.entry(number).or_default() += 1;
        client.until(")");
    }
}
