//! LIST and LSUB: the mailboxes that there are, and those that are subscribed.
//!
//! RFC 3501, 6.3.8 and 6.3.9; RFC 5258 (options, several patterns); RFC 3348 (children); RFC 6154 (special uses, told unasked).
//! What the store knows is asked once, or twice where subscriptions matter; the answer leaves piece by piece.

use bytes::BytesMut;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::grammar::glob::Glob;
use crate::imap::grammar::{ListArgs, ListSelect, print};
use crate::imap::tree::{Entry, Tree};
use crate::store::{Reply, Request, SEPARATOR, SpecialUse};

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]` (RFC 5258, 6)
pub(super) fn parse_list(args: &mut Cursor<'_>, _: Form) -> Parsed {
    Ok(Box::new(List(args.list_args()?)))
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox` (RFC 3501, 9)
pub(super) fn parse_lsub(args: &mut Cursor<'_>, _: Form) -> Parsed {
    let (reference, pattern) = args.lsub_args()?;
    Ok(Box::new(Lsub { reference, pattern }))
}

#[derive(Debug)]
struct List(ListArgs);

impl Command for List {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let List(args) = *self;
        if !args.extended && args.patterns.iter().all(String::is_empty) {
            cx.line(format_args!("* LIST (\\Noselect) \"{SEPARATOR}\" \"\""));
            return Completion::ok().into();
        }
        cx.ask(Request::ListMailboxes);
        Next::wait(AwaitMailboxes { args })
    }
}

#[derive(Debug)]
struct AwaitMailboxes {
    args: ListArgs,
}

impl State for AwaitMailboxes {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let mut tree = Tree::default();
        match event.reply() {
            Ok(Reply::Mailboxes(mailboxes)) => tree.mailboxes(mailboxes),
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        let globs = self
            .args
            .patterns
            .iter()
            .map(|pattern| Glob::new(&self.args.reference, pattern))
            .collect();
        let told = Told {
            extended: self.args.extended,
            recursive: self.args.select.recursive_match,
            subscribed: self.args.select.subscribed || self.args.returns.subscribed,
        };
        let style = Style::List(told);
        let await_subscriptions = AwaitSubscriptions {
            tree,
            globs,
            select: self.args.select,
            style,
        };
        if told.subscribed {
            cx.ask(Request::ListSubscriptions);
            return Next::wait(await_subscriptions);
        }
        await_subscriptions.list(cx)
    }
}

#[derive(Debug)]
struct Lsub {
    reference: String,
    pattern: String,
}

impl Command for Lsub {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if self.pattern.is_empty() {
            cx.line(format_args!("* LSUB (\\Noselect) \"{SEPARATOR}\" \"\""));
            return Completion::ok().into();
        }
        // Only `%` makes a superior speak for what it hides (RFC 3501, 6.3.9).
        let recursive_match = self.pattern.contains('%') || self.reference.contains('%');
        let globs = vec![Glob::new(&self.reference, &self.pattern)];
        let select = ListSelect {
            subscribed: true,
            recursive_match,
            ..ListSelect::default()
        };
        cx.ask(Request::ListSubscriptions);
        Next::wait(AwaitSubscriptions {
            tree: Tree::default(),
            globs,
            select,
            style: Style::Lsub,
        })
    }
}

#[derive(Debug)]
struct AwaitSubscriptions {
    tree: Tree,
    globs: Vec<Glob>,
    select: ListSelect,
    style: Style,
}

impl State for AwaitSubscriptions {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Subscriptions(names)) => self.tree.subscriptions(names),
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        self.list(cx)
    }
}

impl AwaitSubscriptions {
    fn list(self, cx: &mut Context) -> Next {
        let entries = self.tree.choose(&self.globs, self.select);
        Listing {
            entries: entries.into_iter(),
            style: self.style,
        }
        .next(cx)
    }
}

/// Prints a piece at a time.
#[derive(Debug)]
struct Listing {
    entries: std::vec::IntoIter<Entry>,
    style: Style,
}

impl State for Listing {
    fn on(self: Box<Self>, cx: &mut Context, _: Event) -> Next {
        self.next(cx)
    }
}

impl Listing {
    const PIECE: usize = 100;

    fn next(mut self, cx: &mut Context) -> Next {
        for entry in self.entries.by_ref().take(Self::PIECE) {
            self.style.print(cx.out(), &entry);
        }
        if self.entries.len() == 0 {
            Completion::ok().into()
        } else {
            Next::Drain(Box::new(self))
        }
    }
}

/// How an entry is told.
#[derive(Clone, Copy, Debug)]
enum Style {
    List(Told),
    Lsub,
}

/// What LIST tells beside the name.
#[derive(Clone, Copy, Debug)]
struct Told {
    extended: bool,
    recursive: bool,
    subscribed: bool,
}

impl Style {
    fn print(self, out: &mut BytesMut, entry: &Entry) {
        let (name, attributes): (&[u8], Vec<&str>) = match self {
            Style::List(told) => (b"* LIST ", told.attributes(entry)),
            Style::Lsub if entry.chosen => (b"* LSUB ", Vec::new()),
            Style::Lsub => (b"* LSUB ", vec!["\\Noselect"]),
        };
        out.extend_from_slice(name);
        print::list(out, attributes);
        out.extend_from_slice(format!(" \"{SEPARATOR}\" ").as_bytes());
        print::mailbox(out, &entry.name);
        if matches!(self, Style::List(told) if told.recursive) && entry.chosen_below {
            out.extend_from_slice(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Told {
    fn attributes(self, entry: &Entry) -> Vec<&'static str> {
        let missing = if self.extended {
            "\\NonExistent"
        } else {
            "\\Noselect"
        };
        let children = if entry.children {
            "\\HasChildren"
        } else {
            "\\HasNoChildren"
        };
        let mut attributes = Vec::new();
        attributes.extend((!entry.exists).then_some(missing));
        attributes.push(children);
        attributes.extend((self.subscribed && entry.subscribed).then_some("\\Subscribed"));
        attributes.extend(entry.special_use.map(SpecialUse::attribute));
        attributes
    }
}
