//! What a server says on standard output when it begins to serve: where, with which configuration, and, the first time, how to
//! send and read a first mail.

use std::fmt;

use crate::admin::FIRST_LOGIN;
use crate::config::Config;
use crate::machine::Secret;

/// The text of a start.
#[derive(Debug)]
pub struct Announcement<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The file it was read from; `None`: the embedded default.
    pub file: Option<&'a str>,
    /// Protocol and place of each open door.
    pub doors: &'a [(String, String)],
    /// The certificate that is shown where no name fits.
    pub certificate: &'a str,
    /// The password of the first account, if this start made it.
    pub first_password: Option<&'a Secret>,
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, .. } = self;
        let hostname = config.hostname();
        writeln!(f, "LightMail {} serves {hostname}", env!("CARGO_PKG_VERSION"))?;
        let file = self.file.unwrap_or("none, so the embedded default");
        writeln!(f, "  configuration  {file}")?;
        writeln!(f, "  data           {}", config.server.data_dir)?;
        for (proto, place) in self.doors {
            writeln!(f, "  {proto:<13}  {place}")?;
        }
        writeln!(f, "  certificate    {}", self.certificate)?;
        for section in not_served(config) {
            writeln!(
                f,
                "  {section:<13}  configured, but this version has no such server yet"
            )?;
        }
        if let Some(Secret(password)) = self.first_password {
            first_mail(f, config, password, &self.again())?;
        }
        f.write_str("\nReady. SIGTERM or Ctrl-C stops it.\n")
    }
}

impl Announcement<'_> {
    /// The options by which another command finds the same configuration and data.
    fn again(&self) -> String {
        let file = self.file.map(|file| format!(" --config {file}"));
        let data_dir = &self.config.server.data_dir;
        let elsewhere = *data_dir != Config::default().server.data_dir;
        let data = (elsewhere && file.is_none()).then(|| format!(" --data {data_dir}"));
        file.or(data).unwrap_or_default()
    }
}

fn first_mail(f: &mut fmt::Formatter<'_>, config: &Config, password: &str, again: &str) -> fmt::Result {
    write!(
        f,
        "\nA first account: {FIRST_LOGIN}\n       password: {password}   (shown this once; `lightmail user passwd {FIRST_LOGIN}{again}` sets another)\n\n"
    )?;
    let port = config
        .lmtp
        .port
        .0
        .map(|port| format!("--server {}:{port}", config.lmtp.host));
    let lmtp = port.or_else(|| config.lmtp_socket().map(|path| format!("--socket {path}")));
    if let Some(lmtp) = lmtp.filter(|_| config.lmtp.enabled) {
        writeln!(
            f,
            "Send a first mail:  swaks --protocol LMTP {lmtp} --from me@example.org --to {FIRST_LOGIN}"
        )?;
    }
    if let Some(port) = config.imap.port.0.filter(|_| config.imap.enabled) {
        let host = &config.imap.host;
        writeln!(
            f,
            "Read it:            curl -u '{FIRST_LOGIN}:{password}' 'imap://{host}:{port}/INBOX;MAILINDEX=*'"
        )?;
    }
    Ok(())
}

/// What the configuration asks for and this version does not do.
pub fn not_served(config: &Config) -> Vec<&'static str> {
    let asked = [
        ("[smtp]", config.smtp.is_some()),
        ("[queue]", config.names("queue")),
        ("[dkim]", config.dkim.is_some()),
        ("[api]", config.names("api")),
    ];
    asked
        .into_iter()
        .filter(|(_, asked)| *asked)
        .map(|(section, _)| section)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn it_says_all_that_one_needs_for_a_first_mail() {
        let config = config::parse(
            "c",
            "[server]\nhostname = mail.test\n[api]\nenabled = yes\n[garbage]\nbatch_size = 5\n",
        )
        .unwrap();
        let password = Secret("pass".into());
        let mut announcement = Announcement {
            config: &config,
            file: Some("/c.ini"),
            doors: &[("imap".into(), "127.0.0.1:1143".into())],
            certificate: "./data/tls.crt (self-signed)",
            first_password: Some(&password),
        };
        let said = announcement.to_string();
        for part in [
            " serves mail.test\n  configuration  /c.ini\n  data           ./data\n  imap           127.0.0.1:1143\n  certificate    ./data/tls.crt (self-signed)\n",
            "  [api]          configured, but",
            "\n       password: pass   (shown this once;",
            "--server 127.0.0.1:1124 --from me@example.org --to user@example.com\n",
            "curl -u 'user@example.com:pass' 'imap://127.0.0.1:1143/INBOX;MAILINDEX=*'\n",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        assert!(said.ends_with("\nReady. SIGTERM or Ctrl-C stops it.\n"));
        let config = config::parse(
            "c",
            "[lmtp]\nport = off\nsocket = /run/l.sock\n[imap]\nenabled = no\n",
        )
        .unwrap();
        announcement.config = &config;
        let said = announcement.to_string();
        assert!(
            said.contains("--protocol LMTP --socket /run/l.sock --from"),
            "{said}"
        );
        assert!(!said.contains("curl"), "{said}");
        (announcement.file, announcement.first_password) = (None, None);
        let said = announcement.to_string();
        assert!(
            said.contains("none, so the embedded default") && !said.contains("password"),
            "{said}"
        );
    }
}
