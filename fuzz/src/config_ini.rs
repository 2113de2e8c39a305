//! The configuration: any text is one or says what is wrong with it, and what is in force is written as it is read.

use lightmail_core::config::{ConfigError, describe, parse};

/// A file's octets; what is no UTF-8 is replaced as the shell does.
pub fn config_ini(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match parse("config.ini", &text) {
        Ok(config) => {
            let shown = describe(&config);
            let again = parse("config.ini", &shown).unwrap_or_else(|errors| panic!("{errors:?} in {shown}"));
            assert_eq!(describe(&again), shown, "what is shown reads as something else");
        }
        Err(errors) => assert_errors(&errors, &text),
    }
}

/// They come in the order of lines, point into their line, and are shown without control characters.
fn assert_errors(errors: &[ConfigError], text: &str) {
    assert!(!errors.is_empty());
    assert!(errors.is_sorted_by_key(|error| error.line), "{errors:?}");
    let lines = text.split('\n').count();
    for error in errors {
        assert!(error.line <= lines, "{error:?}");
        assert!(error.column <= error.text.chars().count(), "{error:?}");
        let shown = error.to_string();
        let odd = shown.chars().find(|c| c.is_control() && *c != '\n');
        assert!(odd.is_none(), "{odd:?} in {shown:?}");
    }
}
