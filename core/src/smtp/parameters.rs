//! The parameters of MAIL and RCPT: `esmtp-keyword ["=" esmtp-value]`, separated by spaces.
//!
//! RFC 5321, 4.1.2; RFC 1870, 5 (SIZE); RFC 6152, 2 (BODY); RFC 6531, 3.4 (SMTPUTF8); RFC 4954, 5 (AUTH). Keywords know no case.

use super::words::{self, Reply};

/// What MAIL was told of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// `SIZE`: octets that the client expects to send.
    pub size: Option<u64>,
    /// `BODY`: whether it is said to be 8BITMIME. Octets are kept as they come in either case.
    pub eight_bit: bool,
    /// `SMTPUTF8`: addresses and header fields may go beyond ASCII.
    pub utf8: bool,
}

/// Reads what follows the reverse-path.
///
/// `users`: whether AUTH is among the extensions. Who its parameter names is believed of nobody, as RFC 4954, 5 allows: no client is
/// trusted to speak for others.
///
/// Errors: the reply to give; a size beyond 64 bits is too big, as any size over the limit is.
pub fn of_mail(input: &str, users: bool) -> Result<MailParameters, Reply> {
    let mut seen = Seen::default();
    let mut parameters = MailParameters::default();
    for (keyword, value) in split(input, words::MAIL_SYNTAX)? {
        match (keyword.to_ascii_uppercase().as_str(), value) {
            ("SIZE", value) => parameters.size = Some(seen.once(Seen::SIZE).and_then(|()| size(value))?),
            ("BODY", value) => parameters.eight_bit = seen.once(Seen::BODY).and_then(|()| body(value))?,
            ("SMTPUTF8", None) => parameters.utf8 = seen.once(Seen::UTF8).map(|()| true)?,
            ("SMTPUTF8", Some(_)) => return Err(words::PARAMETER_VALUE),
            ("AUTH", value) if users => seen.once(Seen::AUTH).and_then(|()| submitter(value))?,
            _ => return Err(words::UNKNOWN_PARAMETER),
        }
    }
    Ok(parameters)
}

/// Reads what follows the forward-path: no extension that we offer has a parameter there.
///
/// Errors: the reply to give.
pub fn of_rcpt(input: &str) -> Result<(), Reply> {
    match split(input, words::RCPT_SYNTAX)?.next() {
        None => Ok(()),
        Some(_) => Err(words::UNKNOWN_PARAMETER),
    }
}

/// The parameters of `input`, which begins right behind the path's `>`; `glued` if there is no space.
fn split(input: &str, glued: Reply) -> Result<impl Iterator<Item = (&str, Option<&str>)>, Reply> {
    if !input.is_empty() && !input.starts_with(' ') {
        return Err(glued);
    }
    let words = input.split(' ').filter(|word| !word.is_empty());
    Ok(words.map(|word| {
        word.split_once('=')
            .map_or((word, None), |(keyword, value)| (keyword, Some(value)))
    }))
}

/// `size-value = 1*20DIGIT`
fn size(value: Option<&str>) -> Result<u64, Reply> {
    match value {
        Some(digits)
            if (1..=20).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit()) =>
        {
            digits.parse().map_err(|_| words::TOO_BIG)
        }
        _ => Err(words::PARAMETER_VALUE),
    }
}

/// `body-value = "7BIT" / "8BITMIME"`; BINARYMIME is not offered.
fn body(value: Option<&str>) -> Result<bool, Reply> {
    match value {
        Some(value) if value.eq_ignore_ascii_case("7BIT") => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("8BITMIME") => Ok(true),
        _ => Err(words::PARAMETER_VALUE),
    }
}

