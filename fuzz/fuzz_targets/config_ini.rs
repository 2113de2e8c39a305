//! libFuzzer's door to [`lightmail_fuzz::config_ini`].
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lightmail_fuzz::run("config_ini", octets));
