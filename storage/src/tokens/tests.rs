//! Tokens as an authorization server writes them, and as others do.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_lite::future::block_on;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lightmail_core::config;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::*;

/// An authorization server with one key.
struct Issuer {
    key: KeyPair,
    jwks: String,
}

impl Issuer {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let (x, y) = key.public_key_raw()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "x": x, "y": y});
        let other = json!({"kty": "oct", "kid": "k2", "k": "c2VjcmV0"});
        let jwks = json!({"keys": [jwk, other]}).to_string();
        Self { key, jwks }
    }

    fn sign(&self, kid: Option<&str>, claims: &Value) -> Secret {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = kid.map(str::to_owned);
        let key = EncodingKey::from_ec_der(self.key.serialized_der());
        Secret(encode(&header, claims, &key).unwrap())
    }
}

fn oauth(more: &str) -> config::OAuth {
    let text =
        format!("[oauth]\nissuer = https://as.example\naudience = mail\njwks_file = keys.json\n{more}");
    config::parse("config.ini", &text).unwrap().oauth.unwrap()
}

fn set(more: &str, jwks: &str) -> Result<Tokens, String> {
    let oauth = oauth(more);
    Ok(Tokens::new(&oauth, By::Keys(Keys::of_set(&oauth, jwks)?)))
}

fn owner_of(tokens: &Tokens, token: &Secret) -> Option<String> {
    block_on(tokens.owner(None, token)).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://as.example", "aud": "mail", "email": "Tim@example.com", "exp": now_s() + 600, "scope": "a mail"})
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

#[test]
fn a_token_is_its_owners() {
    let issuer = Issuer::new();
    let tokens = set("", &issuer.jwks).unwrap();
    let owner = |wanted| block_on(tokens.owner(wanted, &issuer.sign(Some("k1"), &claims()))).unwrap();
    assert_eq!(owner(None).as_deref(), Some("tim@example.com"));
    assert_eq!(owner(Some("TIM@example.com")).as_deref(), Some("tim@example.com"));
    assert_eq!(owner(Some("tom@example.com")), None);
}

#[test]
fn claims_are_checked() {
    let issuer = Issuer::new();
    let tokens = set("scope = mail\n", &issuer.jwks).unwrap();
    let owner = |claims: Value| owner_of(&tokens, &issuer.sign(Some("k1"), &claims));
    for good in [
        claims(),
        with("aud", json!(["other", "mail"])),
        with("exp", json!(now_s() - 30)),
        with("nbf", json!(now_s() + 30)),
        with("scope", json!(["mail"])),
        with("email_verified", json!(true)),
    ] {
        assert!(owner(good.clone()).is_some(), "{good}");
    }
    for bad in [
        with("iss", json!("https://other.example")),
        with("aud", json!("other")),
        with("exp", json!(now_s() - 90)),
        with("exp", Value::Null),
        with("nbf", json!(now_s() + 90)),
        with("scope", json!("email")),
        with("scope", Value::Null),
        with("email", Value::Null),
        with("email", json!(["tim@example.com"])),
        with("email_verified", json!(false)),
    ] {
        assert_eq!(owner(bad.clone()), None, "{bad}");
    }
}

/// The `kid` names one of the keys that there are, and is nothing else: no path, no address.
#[test]
fn keys_are_those_of_the_file() {
    let issuer = Issuer::new();
    let tokens = set("", &issuer.jwks).unwrap();
    for kid in [
        None,
        Some("k3"),
        Some("../../etc/passwd"),
        Some("https://evil.example/k1"),
        Some("k2"),
    ] {
        assert_eq!(owner_of(&tokens, &issuer.sign(kid, &claims())), None, "{kid:?}");
    }
    let stranger = Issuer::new();
    assert_eq!(owner_of(&tokens, &stranger.sign(Some("k1"), &claims())), None);
}

/// A token does not choose how it is checked: no signature at all, or one made with the public key as a shared secret.
#[test]
fn algorithms_are_those_of_the_operator() {
    let issuer = Issuer::new();
    let tokens = set("", &issuer.jwks).unwrap();
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for alg in ["none", "None", "HS256"] {
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": "k1"}).to_string());
        for signature in ["", "AAAA"] {
            let token = Secret(format!("{head}.{body}.{signature}"));
            assert_eq!(owner_of(&tokens, &token), None, "{alg}");
        }
    }
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".into());
    let shared = EncodingKey::from_secret(issuer.key.public_key_raw());
    let forged = encode(&header, &claims(), &shared).unwrap();
    assert_eq!(owner_of(&tokens, &Secret(forged)), None);
}

#[test]
fn what_is_no_token_is_refused() {
    let issuer = Issuer::new();
    let tokens = set("", &issuer.jwks).unwrap();
    let good = issuer.sign(Some("k1"), &claims()).0;
    let long = "x".repeat(TOKEN_LEN_MAX + 1);
    for bad in ["", ".", "..", "x.y.z", &good[1..], &good[..good.len() - 4], &long] {
        assert_eq!(owner_of(&tokens, &Secret(bad.into())), None, "{bad}");
    }
}

#[test]
fn a_file_without_a_usable_key_is_told_at_the_start() {
    let issuer = Issuer::new();
    for (more, jwks) in [
        ("", "no json"),
        ("", r#"{"keys": []}"#),
        ("algorithms = RS256\n", &issuer.jwks),
    ] {
        assert!(set(more, jwks).is_err(), "{jwks}");
    }
}

/// One key in PEM checks all tokens of its algorithm, whatever key they name.
#[test]
fn a_key_may_be_alone() {
    let issuer = Issuer::new();
    let of_pem = |more: &str, pem: &str| {
        let oauth = oauth(more);
        Ok::<_, String>(Tokens::new(&oauth, By::Keys(Keys::of_pem(&oauth, pem)?)))
    };
    let pem = issuer.key.public_key_pem();
    let tokens = of_pem("", &pem).unwrap();
    for kid in [None, Some("k1"), Some("../../etc/passwd")] {
        assert_eq!(
            owner_of(&tokens, &issuer.sign(kid, &claims())).as_deref(),
            Some("tim@example.com")
        );
        assert_eq!(owner_of(&tokens, &Issuer::new().sign(kid, &claims())), None);
    }
    assert_eq!(
        owner_of(&tokens, &issuer.sign(None, &with("aud", json!("other")))),
        None
    );
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".into());
    let forged = encode(&header, &claims(), &EncodingKey::from_secret(pem.as_bytes())).unwrap();
    assert_eq!(owner_of(&tokens, &Secret(forged)), None);
    for (more, pem) in [
        ("algorithms = RS256, EdDSA\n", pem.as_str()),
        ("", "no PEM"),
        ("", ""),
    ] {
        assert!(of_pem(more, pem).is_err(), "{more}{pem}");
    }
}
