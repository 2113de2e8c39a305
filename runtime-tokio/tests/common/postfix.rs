//! A Postfix of a test's own: its queue, its logs and its port are nobody else's. It delivers to a server's LMTP socket.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{free_port, run};

/// A running Postfix, stopped when dropped.
pub struct Postfix {
    folder: PathBuf,
    /// Where it takes mail over SMTP.
    pub port: u16,
}

/// What runs. Nothing is in a chroot, as the socket lies outside.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// One that delivers mail for `example.com` to the socket, with more lines of its `main.cf`. It tries again after a second or two.
    pub fn start(folder: &Path, socket: &Path, more: &str) -> Self {
        let postfix = Self {
            folder: folder.to_owned(),
            port: free_port(),
        };
        for below in ["etc", "queue", "data"] {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        run(Command::new("chown").arg(mail_owner()).arg(folder.join("data")));
        fs::write(folder.join("etc/main.cf"), postfix.settings(socket, more)).unwrap();
        let smtpd = format!("127.0.0.1:{} inet n - n - - smtpd\n", postfix.port);
        fs::write(folder.join("etc/master.cf"), smtpd + SERVICES).unwrap();
        run(&mut postfix.command("start"));
        postfix
    }

    fn settings(&self, socket: &Path, more: &str) -> String {
        format!(
            "compatibility_level = 3.6\n\
             queue_directory = {0}/queue\n\
             data_directory = {0}/data\n\
             maillog_file = {0}/mail.log\n\
             maillog_file_prefixes = {0}\n\
             mail_owner = {owner}\n\
             setgid_group = postdrop\n\
             myhostname = mx.test\n\
             mydestination =\n\
             mynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             alias_maps =\n\
             local_recipient_maps =\n\
             virtual_mailbox_domains = example.com\n\
             virtual_transport = lmtp:unix:{socket}\n\
             smtpd_recipient_restrictions = reject_unauth_destination, reject_unverified_recipient, permit\n\
             unverified_recipient_reject_code = 550\n\
             address_verify_map =\n\
             address_verify_poll_delay = 1s\n\
             minimal_backoff_time = 1s\n\
             maximal_backoff_time = 2s\n\
             queue_run_delay = 1s\n\
             {more}\n",
            self.folder.display(),
            owner = mail_owner(),
            socket = socket.display(),
        )
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("mail.log")).unwrap_or_default()
    }

    fn command(&self, what: &str) -> Command {
        let mut command = as_root("postfix");
        command.arg("-c").arg(self.folder.join("etc")).arg(what);
        command
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = self.command("stop").output();
    }
}

/// Who runs the parts of Postfix that speak to the server: its own user if root starts it, or else ours, who may use our socket.
pub fn mail_owner() -> String {
    match user().as_str() {
        "root" => "postfix".to_owned(),
        user => user.to_owned(),
    }
}

fn user() -> String {
    run(Command::new("id").arg("-un")).trim().to_owned()
}

/// Only root starts Postfix.
fn as_root(program: &str) -> Command {
    if user() == "root" {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}
