//! From a host's address to a connection that takes mail: greeting, EHLO or HELO, TLS, the log-in; and on to the next host.
//!
//! RFC 5321, 3.1, 3.2, 4.1.1.1 and 5.1; RFC 3207; RFC 4954.

use super::job::{Fate, Reason, TlsPolicy};
use super::login::Exchange;
use super::machine::{Client, NO_TLS, SHUTTING_DOWN, State, Then, later};
use super::offers::Offers;
use super::reply::{Class, Reply, Status};
use super::transaction::unfit;
use crate::machine::{Action, Target, TlsRole, Trust};

impl Client {
    /// Connects to the host whose turn it is, if there is one and mail is left.
    pub(super) fn connect(&mut self) {
        self.fresh();
        if self.waiting.is_empty() && !self.elsewhere.is_empty() {
            self.turn();
        }
        if self.waiting.is_empty() {
            self.state = State::Over;
            return;
        }
        let host = self.job.hosts.get(self.host);
        let (Some(host), false) = (host, self.draining) else {
            let words = match self.draining {
                true => SHUTTING_DOWN,
                false => "There is no host left to try",
            };
            return self.give_up(&Reason::found(Status(4, 3, 2), words));
        };
        let (address, port) = (host.address, host.port);
        self.ledger.host = Some(self.host);
        self.connections += 1;
        self.out.push_back(Action::Connect(Target { address, port }));
        self.await_for(self.settings.connect_ms, State::Connect);
    }

    /// The connection stands: TLS first, where it comes first.
    pub(super) fn begin(&mut self) {
        match self.job.tls {
            TlsPolicy::Implicit if !self.link.encrypted => self.begin_tls(),
            _ => self.await_for(self.settings.greeting_ms, State::Greeting),
        }
    }

