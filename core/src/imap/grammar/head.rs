//! How a command begins: tag and name.

use super::chars;
use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};

/// The beginning of a command, and the place behind it.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// Its tag.
    pub tag: &'a str,
    /// Whether it is the UID form.
    pub uid: bool,
    /// Its name in capitals, without `UID`: at most [`Head::NAME_LEN_MAX`] characters.
    pub name: String,
    /// Right behind the name, before the space.
    pub args: Cursor<'a>,
}

impl Head<'_> {
    /// The most characters of a name; no command of any extension has as many.
    pub const NAME_LEN_MAX: usize = 20;
}

/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`,
/// `uid = "UID" SP (copy / fetch / search / store)` (RFC 3501, 9).
///
/// `command` is whole, with its literals, without the closing line end. Whether there is such a command is not asked here.
pub fn head(command: &[u8]) -> Result<Head<'_>, Syntax> {
    let mut args = Cursor::new(command);
    let tag = args.text_while(chars::is_tag);
    if tag.is_empty() {
        return Err(args.error(Expected::Tag));
    }
    args.sp()?;
    let first = name(&mut args)?;
    if first != "UID" {
        return Ok(Head {
            tag,
            uid: false,
            name: first,
            args,
        });
    }
    args.sp()?;
    let name = name(&mut args)?;
    Ok(Head {
        tag,
        uid: true,
        name,
        args,
    })
}

/// The tag of a command that may be broken behind it, so that it can be answered; `None`: the answer is untagged.
pub fn tag(command: &[u8]) -> Option<&str> {
    let mut cursor = Cursor::new(command);
    let tag = cursor.text_while(chars::is_tag);
    let whole = matches!(cursor.peek(), None | Some(b' ' | b'\r' | b'\n'));
    (!tag.is_empty() && whole).then_some(tag)
}

fn name(args: &mut Cursor<'_>) -> Result<String, Syntax> {
    let start = args.position();
    let name = args.text_while(chars::is_word);
    if (1..=Head::NAME_LEN_MAX).contains(&name.len()) {
        Ok(name.to_ascii_uppercase())
    } else {
        Err(args.error_at(start, Expected::Command))
    }
}
