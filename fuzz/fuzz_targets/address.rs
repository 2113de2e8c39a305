//! libFuzzer's door to [`lightmail_fuzz::address`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("address", octets));
