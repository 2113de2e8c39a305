//! Certificates as an operator leaves them, and the channel, octet by octet.

mod certificates;
mod channel;
mod clients;

use std::path::Path;

use lightmail_core::config::{self, Config};

/// A configuration without `[tls]`.
fn own(folder: &Path) -> Config {
    let text = format!(
        "[server]\nhostname = mail.test\ndata_dir = {}/data\n",
        folder.display()
    );
    config::parse("config.ini", &text).unwrap()
}
