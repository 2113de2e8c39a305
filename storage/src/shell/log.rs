//! Logs by `tracing`: human lines or JSON, on standard error. What a peer chose is always a field, never message text, and
//! both formats escape control characters there (`escaping`), so that nobody writes into the log what he likes.

use std::fmt;
use std::io::IsTerminal as _;

use lightmail_core::config::{Log, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

/// Starts logging, of panics too; `RUST_LOG` overrides the level.
pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // An error: logging was started already, by a test.
    let _ = if log.format == LogFormat::Json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.fmt_fields(Escaped::default()).try_init()
    };
    log_panics();
}

/// A panic is logged by its place alone: its words may hold what it stumbled over.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked");
    }));
}

/// Writes fields as usual, with control characters escaped and nothing else changed.
#[derive(Default)]
struct Escaped(DefaultFields);

impl<'w> FormatFields<'w> for Escaped {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut plain = String::new();
        self.0.format_fields(Writer::new(&mut plain), fields)?;
        escaping(&plain, &mut writer)
    }
}

/// Writes text with control characters as `\u{…}`.
fn escaping(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    text.chars().try_for_each(|c| {
        if c.is_control() {
            write!(out, "{}", c.escape_unicode())
        } else {
            out.write_char(c)
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_peer_cannot_forge_a_line_or_colour_the_terminal() {
        let mut out = String::new();
        super::escaping("login=x\n2026 INFO ok \u{1b}]2;pwned\u{7} wörk", &mut out).unwrap();
        assert_eq!(out, "login=x\\u{a}2026 INFO ok \\u{1b}]2;pwned\\u{7} wörk");
    }
}
