//! libFuzzer's door to [`lightmail_fuzz::uid_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("uid_set", octets));
