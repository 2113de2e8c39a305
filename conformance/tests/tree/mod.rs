//! The repository as the tests see it: its files, and what stands in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository: its path from the root, with `/`, and its text.
pub struct Text {
    pub path: String,
    pub text: String,
}

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file and folder of the repository, from the root; what is built, served, or hidden (but for `.ci`) is left out.
pub fn paths() -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let served = folder.is_empty() && name == "data";
            if name == "target" || served || (name.starts_with('.') && name != ".ci") {
                continue;
            }
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if entry.file_type().unwrap().is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text of one file, or of nothing if it is none.
pub fn read(path: String) -> Option<Text> {
    let text = fs::read_to_string(root().join(&path)).ok()?;
    Some(Text { path, text })
}

/// The files whose names end so.
pub fn texts(extensions: &[&str]) -> Vec<Text> {
    let wanted = |path: &String| extensions.iter().any(|extension| path.ends_with(extension));
    let texts: Vec<_> = paths().into_iter().filter(wanted).filter_map(read).collect();
    assert!(!texts.is_empty(), "no file ends with {extensions:?}");
    texts
}
