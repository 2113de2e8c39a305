//! libFuzzer's door to [`lightmail_fuzz::lmtp_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("lmtp_session", octets));
