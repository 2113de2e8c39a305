//! MAIL: begins a transaction with its sender.
//!
//! RFC 5321, 4.1.1.2; RFC 1870, 6.1; RFC 6531, 3.5; RFC 6409, 4.3 (who submits logs in first).

use super::super::context::Context;
use super::super::ownership;
use super::super::parameters;
use super::super::path;
use super::super::session::State;
use super::super::transaction::Transaction;
use super::super::words::{self, Reply};

/// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]`; spaces behind the colon are let through, as every server does.
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    match open(cx, arguments) {
        Ok(transaction) => ownership::check_sender(cx, transaction),
        Err(why) => cx.answer(why),
    }
}

fn open(cx: &Context, arguments: &str) -> Result<Transaction, Reply> {
    if cx.must_log_in() {
        return Err(if cx.may_log_in() {
            words::LOGIN_FIRST
        } else {
            words::TLS_FIRST
        });
    }
    let path = after_word(arguments, "FROM:").ok_or(words::MAIL_SYNTAX)?;
    let (sender, rest) = path::reverse_path(path)?;
    let parameters = parameters::of_mail(rest, cx.has_users())?;
    if !parameters.utf8 && sender.as_ref().is_some_and(|sender| !sender.is_ascii()) {
        return Err(words::SENDER_NOT_ASCII);
    }
    if parameters
        .size
        .is_some_and(|size| size > cx.settings.message_size_max)
    {
        return Err(words::TOO_BIG);
    }
    Ok(Transaction {
        sender,
        parameters,
        recipients: Vec::new(),
        body: None,
    })
}

/// What follows `word` and spaces; the word knows no case.
pub(super) fn after_word<'a>(arguments: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = arguments.split_at_checked(word.len())?;
    first
        .eq_ignore_ascii_case(word)
        .then(|| rest.trim_start_matches(' '))
}
