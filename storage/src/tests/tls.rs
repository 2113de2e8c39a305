//! TLS as a client: to the database, whose server has a certificate of its own authority for the name `localhost`.

use std::sync::Arc;

use futures_lite::future::block_on;
use lightmail_core::config::{Database, DatabaseTls, FilePath, Port};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sqlx::Row;

use super::proxy::Proxy;
use super::scratch::Scratch;
use super::server::{TestDatabase, fact};
use super::town::{Kind, Town};
use crate::sql::conn::Conn;
use crate::sql::trouble::Trouble;
use crate::{OpenError, Storage};

/// An authority that nobody trusts who is not told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be told apart by their signatures alone.
        let name = super::town::object_id().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server of this name.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }
}

/// What is asked of a connection, by its way and what it must be.
struct Wish {
    host: Option<&'static str>,
    tls: DatabaseTls,
    ca_file: Option<String>,
}

/// The cipher of a connection to the tests' server, as that server tells it; empty: none.
async fn cipher(wish: Wish) -> Result<String, OpenError> {
    let (server, scratch) = (TestDatabase::new().await, Scratch::new());
    let mut config = server.config(scratch.path());
    wish.change(config.database.as_mut().unwrap());
    let storage = Storage::open(&config).await?;
    let mut conn = storage.inner().database.writer().await.unwrap();
    let Conn::MySql(conn) = &mut conn else { panic!() };
    let row = sqlx::query("SHOW STATUS LIKE 'Ssl_cipher'")
        .fetch_one(conn)
        .await
        .unwrap();
    Ok(row.get(1))
}

impl Wish {
    fn change(self, database: &mut Database) {
        if let Some(host) = self.host {
            (database.socket, database.host) = (None, host.to_owned());
            database.port = Port(fact("PORT").parse().ok());
        }
        database.tls = self.tls;
        database.ca_file = self.ca_file.map(FilePath);
    }
}

#[test]
fn a_connection_to_the_database_is_as_encrypted_as_tls_says() {
    let by = |host, tls| Wish {
        host,
        tls,
        ca_file: None,
    };
    block_on(async {
        let address = Some("127.0.0.1");
        assert_eq!(cipher(by(address, DatabaseTls::Off)).await.unwrap(), "");
        for (host, tls) in [
            (address, DatabaseTls::Prefer),
            (address, DatabaseTls::Require),
            (None, DatabaseTls::Prefer),
            (None, DatabaseTls::Require),
        ] {
            let cipher = cipher(by(host, tls)).await.unwrap();
            assert!(cipher.starts_with("TLS_"), "{host:?} {tls:?}: {cipher}");
        }
    });
}

#[test]
fn verify_wants_the_right_authority_and_the_right_name() {
    let scratch = Scratch::new();
    let other = scratch.path().join("other.pem");
    std::fs::write(&other, Authority::new().pem()).unwrap();
    let verify = |host, ca_file| Wish {
        host: Some(host),
        tls: DatabaseTls::Verify,
        ca_file,
    };
    let (right, wrong) = (Some(fact("CA")), Some(other.display().to_string()));
    block_on(async {
        let cipher_of = cipher(verify("localhost", right.clone())).await.unwrap();
        assert!(cipher_of.starts_with("TLS_"), "{cipher_of}");
        for (wish, why) in [
            (verify("localhost", wrong), "UnknownIssuer"),
            (verify("localhost", None), "UnknownIssuer"),
            (verify("127.0.0.1", right), "not valid for name"),
        ] {
            let told = cipher(wish).await.unwrap_err().to_string();
            for word in [why, "correct [database] tls, host or ca_file"] {
                assert!(told.contains(word), "{word}: {told}");
            }
        }
        let missing = verify("localhost", Some("/nowhere/ca.pem".into()));
        let told = cipher(missing).await.unwrap_err().to_string();
        assert!(told.contains("[database] ca_file: /nowhere/ca.pem"), "{told}");
    });
}

/// A server that speaks no TLS, or somebody on the way who says so for it.
#[test]
fn a_connection_that_must_be_encrypted_is_not_made_without() {
    block_on(async {
        let mut town = Town::new(Kind::MySql).await;
        let proxy = Proxy::without_tls();
        let mut config = town.server.as_ref().unwrap().config(town.path());
        let database = config.database.as_mut().unwrap();
        (database.socket, database.port) = (None, Port(Some(proxy.port())));
        for tls in [DatabaseTls::Require, DatabaseTls::Verify] {
            config.database.as_mut().unwrap().tls = tls;
            let told = Storage::open(&config).await.unwrap_err().to_string();
            assert!(told.contains("correct [database] tls"), "{tls:?}: {told}");
        }
        config.database.as_mut().unwrap().tls = DatabaseTls::Prefer;
        town.storage = Storage::open(&config).await.unwrap();
        let home = town.settle("a@example.com").await;
        assert!(town.deliver("Subject: x\r\n\r\n", &[home]).await.unwrap()[0].is_ok());
    });
}

/// A certificate that ends while the server runs is told as what it is.
#[test]
fn a_certificate_that_is_trusted_no_more_is_told() {
    block_on(async {
        let mut town = Town::new(Kind::MySql).await;
        let file = town.path().join("ca.pem");
        std::fs::copy(fact("CA"), &file).unwrap();
        let mut config = town.server.as_ref().unwrap().config(town.path());
        let verify = Wish {
            host: Some("localhost"),
            tls: DatabaseTls::Verify,
            ca_file: Some(file.display().to_string()),
        };
        verify.change(config.database.as_mut().unwrap());
        town.storage = Storage::open(&config).await.unwrap();
        std::fs::write(&file, Authority::new().pem()).unwrap();
        let error = town.storage.inner().database.writer().await.unwrap_err();
        assert_eq!(Trouble::of(&error), Trouble::Distrust, "{error}");
        assert!(Trouble::Distrust.remedy().unwrap().contains("ca_file"));
    });
}
