//! libFuzzer's door to [`lightmail_fuzz::imap_client`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("imap_client", octets));
