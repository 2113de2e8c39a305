//! The house rules that a machine can check. Each complaint names the place and the remedy, and all of them come at once.

mod attacks;
mod banned;
mod citations;
mod rust;
mod sizes;
mod traces;
#[path = "../tree/mod.rs"]
mod tree;

/// The lines of a list of facts: not empty, and no comment.
fn facts(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

/// All complaints at once, or none.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
