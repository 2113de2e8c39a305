//! Which extensions a client has enabled: those that change what it hears.
//!
//! RFC 5161; RFC 7162, 3.1 (what else enables CONDSTORE). To add one: its line in [`EXTENSIONS`].

/// An extension that the server keeps to itself until the client has asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// FETCH responses have MODSEQ and UID in them (RFC 7162, 3.2.4).
    CondStore,
    /// VANISHED comes in the place of EXPUNGE (RFC 7162, 3.2.3); implies [`Extension::CondStore`].
    QResync,
}

/// What ENABLE takes: the names, and what each turns on.
pub(crate) const EXTENSIONS: &[(&str, Extension)] = &[
    ("CONDSTORE", Extension::CondStore),
    ("QRESYNC", Extension::QResync),
];

/// What is enabled. Nothing is ever disabled but by UNAUTHENTICATE (RFC 8437, 4.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Enabled(Vec<Extension>);

impl Enabled {
    /// Whether an extension is enabled.
    pub(crate) fn has(&self, extension: Extension) -> bool {
        self.0.contains(&extension)
    }

    /// Enables an extension, with what it implies.
    pub(crate) fn insert(&mut self, extension: Extension) {
        let implied = (extension == Extension::QResync).then_some(Extension::CondStore);
        for extension in implied.into_iter().chain([extension]) {
            if !self.has(extension) {
                self.0.push(extension);
            }
        }
    }
}
