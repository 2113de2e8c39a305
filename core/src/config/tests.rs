//! Configurations as an administrator writes them, and what the server says to them.

use super::*;

fn errors(text: &str) -> Vec<String> {
    let errors = parse("config.ini", text).expect_err("a fault is found");
    errors.iter().map(ToString::to_string).collect()
}

fn first_lines(text: &str) -> Vec<String> {
    errors(text)
        .iter()
        .filter_map(|error| error.lines().next().map(str::to_owned))
        .collect()
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for section in TABLE {
        for key in section.keys {
            let mut config = Config::default();
            assert!(
                config.set(section.name, key.name, key.default),
                "[{}] {}",
                section.name,
                key.name
            );
            assert_eq!(
                config.show(section.name, key.name).as_deref(),
                Some(key.default),
                "{}",
                key.name
            );
            config.open(section.name);
            let mut fresh = Config::default();
            fresh.open(section.name);
            assert_eq!(config, fresh, "[{}] {}", section.name, key.name);
        }
    }
}

#[test]
fn the_example_is_the_default_and_is_up_to_date() {
    let (read, fresh) = (
        parse("config.ini.example", &example()).unwrap(),
        Config::default(),
    );
    assert_eq!(describe(&read), describe(&fresh));
    let written = include_str!("../../../config.ini.example");
    if written != example() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config.ini.example");
        std::fs::write(path, example()).unwrap();
        panic!("config.ini.example was older than the table of settings; it is written anew, commit it");
    }
}

#[test]
fn the_example_with_its_marks_taken_off_is_read() {
    let active: String = example()
        .lines()
        .map(|line| {
            format!(
                "{}\n",
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with(' '))
                    .unwrap_or(line)
            )
        })
        .collect();
    let lacking = first_lines(&active);
    assert!(
        lacking
            .iter()
            .all(|error| error.ends_with("expected text") || error.contains("one of")),
        "{lacking:?}"
    );
}

#[test]
fn the_embedded_default() {
    let config = Config::default();
    let ports = [
        config.imap.port,
        config.imap.tls_port,
        config.pop3.port,
        config.pop3.tls_port,
        config.lmtp.port,
    ];
    assert_eq!(ports.map(|port| port.0), [1143, 1993, 1110, 1995, 1124].map(Some));
    assert_eq!(config.smtp_server.submissions_port, Port(Some(1465)));
    assert_eq!(config.lmtp_socket().as_deref(), Some("./data/lmtp.sock"));
    assert_eq!(
        (config.lmtp_message_size(), config.smtp_message_size()),
        (52_428_800, 52_428_800)
    );
    assert_eq!(
        (config.limits.imap_line, config.limits.literal),
        (65_536, 131_072)
    );
    assert!(config.database.is_none() && config.s3.is_none() && config.files().is_empty());
    assert_eq!(parse("empty", "").as_ref(), Ok(&config));
}

#[test]
fn an_administrators_file() {
    let text = "\u{feff}; mail\r\n[imap]\r\nport=143\r\ntls_port = off\r\n\n[lmtp]\nsocket = /run/lmtp.sock\nmax_message_size = 1000\n\
                [database]\npassword = \" p#;= \"\n[tls]\ncertificate = /etc/a.pem\nkey = b c.pem\n[s3]\nbucket = mail\n\
                [auth]\nmechanisms = Login , PLAIN,plain\n[imap]\nenabled = No\n";
    let config = parse("config.ini", text).unwrap();
    assert_eq!(
        (config.imap.port, config.imap.tls_port, config.imap.enabled),
        (Port(Some(143)), Port(None), false)
    );
    assert_eq!(
        (config.lmtp_socket().as_deref(), config.lmtp_message_size()),
        (Some("/run/lmtp.sock"), 1000)
    );
    assert_eq!(config.auth.mechanisms.0, ["Login", "PLAIN", "plain"]);
    let database = config.database.as_ref().unwrap();
    assert_eq!(
        (database.password.reveal(), database.port.0),
        (" p#;= ", Some(3306))
    );
    let files: Vec<_> = config
        .files()
        .into_iter()
        .map(|file| (file.section, file.key, file.line, file.path))
        .collect();
    assert_eq!(
        files,
        [
            ("tls", "certificate", 12, "/etc/a.pem".into()),
            ("tls", "key", 13, "b c.pem".into())
        ]
    );
}

