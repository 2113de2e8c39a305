//! libFuzzer's door to [`lightmail_fuzz::deflate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("deflate", octets));
