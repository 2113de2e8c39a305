//! libFuzzer's door to [`lightmail_fuzz::mime_index`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("mime_index", octets));