#[test]
fn all_faults_are_shown_at_once() {
    let text = "[imap]\nprot = 143\nport = 14x3\nenabled = maybe\nhost\n[imp]\nport = 1\n[pop3\nport = 1\n[pop3]\nport = 1\nport = 2\n";
    assert_eq!(
        errors(text),
        [
            "config.ini:2: [imap] prot: unknown key; did you mean port?\n    prot = …\n    ^^^^  keys here: enabled, host, port, tls_port, unauthenticate, literal_plus",
            "config.ini:3: [imap] port: expected a port (0 to 65535) or off, such as 1143\n    port = 14x3\n           ^^^^",
            "config.ini:4: [imap] enabled: expected yes or no, such as yes\n    enabled = maybe\n              ^^^^^",
            "config.ini:5: expected key = value or [section]\n    host\n    ^^^^",
            "config.ini:6: [imp]: unknown section; did you mean imap?\n    [imp]\n    ^^^^^  sections: server, database, s3, tls, imap, pop3, lmtp, smtp_server, smtp, queue, dkim, api, antivirus, garbage, auth, oauth, limits, log",
            "config.ini:8: expected ] at the end of the section\n    [pop3\n    ^^^^^",
            "config.ini:12: [pop3] port: given again; first on line 11\n    port = 2\n    ^^^^",
        ]
    );
}

#[test]
fn faults_that_no_single_line_shows() {
    assert_eq!(
        first_lines(
            "[limits]\nmessage_size = 1000\nimap_line = 0\ndata_rate = 0\n[lmtp]\nmax_message_size = 1001\n\
             [s3]\nregion = x\n[tls]\ncertificate =\nkey = k\n[auth]\nbcrypt_cost = 17\nmechanisms = plain, cram-md5\n[queue]\nretry_minutes =\n\
             [database]\npassword = a\npassword_file = b\npool_size = 0\n"
        ),
        [
            "config.ini:3: [limits] imap_line: expected at least 1",
            "config.ini:6: [lmtp] max_message_size: it may only lower [limits] message_size, which is 1000",
            "config.ini:7: [s3]: bucket is missing",
            "config.ini:10: [tls] certificate: expected text",
            "config.ini:13: [auth] bcrypt_cost: expected 4 to 16",
            "config.ini:14: [auth] mechanisms: expected some of SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, EXTERNAL, OAUTHBEARER, XOAUTH2, PLAIN, LOGIN",
            "config.ini:16: [queue] retry_minutes: expected at least one number",
            "config.ini:19: [database] password_file: password is given too; one of them is enough",
            "config.ini:20: [database] pool_size: expected at least 1",
        ]
    );
    assert_eq!(
        first_lines("port = 1\n"),
        ["config.ini:1: port: a key in front of the first section"]
    );
    let whole = format!("[limits]\nmessage_size = {}\n", "9".repeat(500));
    assert_eq!(
        first_lines(&whole),
        ["config.ini:2: [limits] message_size: expected a whole number, such as 52428800"]
    );
    assert_eq!(first_lines("[log]\nlevel = +1\n[imap]\nhost = a\0b\n").len(), 2);
}

