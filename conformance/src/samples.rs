//! The messages that transcripts start from, by name. Kept with LF in the repository, sent with CRLF.

/// A sample's octets, with CRLF; `None` for an unknown name.
pub fn sample(name: &str) -> Option<Vec<u8>> {
    let text = SAMPLES.iter().find(|(known, _)| *known == name)?.1;
    Some(text.replace('\n', "\r\n").into_bytes())
}

/// The names of all samples.
pub fn names() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().map(|(name, _)| *name)
}

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../samples/", $name, ".eml")))),*]
    };
}

/// Each is a file in `samples/`.
static SAMPLES: &[(&str, &str)] = samples![
    "plain",
    "attachment",
    "nested",
    "alternative",
    "encoded",
    "headers"
];
