//! The one table of settings. It makes the types, the defaults, the reader, its suggestions, `config.ini.example` and what
//! `lightmail config show` prints: a key is declared here and nowhere else.

use super::ini::Origin;
use super::value::*;

/// A section of the table.
pub(super) struct Section {
    pub name: &'static str,
    pub about: &'static [&'static str],
    /// The section's absence says something: see `about`.
    pub optional: bool,
    pub keys: &'static [Key],
}

/// A key of the table.
pub(super) struct Key {
    pub name: &'static str,
    pub about: &'static [&'static str],
    pub default: &'static str,
    pub expected: &'static str,
    pub secret: bool,
    pub file: bool,
}

macro_rules! slot {
    (always type $type:ident) => { $type };
    (optional type $type:ident) => { Option<$type> };
    (always is) => { false };
    (optional is) => { true };
    (always open $slot:expr) => { &mut $slot };
    (optional open $slot:expr) => { $slot.get_or_insert_default() };
    (always get $slot:expr) => { Some(&$slot) };
    (optional get $slot:expr) => { $slot.as_ref() };
}

macro_rules! table {
    ($(
        $(#[doc = $about:literal])+
        $presence:ident [$section:ident] $type:ident {
            $($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:literal;)+
        }
    )+) => {
        /// All settings. Each field is a section of the file; an `Option` tells whether the section is there.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Config {
            $($(#[doc = $about])+ pub $section: slot!($presence type $type),)+
            /// Where each key that was given stands.
            pub(super) origins: Vec<Origin>,
        }

        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq)]
            pub struct $type {
                $($(#[doc = $doc])+ pub $key: $kind,)+
            }

            impl Default for $type {
                fn default() -> $type {
                    $type { $($key: <$kind as Value>::read($default).unwrap_or_default(),)+ }
                }
            }
        )+

        pub(super) static TABLE: &[Section] = &[$(Section {
            name: stringify!($section),
            about: &[$($about),+],
            optional: slot!($presence is),
            keys: &[$(Key {
                name: stringify!($key),
                about: &[$($doc),+],
                default: $default,
                expected: <$kind as Value>::EXPECTED,
                secret: <$kind as Value>::SECRET,
                file: <$kind as Value>::FILE,
            }),+],
        }),+];

        impl Config {
            /// Makes an optional section be there.
            pub(super) fn open(&mut self, section: &str) {
                $(if section == stringify!($section) {
                    let _: &mut $type = slot!($presence open self.$section);
                })+
            }

            /// Sets a key of the table; whether the text is of its kind.
            pub(super) fn set(&mut self, section: &str, key: &str, text: &str) -> bool {
                $($(if section == stringify!($section) && key == stringify!($key) {
                    return match Value::read(text) {
                        Some(value) => {
                            let section: &mut $type = slot!($presence open self.$section);
                            section.$key = value;
                            true
                        }
                        None => false,
                    };
                })+)+
                false
            }

            /// The text of a key's value; `None` if its section is not there.
            pub(super) fn show(&self, section: &str, key: &str) -> Option<String> {
                $($(if section == stringify!($section) && key == stringify!($key) {
                    let section: Option<&$type> = slot!($presence get self.$section);
                    return section.map(|section| section.$key.show());
                })+)+
                None
            }
        }
    };
}

table! {
    /// The server as a whole.
    always [server] Server {
        /// The name by which the server greets and signs. Empty: the machine's name.
        hostname: Option<String> = "";
        /// The folder of everything that is kept on this machine.
        data_dir: String = "./data";
        /// How long sessions may go on when the server stops.
        drain_seconds: u32 = "10";
        /// Where other nodes on the same database send hints of changes: host:port. Empty: no hints.
        node_address: Option<String> = "";
        /// How often changes by other nodes and by commands are looked for; a hint comes sooner.
        poll_seconds: u32 = "1";
        /// Resolvers to ask, by address. Empty: those of the system.
        dns_servers: List<String> = "";
        /// Whether the resolvers validate DNSSEC and the way to them is safe, so that their word counts (DANE).
        trust_dnssec: bool = "no";
    }

    /// MySQL or MariaDB for all metadata. Without this section: SQLite in data_dir.
    optional [database] Database {
        /// The server's name or address; or socket.
        host: String = "127.0.0.1";
        /// The server's port.
        port: Port = "3306";
        /// The server's UNIX socket, instead of host and port.
        socket: Option<String> = "";
        /// The user.
        user: String = "lightmail";
        /// The password; or password_file.
        password: Secret = "";
        /// A file whose first line is the password, instead of password.
        password_file: Option<FilePath> = "";
        /// The database.
        database: String = "maildb";
        /// Encryption: off, prefer, require or verify.
        tls: DatabaseTls = "prefer";
        /// The authorities that verify trusts, PEM. Empty: those of this system.
        ca_file: Option<FilePath> = "";
        /// How many connections are held at most.
        pool_size: u32 = "10";
    }

    /// An S3 bucket for all bodies. Without this section: a folder in data_dir.
    optional [s3] S3 {
        /// The service's URL. Empty: AWS, by region.
        endpoint: Option<String> = "";
        /// The region.
        region: String = "us-east-1";
        /// The bucket. Needed.
        bucket: String = "";
        /// The authorities whose certificate the service must have, PEM. Empty: those that this system trusts.
        ca_file: Option<FilePath> = "";
        /// The access key's id. Empty: from the environment, with its secret.
        access_key: Option<String> = "";
        /// The access key's secret.
        secret_key: Secret = "";
        /// The bucket is part of the path and not of the host's name.
        path_style: bool = "yes";
        /// What stands before each object's key.
        prefix: String = "";
        /// A folder for copies of objects that are read often. Empty: no copies.
        cache_dir: Option<String> = "";
        /// How many octets of copies are kept.
        cache_bytes: u64 = "1073741824";
    }

    /// Certificates, read anew at SIGHUP. Without this section: a self-signed certificate, made at first start in data_dir.
    optional [tls] Tls {
        /// The certificate and its chain, PEM.
        certificate: Option<FilePath> = "";
        /// The certificate's private key, PEM.
        key: Option<FilePath> = "";
        /// A folder with NAME.crt and NAME.key for each further server name (SNI).
        certificates_dir: Option<FilePath> = "";
        /// Certificates, PEM, of those who may vouch for clients: a client may then show a certificate of its own and log in by it
        /// (EXTERNAL). Empty: none is asked for.
        client_ca: Option<FilePath> = "";
    }

    /// IMAP.
    always [imap] Imap {
        /// Whether it is served.
        enabled: bool = "yes";
        /// The address to listen on.
        host: String = "127.0.0.1";
        /// The port, with STARTTLS.
        port: Port = "1143";
        /// The port with TLS from the first octet.
        tls_port: Port = "1993";
        /// Whether a client may log out and in again on one connection (UNAUTHENTICATE). No, where a proxy in front of the server
        /// lets clients speak to it directly once they have logged in.
        unauthenticate: bool = "yes";
        /// Whether clients may send literals of any size unasked (LITERAL+), or only those of up to 4096 octets (LITERAL-).
        literal_plus: bool = "yes";
    }

    /// POP3.
    always [pop3] Pop3 {
        /// Whether it is served.
        enabled: bool = "yes";
        /// The address to listen on.
        host: String = "127.0.0.1";
        /// The port, with STLS.
        port: Port = "1110";
        /// The port with TLS from the first octet.
        tls_port: Port = "1995";
    }

    /// LMTP: where a mail transfer agent such as Postfix delivers.
    always [lmtp] Lmtp {
        /// Whether it is served.
        enabled: bool = "yes";
        /// The UNIX socket, relative to data_dir. Empty: none.
        socket: Option<String> = "lmtp.sock";
        /// The user that owns the socket, by name or number. Empty: the server's own; only root may give it to another.
        socket_owner: Option<String> = "";
        /// The group that may connect to the socket, by name or number. Empty: the server's own.
        socket_group: Option<String> = "";
        /// The address to listen on.
        host: String = "127.0.0.1";
        /// The port.
        port: Port = "1124";
        /// Octets of one message. It may only lower [limits] message_size. Empty: the same.
        max_message_size: Option<u64> = "";
    }

    /// SMTP: mail from other servers, and submission by users.
    always [smtp_server] SmtpServer {
        /// Whether it is served.
        enabled: bool = "yes";
        /// The address to listen on.
        host: String = "127.0.0.1";
        /// The port for other servers.
        port: Port = "1025";
        /// The port for users, with STARTTLS.
        submission_port: Port = "1587";
        /// The port for users with TLS from the first octet.
        submissions_port: Port = "1465";
        /// Whether users send under addresses of their own only, in the envelope and in From.
        sender_check: bool = "yes";
        /// Octets of one message. It may only lower [limits] message_size. Empty: the same.
        max_message_size: Option<u64> = "";
    }

    /// The relay that takes all outbound mail. Without this section: mail goes straight to the hosts of its domains.
    optional [smtp] Smtp {
        /// The relay's name or address. Needed.
        host: String = "";
        /// Its port.
        port: Port = "587";
        /// The user. Empty: no login.
        user: Option<String> = "";
        /// The password.
        password: Secret = "";
        /// Encryption: starttls, implicit or off.
        tls: RelayTls = "starttls";
    }

    /// Outbound mail that waits.
    always [queue] Queue {
        /// Minutes between tries; the last counts for all that follow.
        retry_minutes: List<u32> = "5, 10, 20, 40, 80, 160, 240";
        /// After how many hours mail goes back to its sender.
        expire_hours: u32 = "120";
        /// How many connections one domain may get at a time.
        per_domain_connections: u32 = "5";
    }

    /// Signing of outbound mail. Without this section: none.
    optional [dkim] Dkim {
        /// The name of the key in the DNS. Needed.
        selector: String = "";
        /// The private key, PEM. Needed.
        key: Option<FilePath> = "";
        /// The domain that signs. Empty: that of the sender.
        domain: Option<String> = "";
    }

    /// The Admin API, over HTTP.
    always [api] Api {
        /// Whether it is served.
        enabled: bool = "yes";
        /// The address to listen on.
        host: String = "127.0.0.1";
        /// The port.
        port: Port = "8080";
    }

    /// Scanning by clamd.
    always [antivirus] Antivirus {
        /// Whether messages are scanned.
        enabled: bool = "no";
        /// The name or address of clamd; or socket.
        host: String = "127.0.0.1";
        /// The port of clamd.
        port: Port = "3310";
        /// The UNIX socket of clamd, instead of host and port.
        socket: Option<String> = "";
        /// What becomes of an infected message: reject, quarantine or tag.
        mode: AntivirusMode = "reject";
        /// What becomes of a message that cannot be scanned: tempfail or accept.
        on_failure: OnFailure = "tempfail";
    }

    /// Removal of what was deleted.
    always [garbage] Garbage {
        /// How many messages one round removes.
        batch_size: u32 = "100";
        /// How long the worker rests when there was nothing.
        idle_seconds: u32 = "60";
        /// How long it rests between two rounds.
        pause_seconds: u32 = "5";
        /// How long deleted mail is kept.
        grace_hours: u32 = "24";
    }

    /// Logins.
    always [auth] Auth {
        /// The work of hashing a password: 4 to 16, each step doubles it; 12 is a quarter of a second, 16 some seconds.
        bcrypt_cost: u32 = "12";
        /// Where passwords may cross in the clear: loopback, never or always.
        plaintext: Plaintext = "loopback";
        /// How many wrong passwords a network (an IPv4 address, a /64 of IPv6) or a name may give before it has to wait.
        attempts_per_minute: u32 = "10";
        /// SASL mechanisms that are offered: PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1 (with -PLUS), EXTERNAL, OAUTHBEARER, XOAUTH2. SCRAM
        /// works for a password that was set here, or has been used once by another mechanism, and for no app password; so it is not
        /// offered unless it is named here.
        mechanisms: List<String> = "PLAIN, LOGIN";
    }

    /// Log-in by tokens of an authorization server (OAUTHBEARER, XOAUTH2). Without this section: none. Exactly one of jwks_file, key_file
    /// and introspection_url is needed: with the former two, tokens are JWTs and are checked here; with the latter, the server is asked.
    optional [oauth] OAuth {
        /// The authorization server, as its tokens name it (iss). Needed.
        issuer: String = "";
        /// This server, as tokens name it (aud). Needed.
        audience: String = "";
        /// The server's public keys: a JSON Web Key Set, taken anew with each start.
        jwks_file: Option<FilePath> = "";
        /// The server's public key, if it has but one: PEM, taken anew with each start.
        key_file: Option<FilePath> = "";
        /// Where the server tells what a token is (RFC 7662): https, or http to this machine. What it says is believed for a minute.
        introspection_url: Option<String> = "";
        /// The name by which this server asks there. Needed for it.
        introspection_user: Option<String> = "";
        /// The password; or introspection_password_file.
        introspection_password: Secret = "";
        /// A file whose first line is the password, instead of introspection_password.
        introspection_password_file: Option<FilePath> = "";
        /// The authorities, PEM, that introspection_url's certificate may come from. Empty: those of this system.
        introspection_ca_file: Option<FilePath> = "";
        /// The algorithms that JWTs may be signed with: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA.
        algorithms: List<String> = "RS256, ES256";
        /// The claim that holds the login name: of JWTs often email, of an answer of introspection_url often username.
        login_claim: String = "email";
        /// A scope that tokens must have. Empty: any.
        scope: Option<String> = "";
        /// How much the clocks may differ.
        leeway_seconds: u32 = "60";
    }

    /// What one peer may cost. Sizes are in octets. What shapes stored mail (names, keywords, MIME) is the same on every node
    /// and no setting.
    always [limits] Limits {
        /// One message, whoever brings it: what SIZE and APPENDLIMIT say.
        message_size: u64 = "52428800";
        /// A command line before login.
        login_line: usize = "8192";
        /// A whole IMAP command before login, its literals included.
        login_command: usize = "8192";
        /// A literal before login.
        login_literal: u64 = "4096";
        /// Literals in a command before login.
        login_literals: usize = "2";
        /// What all connections before login hold together; beyond, the oldest is sent away.
        login_memory: u64 = "67108864";
        /// An IMAP line after login.
        imap_line: usize = "65536";
        /// A whole IMAP command, all literals but those of APPEND included.
        imap_command: usize = "1048576";
        /// A literal, but those of APPEND.
        literal: u64 = "131072";
        /// Literals in a command, but those of APPEND.
        literals: usize = "100";
        /// A command line of SMTP and LMTP.
        smtp_line: usize = "4096";
        /// Bad commands before each further one is answered late.
        bad_commands_soft: u32 = "10";
        /// How late.
        bad_command_delay_seconds: u32 = "1";
        /// Bad commands before the connection is closed.
        bad_commands: u32 = "20";
        /// NOOP, RSET and VRFY in a session.
        idle_commands: u32 = "100";
        /// Recipients of a message that a user submits, or that comes over LMTP.
        recipients: u32 = "1000";
        /// Recipients of a message from another server.
        inbound_recipients: u32 = "100";
        /// Received fields before a message counts as looping; RFC 5321, 6.3 asks for 100 at least.
        hops: u32 = "100";
        /// Connections.
        connections: u32 = "10000";
        /// The part of them that is kept for those that have logged in.
        connections_reserve_percent: u32 = "10";
        /// Connections of one address before login.
        address_connections: u32 = "20";
        /// Connections of one account, on one node.
        account_connections: u32 = "30";
        /// From greeting to login.
        login_seconds: u32 = "30";
        /// For a TLS handshake.
        tls_seconds: u32 = "10";
        /// Octets a second that a message must come at over SMTP and LMTP. 0: any.
        data_rate: u32 = "500";
        /// How much longer than that a message may take.
        data_rate_after_seconds: u32 = "30";
        /// Threads that hash passwords. Empty: half of the processors.
        bcrypt_threads: Option<u32> = "";
        /// Passwords that wait to be hashed.
        bcrypt_queue: u32 = "64";
        /// How long a password that was right is known again without hashing.
        password_cache_seconds: u32 = "60";
    }

    /// The log, on standard error.
    always [log] Log {
        /// The least grave events in it: error, warn, info, debug or trace.
        level: LogLevel = "info";
        /// The shape of its lines: human or json.
        format: LogFormat = "human";
        /// Octets that are kept of the beginning of each session, to be written to data_dir/records if the session breaks, for
        /// lightmail replay. 0: none.
        record_size: usize = "65536";
    }
}
