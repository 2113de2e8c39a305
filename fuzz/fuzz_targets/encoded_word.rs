//! libFuzzer's door to [`lightmail_fuzz::encoded_word`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("encoded_word", octets));
