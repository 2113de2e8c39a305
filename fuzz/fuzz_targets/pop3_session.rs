//! libFuzzer's door to [`lightmail_fuzz::pop3_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("pop3_session", octets));