/// `auth-value = xtext`: an address or `<>` (RFC 4954, 5; RFC 3461, 4).
fn submitter(value: Option<&str>) -> Result<(), Reply> {
    let is_xtext = |value: &str| {
        let mut pieces = value.split('+');
        let plain = |text: &str| {
            text.bytes()
                .all(|octet| matches!(octet, b'!'..=b'~') && octet != b'=')
        };
        let coded = |piece: &str| {
            let digits = piece.split_at_checked(2).filter(|(digits, _)| {
                digits
                    .bytes()
                    .all(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'))
            });
            digits.is_some_and(|(_, rest)| plain(rest))
        };
        !value.is_empty() && pieces.next().is_some_and(plain) && pieces.all(coded)
    };
    match value {
        Some(value) if is_xtext(value) => Ok(()),
        _ => Err(words::PARAMETER_VALUE),
    }
}

/// Which parameters have been given: each may be given once.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    const SIZE: u8 = 1;
    const BODY: u8 = 2;
    const UTF8: u8 = 4;
    const AUTH: u8 = 8;

    fn once(&mut self, parameter: u8) -> Result<(), Reply> {
        let repeated = self.0 & parameter != 0;
        self.0 |= parameter;
        if repeated {
            Err(words::PARAMETER_VALUE)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_parameters() {
        let plain = MailParameters::default();
        let table = [
            ("", Ok(plain)),
            (" ", Ok(plain)),
            (
                " SIZE=500000",
                Ok(MailParameters {
                    size: Some(500_000),
                    ..plain
                }),
            ),
            (
                " size=0  body=8bitmime smtputf8 ",
                Ok(MailParameters {
                    size: Some(0),
                    eight_bit: true,
                    utf8: true,
                }),
            ),
            (" BODY=7BIT", Ok(plain)),
            ("SIZE=1", Err(words::MAIL_SYNTAX)),
            (" SIZE", Err(words::PARAMETER_VALUE)),
            (" SIZE=", Err(words::PARAMETER_VALUE)),
            (" SIZE=-1", Err(words::PARAMETER_VALUE)),
            (" SIZE=1 SIZE=1", Err(words::PARAMETER_VALUE)),
            (" SIZE=99999999999999999999", Err(words::TOO_BIG)),
            (" SIZE=100000000000000000000", Err(words::PARAMETER_VALUE)),
            (" BODY", Err(words::PARAMETER_VALUE)),
            (" BODY=BINARYMIME", Err(words::PARAMETER_VALUE)),
            (" SMTPUTF8=1", Err(words::PARAMETER_VALUE)),
            (" SMTPUTF8 SMTPUTF8", Err(words::PARAMETER_VALUE)),
            (" RET=HDRS", Err(words::UNKNOWN_PARAMETER)),
            (" =", Err(words::UNKNOWN_PARAMETER)),
            ("\tSIZE=1", Err(words::MAIL_SYNTAX)),
        ];
        for (input, expected) in table {
            assert_eq!(of_mail(input, true), expected, "{input:?}");
        }
    }

    #[test]
    fn who_has_submitted_it_is_read_and_not_believed() {
        for value in ["<>", "e+3Dmc2@example.com", "a", "+2B+3D"] {
            let input = format!(" auth={value}");
            assert_eq!(of_mail(&input, true), Ok(MailParameters::default()), "{value}");
            assert_eq!(of_mail(&input, false), Err(words::UNKNOWN_PARAMETER), "{value}");
        }
        for input in [
            " AUTH",
            " AUTH=",
            " AUTH=a=b",
            " AUTH=+3d",
            " AUTH=+",
            " AUTH=a+2",
            " AUTH=é",
            " AUTH=a AUTH=b",
        ] {
            assert_eq!(of_mail(input, true), Err(words::PARAMETER_VALUE), "{input}");
        }
    }

    #[test]
    fn rcpt_has_no_parameters() {
        assert_eq!(of_rcpt(" "), Ok(()));
        assert_eq!(of_rcpt(" NOTIFY=NEVER"), Err(words::UNKNOWN_PARAMETER));
        assert_eq!(of_rcpt("x"), Err(words::RCPT_SYNTAX));
    }
}
