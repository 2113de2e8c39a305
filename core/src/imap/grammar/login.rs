//! Who the client is: LOGIN, AUTHENTICATE, ID. No error here shows what may belong to a password.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::machine::Secret;
use crate::wire::base64;

/// The arguments of AUTHENTICATE.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticateArgs {
    /// The mechanism's name, in capitals.
    pub mechanism: String,
    /// The initial response, decoded (RFC 4959, 3); `=` is an empty one.
    pub initial: Option<Vec<u8>>,
}

impl Cursor<'_> {
    /// The most octets of a user name.
    pub const USER_NAME_LEN_MAX: usize = 255;
    /// The most parameters of ID (RFC 2971, 3.3).
    pub const ID_PARAMETERS_MAX: usize = 30;

    /// `login = "LOGIN" SP userid SP password` (RFC 3501, 9), from the first space to the end.
    pub fn login_args(&mut self) -> Result<(String, Secret), Syntax> {
        self.sp()?;
        let start = self.position();
        let user = self.utf8_as(Expected::UserName)?.into_owned();
        if user.len() > Self::USER_NAME_LEN_MAX {
            return Err(self.error_at(
                start,
                Expected::AtMost(Self::USER_NAME_LEN_MAX, "octets in a user name"),
            ));
        }
        let password = self.password().map_err(Syntax::withheld)?;
        Ok((user, password))
    }

    fn password(&mut self) -> Result<Secret, Syntax> {
        self.sp()?;
        let password = self.utf8_as(Expected::Password)?.into_owned();
        self.end()?;
        Ok(Secret(password))
    }

    /// `authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)` (RFC 3501, 9; RFC 4959, 7), from
    /// the first space to the end of the line.
    pub fn authenticate_args(&mut self) -> Result<AuthenticateArgs, Syntax> {
        self.sp()?;
        let start = self.position();
        let mechanism = self
            .atom()
            .map_err(|_| self.error_at(start, Expected::Mechanism))?
            .to_ascii_uppercase();
        let initial = if self.skip(b' ') {
            Some(self.initial_response()?)
        } else {
            None
        };
        self.end().map_err(Syntax::withheld)?;
        Ok(AuthenticateArgs { mechanism, initial })
    }

    /// `base64 / "="`
    fn initial_response(&mut self) -> Result<Vec<u8>, Syntax> {
        let start = self.position();
        let text = self.take_while(|octet| octet.is_ascii_graphic());
        let decoded = match text {
            b"=" => Some(Vec::new()),
            b"" => None,
            text => base64::decode(text).ok(),
        };
        decoded.ok_or_else(|| self.error_at(start, Expected::InitialResponse).withheld())
    }

    /// `id = "ID" SP id-params-list`, `id-params-list = "(" *(string SP nstring) ")" / nil`
    /// (RFC 2971, 4), from the first space to the end: at most 30 names of 30 octets, values of 1,024 octets.
    ///
    /// The parameters are for the log: what is not UTF-8 in them is replaced.
    pub fn id_args(&mut self) -> Result<Vec<(String, Option<String>)>, Syntax> {
        self.sp()?;
        let parameters = match self.peek() {
            Some(b'(') => self.list(true, (Self::ID_PARAMETERS_MAX, "parameters"), Self::id_parameter)?,
            _ if self.skip_word("NIL") => Vec::new(),
            _ => return Err(self.error(Expected::IdParameters)),
        };
        self.end()?;
        Ok(parameters)
    }

    /// `string SP nstring`
    fn id_parameter(&mut self) -> Result<(String, Option<String>), Syntax> {
        let start = self.position();
        let name = self.string()?;
        if name.len() > 30 {
            return Err(self.error_at(start, Expected::AtMost(30, "octets in a parameter's name")));
        }
        self.sp()?;
        let start = self.position();
        let value = self.nstring()?;
        if value.as_ref().is_some_and(|value| value.len() > 1024) {
            return Err(self.error_at(start, Expected::AtMost(1024, "octets in a parameter's value")));
        }
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Ok((text(&name), value.as_deref().map(text)))
    }
}
