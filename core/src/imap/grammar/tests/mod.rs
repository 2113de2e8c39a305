//! Tables of commands and what they mean, or what is wrong with them and where.

mod arguments;
mod fetch;
mod modseq;
mod properties;
mod search;
mod strings;

use super::*;
use crate::store::set::SequenceSet;

/// Parses each command of the table and compares the shown value, or the error, with the text beside it.
fn check<'t, T>(
    parse: impl Fn(&mut Cursor<'t>) -> Result<T, Syntax>,
    show: impl Fn(T) -> String,
    table: &[(&'t str, &str)],
) {
    for (command, expected) in table {
        let value = head(command.as_bytes()).and_then(|mut head| {
            let value = parse(&mut head.args)?;
            head.args.end()?;
            Ok(value)
        });
        let shown = value.map_or_else(|error| error.to_string(), &show);
        assert_eq!(shown, *expected, "{command:?}");
    }
}

/// A parser of one argument behind a space.
fn one<'t, T>(
    parse: impl Fn(&mut Cursor<'t>) -> Result<T, Syntax>,
) -> impl Fn(&mut Cursor<'t>) -> Result<T, Syntax> {
    move |args| {
        args.sp()?;
        parse(args)
    }
}

fn words(words: &[(bool, &str)]) -> String {
    words
        .iter()
        .filter(|(there, _)| *there)
        .map(|(_, word)| *word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn flag_list(list: &FlagList) -> String {
    let system = crate::store::Flag::ALL
        .into_iter()
        .filter(|&flag| list.flags.has(flag))
        .map(|flag| flag.name());
    system
        .chain(list.keywords.iter().map(|keyword| keyword.as_str()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a set names in a mailbox of nine messages.
fn sequence_set(set: &SequenceSet) -> String {
    set.clone().resolve(9).to_string()
}
