//! libFuzzer's door to [`lightmail_fuzz::names`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("names", octets));