/// A file of another kind is no reason for thousands of errors, nor for one about what stands behind them.
#[test]
fn of_many_faults_the_first_are_shown() {
    let shown = first_lines(&("[tls]\n".to_owned() + &"nonsense\n".repeat(5_000)));
    assert_eq!(shown.len(), 100);
    assert!(
        shown
            .iter()
            .all(|line| line.ends_with("expected key = value or [section]"))
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "[database]\npassword = hunter2\n[s3]\nbucket = b\nsecret_key = hunter2\n";
    let config = parse("config.ini", text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let described = describe(&config);
    assert!(
        !described.contains("hunter2") && described.contains("password = ********\n"),
        "{described}"
    );
    let faults = "[database]\npasword = hunter2\npassword hunter2\npassword = hunter2\npassword = hunter2\n";
    let shown = parse("config.ini", faults).expect_err("three faults");
    assert_eq!(shown.len(), 3);
    assert!(!format!("{shown:?}").contains("hunter2"));
    assert!(!first_lines("secret_key = hunter2\n").concat().contains("hunter2"));
}

#[test]
fn what_is_described_reads_back() {
    let config = parse(
        "a",
        "[s3]\nbucket = \" b \"\n[lmtp]\nsocket =\n[queue]\nretry_minutes = 7,8\n",
    )
    .unwrap();
    let again = parse("b", &describe(&config)).unwrap();
    assert_eq!(describe(&again), describe(&config));
    assert_eq!(
        (again.s3.unwrap().bucket.as_str(), again.lmtp.socket),
        (" b ", None)
    );
}

#[test]
fn a_scanner_is_somewhere() {
    let at = |more: &str| first_lines(&format!("[antivirus]\nport = off\n{more}"));
    let nowhere =
        "config.ini:2: [antivirus] port: expected the port of clamd, or its socket in place of host and port";
    assert_eq!(at("enabled = yes\n"), [nowhere]);
    for right in ["", "enabled = yes\nsocket = /run/clamav/clamd.ctl\n"] {
        assert!(
            parse("config.ini", &format!("[antivirus]\nport = off\n{right}")).is_ok(),
            "{right}"
        );
    }
}

#[test]
fn authorities_that_nobody_would_ask_are_refused() {
    let s3 = "[s3]\nbucket = b\nca_file = ca.pem\n";
    let database = "[database]\nca_file = ca.pem\n";
    assert_eq!(
        first_lines(&format!(
            "{database}tls = require\n{s3}endpoint = http://127.0.0.1:9000\n"
        )),
        [
            "config.ini:2: [database] ca_file: it is of use with tls = verify only",
            "config.ini:6: [s3] ca_file: it is of use with an endpoint that begins with https:// only",
        ]
    );
    for s3_endpoint in ["", "endpoint = HTTPS://127.0.0.1:9000\n"] {
        let right = format!("{database}tls = verify\n{s3}{s3_endpoint}");
        let files = parse("config.ini", &right).unwrap().files();
        assert_eq!(files.len(), 2, "both must be there at start");
    }
}

#[test]
fn two_listeners_on_one_port_are_told_at_the_one_that_was_set() {
    let wrong = first_lines("[imap]\nport = 1124\n");
    assert_eq!(
        wrong,
        ["config.ini:2: [imap] port: [imap] port and [lmtp] port are both 127.0.0.1:1124"]
    );
    for right in [
        "[imap]\nport = 0\ntls_port = 0\n",
        "[imap]\nport = 1124\n[lmtp]\nenabled = no\n",
        "[imap]\nport = 1124\nhost = 127.0.0.2\n",
    ] {
        assert!(parse("config.ini", right).is_ok(), "{right}");
    }
}

/// Tokens are checked in one way, which has all that it needs; a client's password crosses no network in the clear.
#[test]
fn one_way_to_check_tokens() {
    let ways = "expected exactly one of jwks_file, key_file and introspection_url";
    let user = "introspection_user = u\n";
    let told = |more: &str| first_lines(&format!("[oauth]\nissuer = i\naudience = a\n{more}"));
    for good in [
        "jwks_file = k\n".into(),
        "key_file = k\n".into(),
        format!("introspection_url = https://as.example/i\n{user}introspection_password = p\n"),
        format!("introspection_url = http://127.0.0.1:8080/i\n{user}introspection_password_file = p\n"),
        format!("introspection_url = http://[::1]:8080\n{user}introspection_ca_file = c\n"),
        format!("introspection_url = http://localhost/i\n{user}"),
    ] {
        let whole = format!("[oauth]\nissuer = i\naudience = a\n{good}");
        assert!(parse("config.ini", &whole).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", format!("config.ini:2: [oauth] issuer: {ways}")),
        ("jwks_file = k\nkey_file = k\n", format!("config.ini:5: [oauth] key_file: {ways}")),
        (
            "introspection_url = https://as.example/\n",
            "config.ini:4: [oauth] introspection_url: introspection_user is missing".into(),
        ),
        (
            "jwks_file = k\nintrospection_user = u\n",
            "config.ini:5: [oauth] introspection_user: introspection_url is missing".into(),
        ),
        (
            "introspection_user = u\nintrospection_url = https://as.example/\n\
             introspection_password = p\nintrospection_password_file = f\n",
            "config.ini:7: [oauth] introspection_password_file: introspection_password is given too; one of them is enough".into(),
        ),
    ] {
        assert_eq!(told(bad), [why], "{bad}");
    }
    for url in [
        "http://as.example/",
        "http://127.0.0.1.example/",
        "http://localhost@as.example/",
        "http://localhost:1@as.example/",
        "https://",
        "https://user:password@as.example/",
        "as.example",
    ] {
        let told = told(&format!("introspection_url = {url}\n{user}"));
        let why = "config.ini:4: [oauth] introspection_url: expected https://…, or http:// to this machine";
        assert_eq!(told, [why], "{url}");
    }
}

/// SCRAM checks no app password, and no account of which only a bcrypt hash is known: a client that prefers it would be locked out.
#[test]
fn what_is_offered_by_default_works_for_every_account() {
    assert_eq!(Config::default().auth.mechanisms.0, ["PLAIN", "LOGIN"]);
}
