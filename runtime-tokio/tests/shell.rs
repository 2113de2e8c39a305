//! What every shell does alike, shown on tokio.

mod common;
mod suite;

/// The shell.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail");
