//! libFuzzer's door to [`lightmail_fuzz::data_decoder`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("data_decoder", octets));
