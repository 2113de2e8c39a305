//! What every shell does alike, shown on smol.

#[path = "../../runtime-tokio/tests/common/mod.rs"]
mod common;
#[path = "../../runtime-tokio/tests/suite/mod.rs"]
mod suite;

/// The shell.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail-smol");
