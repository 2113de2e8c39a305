//! LIST and LSUB: the mailboxes that there are, and those that are subscribed.
//!
//! RFC 3501, 6.3.8 and 6.3.9; RFC 5258 (options, several patterns); RFC 3348 (children); RFC 6154 (special uses, told unasked);
//! RFC 5819, 2 (STATUS of each).
//! What the store knows is asked once, or twice where subscriptions matter; the answer leaves piece by piece.

use bytes::BytesMut;

use super::status::Counted;
use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::grammar::glob::Glob;
use crate::imap::grammar::{ListArgs, ListSelect, print};
use crate::imap::tree::{Entry, Tree};
use crate::store::{MailboxName, Reply, Request, SEPARATOR, SpecialUse};

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
        let List(mut args) = *self;
        if !args.extended && args.patterns.iter().all(String::is_empty) {
            cx.line(format_args!("* LIST (\\Noselect) \"{SEPARATOR}\" \"\""));
            return Completion::ok().into();
        }
        let counted = Counted::new(std::mem::take(&mut args.returns.status), cx);
        cx.ask(Request::ListMailboxes {
            recent: counted.recent(),
        });
        Next::wait(AwaitMailboxes { args, counted })
    }
}

#[derive(Debug)]
struct AwaitMailboxes {
    args: ListArgs,
    counted: Counted,
}

impl State for AwaitMailboxes {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let mut tree = Tree::default();
        match event.reply() {
            Ok(Reply::Mailboxes(mailboxes)) => tree.mailboxes(mailboxes, self.counted.any()),
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        let ListArgs {
            select,
            reference,
            patterns,
            returns,
            extended,
        } = self.args;
        let globs = patterns.iter().map(|pattern| glob(&reference, pattern)).collect();
        let (recursive, subscribed) = (select.recursive_match, select.subscribed || returns.subscribed);
        let style = Style::List(Told {
            extended,
            recursive,
            subscribed,
        });
        let names = AwaitTurn {
            tree,
            globs,
            select,
            style,
            counted: self.counted,
            after: None,
        };
        if subscribed {
            cx.ask(Request::ListSubscriptions);
            return Next::wait(AwaitSubscriptions { names });
        }
        names.next(cx)
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
        let globs = vec![glob(&self.reference, &self.pattern)];
        let select = ListSelect {
            subscribed: true,
            recursive_match,
            ..ListSelect::default()
        };
        let (tree, style) = (Tree::default(), Style::Lsub);
        cx.ask(Request::ListSubscriptions);
        Next::wait(AwaitSubscriptions {
            names: AwaitTurn {
                tree,
                globs,
                select,
                style,
                counted: Counted::default(),
                after: None,
            },
        })
    }
}

#[derive(Debug)]
struct AwaitSubscriptions {
    names: AwaitTurn,
}

impl State for AwaitSubscriptions {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Subscriptions(names)) => self.names.tree.subscriptions(names),
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        self.names.next(cx)
    }
}

/// Matches names, in turns so short that other sessions do not wait: an account may have ten thousand long names.
#[derive(Debug)]
struct AwaitTurn {
    tree: Tree,
    globs: Vec<(Glob, usize)>,
    select: ListSelect,
    style: Style,
    counted: Counted,
    after: Option<MailboxName>,
}

impl State for AwaitTurn {
    fn on(self: Box<Self>, cx: &mut Context, _: Event) -> Next {
        self.next(cx)
    }
}

impl AwaitTurn {
    /// Octets compared in one turn: a few milliseconds.
    const STEPS: usize = 2_000_000;

    fn next(mut self, cx: &mut Context) -> Next {
        self.after = self.tree.match_some(&self.globs, self.after.take(), Self::STEPS);
        if self.after.is_some() {
            let now_ms = cx.now.mono_ms;
            return Next::Pause(Box::new(self), now_ms);
        }
        let entries = self.tree.choose(self.select).into_iter();
        Listing {
            entries,
            style: self.style,
            counted: self.counted,
        }
        .next(cx)
    }
}

/// A pattern and its length.
fn glob(reference: &str, pattern: &str) -> (Glob, usize) {
    (Glob::new(reference, pattern), reference.len() + pattern.len())
}

/// Prints a piece at a time.
#[derive(Debug)]
struct Listing {
    entries: std::vec::IntoIter<Entry>,
    style: Style,
    counted: Counted,
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
            // A name that is told only for what is below it is not asked about.
            if let Some(status) = entry.status.filter(|_| entry.chosen) {
                self.counted.tell(cx, &status);
            }
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
