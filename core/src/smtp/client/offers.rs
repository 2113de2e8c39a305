//! What a server offers in its answer to EHLO: `ehlo-keyword *( SP ehlo-param )`, a line each (RFC 5321, 4.1.1.1).

/// The extensions that change what a client says. What is not known is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 3207.
    pub start_tls: bool,
    /// `8BITMIME` (RFC 6152).
    pub eight_bit: bool,
    /// RFC 6531.
    pub utf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030, 2.
    pub chunking: bool,
    /// `BINARYMIME` (RFC 3030, 3).
    pub binary: bool,
    /// RFC 8689.
    pub require_tls: bool,
    /// `MT-PRIORITY` (RFC 6710).
    pub priority: bool,
    /// `DELIVERBY` (RFC 2852): the fewest seconds that mail may be given which is sent back when it is late; 0 if none are named.
    pub deliver_by: Option<u64>,
    /// RFC 1870.
    pub knows_size: bool,
    /// The most octets of a message, where a number is named (RFC 1870, 4).
    pub size: Option<u64>,
    /// `AUTH PLAIN` (RFC 4616).
    pub plain: bool,
    /// `AUTH LOGIN`.
    pub login: bool,
}

impl Offers {
    /// Reads the lines of a reply to EHLO; the first one is the server's name. Keywords know no case.
    pub fn read(lines: &[String]) -> Self {
        let mut offers = Self::default();
        for line in lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            if let Some(keyword) = words.next() {
                offers.take(&keyword.to_ascii_uppercase(), words);
            }
        }
        offers
    }

    fn take<'a>(&mut self, keyword: &str, mut parameters: impl Iterator<Item = &'a str>) {
        match keyword {
            "PIPELINING" => self.pipelining = true,
            "STARTTLS" => self.start_tls = true,
            "8BITMIME" => self.eight_bit = true,
            "SMTPUTF8" => self.utf8 = true,
            "DSN" => self.dsn = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary = true,
            "REQUIRETLS" => self.require_tls = true,
            "MT-PRIORITY" => self.priority = true,
            "DELIVERBY" => {
                let options = parameters.next().unwrap_or_default();
                let least = options.split(',').next().and_then(|least| least.parse().ok());
                self.deliver_by = Some(least.unwrap_or_default());
            }
            // Zero says that there is no limit (RFC 1870, 4).
            "SIZE" => {
                let size = parameters.next().and_then(|size| size.parse().ok());
                self.knows_size = true;
                self.size = size.filter(|size| *size > 0);
            }
            "AUTH" => parameters.for_each(|mechanism| {
                self.plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                self.login |= mechanism.eq_ignore_ascii_case("LOGIN");
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Offers {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Offers::read(&lines)
    }

    #[test]
    fn keywords_are_read() {
        let all = "foo.example greets\nPIPELINING\nstarttls\n8BITMIME\nSMTPUTF8\nDSN\nCHUNKING\nBINARYMIME\nREQUIRETLS\n\
                   MT-PRIORITY MIXER\nDELIVERBY 240,x\nSIZE 1000\nAUTH SCRAM-SHA-256 login plain\nX-UNKNOWN  a b\n";
        let offers = Offers {
            pipelining: true,
            start_tls: true,
            eight_bit: true,
            utf8: true,
            dsn: true,
            chunking: true,
            binary: true,
            require_tls: true,
            priority: true,
            deliver_by: Some(240),
            knows_size: true,
            size: Some(1000),
            plain: true,
            login: true,
        };
        assert_eq!(read(all), offers);
    }

    #[test]
    fn what_is_odd_is_passed_over() {
        let odd = "PIPELINING\n\n \nSIZE 0\nSIZE x\nAUTH\nPIPELININGS\nAUTH=PLAIN";
        let knows_size = Offers {
            knows_size: true,
            ..Offers::default()
        };
        assert_eq!(read(odd), knows_size);
        assert_eq!(read(""), Offers::default());
        assert_eq!(read("x\nDELIVERBY").deliver_by, Some(0));
        assert_eq!(read("x\nDELIVERBY ,x").deliver_by, Some(0));
        assert_eq!(read("x\nSIZE 99999999999999999999").size, None);
    }
}