    pub(super) fn greeted(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done if reply.code == 220 => self.say_hello(),
            Class::Done | Class::More => self.lost(unfit()),
            Class::Later | Class::Refused => self.turned_away(reply),
        }
    }

    fn say_hello(&mut self) {
        self.say(&format!("EHLO {}", self.job.hello));
        self.await_for(self.settings.greeting_ms, State::Hello { basic: false });
    }

    /// A server that does not know EHLO is greeted once more, and offers nothing (RFC 5321, 3.2).
    pub(super) fn welcomed(&mut self, reply: Reply, lines: &[String], basic: bool) {
        match reply.class() {
            Class::Done => {
                self.link.offers = if basic {
                    Offers::default()
                } else {
                    Offers::read(lines)
                };
                self.go_on();
            }
            Class::Refused if !basic => {
                self.say(&format!("HELO {}", self.job.hello));
                self.await_for(self.settings.greeting_ms, State::Hello { basic: true });
            }
            Class::More => self.lost(unfit()),
            Class::Later | Class::Refused => self.turned_away(reply),
        }
    }

    /// What comes before mail: TLS, the log-in.
    fn go_on(&mut self) {
        let offered = self.link.offers.start_tls && !self.in_the_clear;
        match self.job.tls {
            TlsPolicy::Opportunistic | TlsPolicy::Verified if offered && !self.link.encrypted => {
                self.say("STARTTLS");
                self.await_for(self.settings.greeting_ms, State::BeginTls);
            }
            TlsPolicy::Verified if !self.link.encrypted => {
                self.part(later(Status(4, 7, 4), "The server does not offer TLS"));
            }
            _ if self.link.logged_in => self.next_mail(),
            _ => self.log_in(),
        }
    }

    /// The handshake begins only where nothing came behind the server's word: whoever sits between us could have put it there
    /// (RFC 3207, 6).
    pub(super) fn may_begin_tls(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done if self.has_more() => self.tls_failed(NO_TLS),
            Class::Done => self.begin_tls(),
            Class::More => self.lost(unfit()),
            Class::Later | Class::Refused if reply.closes() || self.job.tls.is_strict() => {
                self.turned_away_for_now(reply);
            }
            Class::Later | Class::Refused => {
                self.in_the_clear = true;
                self.go_on();
            }
        }
    }

    fn begin_tls(&mut self) {
        let trust = match self.job.tls.is_strict() {
            true => Trust::Named,
            false => Trust::Anybody,
        };
        let host = self.job.hosts.get(self.host);
        let name = host.map(|host| host.name.clone()).unwrap_or_default();
        let role = TlsRole::Client { name, trust };
        self.out.push_back(Action::StartTls(role));
        self.await_for(self.settings.tls_ms, State::Handshake);
    }

    /// All that was learned before is forgotten (RFC 3207, 4.2).
    pub(super) fn encrypted(&mut self, summary: String) {
        self.tls = Some(summary);
        self.link.offers = Offers::default();
        self.link.encrypted = true;
        match self.job.tls {
            TlsPolicy::Implicit => self.await_for(self.settings.greeting_ms, State::Greeting),
            _ => self.say_hello(),
        }
    }

    /// Encryption that is not asked for may fail: the same host gets the mail in the clear, as it would if it did not offer TLS.
    pub(super) fn tls_failed(&mut self, why: &str) {
        self.out.push_back(Action::Disconnect);
        if self.job.tls.is_strict() || self.in_the_clear {
            let why = Reason::found_why(Status(4, 7, 5), "TLS has failed", why);
            return self.failed(Fate::Later(why));
        }
        self.in_the_clear = true;
        self.connect();
    }

    fn log_in(&mut self) {
        let Some(login) = &self.job.login else {
            return self.next_mail();
        };
        let is_safe = self.link.encrypted && self.job.tls.is_strict() || self.link.local;
        if !is_safe {
            let words = "The password is not given to a server that has not proven its name over TLS";
            return self.part(later(Status(4, 7, 4), words));
        }
        match Exchange::begin(login, &self.link.offers) {
            Some((line, exchange)) => {
                self.say(&line);
                self.await_for(self.settings.greeting_ms, State::Login(exchange));
            }
            None => self.part(later(
                Status(4, 7, 4),
                "The server offers no way to log in that is known here",
            )),
        }
    }

    pub(super) fn challenged(&mut self, reply: Reply, mut exchange: Exchange) {
        match reply.class() {
            Class::Done => {
                self.link.logged_in = true;
                self.next_mail();
            }
            Class::More => match exchange.respond() {
                Some(response) => {
                    self.say(&response);
                    self.await_for(self.settings.greeting_ms, State::Login(exchange));
                }
                None => self.lost(unfit()),
            },
            Class::Later | Class::Refused => self.turned_away_for_now(reply),
        }
    }

    /// The server wants no mail from us, now or ever: another one may (RFC 5321, 3.1; RFC 7504, 3).
    fn turned_away(&mut self, reply: Reply) {
        match reply.class() {
            Class::Refused => self.part(Fate::Refused(Reason::Replied(reply))),
            _ => self.turned_away_for_now(reply),
        }
    }

    /// What has to do with our settings or with its own is never the mail's fault.
    fn turned_away_for_now(&mut self, reply: Reply) {
        match reply.closes() {
            true => self.lost(Reason::Replied(reply)),
            false => self.part(Fate::Later(Reason::Replied(reply))),
        }
    }

    /// Nothing is to be done at this host: says goodbye and goes on to the next one.
    pub(super) fn part(&mut self, fate: Fate) {
        self.waiting.iter_mut().for_each(|mail| mail.fail(fate.clone()));
        self.leave(Then::NextHost);
    }

    /// Says QUIT. Its reply is waited for, but nothing depends on it (RFC 5321, 4.1.1.10).
    pub(super) fn leave(&mut self, then: Then) {
        self.say("QUIT");
        self.await_for(self.settings.quit_ms, State::Leave(then));
    }

    pub(super) fn left(&mut self, then: Then) {
        self.out.push_back(Action::Disconnect);
        match then {
            Then::NextHost => self.next_host(),
            Then::End => self.state = State::Over,
        }
    }

    pub(super) fn unreachable(&mut self, why: &str) {
        self.out.push_back(Action::Disconnect);
        let why = Reason::found_why(Status(4, 4, 1), "The server cannot be reached", why);
        self.failed(Fate::Later(why));
    }

    /// This host is of no use for anything that waits.
    pub(super) fn failed(&mut self, fate: Fate) {
        self.waiting.iter_mut().for_each(|mail| mail.fail(fate.clone()));
        self.next_host();
    }

    fn next_host(&mut self) {
        self.turn();
        self.connect();
    }

    /// What this host cannot be sent waits for the next one.
    fn turn(&mut self) {
        self.host += 1;
        self.in_the_clear = false;
        self.waiting.extend(self.elsewhere.drain(..));
    }
}
