//! The header in front of the first message of SCRAM and OAUTHBEARER (RFC 5802, 7): what the client thinks of channel binding, and as
//! whom it wants to act.

use super::{FIELD_LEN_MAX, SaslError};

/// `gs2-header = gs2-cbind-flag "," [authzid] ","` (RFC 5802, 7)
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) flag: Flag<'a>,
    /// Whom to act as.
    pub(super) authzid: Option<String>,
    /// The header as it was written.
    pub(super) text: &'a str,
    /// What stands behind it.
    pub(super) rest: &'a str,
}

/// What the client says of channel binding (RFC 5802, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag<'a> {
    /// `n`: it cannot.
    No,
    /// `y`: it can, and believes that we cannot.
    NotOffered,
    /// `p`: it binds, in this way.
    Bound(&'a str),
}

impl<'a> Header<'a> {
    pub(super) fn read(message: &'a str) -> Result<Self, SaslError> {
        let mut pieces = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(rest)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return Err(SaslError::Malformed);
        };
        let authzid = match authzid {
            "" => None,
            named => Some(name(named.strip_prefix("a=").ok_or(SaslError::Malformed)?)?),
        };
        Ok(Self {
            flag: Flag::read(flag)?,
            authzid,
            text: message.strip_suffix(rest).unwrap_or_default(),
            rest,
        })
    }
}

impl<'a> Flag<'a> {
    fn read(flag: &'a str) -> Result<Self, SaslError> {
        match flag {
            "n" => Ok(Flag::No),
            "y" => Ok(Flag::NotOffered),
            _ => {
                let binding = flag.strip_prefix("p=").ok_or(SaslError::Malformed)?;
                let is_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-';
                if binding.is_empty() || !binding.bytes().all(is_name) {
                    return Err(SaslError::Malformed);
                }
                Ok(Flag::Bound(binding))
            }
        }
    }
}

/// `saslname = 1*(value-safe-char / "=2C" / "=3D")` (RFC 5802, 7): a comma and an equals sign are written as these.
pub(super) fn name(text: &str) -> Result<String, SaslError> {
    let mut pieces = text.split('=');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (octet, rest) = match (piece.strip_prefix("2C"), piece.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(SaslError::Malformed),
        };
        name.push(octet);
        name.push_str(rest);
    }
    if name.is_empty() || name.contains('\0') {
        return Err(SaslError::Malformed);
    }
    if name.len() > FIELD_LEN_MAX {
        return Err(SaslError::TooLong);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let header = Header::read("p=tls-exporter,a=t=2Cim=3D,n=x,r=y").unwrap();
        assert_eq!(header.flag, Flag::Bound("tls-exporter"));
        assert_eq!(header.authzid.as_deref(), Some("t,im="));
        assert_eq!(
            (header.text, header.rest),
            ("p=tls-exporter,a=t=2Cim=3D,", "n=x,r=y")
        );
        assert_eq!(Header::read("y,,").unwrap().flag, Flag::NotOffered);
        assert_eq!(Header::read("n,,").unwrap().text, "n,,");
        for bad in [
            "",
            "n",
            "n,",
            "x,,",
            "n,b=tim,",
            "n,a=,",
            "p=,,",
            "p=tls exporter,,",
            "F,n,,",
            "nn,,",
        ] {
            assert_eq!(Header::read(bad), Err(SaslError::Malformed), "{bad}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(name("a=2Cb=3Dc").as_deref(), Ok("a,b=c"));
        assert_eq!(name("jürgen").as_deref(), Ok("jürgen"));
        for bad in ["", "=", "=2", "=2c", "=41", "a=3", "a\0b"] {
            assert_eq!(name(bad), Err(SaslError::Malformed), "{bad}");
        }
        assert_eq!(name(&"x".repeat(255)).map(|name| name.len()), Ok(255));
        assert_eq!(name(&"x".repeat(256)), Err(SaslError::TooLong));
    }
}
