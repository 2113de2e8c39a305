//! libFuzzer's door to [`lightmail_fuzz::smtp_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("smtp_session", octets));
