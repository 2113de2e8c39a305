//! Kinds of values: how each is read from text, shown, and named when something else was found.

use std::fmt;

/// A kind of value that a key may have.
pub(super) trait Value: Sized {
    /// What is right, to complete "expected …".
    const EXPECTED: &'static str;
    /// Whether the value must never be shown.
    const SECRET: bool = false;
    /// Whether the value names a file that must exist.
    const FILE: bool = false;

    /// Reads the value; `None` if the text is none of this kind.
    fn read(text: &str) -> Option<Self>;
    /// The text that reads as this value.
    fn show(&self) -> String;
}

/// A secret. No output, `Debug` included, has it in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A TCP port, `None` for "do not listen". 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Port(pub Option<u16>);

/// A file or folder that must be there at start, relative to the working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePath(pub String);

/// Several values with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl Value for String {
    const EXPECTED: &'static str = "text";

    fn read(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for Secret {
    const EXPECTED: &'static str = "a secret";
    const SECRET: bool = true;

    fn read(text: &str) -> Option<Secret> {
        Some(Secret(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for FilePath {
    const EXPECTED: &'static str = "a path";
    const FILE: bool = true;

    fn read(text: &str) -> Option<FilePath> {
        Some(FilePath(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for Port {
    const EXPECTED: &'static str = "a port (0 to 65535) or off";

    fn read(text: &str) -> Option<Port> {
        if text == "off" {
            Some(Port(None))
        } else {
            Some(Port(Some(digits(text)?)))
        }
    }

    fn show(&self) -> String {
        self.0.map_or("off".to_owned(), |port| port.to_string())
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "yes or no";

    fn read(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Some(true),
            "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

macro_rules! numbers {
    ($($kind:ty: $expected:literal),+) => {$(
        impl Value for $kind {
            const EXPECTED: &'static str = $expected;

            fn read(text: &str) -> Option<$kind> {
                digits(text)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

numbers!(u32: "a whole number below 4294967296", u64: "a whole number", usize: "a whole number");

/// Digits and nothing else: no sign, no blank.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|octet| octet.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// Absent as long as nothing stands behind the `=`.
impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;
    const FILE: bool = T::FILE;

    fn read(text: &str) -> Option<Option<T>> {
        if text.is_empty() {
            Some(None)
        } else {
            T::read(text).map(Some)
        }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

impl Value for List<String> {
    const EXPECTED: &'static str = "words with commas between them";

    fn read(text: &str) -> Option<List<String>> {
        read_list(text)
    }

    fn show(&self) -> String {
        show_list(self)
    }
}

impl Value for List<u32> {
    const EXPECTED: &'static str = "whole numbers with commas between them";

    fn read(text: &str) -> Option<List<u32>> {
        read_list(text)
    }

    fn show(&self) -> String {
        show_list(self)
    }
}

fn read_list<T: Value>(text: &str) -> Option<List<T>> {
    if text.is_empty() {
        return Some(List(Vec::new()));
    }
    let items = text.split(',').map(str::trim);
    items
        .map(|item| (!item.is_empty()).then(|| T::read(item)).flatten())
        .collect::<Option<_>>()
        .map(List)
}

fn show_list<T: Value>(list: &List<T>) -> String {
    list.0.iter().map(T::show).collect::<Vec<_>>().join(", ")
}

/// Declares a choice of words: the first is the `Default`.
macro_rules! choices {
    ($($(#[$about:meta])+ $name:ident: $expected:literal {
        $(#[$first_doc:meta])+ $first:ident = $first_word:literal
        $(, $(#[$doc:meta])+ $choice:ident = $word:literal)+
    })+) => {$(
        $(#[$about])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])+ #[default] $first,
            $($(#[$doc])+ $choice),+
        }

        impl Value for $name {
            const EXPECTED: &'static str = $expected;

            fn read(text: &str) -> Option<$name> {
                match text {
                    $first_word => Some($name::$first),
                    $($word => Some($name::$choice),)+
                    _ => None,
                }
            }

            fn show(&self) -> String {
                match self {
                    $name::$first => $first_word,
                    $($name::$choice => $word,)+
                }.to_owned()
            }
        }
    )+};
}

choices! {
    /// How the connection to the database is protected.
    DatabaseTls: "off, prefer, require or verify" {
        /// Encrypted if the server can, whoever it is.
        Prefer = "prefer",
        /// Never encrypted.
        Off = "off",
        /// Always encrypted, whoever the server is.
        Require = "require",
        /// Always encrypted, and the server's certificate must fit its name.
        Verify = "verify"
    }

    /// How the connection to the relay is protected.
    RelayTls: "starttls, implicit or off" {
        /// STARTTLS, and nothing is sent without it.
        Starttls = "starttls",
        /// TLS from the first octet.
        Implicit = "implicit",
        /// In the clear.
        Off = "off"
    }

    /// What becomes of an infected message.
    AntivirusMode: "reject, quarantine or tag" {
        /// It is refused.
        Reject = "reject",
        /// It goes into the mailbox `Quarantine`.
        Quarantine = "quarantine",
        /// It is delivered with the keyword `$Virus`.
        Tag = "tag"
    }

    /// What becomes of a message that cannot be scanned.
    OnFailure: "tempfail or accept" {
        /// The sender is asked to come again.
        Tempfail = "tempfail",
        /// It is taken unscanned.
        Accept = "accept"
    }

    /// Where passwords may cross in the clear.
    Plaintext: "loopback, never or always" {
        /// On loopback connections only.
        Loopback = "loopback",
        /// Nowhere.
        Never = "never",
        /// Anywhere.
        Always = "always"
    }

    /// The least grave events that are logged.
    LogLevel: "error, warn, info, debug or trace" {
        /// And anything graver.
        Info = "info",
        /// Only what is broken.
        Error = "error",
        /// And what may break.
        Warn = "warn",
        /// And what helps to find a fault.
        Debug = "debug",
        /// And everything else.
        Trace = "trace"
    }

    /// The shape of log lines.
    LogFormat: "human or json" {
        /// For eyes.
        Human = "human",
        /// One JSON object a line.
        Json = "json"
    }
}
