//! The client's side of SCRAM's arithmetic (RFC 5802, 3), so that a transcript can prove a password and check the server's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lightmail_core::sasl::scram::Hash;

/// What follows from a password and from what was said.
#[derive(Debug, PartialEq, Eq)]
pub struct Proven {
    /// `ClientProof` in base64.
    pub proof: String,
    /// `ServerSignature` in base64.
    pub signature: String,
}

/// Computes both from `AuthMessage`: the client's first message without its header, the server's, and the client's last without
/// its proof, commas between them. `None`: it holds no salt or no number of iterations.
pub fn prove(hash: Hash, password: &[u8], messages: &str) -> Option<Proven> {
    let attribute = |key| messages.split(',').find_map(|piece| piece.strip_prefix(key));
    let salt = STANDARD.decode(attribute("s=")?).ok()?;
    let salted = hash.salted(password, &salt, attribute("i=")?.parse().ok()?);
    let client_key = hash.hmac(&salted, b"Client Key");
    let signature = hash.hmac(&hash.of(&client_key), messages.as_bytes());
    let proof: Vec<u8> = client_key
        .iter()
        .zip(&signature)
        .map(|(key, sign)| key ^ sign)
        .collect();
    let server_key = hash.hmac(&salted, b"Server Key");
    Some(Proven {
        proof: STANDARD.encode(proof),
        signature: STANDARD.encode(hash.hmac(&server_key, messages.as_bytes())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5802, 5, and RFC 7677, 3.
    #[test]
    fn the_examples_of_the_texts() {
        for (hash, messages, proof, signature) in [
            (
                Hash::Sha1,
                "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,\
                 c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                Hash::Sha256,
                "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                 c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ] {
            let proven = prove(hash, b"pencil", messages).unwrap();
            assert_eq!((&*proven.proof, &*proven.signature), (proof, signature));
        }
    }

    #[test]
    fn without_salt_nothing_is_proven() {
        assert_eq!(
            prove(Hash::Sha1, b"pencil", "n=user,r=a,r=ab,i=4096,c=biws,r=ab"),
            None
        );
        assert_eq!(
            prove(Hash::Sha1, b"pencil", "n=user,r=a,r=ab,s=QQ==,i=x,c=biws,r=ab"),
            None
        );
    }
}
