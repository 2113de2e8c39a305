//! libFuzzer's door to [`lightmail_fuzz::submission_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("submission_session", octets));
