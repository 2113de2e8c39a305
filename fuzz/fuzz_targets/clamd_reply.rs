//! libFuzzer's door to [`lightmail_fuzz::clamd_reply`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("clamd_reply", octets));
