//! The parameters of MAIL and RCPT: `esmtp-keyword ["=" esmtp-value]`, separated by spaces.
//!
//! RFC 5321, 4.1.2; RFC 1870, 5 (SIZE); RFC 6152, 2 (BODY); RFC 6531, 3.4 (SMTPUTF8). Keywords know no case.

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
/// Errors: the reply to give; a size beyond 64 bits is too big, as any size over the limit is.
pub fn of_mail(input: &str) -> Result<MailParameters, Reply> {
    let mut seen = Seen::default();
    let mut parameters = MailParameters::default();
    for (keyword, value) in split(input, words::MAIL_SYNTAX)? {
        match (keyword.to_ascii_uppercase().as_str(), value) {
            ("SIZE", value) => parameters.size = Some(seen.once(Seen::SIZE).and_then(|()| size(value))?),
            ("BODY", value) => parameters.eight_bit = seen.once(Seen::BODY).and_then(|()| body(value))?,
            ("SMTPUTF8", None) => parameters.utf8 = seen.once(Seen::UTF8).map(|()| true)?,
            ("SMTPUTF8", Some(_)) => return Err(words::PARAMETER_VALUE),
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

/// Which parameters have been given: each may be given once.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    const SIZE: u8 = 1;
    const BODY: u8 = 2;
    const UTF8: u8 = 4;

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
            assert_eq!(of_mail(input), expected, "{input:?}");
        }
    }

    #[test]
    fn rcpt_has_no_parameters() {
        assert_eq!(of_rcpt(" "), Ok(()));
        assert_eq!(of_rcpt(" NOTIFY=NEVER"), Err(words::UNKNOWN_PARAMETER));
        assert_eq!(of_rcpt("x"), Err(words::RCPT_SYNTAX));
    }
}
