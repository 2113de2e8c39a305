//! libFuzzer's door to [`lightmail_fuzz::sequence_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("sequence_set", octets));
